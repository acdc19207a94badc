//! nnU-Net v2's `dataset.json`: what the channels are called and what the labels or regions mean.

use super::Ordered;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::Path;
use vesalius_volume::{Class, LabelScheme, Region};

/// The part of `dataset.json` that a model is made from; all other keys are kept.
///
/// ```
/// use vesalius_planning::nnunet::DatasetJson;
///
/// let dataset: DatasetJson = serde_json::from_str(r#"{
///     "channel_names": {"0": "CT"}, "numTraining": 20, "file_ending": ".nii.gz",
///     "labels": {"background": 0, "whole tumour": [1, 2], "core": 2}, "regions_class_order": [1, 2]
/// }"#)?;
/// assert_eq!(dataset.channels(), ["CT"]);
/// assert!(dataset.has_regions());
/// assert_eq!(dataset.label_scheme()?.channel_names(), ["whole tumour", "core"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetJson {
    /// `"0": "CT"`, `"1": …`: the name of each channel; `modality` in older files.
    #[serde(alias = "modality")]
    pub channel_names: Ordered<String>,
    /// Name and value or values; the order is that of a region model's channels.
    pub labels: Ordered<LabelValues>,
    /// For regions: the value that each paints, in the order of `labels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions_class_order: Option<Vec<u16>>,
    /// How many cases there are to train on.
    #[serde(
        rename = "numTraining",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub num_training: Option<usize>,
    /// What the files' names end with, such as `.nii.gz`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_ending: Option<String>,
    /// The name of nnU-Net's reader, where it is not to be guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwrite_image_reader_writer: Option<String>,
    /// Everything else: description, licence, reference, …
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// The value of a label, or the values that make a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a label value (0 to 65535), or a list of them for a region"
)]
pub enum LabelValues {
    /// A label.
    One(u16),
    /// A region.
    Several(Vec<u16>),
}

impl LabelValues {
    /// All values.
    pub fn values(&self) -> &[u16] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Several(values) => values,
        }
    }

    fn is_background(&self) -> bool {
        self.values().iter().all(|&value| value == 0)
    }
}

impl DatasetJson {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Plans`] with the file and what is wrong with it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        crate::json::read(path, "nnU-Net's dataset.json")
    }

    /// The file's text, as nnU-Net indents it.
    ///
    /// # Errors
    /// None for what a file could hold.
    pub fn to_json(&self) -> Result<String> {
        crate::json::text(self)
    }

    /// The channels' names in the order of their numbers.
    pub fn channels(&self) -> Vec<String> {
        let mut named: Vec<(usize, &String)> = self
            .channel_names
            .0
            .iter()
            .enumerate()
            .map(|(position, (number, name))| (number.parse().unwrap_or(position), name))
            .collect();
        named.sort_by_key(|(number, _)| *number);
        named.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Whether the labels are regions: as in nnU-Net, when one of them has several values.
    pub fn has_regions(&self) -> bool {
        let several = |label: &LabelValues| matches!(label, LabelValues::Several(v) if v.len() > 1);
        self.labels.values().any(several)
    }

    /// The value of the label called `ignore`, where there is one.
    fn ignore(&self) -> Option<u16> {
        match self.labels.get("ignore") {
            Some(LabelValues::One(value)) => Some(*value),
            _ => None,
        }
    }

    /// Every foreground label in rising order: the channels that a cascade adds to the image.
    pub fn foreground_labels(&self) -> Vec<u16> {
        let named = self.labels.0.iter().filter(|(name, _)| name != "ignore");
        let mut values: Vec<u16> = named
            .flat_map(|(_, label)| label.values().iter().copied())
            .filter(|&value| value != 0)
            .collect();
        values.sort_unstable();
        values.dedup();
        values
    }

    /// What a network's output channels mean: classes by their values, or regions in the file's order
    /// with the values that `regions_class_order` paints.
    ///
    /// # Errors
    /// [`Error::Labels`]: no background 0, regions without `regions_class_order` or with one of
    /// another length, or what [`LabelScheme::of_classes`] refuses.
    pub fn label_scheme(&self) -> Result<LabelScheme> {
        let bad = |reason: String| Err(Error::Labels { reason });
        match self.labels.get("background") {
            Some(LabelValues::One(0)) => {}
            _ => {
                return bad("`labels` of dataset.json must name `\"background\": 0`".to_owned());
            }
        }
        let ignore = self.ignore();
        let named = || self.labels.0.iter().filter(|(name, _)| name != "ignore");
        if !self.has_regions() {
            let mut classes: Vec<Class> = named()
                .filter_map(|(name, label)| {
                    let value = *label.values().first()?;
                    Some(Class {
                        name: name.clone(),
                        value,
                    })
                })
                .collect();
            classes.sort_by_key(|class| class.value);
            // nnU-Net's argmax gives the channel's number, not the label's value.
            if let Some((channel, class)) = (0u16..).zip(&classes).find(|(c, l)| *c != l.value) {
                return bad(format!(
                    "label `{}` has the value {}, nnU-Net's labels are consecutive: {channel} is expected",
                    class.name, class.value
                ));
            }
            return Ok(LabelScheme::of_classes(classes, ignore)?);
        }
        let regions: Vec<(&String, &LabelValues)> = named()
            .filter(|(_, label)| !label.is_background())
            .map(|(name, label)| (name, label))
            .collect();
        let paints = self.regions_class_order.as_deref().unwrap_or_default();
        if paints.len() != regions.len() {
            return bad(format!(
                "`regions_class_order` of dataset.json has {}, but there are {} regions; give one for each",
                vesalius_volume::counted(paints.len(), "value"),
                regions.len()
            ));
        }
        let regions = regions
            .into_iter()
            .zip(paints)
            .map(|((name, label), &paint)| Region {
                name: name.clone(),
                labels: label.values().to_vec(),
                paint,
            })
            .collect();
        Ok(LabelScheme::of_regions(regions, ignore)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> DatasetJson {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn region_channels_follow_the_file() {
        let dataset = read(
            r#"{"modality": {"1": "T2", "0": "T1"}, "labels": {"background": 0, "whole": [1, 2],
                "core": [2], "ignore": 3}, "regions_class_order": [1, 2], "licence": "none"}"#,
        );
        assert_eq!(dataset.channels(), ["T1", "T2"]);
        assert_eq!(dataset.foreground_labels(), [1, 2]);
        let scheme = dataset.label_scheme().unwrap();
        assert_eq!(scheme.channel_names(), ["whole", "core"]);
        assert_eq!(scheme.ignore(), Some(3));
        assert!(dataset.to_json().unwrap().contains("\"licence\": \"none\""));
    }

    #[test]
    fn labels_come_by_value() {
        let dataset = read(
            r#"{"channel_names": {"0": "CT"}, "labels": {"background": 0, "b": 2, "a": [1]}}"#,
        );
        assert_eq!(
            dataset.label_scheme().unwrap().channel_names(),
            ["background", "a", "b"]
        );
    }

    #[test]
    fn contradictions_are_named() {
        let says = |labels: &str, word: &str| {
            let text = format!(r#"{{"channel_names": {{}}, "labels": {labels}}}"#);
            let message = read(&text).label_scheme().unwrap_err().to_string();
            assert!(message.contains(word), "{message}");
        };
        says(r#"{"a": 1}"#, "background");
        says(r#"{"background": 0, "a": 2}"#, "consecutive");
        says(r#"{"background": 0, "a": [1, 2]}"#, "regions_class_order");
        let twice = r#"{"channel_names": {}, "labels": {"background": 0, "background": 0}}"#;
        assert!(serde_json::from_str::<DatasetJson>(twice).is_err());
    }
}
