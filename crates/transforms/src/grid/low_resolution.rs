//! Simulating a scan of lower resolution: the image is subsampled and interpolated back.

use crate::config::{check_probability, check_range, check_share, config};
use crate::intensity::IntensityStep;
use crate::random::{between, each_channel};
use crate::transform::Configured;
use crate::{Axis, Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vesalius_filters::vectorised;
use vesalius_volume::Volume;

config! {
    /// Takes the nearest voxels of a coarser grid and interpolates linearly between them
    /// (batchgeneratorsv2's `SimulateLowResolutionTransform`); the grid and the labels stay.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, y, z]| ((x * 7 + y * 5 + z * 3) % 11) as f32);
    /// let subject = Subject::new("case_01", image.clone(), None)?;
    /// // Half the resolution, on the same grid.
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- low_resolution: {scale: [0.5, 0.5], channel_probability: 1, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry(), &grid);
    /// assert_ne!(result.image().data(), image.data());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    LowResolution, "low_resolution", {
        /// Least and largest share of the voxels along an axis.
        scale: [f64; 2] = [0.5, 1.0],
        /// A scale for each channel instead of one for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 0.5,
        /// Axes that keep their resolution.
        keep: Vec<Axis> = Vec::new(),
        /// How often it is done, 0 to 1.
        probability: f64 = 0.25,
    }
}

impl Configured for LowResolution {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "scale",
            self.scale,
            1e-3,
            "two positive numbers in rising order",
        )?;
        check_share(Self::NAME, "channel_probability", self.channel_probability)?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let size = case.geometry().size();
        let channels = each_channel(
            rng,
            case.channels(),
            self.per_channel,
            self.channel_probability,
            |rng| {
                let scale = between(rng, self.scale);
                std::array::from_fn(|axis| match self.keep.iter().any(|a| a.index() == axis) {
                    true => size[axis],
                    false => ((size[axis] as f64 * scale).round_ties_even() as usize).max(1),
                })
            },
        );
        let step = LowResolutionStep { channels };
        Ok(vec![Step::Intensity(IntensityStep::LowResolution(step))])
    }
}

/// The coarser sizes that were drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LowResolutionStep {
    /// The channels that take part and their coarser size `[x, y, z]`.
    pub channels: Vec<(usize, [usize; 3])>,
}

impl LowResolutionStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let size = image.geometry().size();
        let channels = image.channels();
        for &(channel, coarse) in self.channels.iter().filter(|(c, _)| *c < channels) {
            if coarse != size && !size.contains(&0) {
                let thinned = thin(image.channel(channel), size, coarse);
                widen(&thinned, coarse, image.channel_mut(channel), size);
            }
        }
        Ok(())
    }
}

/// The nearest voxel of each coarse one: PyTorch's `nearest-exact`.
fn thin(source: &[f32], size: [usize; 3], coarse: [usize; 3]) -> Vec<f32> {
    let pick: [Vec<usize>; 3] = std::array::from_fn(|axis| {
        let scale = size[axis] as f32 / coarse[axis] as f32;
        let at = |i: usize| ((i as f32 + 0.5) * scale) as usize;
        (0..coarse[axis])
            .map(|i| at(i).min(size[axis] - 1))
            .collect()
    });
    let mut out = vec![0.0; coarse.iter().product()];
    out.par_chunks_mut(coarse[0] * coarse[1])
        .enumerate()
        .for_each(|(z, slice)| {
            for (y, row) in slice.chunks_mut(coarse[0]).enumerate() {
                let from = &source[(pick[2][z] * size[1] + pick[1][y]) * size[0]..][..size[0]];
                for (value, x) in row.iter_mut().zip(&pick[0]) {
                    *value = from[*x];
                }
            }
        });
    out
}

/// For each index of the wide axis: the coarse index before it and the share of the one after.
fn taps(coarse: usize, wide: usize) -> (Vec<usize>, Vec<f32>) {
    let scale = coarse as f32 / wide as f32;
    (0..wide)
        .map(|i| {
            let at = ((i as f32 + 0.5) * scale - 0.5).max(0.0);
            let first = (at as usize).min(coarse - 1);
            (
                first,
                if first + 1 < coarse {
                    at - first as f32
                } else {
                    0.0
                },
            )
        })
        .unzip()
}

vectorised! {
    fn blend(a: &[f32], b: &[f32], share: f32, out: &mut [f32]) {
        let n = out.len();
        let (a, b) = (&a[..n], &b[..n]);
        for i in 0..n {
            out[i] = a[i] + (b[i] - a[i]) * share;
        }
    }
}

vectorised! {
    fn spread(line: &[f32], first: &[usize], share: &[f32], out: &mut [f32]) {
        let n = out.len();
        let (first, share) = (&first[..n], &share[..n]);
        for i in 0..n {
            let (a, b) = (line[first[i]], line[first[i] + 1]);
            out[i] = a + (b - a) * share[i];
        }
    }
}

/// Linear interpolation back to the wide grid: PyTorch's `trilinear`, `align_corners=False`.
fn widen(source: &[f32], coarse: [usize; 3], out: &mut [f32], size: [usize; 3]) {
    let axes: [(Vec<usize>, Vec<f32>); 3] = std::array::from_fn(|a| taps(coarse[a], size[a]));
    let plane = coarse[0] * coarse[1];
    out.par_chunks_mut(size[0] * size[1])
        .enumerate()
        .for_each_init(
            // A slice between two coarse ones, and a row of it with one value more to read past its end.
            || (vec![0.0; plane], vec![0.0; coarse[0] + 1]),
            |(slice, line), (z, target)| {
                let (first, share) = (axes[2].0[z], axes[2].1[z]);
                let next = (first + 1).min(coarse[2] - 1);
                blend(
                    &source[first * plane..][..plane],
                    &source[next * plane..][..plane],
                    share,
                    slice,
                );
                for (y, row) in target.chunks_mut(size[0]).enumerate() {
                    let (first, share) = (axes[1].0[y], axes[1].1[y]);
                    let next = (first + 1).min(coarse[1] - 1);
                    let (a, b) = (
                        &slice[first * coarse[0]..][..coarse[0]],
                        &slice[next * coarse[0]..][..coarse[0]],
                    );
                    blend(a, b, share, &mut line[..coarse[0]]);
                    line[coarse[0]] = line[coarse[0] - 1];
                    spread(line, &axes[0].0, &axes[0].1, row);
                }
            },
        );
}
