//! What is scored: labels, or regions that are unions of labels, each with a key and a name.

use crate::{Error, Result};
use std::str::FromStr;
use vesalius_volume::LabelScheme;

/// One thing that is scored: the voxels whose label is one of `labels`.
///
/// ```
/// use vesalius_metrics::Target;
///
/// let label: Target = "2".parse()?;
/// assert_eq!((label.key.as_str(), label.labels), ("2", vec![2]));
/// let region: Target = "whole tumour=1+2+3".parse()?;
/// assert_eq!((region.key.as_str(), region.labels), ("whole tumour", vec![1, 2, 3]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its key in results: the value of a label (`1`), the name of a region (`whole tumour`).
    pub key: String,
    /// Its name for readers.
    pub name: String,
    /// The label values that belong to it.
    pub labels: Vec<u32>,
}

/// A label by its value (`2`), or a region by its name and the labels in it (`whole tumour=1+2+3`).
impl FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, values) = match text.split_once('=') {
            Some((name, values)) => (name.trim(), values),
            None => ("", text),
        };
        let labels: Option<Vec<u32>> = values.split('+').map(|v| v.trim().parse().ok()).collect();
        let region = text.contains('=');
        match labels.filter(|labels| region != name.is_empty() && (region || labels.len() == 1)) {
            Some(labels) if region => Ok(Self {
                key: name.to_owned(),
                name: name.to_owned(),
                labels,
            }),
            Some(labels) => Ok(Self::of_value(labels[0])),
            None => Err(Error::BadTargets(format!(
                "`{text}` is none; expected a label such as `2` or a region such as `core=2+3`"
            ))),
        }
    }
}

impl Target {
    /// A label, called by its value.
    pub fn of_value(value: u32) -> Self {
        Self {
            key: value.to_string(),
            name: format!("label {value}"),
            labels: vec![value],
        }
    }
}

/// All that is scored, and the label of voxels that are not.
///
/// ```
/// use vesalius_metrics::Targets;
/// use vesalius_volume::LabelScheme;
///
/// let scheme = LabelScheme::exclusive(&[("liver", 1), ("tumour", 2)])?.with_ignore(Some(255))?;
/// let targets = Targets::of_scheme(&scheme)?;
/// assert_eq!(targets.list().len(), 2, "the background is not scored");
/// assert_eq!(targets.list()[1].name, "tumour");
/// assert_eq!(targets.ignore(), Some(255));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    list: Vec<Target>,
    ignore: Option<u32>,
}

impl Targets {
    /// Targets in the order of the results. Voxels whose *reference* is `ignore` are not counted.
    ///
    /// # Errors
    /// [`Error::BadTargets`]: no target, a key used twice, a target without labels or with 0 or
    /// the ignored label among them.
    pub fn new(list: Vec<Target>, ignore: Option<u32>) -> Result<Self> {
        let bad = |message: String| Err(Error::BadTargets(message));
        if list.is_empty() {
            return bad(
                "no label is named; expected one foreground label or region at least".into(),
            );
        }
        for (i, target) in list.iter().enumerate() {
            if list[..i].iter().any(|other| other.key == target.key) {
                return bad(format!("`{}` is named twice", target.key));
            }
            if target.labels.is_empty() || target.labels.contains(&0) {
                return bad(format!(
                    "`{}` must have one or more label values other than 0, not {:?}",
                    target.key, target.labels
                ));
            }
            if ignore.is_some_and(|value| target.labels.contains(&value)) {
                return bad(format!("`{}` contains the ignored label", target.key));
            }
        }
        Ok(Self { list, ignore })
    }

    /// One target a label value, named after the value.
    ///
    /// # Errors
    /// As [`Targets::new`].
    pub fn of_values(values: &[u32]) -> Result<Self> {
        let targets = values.iter().map(|value| Target::of_value(*value));
        Self::new(targets.collect(), None)
    }

    /// The foreground of a label scheme: its labels under their values, or its regions under
    /// their names.
    ///
    /// # Errors
    /// As [`Targets::new`].
    pub fn of_scheme(scheme: &LabelScheme) -> Result<Self> {
        let by_value = matches!(scheme, LabelScheme::Exclusive { .. });
        let target = |(name, labels): (&str, Vec<u16>)| Target {
            key: if by_value {
                labels[0].to_string()
            } else {
                name.to_owned()
            },
            name: name.to_owned(),
            labels: labels.into_iter().map(u32::from).collect(),
        };
        // A scheme that was read without a check may hold a region without labels; `new` returns the error.
        let foreground = scheme.foreground();
        if let Some((name, _)) = foreground.iter().find(|(_, labels)| labels.is_empty()) {
            return Err(Error::BadTargets(format!("region `{name}` has no labels")));
        }
        Self::new(
            foreground.into_iter().map(target).collect(),
            scheme.ignore().map(u32::from),
        )
    }

    /// The targets, in the order of the results.
    pub fn list(&self) -> &[Target] {
        &self.list
    }

    /// The label whose voxels in the reference are not counted.
    pub fn ignore(&self) -> Option<u32> {
        self.ignore
    }

    /// The background and every label value of a target, rising, each once.
    pub fn values(&self) -> Vec<u32> {
        let mut values: Vec<u32> = std::iter::once(0)
            .chain(self.list.iter().flat_map(|t| t.labels.iter().copied()))
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_gives_values_or_names_as_keys() {
        let scheme = LabelScheme::exclusive(&[("anterior", 1), ("posterior", 2)]).unwrap();
        let targets = Targets::of_scheme(&scheme).unwrap();
        assert_eq!(targets.list()[1].key, "2");
        assert_eq!(targets.list()[1].name, "posterior");
        let scheme = LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap();
        let targets = Targets::of_scheme(&scheme).unwrap();
        assert_eq!(targets.list()[0].key, "whole");
        assert_eq!(targets.values(), [0, 1, 2]);
    }

    #[test]
    fn labels_and_regions_are_read_from_words() {
        let read = |text: &str| text.parse::<Target>();
        assert_eq!(read("2").unwrap(), Target::of_value(2));
        let core = read(" core = 2+ 3").unwrap();
        assert_eq!((core.key.as_str(), &core.labels[..]), ("core", &[2, 3][..]));
        for bad in ["", "core", "core=", "=1", "1+2", "core=1+x", "-1"] {
            let message = read(bad).unwrap_err().to_string();
            assert!(message.contains("core=2+3"), "{message}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(Targets::of_values(&[]).is_err());
        assert!(Targets::of_values(&[1, 1]).is_err());
        assert!(Targets::of_values(&[0]).is_err());
        let one = Targets::of_values(&[1]).unwrap().list;
        assert!(Targets::new(one, Some(1)).is_err());
    }
}
