//! Reliability diagrams and the calibration errors that follow from them.

use super::input::{Checked, ProbabilityKind};
use crate::{Error, Result, Target};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// Voxels that one thread counts before it passes its sums on. The parts do not depend on the number of threads.
const CHUNK: usize = 1 << 18;

/// Which bin a probability on the border of two belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum BinEdges {
    /// The lower one: bins are (low, high], and 0 is in the first. MONAI 1.6.1 with `right=False`, its default (whose
    /// text says the opposite).
    #[default]
    UpperClosed,
    /// The upper one: bins are [low, high), and 1 is in the last. MONAI 1.6.1 with `right=True`.
    LowerClosed,
}

/// Options of [`reliability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReliabilityOptions {
    /// Bins of equal width between 0 and 1.
    pub bins: usize,
    /// Where a probability on the border of two bins belongs.
    pub edges: BinEdges,
}

impl Default for ReliabilityOptions {
    /// 20 bins, as MONAI.
    fn default() -> Self {
        Self {
            bins: 20,
            edges: BinEdges::default(),
        }
    }
}

impl ReliabilityOptions {
    /// Another number of bins.
    #[must_use]
    pub fn with_bins(self, bins: usize) -> Self {
        Self { bins, ..self }
    }

    /// Other edges.
    #[must_use]
    pub fn with_edges(self, edges: BinEdges) -> Self {
        Self { edges, ..self }
    }
}

/// The voxels whose probability is in one bin.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// How many voxels.
    pub voxels: u64,
    /// The sum of their probabilities.
    pub probability: f64,
    /// How many of them belong to the channel in the reference.
    pub inside: u64,
}

impl ReliabilityBin {
    /// The mean probability; `None` in an empty bin.
    pub fn mean_probability(&self) -> Option<f64> {
        (self.voxels > 0).then(|| self.probability / self.voxels as f64)
    }

    /// The share of voxels that belong to the channel: what the probability should be. `None` in an empty bin.
    pub fn frequency(&self) -> Option<f64> {
        (self.voxels > 0).then(|| self.inside as f64 / self.voxels as f64)
    }

    /// How far both are apart.
    pub fn gap(&self) -> Option<f64> {
        Some((self.mean_probability()? - self.frequency()?).abs())
    }
}

/// A channel's probabilities against how often they are right: the points of a reliability diagram, and calibration
/// errors. Diagrams of several cases add up by [`ReliabilityDiagram::add`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ReliabilityDiagram {
    /// The bins, from 0 to 1.
    pub bins: Vec<ReliabilityBin>,
    /// How they were chosen.
    pub options: ReliabilityOptions,
}

impl ReliabilityDiagram {
    /// ECE: the mean gap over voxels. `None` without voxels.
    pub fn expected_error(&self) -> Option<f64> {
        let voxels: u64 = self.bins.iter().map(|bin| bin.voxels).sum();
        let gaps = self
            .bins
            .iter()
            .filter_map(|bin| Some(bin.gap()? * bin.voxels as f64));
        (voxels > 0).then(|| gaps.sum::<f64>() / voxels as f64)
    }

    /// ACE: the mean gap over bins that are not empty. `None` without voxels.
    pub fn average_error(&self) -> Option<f64> {
        crate::evaluation::mean(self.bins.iter().filter_map(ReliabilityBin::gap))
    }

    /// MCE: the largest gap. `None` without voxels.
    pub fn maximum_error(&self) -> Option<f64> {
        self.bins
            .iter()
            .filter_map(ReliabilityBin::gap)
            .reduce(f64::max)
    }

    /// Adds the voxels of another case.
    ///
    /// # Errors
    /// [`Error::BadOption`] when its bins are others.
    pub fn add(&mut self, other: &Self) -> Result<()> {
        if self.options != other.options {
            return Err(Error::BadOption {
                option: "the bins of a diagram to add",
                found: format!("{:?}", other.options),
                expected: "the same bins",
            });
        }
        for (bin, more) in self.bins.iter_mut().zip(&other.bins) {
            bin.voxels += more.voxels;
            bin.probability += more.probability;
            bin.inside += more.inside;
        }
        Ok(())
    }
}

