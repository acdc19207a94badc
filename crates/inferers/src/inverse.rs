//! How the network's output becomes labels on the file's grid: which channels count, what is taken from the network's grid to
//! the file's, and from which probability a region is present.

use crate::{Error, PostprocessingStep, Result};
use serde::{Deserialize, Serialize};
use vesalius_registry::Registry;
use vesalius_tensor::Presence;
use vesalius_volume::LabelScheme;

/// What is resampled from the network's grid to the file's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Carried {
    /// Logits, which are activated on the file's grid.
    #[default]
    Logits,
    /// Probabilities, which become labels on the file's grid: MONAI's `Activations`, then `Invert`.
    Probabilities,
    /// Labels, by the nearest voxel: MONAI's `AsDiscrete`, then `Invert(nearest_interp=True)`.
    Labels,
}

/// The way from the network's output to labels on the file's grid.
///
/// ```
/// use vesalius_inferers::{Carried, Inverse};
///
/// let way: Inverse = serde_saphyr::from_str("{of: probabilities, channels: [1, 0, 2], at_least: 0.5}")?;
/// assert_eq!(way.of, Carried::Probabilities);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Inverse {
    /// What is resampled.
    pub of: Carried,
    /// The network's output channels that are the labels' channels, in the labels' order; others are left out. None means all
    /// in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<usize>,
    /// A region is present where its probability is this or more; none means above ½. With `of: logits`, what preprocessing
    /// cropped away has a logit of 0 and so a probability of ½ then, as in MONAI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f32>,
    /// What is done to the labels on the network's grid; with `of: labels` alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub postprocessing: Vec<PostprocessingStep>,
}

impl Inverse {
    /// Whether nothing differs from the usual.
    pub(crate) fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// From which probability a region is present.
    pub(crate) fn presence(&self) -> Presence {
        self.at_least.map_or(Presence::AboveHalf, Presence::AtLeast)
    }

    /// Channels that a network has at least, for these labels.
    pub(crate) fn needed_channels(&self, labels: &LabelScheme) -> usize {
        let last = self.channels.iter().max();
        last.map_or(labels.channels(), |last| last.saturating_add(1))
    }

    pub(crate) fn check(&self, labels: &LabelScheme) -> Result<()> {
        let bad = |key, found, expected| Err(Error::bad_value(key, found, expected));
        if !self.channels.is_empty() && self.channels.len() != labels.channels() {
            return bad(
                "inverse.channels",
                format!(
                    "{:?} for {} channels of the labels",
                    self.channels,
                    labels.channels()
                ),
                "one of the network's channels for each of the labels'",
            );
        }
        let twice = |i: usize| self.channels[..i].contains(&self.channels[i]);
        let is_exclusive = matches!(labels, LabelScheme::Exclusive { .. });
        if !self.channels.is_empty() && is_exclusive || (0..self.channels.len()).any(twice) {
            return bad(
                "inverse.channels",
                format!("{:?}", self.channels),
                "each channel once, and labels that are regions: a softmax needs all channels",
            );
        }
        match self.at_least {
            Some(_) if is_exclusive => {
                let found = "a threshold for exclusive labels".to_owned();
                return bad("inverse.at_least", found, "labels that are regions");
            }
            Some(least) if !(0.0..=1.0).contains(&least) => {
                let found = least.to_string();
                return bad("inverse.at_least", found, "a probability from 0 to 1");
            }
            _ => {}
        }
        if !self.postprocessing.is_empty() && self.of != Carried::Labels {
            return bad(
                "inverse.postprocessing",
                format!("steps with `of: {:?}`", self.of),
                "`of: labels`, as there are no labels on the network's grid otherwise",
            );
        }
        self.postprocessing
            .iter()
            .try_for_each(PostprocessingStep::check)
    }

    pub(crate) fn resolve(&mut self, registry: &Registry) -> Result<()> {
        let mut steps = self.postprocessing.iter_mut();
        steps.try_for_each(|step| step.resolve(registry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_named() {
        let regions = LabelScheme::regions(&[("a", &[1], 1), ("b", &[2], 2)]).unwrap();
        let exclusive = LabelScheme::exclusive(&[("a", 1)]).unwrap();
        let check = |text: &str, labels: &LabelScheme| {
            let way: Inverse = serde_saphyr::from_str(text).unwrap();
            way.check(labels).map_err(|error| error.to_string())
        };
        for text in [
            "{}",
            "{of: labels, postprocessing: [keep_largest: {}]}",
            "{channels: [4, 1], at_least: 0.3}",
        ] {
            check(text, &regions).unwrap();
        }
        for (text, labels, key) in [
            ("{channels: [4]}", &regions, "channels"),
            ("{channels: [1, 1]}", &regions, "channels"),
            ("{channels: [1, 0]}", &exclusive, "channels"),
            ("{at_least: 0.5}", &exclusive, "at_least"),
            ("{at_least: 1.5}", &regions, "at_least"),
            (
                "{of: logits, postprocessing: [keep_largest: {}]}",
                &regions,
                "postprocessing",
            ),
            (
                "{of: labels, postprocessing: [remove_small: {cubic_millimetres: -1}]}",
                &regions,
                "remove_small",
            ),
        ] {
            let refused = check(text, labels).unwrap_err();
            assert!(refused.contains(key), "{text}: {refused}");
        }
        assert!(serde_saphyr::from_str::<Inverse>("{off: labels}").is_err());
    }
}
