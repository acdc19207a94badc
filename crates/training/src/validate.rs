//! Held-out cases scored: segmented whole on their files' own grids, or a fixed sample of patches.

use crate::source::CaseSource;
use crate::{Batch, Error, Event, PatchSampler, Result};
use vesalius_control::Control;
use vesalius_inferers::{AxisOrder, Inferer, TurnedNetwork, labels_on_file};
use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius_networks::Network;
use vesalius_tensor::{Device, LogitsSlab, tensor_from_values, values_of};
use vesalius_volume::{LabelMap, LabelScheme};

/// What a validation found.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Mean Dice over foreground labels.
    pub dice: f64,
    /// Dice of each foreground label or region.
    pub labels: Vec<(String, f64)>,
    /// Dice of each case, the worst first; nothing where patches were scored.
    pub cases: Vec<(String, f64)>,
}

/// The labels that a network gives to a preprocessed case, on the grid of its file.
///
/// # Errors
/// A network whose output does not fit; [`Error::Cancelled`].
pub(crate) fn segment(
    network: &Network,
    case: &crate::Case,
    scheme: &LabelScheme,
    inferer: &Inferer,
    device: &Device,
    control: &Control,
) -> Result<LabelMap> {
    let network = TurnedNetwork {
        network,
        order: AxisOrder::Zyx,
    };
    let failed = |source| match Error::from(source) {
        Error::Inferer(source) => Error::Validation {
            case: case.subject.name().to_owned(),
            source: Box::new(source),
        },
        // That the work was cancelled is no failure of the case.
        other => other,
    };
    let logits = inferer.run_controlled(case.subject.image(), &network, device, control);
    let logits = logits.map_err(failed)?;
    let grid = match case.reference() {
        Some(reference) => reference.geometry(),
        None => case.subject.geometry(),
    };
    labels_on_file(logits, grid, case.coverage.as_ref(), scheme).map_err(failed)
}

/// Scores a network on whole cases with labels. Cases that are broken are left out: they were named
/// when they were found.
///
/// # Errors
/// A network whose output does not fit, or a case that cannot be scored;
/// [`Error::Cancelled`].
pub fn validate(
    network: &Network,
    cases: &dyn CaseSource,
    scheme: &LabelScheme,
    inferer: &Inferer,
    device: &Device,
    control: &Control,
    observer: &mut dyn FnMut(&Event),
) -> Result<Evaluation> {
    let evaluator = Evaluator::new(Targets::of_scheme(scheme)?, vec![Measure::Dice]);
    let count = cases.names().len();
    let broken = cases.broken();
    let stage = control.stage("validation", count as u64);
    let mut scores = Vec::with_capacity(count);
    for (index, name) in cases.names().iter().enumerate() {
        control.check()?;
        if broken.iter().any(|(broken, _)| broken == name) {
            continue;
        }
        let case = cases.lend(index)?.whole()?;
        if let Some(reference) = case.reference() {
            let prediction = segment(network, &case, scheme, inferer, device, stage.control())?;
            scores.push(evaluator.case(name, reference, &prediction)?);
        }
        stage.advance(1);
        observer(&Event::ValidatedCase {
            done: index + 1,
            cases: count,
        });
    }
    Ok(Evaluation::new(scores)?)
}

/// An evaluation as the run's own scores.
pub(crate) fn scores_of(evaluation: &Evaluation, scheme: &LabelScheme) -> Scores {
    let targets = evaluation.targets().map(|t| t.list()).unwrap_or_default();
    let labels = scheme
        .foreground()
        .iter()
        .zip(targets)
        .map(|((name, _), target)| {
            let summary = evaluation.summary(&target.key, "dice");
            let mean = summary.and_then(|summary| summary.mean);
            ((*name).to_owned(), mean.unwrap_or(0.0))
        })
        .collect();
    let cases = evaluation.worst_first("dice");
    Scores {
        dice: evaluation.mean("dice").unwrap_or(0.0),
        labels,
        cases: cases
            .into_iter()
            .filter_map(|case| Some((case.case.clone(), case.mean("dice")?)))
            .collect(),
    }
}

/// Scores a network on the first `patches` patches of a sampler that augments nothing: overlaps are
/// added up over all of them before they are divided (nnU-Net's pseudo-Dice). A label that neither
/// occurs nor is found counts in no mean.
///
/// # Errors
/// A batch size of 0, a patch that cannot be cut, a network whose output does not fit; [`Error::Cancelled`].
pub fn validate_patches(
    network: &Network,
    sampler: &mut PatchSampler,
    patches: u64,
    batch_size: usize,
    scheme: &LabelScheme,
    device: &Device,
    control: &Control,
) -> Result<Scores> {
    if batch_size == 0 {
        return crate::config::bad("batch_size", 0, "at least 1");
    }
    let foreground = scheme.foreground();
    let mut overlaps = vec![[0u64; 3]; foreground.len()];
    let batches = patches.div_ceil(batch_size as u64);
    let stage = control.stage("validation", batches);
    for number in 0..batches {
        control.check()?;
        let batch = sampler.batch(number, batch_size)?;
        let predicted = predict(network, &batch, scheme, device)?;
        for (overlap, (_, values)) in overlaps.iter_mut().zip(&foreground) {
            for (&truth, &found) in batch.labels.iter().zip(&predicted) {
                // What is to be ignored counts neither as hit nor as miss.
                if scheme.ignore().map(i32::from) == Some(truth) {
                    continue;
                }
                let is = u16::try_from(truth).is_ok_and(|truth| values.contains(&truth));
                let was = values.contains(&found);
                overlap[0] += u64::from(is && was);
                overlap[1] += u64::from(is);
                overlap[2] += u64::from(was);
            }
        }
        stage.advance(1);
    }
    let dice: Vec<Option<f64>> = overlaps
        .iter()
        .map(|[both, is, was]| (is + was > 0).then(|| 2.0 * *both as f64 / (is + was) as f64))
        .collect();
    let counted: Vec<f64> = dice.iter().flatten().copied().collect();
    let names = foreground.iter().map(|(name, _)| (*name).to_owned());
    Ok(Scores {
        dice: counted.iter().sum::<f64>() / counted.len().max(1) as f64,
        labels: names.zip(dice.iter().map(|d| d.unwrap_or(0.0))).collect(),
        cases: Vec::new(),
    })
}

/// The label of each voxel of a batch.
fn predict(
    network: &Network,
    batch: &Batch,
    scheme: &LabelScheme,
    device: &Device,
) -> Result<Vec<u16>> {
    let [n, c, z, y, x] = batch.shape;
    let images = tensor_from_values(batch.images.clone(), n, c, [x, y, z], device)?;
    let output = network.try_forward(images)?.swap_remove(0);
    let values = values_of(output)?;
    let each = values.len() / n;
    let mut labels = vec![0; n * x * y * z];
    for (values, labels) in values.chunks(each).zip(labels.chunks_mut(x * y * z)) {
        LogitsSlab::new(scheme, values.to_vec())?.labels_into(labels)?;
    }
    Ok(labels)
}
