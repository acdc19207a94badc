//! Gaussian blur with the short kernels that augmentation uses.

use super::IntensityStep;
use crate::config::{check_probability, check_range, check_share, config};
use crate::random::{between, each_channel};
use crate::transform::Configured;
use crate::{Context, Result, Step};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use vesalius_filters::vectorised;
use vesalius_volume::Volume;

/// A kernel is about this many deviations long.
const LENGTH: f64 = 6.0;
/// Slices that a thread blurs as one block.
const SLAB: usize = 16;

config! {
    /// Blurs with a sampled Gaussian, the image mirrored at its border voxels (batchgeneratorsv2's
    /// `GaussianBlurTransform`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([9, 9, 9], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |at| if at == [4, 4, 4] { 100.0 } else { 0.0 });
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str(
    ///     "- blur: {sigma: [1, 1], channel_probability: 1, probability: 1}",
    /// )?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// let sum: f32 = result.image().data().iter().sum();
    /// assert!((sum - 100.0).abs() < 0.1, "the sum is kept");
    /// assert!(result.image().get(0, [4, 4, 4]) < 10.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Blur, "blur", {
        /// Least and largest standard deviation, in voxels.
        sigma: [f64; 2] = [0.5, 1.0],
        /// A deviation for each axis instead of one for all.
        per_axis: bool = true,
        /// Deviations for each channel instead of one set for all.
        per_channel: bool = true,
        /// How often a channel takes part, 0 to 1.
        channel_probability: f64 = 0.5,
        /// How often it is done, 0 to 1.
        probability: f64 = 0.2,
    }
}

impl Configured for Blur {
    fn check(&self) -> Result<()> {
        check_range(
            Self::NAME,
            "sigma",
            self.sigma,
            1e-3,
            "two positive numbers of voxels in rising order",
        )?;
        check_share(Self::NAME, "channel_probability", self.channel_probability)?;
        check_probability(Self::NAME, self.probability)
    }

    fn sample(&self, case: &Context<'_>, rng: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        if !rng.random_bool(self.probability) {
            return Ok(Vec::new());
        }
        let channels = each_channel(
            rng,
            case.channels(),
            self.per_channel,
            self.channel_probability,
            |rng| {
                let one = between(rng, self.sigma);
                [0; 3].map(|_| {
                    if self.per_axis {
                        between(rng, self.sigma)
                    } else {
                        one
                    }
                })
            },
        );
        Ok(vec![Step::Intensity(IntensityStep::Blur(BlurStep {
            channels,
        }))])
    }
}

/// Deviations of the channels that take part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BlurStep {
    /// Channel, and its deviations along `[x, y, z]` in voxels.
    pub channels: Vec<(usize, [f64; 3])>,
}

impl BlurStep {
    pub(crate) fn apply(&self, image: &mut Volume<f32>) -> Result<()> {
        let size = image.geometry().size();
        if size.contains(&0) {
            return Ok(());
        }
        let channels = image.channels();
        for &(channel, sigma) in self.channels.iter().filter(|c| c.0 < channels) {
            let kernels: [Vec<f32>; 3] = std::array::from_fn(|a| {
                if size[a] > 1 {
                    kernel(sigma[a])
                } else {
                    vec![1.0]
                }
            });
            let source = image.channel(channel).to_vec();
            blur(&source, size, &kernels, image.channel_mut(channel));
        }
        Ok(())
    }
}

/// Half a kernel, the centre's weight first: an odd number of samples, about six deviations.
fn kernel(sigma: f64) -> Vec<f32> {
    let wanted = sigma * LENGTH + 0.5;
    let rounded = wanted.round_ties_even();
    let length = match rounded as i64 % 2 {
        1 => rounded,
        _ if wanted >= rounded => rounded + 1.0,
        _ => rounded - 1.0,
    };
    let half = (length.max(1.0) as usize - 1) / 2;
    let weights: Vec<f64> = (0..=half)
        .map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp())
        .collect();
    let sum = weights[0] + 2.0 * weights[1..].iter().sum::<f64>();
    weights.iter().map(|w| (w / sum) as f32).collect()
}

