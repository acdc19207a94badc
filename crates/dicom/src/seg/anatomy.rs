//! Codes of SNOMED CT for names of organs and findings, from `anatomy.csv`, which `tests/parity/anatomy.py` writes.

use super::segment::Code;

const TABLE: &str = include_str!("anatomy.csv");

/// The codes of a name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub category: Code,
    pub kind: Code,
    pub modifier: Option<Code>,
    pub region: Option<Code>,
    pub region_modifier: Option<Code>,
}

/// The codes of a name, whatever its case, with spaces or hyphens for underscores; no name is guessed.
pub(crate) fn of(name: &str) -> Option<Known> {
    let plain = |c: char| {
        if matches!(c, ' ' | '-') {
            '_'
        } else {
            c.to_ascii_lowercase()
        }
    };
    let wanted: String = name.trim().chars().map(plain).collect();
    let row = TABLE.lines().skip(1).find(|row| {
        let name = row.split(',').next().unwrap_or_default();
        name.eq_ignore_ascii_case(&wanted)
    })?;
    let mut parts = row.split(',').skip(1);
    let mut code = || {
        let (value, meaning) = (parts.next()?, parts.next()?);
        (!value.is_empty()).then(|| Code::snomed(value, meaning))
    };
    Some(Known {
        category: code()?,
        kind: code()?,
        modifier: code(),
        region: code(),
        region_modifier: code(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_codes() {
        for row in TABLE.lines().skip(1) {
            assert_eq!(row.split(',').count(), 11, "{row}");
            let name = row.split(',').next().unwrap();
            let known = of(name).unwrap();
            for code in [
                Some(known.category),
                Some(known.kind),
                known.modifier,
                known.region,
            ]
            .into_iter()
            .flatten()
            {
                assert!(
                    code.value.bytes().all(|b| b.is_ascii_digit()) && code.value.len() <= 16,
                    "{row}"
                );
                assert!(
                    !code.meaning.is_empty() && code.meaning.len() <= 64,
                    "{row}"
                );
            }
        }
        assert!(TABLE.lines().count() > 200);
    }

    #[test]
    fn names_are_found_as_they_are_written_and_never_guessed() {
        assert_eq!(of("Liver").unwrap().kind.value, "10200004");
        assert_eq!(of("left kidney").unwrap().modifier.unwrap().meaning, "Left");
        assert_eq!(of("Kidney-Right"), of("kidney_right"));
        assert_eq!(of("vertebrae_L1").unwrap().kind.value, "66794005");
        assert_eq!(
            of("liver_tumour").unwrap().region.unwrap().value,
            "10200004"
        );
        assert!(of("livers").is_none() && of("").is_none() && of("Anterior").is_none());
    }
}