/// The reliability diagram of each channel of a probability map. `channels[i]` are the labels that channel `i` claims
/// ([`Target::of_value`]`(0)` is the background); voxels whose reference is `ignore` do not count. ECE, ACE and MCE are
/// MONAI 1.6's `CalibrationErrorMetric`.
///
/// # Errors
/// [`Error::Volume`] when the grids differ; [`Error::Probabilities`] for values outside of 0 to 1 or NaN, another number of
/// channels than of labels, or exclusive classes that do not sum to 1 within 0.01; [`Error::BadOption`] for no bin or
/// more than 65,536.
///
/// ```
/// use vesalius_metrics::{ProbabilityKind, ReliabilityOptions, Target, reliability};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // A lesion's probability in four voxels; two of those with 0.9 are right.
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let probabilities = Volume::new(grid, 1, vec![0.9_f32, 0.9, 0.9, 0.1])?;
/// let reference = LabelMap::new(grid, vec![1_u16, 1, 0, 0])?;
/// let options = ReliabilityOptions::default().with_bins(10);
/// let lesion = [Target::of_value(1)];
/// let found = reliability(&probabilities, &reference, &lesion, ProbabilityKind::Independent, None, &options)?;
/// let expected = (3.0 * (0.9 - 2.0 / 3.0) + 0.1) / 4.0;
/// assert!((found[0].expected_error().unwrap() - expected).abs() < 1e-6);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn reliability<T: Label>(
    probabilities: &Volume<f32>,
    reference: &LabelMap<T>,
    channels: &[Target],
    kind: ProbabilityKind,
    ignore: Option<u32>,
    options: &ReliabilityOptions,
) -> Result<Vec<ReliabilityDiagram>> {
    reliability_with(
        probabilities,
        reference,
        channels,
        kind,
        ignore,
        options,
        &Control::new(),
    )
}

/// As [`reliability`], cancelled between channels and followed in the stage `reliability`.
///
/// # Errors
/// As [`reliability`]; [`Error::Cancelled`].
pub fn reliability_with<T: Label>(
    probabilities: &Volume<f32>,
    reference: &LabelMap<T>,
    channels: &[Target],
    kind: ProbabilityKind,
    ignore: Option<u32>,
    options: &ReliabilityOptions,
    control: &Control,
) -> Result<Vec<ReliabilityDiagram>> {
    if !(1..=1 << 16).contains(&options.bins) {
        return Err(Error::BadOption {
            option: "the number of bins",
            found: options.bins.to_string(),
            expected: "1 to 65536",
        });
    }
    control.check()?;
    let checked = Checked::new(probabilities, reference, channels, kind, ignore)?;
    let stage = control.stage("reliability", checked.channels() as u64);
    let limits = upper_limits(options.bins);
    let channel = |channel: usize| {
        control.check()?;
        let bins = counted(&checked, channel, &limits, options);
        stage.advance(1);
        Ok(ReliabilityDiagram {
            bins,
            options: *options,
        })
    };
    (0..checked.channels()).map(channel).collect()
}

/// The bins' upper limits in single precision, the last one a little above 1, as MONAI has them.
fn upper_limits(bins: usize) -> Vec<f32> {
    let (start, end) = (0.0f32, 1.0 + f32::EPSILON);
    let step = (end - start) / bins as f32;
    // From both ends, as torch.linspace does.
    let limit = |i: usize| match i < bins.div_ceil(2) {
        true => start + step * i as f32,
        false => end - step * (bins - i) as f32,
    };
    (1..=bins).map(limit).collect()
}

fn counted<T: Label>(
    checked: &Checked<'_, T>,
    channel: usize,
    limits: &[f32],
    options: &ReliabilityOptions,
) -> Vec<ReliabilityBin> {
    let last = limits.len() - 1;
    let place = |value: f32| {
        let below = match options.edges {
            BinEdges::UpperClosed => limits.partition_point(|limit| *limit < value),
            BinEdges::LowerClosed => limits.partition_point(|limit| *limit <= value),
        };
        below.min(last)
    };
    let voxels = checked.reference.data().len();
    let parts: Vec<Vec<ReliabilityBin>> = (0..voxels.div_ceil(CHUNK))
        .into_par_iter()
        .map(|part| {
            let mut bins = vec![ReliabilityBin::default(); limits.len()];
            let stretch = part * CHUNK..((part + 1) * CHUNK).min(voxels);
            checked.each(channel, stretch, |value, inside| {
                let bin = &mut bins[place(value)];
                bin.voxels += 1;
                bin.probability += f64::from(value);
                bin.inside += u64::from(inside);
            });
            bins
        })
        .collect();
    let mut sum = vec![ReliabilityBin::default(); limits.len()];
    for part in parts {
        for (bin, more) in sum.iter_mut().zip(part) {
            bin.voxels += more.voxels;
            bin.probability += more.probability;
            bin.inside += more.inside;
        }
    }
    sum
}
