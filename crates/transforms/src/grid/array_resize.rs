//! Arrays brought to a number of voxels by the rules of PyTorch's `interpolate`, each change by itself; labels are taken back by
//! its `nearest`, which is the voxel in which a new one begins.

use crate::Result;
use crate::map::LabelSampling;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use vesalius_filters::{OnGrid, ResampleOptions, resample, resized_grid};
use vesalius_volume::{LabelMap, Volume, check_memory};

/// The rule of an [`ArrayResize`], axis by axis: new voxel `i` of `m`, of `n` before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ArrayRule {
    /// The mean of the voxels from `floor(i · n / m)` up to `ceil((i + 1) · n / m)`.
    Area,
    /// The voxel `floor(i · n / m)`.
    Begin,
    /// The voxel `floor((i + ½) · n / m)`.
    Nearest,
    /// Linear between voxels, outer edges aligned.
    Linear,
}

/// A sampled change of the number of voxels over the same extent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArrayResize {
    /// Number of voxels after.
    pub size: [usize; 3],
    /// How values are computed.
    pub rule: ArrayRule,
    /// How labels are decided.
    #[serde(default)]
    pub labels: LabelSampling,
}

impl ArrayResize {
    /// The image on its new grid.
    pub(super) fn image(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        match self.rule {
            ArrayRule::Area => self.means(image),
            ArrayRule::Begin => self.begins(image),
            ArrayRule::Nearest => self.picked(image, 0.5),
            ArrayRule::Linear => {
                let target = resized_grid(image.geometry(), self.size)?;
                Ok(resample(image, &target, &ResampleOptions::monai())?)
            }
        }
    }

    /// Values on the new grid by the voxel in which each new one begins, whatever the rule.
    pub(super) fn begins<G: OnGrid>(&self, input: &G) -> Result<G> {
        self.picked(input, 0.0)
    }

    /// The voxel at this share of each new one.
    fn picked<G: OnGrid>(&self, input: &G, share: f32) -> Result<G> {
        let (from, to) = (input.grid().size(), self.size);
        let target = resized_grid(input.grid(), to)?;
        let channels = input.channel_count();
        check_memory(
            "the image on its new grid",
            to,
            channels,
            size_of::<G::Value>(),
            None,
        )?;
        let [x, y, z] = [0, 1, 2].map(|axis| places(from[axis], to[axis], share));
        let mut out = Vec::with_capacity(target.voxel_count() * channels);
        for channel in input.values().chunks_exact(from.iter().product()) {
            for slice in &z {
                for row in &y {
                    let row = &channel[(slice * from[1] + row) * from[0]..][..from[0]];
                    out.extend(x.iter().map(|&at| row[at]));
                }
            }
        }
        Ok(input.rebuild(target, out)?)
    }

    fn means(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        let (from, to) = (image.geometry().size(), self.size);
        let target = resized_grid(image.geometry(), to)?;
        check_memory(
            "the image on its new grid",
            to,
            image.channels(),
            size_of::<f32>(),
            None,
        )?;
        let parts = [0, 1, 2].map(|axis| touched(from[axis], to[axis]));
        let mut out = vec![0.0; target.voxel_count() * image.channels()];
        let [nx, ny, nz] = to;
        out.par_chunks_mut(nx).enumerate().for_each(|(row, out)| {
            let (y, z, channel) = (row % ny, row / ny % nz, row / (ny * nz));
            let source = image.channel(channel);
            for (value, x) in out.iter_mut().zip(&parts[0]) {
                let mut sum = 0.0;
                for slice in parts[2][z].clone() {
                    for row in parts[1][y].clone() {
                        let row = &source[(slice * from[1] + row) * from[0]..];
                        sum += row[x.clone()].iter().sum::<f32>();
                    }
                }
                let count = x.len() * parts[1][y].len() * parts[2][z].len();
                *value = sum / count as f32;
            }
        });
        Ok(Volume::new(target, image.channels(), out)?)
    }

    /// The same rule back to the number of voxels before.
    pub(super) fn back_to(&self, size: [usize; 3]) -> Self {
        Self { size, ..*self }
    }

    /// Labels back on the grid before.
    pub(super) fn labels_back(&self, labels: &LabelMap, size: [usize; 3]) -> Result<LabelMap> {
        self.back_to(size).begins(labels)
    }
}

/// The voxel at a share of each new one, as PyTorch computes it in single precision.
fn places(from: usize, to: usize, share: f32) -> Vec<usize> {
    let scale = from as f32 / to as f32;
    let last = from.saturating_sub(1);
    let place = |i: usize| ((i as f32 + share) * scale) as usize;
    (0..to).map(|i| place(i).min(last)).collect()
}

/// The voxels that each new one touches.
fn touched(from: usize, to: usize) -> Vec<Range<usize>> {
    (0..to)
        .map(|i| i * from / to..((i + 1) * from).div_ceil(to))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    fn row(values: &[f32]) -> Volume<f32> {
        let grid = Geometry::axis_aligned([values.len(), 1, 1], [1.0; 3]).unwrap();
        Volume::new(grid, 1, values.to_vec()).unwrap()
    }

    fn resized(values: &[f32], to: usize, rule: ArrayRule) -> Vec<f32> {
        let step = ArrayResize {
            size: [to, 1, 1],
            rule,
            labels: LabelSampling::Nearest,
        };
        step.image(&row(values)).unwrap().into_data()
    }

    /// What `torch.nn.functional.interpolate` of PyTorch 2.15 gave (mode `area`, `nearest`, `nearest-exact`, `linear`).
    #[test]
    fn rows_are_those_of_pytorch() {
        let values = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!(
            resized(&values, 2, ArrayRule::Area),
            [2.333_333_3, 9.333_333]
        );
        assert_eq!(
            resized(&values, 7, ArrayRule::Area),
            [1.0, 1.5, 3.0, 4.0, 6.0, 12.0, 16.0]
        );
        assert_eq!(resized(&values, 3, ArrayRule::Begin), [1.0, 2.0, 8.0]);
        assert_eq!(
            resized(&values, 7, ArrayRule::Begin),
            [1.0, 1.0, 2.0, 4.0, 4.0, 8.0, 16.0]
        );
        assert_eq!(resized(&values, 3, ArrayRule::Nearest), [1.0, 4.0, 16.0]);
        assert_eq!(resized(&values, 2, ArrayRule::Linear), [1.75, 10.0]);
    }
}
