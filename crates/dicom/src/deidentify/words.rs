//! Descriptions reduced to words that are known to name no one: terms of radiology, small numbers with units, names of
//! kernels and vertebrae. Everything else is dropped.

use std::collections::{BTreeSet, HashSet};
use std::sync::LazyLock;

static WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("words.txt").split_whitespace().collect());

/// Units that may follow a number.
const UNITS: [&str; 20] = [
    "", "mm", "cm", "m", "s", "ms", "min", "sec", "hz", "t", "kv", "kvp", "ma", "mas", "mgy",
    "deg", "d", "ch", "x", "ml",
];
/// What stands before the number of a kernel or a vertebra, or of the weight or the time of a sequence.
const STEMS: [&str; 22] = [
    "b", "br", "bl", "bf", "bv", "hr", "hc", "hf", "fc", "qr", "ur", "i", "j", "u", "h", "c", "t",
    "l", "s", "te", "tr", "ti",
];

/// The words of a description that stay, with single spaces between them; those of `identity` (in lower case) do not.
pub(crate) fn cleaned(text: &[u8], identity: &BTreeSet<String>) -> String {
    let text = String::from_utf8_lossy(text);
    let values = text.split('\\').map(|value| {
        let separates =
            |c: char| c.is_whitespace() || c.is_control() || "_,;()[]{}+*=&|#\"'^<>".contains(c);
        let pieces = value.split(separates).filter(|piece| !piece.is_empty());
        let mut kept: Vec<&str> = Vec::new();
        let mut number_before = false;
        for piece in pieces {
            for word in parts(piece) {
                let is_number = word.bytes().all(|b| b.is_ascii_digit());
                // Two numbers in a row may be a part of a date or of a telephone number.
                if is_number && number_before {
                    kept.pop_if(|last| last.bytes().all(|b| b.is_ascii_digit()));
                } else if is_harmless(word) && !identity.contains(&word.to_ascii_lowercase()) {
                    kept.push(word);
                }
                number_before = is_number;
            }
        }
        kept.join(" ")
    });
    let values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
    values.join("\\")
}

/// The parts of a piece between signs; nothing of one that may be a date or a number of several parts.
fn parts(piece: &str) -> Vec<&str> {
    let parts = || piece.split(['-', '/', ':', '.']);
    let numbers = parts()
        .filter(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .count();
    match numbers {
        // A decimal number with its unit.
        2 if parts().count() == 2 && piece.contains('.') => vec![piece],
        2.. => Vec::new(),
        _ => parts().filter(|part| !part.is_empty()).collect(),
    }
}

fn is_harmless(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    WORDS.contains(lower.as_str()) || is_measure(&lower) || is_numbered(&lower)
}

/// A number of at most three digits before the point, without leading zeros, and a unit.
fn is_measure(word: &str) -> bool {
    let end = word
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(word.len());
    let (number, unit) = word.split_at(end);
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let leads = whole.len() > 1 && whole.starts_with('0');
    (1..=3).contains(&whole.len()) && !leads && decimals.len() <= 2 && UNITS.contains(&unit)
}

/// `B30f`, `L5`, `b1000`, `TE30`.
fn is_numbered(word: &str) -> bool {
    let Some(start) = word.find(|c: char| c.is_ascii_digit()) else {
        return false;
    };
    let (stem, rest) = word.split_at(start);
    let digits = rest.trim_end_matches(['f', 's', 'h', 'd']);
    let most = if matches!(stem, "b" | "te" | "tr" | "ti") {
        4
    } else {
        2
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    STEMS.contains(&stem) && plain && digits.len() <= most && rest.len() - digits.len() <= 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        cleaned(
            text.as_bytes(),
            &BTreeSet::from(["brain".to_owned(), "doe".to_owned()]),
        )
    }

    #[test]
    fn terms_and_measures_stay() {
        for text in [
            "T1 post AX 2.5mm",
            "B30f",
            "ADC b1000",
            "CT Thorax 120kV",
            "FLAIR\\DWI",
        ] {
            let kept = clean(text);
            let same = kept == text || text.starts_with("T1") && kept == "T1 post 2.5mm";
            assert!(same, "{text}: {kept}");
        }
        assert_eq!(clean("t2_tse-tra"), "t2 tse tra");
    }

    #[test]
    fn names_dates_and_numbers_go() {
        for text in [
            "Doe^Jane",
            "Dr. Miller",
            "Brain",
            "12.03.2001",
            "12/03",
            "2001-03-12",
            "20010312",
            "12 03 2001",
            "0171 234 567",
            "0123456",
            "room",
            "jane@example.org",
            "M\u{fc}ller",
            "A12",
            "JD",
        ] {
            assert_eq!(clean(text), "", "{text}");
        }
        assert_eq!(clean("CT Jane thorax (Dr. Who)"), "CT thorax");
        assert_eq!(
            cleaned(b"liver \xff\xfe \x1b$B$", &BTreeSet::new()),
            "liver"
        );
    }
}
