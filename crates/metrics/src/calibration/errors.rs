//! Brier score and negative log-likelihood: errors of probabilities without bins.

use super::input::{Checked, ProbabilityKind};
use crate::{Result, Target};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume};

/// Voxels that one thread sums. The parts do not depend on the number of threads.
const CHUNK: usize = 1 << 18;
/// The smallest probability that a logarithm is taken of.
const SMALLEST: f64 = 1e-12;

/// The mean errors of a probability map; both are smaller the better the probabilities are.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ProbabilityErrors {
    /// The Brier score of each channel: the mean of (probability - truth)², 0 to 1.
    pub brier: Vec<f64>,
    /// The negative log-likelihood, natural logarithm: of the true class of exclusive channels; of independent ones the
    /// mean over channels of that of inside and outside. Probabilities below 1e-12 count as that.
    pub negative_log_likelihood: f64,
    /// Voxels that count.
    pub voxels: u64,
}

impl ProbabilityErrors {
    /// The Brier score of all classes as Brier has it: the sum over channels, 0 to 2 for exclusive ones.
    pub fn brier_of_all(&self) -> f64 {
        self.brier.iter().sum()
    }
}

/// The Brier scores and the negative log-likelihood of a probability map; the arguments are those of
/// [`crate::reliability`]. `None` when every voxel is ignored.
///
/// # Errors
/// As [`crate::reliability`], bins left out; [`crate::Error::Probabilities`] also for exclusive channels when the labels of
/// a voxel belong to none or several of them.
///
/// ```
/// use vesalius_metrics::{ProbabilityKind, Target, probability_errors};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
/// let probabilities = Volume::new(grid, 2, vec![0.75_f32, 0.5, 0.25, 0.5])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1])?;
/// let classes = [Target::of_value(0), Target::of_value(1)];
/// let errors = probability_errors(&probabilities, &reference, &classes, ProbabilityKind::Exclusive, None)?.unwrap();
/// assert_eq!(errors.brier, [(0.0625 + 0.25) / 2.0; 2]);
/// assert_eq!(errors.negative_log_likelihood, -(0.75f64.ln() + 0.5f64.ln()) / 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn probability_errors<T: Label>(
    probabilities: &Volume<f32>,
    reference: &LabelMap<T>,
    channels: &[Target],
    kind: ProbabilityKind,
    ignore: Option<u32>,
) -> Result<Option<ProbabilityErrors>> {
    probability_errors_with(
        probabilities,
        reference,
        channels,
        kind,
        ignore,
        &Control::new(),
    )
}

/// As [`probability_errors`], cancelled between channels and followed in the stage `probability errors`.
///
/// # Errors
/// As [`probability_errors`]; [`crate::Error::Cancelled`].
pub fn probability_errors_with<T: Label>(
    probabilities: &Volume<f32>,
    reference: &LabelMap<T>,
    channels: &[Target],
    kind: ProbabilityKind,
    ignore: Option<u32>,
    control: &Control,
) -> Result<Option<ProbabilityErrors>> {
    control.check()?;
    let checked = Checked::new(probabilities, reference, channels, kind, ignore)?;
    let stage = control.stage("probability errors", checked.channels() as u64);
    let sums: Result<Vec<Sums>> = (0..checked.channels())
        .map(|channel| {
            control.check()?;
            let sums = sums(&checked, channel, kind);
            stage.advance(1);
            Ok(sums)
        })
        .collect();
    let sums = sums?;
    let voxels = sums.first().map_or(0, |channel| channel.voxels);
    if kind == ProbabilityKind::Exclusive {
        let inside: u64 = sums.iter().map(|channel| channel.inside).sum();
        if inside != voxels {
            return Err(crate::Error::Probabilities(format!(
                "{voxels} voxels have {inside} classes by their labels, expected one each; give each label to one channel, also 0"
            )));
        }
    }
    if voxels == 0 {
        return Ok(None);
    }
    let count = voxels as f64;
    let logarithms: f64 = sums.iter().map(|channel| channel.logarithms).sum();
    let terms = match kind {
        ProbabilityKind::Exclusive => count,
        ProbabilityKind::Independent => count * sums.len() as f64,
    };
    Ok(Some(ProbabilityErrors {
        brier: sums.iter().map(|channel| channel.squares / count).collect(),
        negative_log_likelihood: -logarithms / terms,
        voxels,
    }))
}

#[derive(Default)]
struct Sums {
    voxels: u64,
    inside: u64,
    squares: f64,
    logarithms: f64,
}

fn sums<T: Label>(checked: &Checked<'_, T>, channel: usize, kind: ProbabilityKind) -> Sums {
    let voxels = checked.reference.data().len();
    let parts: Vec<Sums> = (0..voxels.div_ceil(CHUNK))
        .into_par_iter()
        .map(|part| {
            let mut sums = Sums::default();
            let stretch = part * CHUNK..((part + 1) * CHUNK).min(voxels);
            checked.each(channel, stretch, |value, inside| {
                let value = f64::from(value);
                let wrong = if inside { 1.0 - value } else { value };
                sums.voxels += 1;
                sums.inside += u64::from(inside);
                sums.squares += wrong * wrong;
                if inside || kind == ProbabilityKind::Independent {
                    sums.logarithms += (1.0 - wrong).max(SMALLEST).ln();
                }
            });
            sums
        })
        .collect();
    parts.into_iter().fold(Sums::default(), |a, b| Sums {
        voxels: a.voxels + b.voxels,
        inside: a.inside + b.inside,
        squares: a.squares + b.squares,
        logarithms: a.logarithms + b.logarithms,
    })
}
