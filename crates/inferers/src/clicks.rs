//! Clicks as channels of a network's input: a Gaussian at each click, a channel for each label (DeepEdit).

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use vesalius_filters::integrated_gaussian_kernel;
use vesalius_volume::Volume;

/// The Gaussian ends at so many deviations, as in MONAI.
const TRUNCATE: f64 = 4.0;

/// The last channels of a network's input, which hold clicks: one for each label, with a Gaussian at each click, scaled to 0
/// to 1. (Diaz-Pinto et al., "DeepEdit", 2022; MONAI's `AddGuidanceSignalDeepEditd`.)
///
/// The preprocessing adds these channels as zeros (`add_channels`); an [`InteractiveSegmenter`](crate::InteractiveSegmenter)
/// draws clicks into them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClickChannels {
    /// What the clicks of each channel are of, in the order of the channels; the background is one of them where clicks say
    /// where a label is not.
    pub labels: Vec<String>,
    /// The Gaussian's standard deviation in voxels of the network's grid.
    #[serde(default = "three")]
    pub sigma: f64,
}

fn three() -> f64 {
    3.0
}

impl ClickChannels {
    /// Checks that there are labels, each once, and that the Gaussian has a width.
    ///
    /// # Errors
    /// [`Error::BadModel`].
    pub fn check(&self) -> Result<()> {
        let bad = |reason: String| Err(Error::BadModel(reason));
        let mut names = BTreeSet::new();
        if let Some(twice) = self.labels.iter().find(|name| !names.insert(*name)) {
            return bad(format!("`clicks.labels` names `{twice}` twice"));
        }
        if self.labels.is_empty() {
            return bad("`clicks.labels` is empty; name a label for each channel".to_owned());
        }
        if !(self.sigma > 0.0 && self.sigma <= 1000.0) {
            let sigma = self.sigma;
            return bad(format!(
                "`clicks.sigma` is {sigma}, expected voxels above 0, and at most 1000"
            ));
        }
        Ok(())
    }

    /// Draws clicks into the last channels of the network's input: for each channel the voxels that are clicked.
    pub(crate) fn draw(
        &self,
        clicked: &[BTreeSet<[usize; 3]>],
        input: &mut Volume<f32>,
    ) -> Result<()> {
        let channels = input.channels();
        let Some(first) = channels.checked_sub(self.labels.len()).filter(|n| *n > 0) else {
            return Err(Error::BadModel(format!(
                "the network's input has {} after the preprocessing, of which {} are to be those of clicks",
                vesalius_volume::counted(channels, "channel"),
                self.labels.len()
            )));
        };
        let kernel = integrated_gaussian_kernel(self.sigma, TRUNCATE)?;
        let size = input.geometry().size();
        let voxels = input.geometry().voxel_count();
        for (number, clicked) in clicked.iter().enumerate() {
            let start = (first + number) * voxels;
            let channel = &mut input.data_mut()[start..start + voxels];
            if clicked.is_empty() {
                channel.fill(0.0);
                continue;
            }
            scaled(&gaussians(clicked, size, &kernel), channel);
        }
        Ok(())
    }
}

/// The sum of a Gaussian at each voxel that is clicked.
fn gaussians(clicked: &BTreeSet<[usize; 3]>, size: [usize; 3], kernel: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; size.iter().product()];
    let reach = kernel.len() / 2;
    // Along an axis: voxels within the reach, each with its weight.
    let along = |axis: usize, at: usize| {
        let from = at.saturating_sub(reach);
        let to = (at + reach + 1).min(size[axis]);
        (from..to).map(move |n| (n, kernel[n + reach - at]))
    };
    for &[x0, y0, z0] in clicked {
        for (z, wz) in along(2, z0) {
            for (y, wy) in along(1, y0) {
                let row = (z * size[1] + y) * size[0];
                for (x, wx) in along(0, x0) {
                    sum[row + x] += wx * wy * wz;
                }
            }
        }
    }
    sum
}

/// The same scaled to 0 to 1.
fn scaled(sum: &[f64], channel: &mut [f32]) {
    let least = sum.iter().copied().fold(f64::INFINITY, f64::min);
    let most = sum.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = match most > least {
        true => most - least,
        false => 1.0,
    };
    for (value, sum) in channel.iter_mut().zip(sum) {
        *value = ((sum - least) / range) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn clicks_are_gaussians_from_0_to_1() {
        let clicks = ClickChannels {
            labels: vec!["organ".to_owned(), "background".to_owned()],
            sigma: 1.0,
        };
        let grid = Geometry::axis_aligned([9, 7, 5], [1.0; 3]).unwrap();
        let mut input = Volume::new(grid, 3, vec![7.0; 3 * 9 * 7 * 5]).unwrap();
        let clicked = [BTreeSet::from([[4, 3, 2]]), BTreeSet::new()];
        clicks.draw(&clicked, &mut input).unwrap();
        assert_eq!(input.get(0, [4, 3, 2]), 7.0);
        assert_eq!(input.get(1, [4, 3, 2]), 1.0);
        assert_eq!(input.get(1, [3, 3, 2]), input.get(1, [5, 3, 2]));
        let kernel = integrated_gaussian_kernel(1.0, 4.0).unwrap();
        let expected = (kernel[5] / kernel[4]) as f32;
        assert!((input.get(1, [5, 3, 2]) - expected).abs() < 1e-3);
        assert_eq!(input.get(2, [4, 3, 2]), 0.0);
        let mut single = Volume::filled(grid, 0.0f32);
        let error = clicks.draw(&clicked, &mut single).unwrap_err();
        assert!(error.to_string().contains("1 channel"), "{error}");
    }

    /// What MONAI stored (`tests/parity/clicks.py`).
    #[derive(Deserialize)]
    struct Stored {
        size: [usize; 3],
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        sigma: f64,
        clicks: std::collections::BTreeMap<String, Vec<[usize; 3]>>,
        channels: Vec<Vec<f32>>,
    }

    #[test]
    fn channels_are_those_of_monai() {
        let stored: Stored =
            serde_json::from_str(include_str!("../tests/data/clicks.json")).unwrap();
        let grid = Geometry::axis_aligned(stored.size, [1.0; 3]).unwrap();
        for case in stored.cases {
            let labels = ["organ", "background"];
            let clicks = ClickChannels {
                labels: labels.map(str::to_owned).to_vec(),
                sigma: case.sigma,
            };
            let clicked = labels.map(|label| case.clicks[label].iter().copied().collect());
            let mut input = Volume::new(grid, 3, vec![0.0; 3 * grid.voxel_count()]).unwrap();
            clicks.draw(&clicked, &mut input).unwrap();
            let found = input.data()[grid.voxel_count()..].iter();
            for (found, expected) in found.zip(case.channels.iter().flatten()) {
                assert!((found - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn descriptions_of_clicks_are_checked() {
        for (text, expected) in [
            ("labels: []", "is empty"),
            ("labels: [a, a]", "`a` twice"),
            ("{labels: [a], sigma: 0}", "`clicks.sigma` is 0"),
        ] {
            let clicks: ClickChannels = serde_saphyr::from_str(text).unwrap();
            let error = clicks.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