/// An index mirrored at the border voxels.
fn mirrored(index: i64, length: usize) -> usize {
    if length == 1 {
        return 0;
    }
    let period = 2 * (length as i64 - 1);
    let folded = index.rem_euclid(period);
    folded.min(period - folded) as usize
}

/// Slabs of slices: each input slice is blurred along x and y once per slab, then mixed along z.
fn blur(source: &[f32], size: [usize; 3], kernels: &[Vec<f32>; 3], out: &mut [f32]) {
    let plane = size[0] * size[1];
    let reach = kernels[2].len() - 1;
    out.par_chunks_mut(plane * SLAB).enumerate().for_each_init(
        || Scratch::new(size, reach),
        |scratch, (slab, out)| {
            let first = (slab * SLAB) as i64;
            let count = out.len() / plane;
            let slices = count + 2 * reach;
            for k in 0..slices {
                let z = mirrored(first + k as i64 - reach as i64, size[2]);
                scratch.plane(&source[z * plane..(z + 1) * plane], size, kernels, k);
            }
            for (i, target) in out.chunks_mut(plane).enumerate() {
                let slice = |k: usize| &scratch.planes[k * plane..(k + 1) * plane];
                let centre = i + reach;
                weigh(slice(centre), kernels[2][0], target);
                for (d, &weight) in kernels[2].iter().enumerate().skip(1) {
                    add_pair(slice(centre - d), slice(centre + d), weight, target);
                }
            }
        },
    );
}

/// Blurred slices of a slab, and a row with its mirrored ends.
struct Scratch {
    planes: Vec<f32>,
    along_x: Vec<f32>,
    row: Vec<f32>,
}

impl Scratch {
    fn new(size: [usize; 3], reach: usize) -> Self {
        let plane = size[0] * size[1];
        Self {
            planes: vec![0.0; plane * (SLAB + 2 * reach)],
            along_x: vec![0.0; plane],
            row: Vec::new(),
        }
    }

    /// Blurs a slice along x and y into place `k`.
    fn plane(&mut self, source: &[f32], size: [usize; 3], kernels: &[Vec<f32>; 3], k: usize) {
        let ([nx, ny, _], reach) = (size, kernels[0].len() - 1);
        self.row.resize(nx + 2 * reach, 0.0);
        for (from, to) in source.chunks(nx).zip(self.along_x.chunks_mut(nx)) {
            self.row[reach..reach + nx].copy_from_slice(from);
            for i in 0..reach {
                self.row[i] = from[mirrored(i as i64 - reach as i64, nx)];
                self.row[reach + nx + i] = from[mirrored((nx + i) as i64, nx)];
            }
            weigh(&self.row[reach..reach + nx], kernels[0][0], to);
            for (d, &weight) in kernels[0].iter().enumerate().skip(1) {
                add_pair(
                    &self.row[reach - d..][..nx],
                    &self.row[reach + d..][..nx],
                    weight,
                    to,
                );
            }
        }
        let plane = &mut self.planes[k * nx * ny..(k + 1) * nx * ny];
        for (y, to) in plane.chunks_mut(nx).enumerate() {
            let row = |y: i64| &self.along_x[mirrored(y, ny) * nx..][..nx];
            weigh(row(y as i64), kernels[1][0], to);
            for (d, &weight) in kernels[1].iter().enumerate().skip(1) {
                add_pair(row(y as i64 - d as i64), row((y + d) as i64), weight, to);
            }
        }
    }
}

vectorised! {
    fn weigh(from: &[f32], weight: f32, to: &mut [f32]) {
        let n = to.len();
        let from = &from[..n];
        for i in 0..n {
            to[i] = from[i] * weight;
        }
    }
}

vectorised! {
    fn add_pair(a: &[f32], b: &[f32], weight: f32, to: &mut [f32]) {
        let n = to.len();
        let (a, b) = (&a[..n], &b[..n]);
        for i in 0..n {
            to[i] += (a[i] + b[i]) * weight;
        }
    }
}
