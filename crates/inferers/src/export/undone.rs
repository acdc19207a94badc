//! A network's output brought to the file's grid by undoing every step of preprocessing by itself, as MONAI's `Invertd`: for
//! chains that are not undone as one interpolation, and for labels. A channel is on the file's grid at a time.

use super::whole::check_channels;
use super::{LabelStore, Meaning};
use crate::{ProbabilityMap, ProbabilityStore, Result};
use vesalius_control::Control;
use vesalius_tensor::{LogitsSlab, ProbabilitiesSlab};
use vesalius_transforms::{Trace, Undo};
use vesalius_volume::{LabelMap, LabelScheme, Volume};

/// Sums of probabilities nearer to 1 than this are rounding.
const SHARE_ROUNDING: f32 = 1e-5;

/// Labels, and probabilities where they are kept, of logits on the network's grid.
pub(crate) fn undone(
    logits: Volume<f32>,
    trace: &Trace,
    meaning: Meaning,
    (keep, control): (bool, &Control),
) -> Result<(LabelStore, Option<ProbabilityStore>)> {
    let scheme = meaning.scheme;
    check_channels(&logits, scheme)?;
    let (grid, channels) = (*logits.geometry(), logits.channels());
    let carried = match meaning.carries_probabilities {
        false => logits,
        true => {
            let values = meaning.carried(logits.data())?.into_owned();
            drop(logits);
            Volume::new(grid, channels, values)?
        }
    };
    let stage = control.stage("export", channels as u64);
    let voxels = trace.from.voxel_count();
    let mut decision = Decision::new(meaning, voxels);
    let mut kept = Vec::with_capacity(if keep { channels * voxels } else { 0 });
    for channel in 0..channels {
        stage.control().check()?;
        let values = one(&carried, channel, trace, Undo::AsDone)?;
        decision.take(channel, values.data());
        if keep {
            kept.extend_from_slice(values.data());
        }
        stage.advance(1);
    }
    let labels = LabelMap::new(trace.from, decision.labels)?;
    let probabilities = match (keep, meaning.carries_probabilities) {
        (false, _) => None,
        (true, true) => {
            whole_again(&mut kept, scheme);
            Some(ProbabilitiesSlab::from_stored(scheme, kept)?)
        }
        (true, false) => Some(LogitsSlab::new(scheme, kept)?.into_probabilities()),
    };
    let store = |slab| ProbabilityStore::of_map(ProbabilityMap::new(trace.from, slab));
    Ok((LabelStore::of_map(labels), probabilities.map(store)))
}

/// Probabilities of exclusive classes that add up to 1 where a crop left a share of them, and are the background's where it left
/// nothing.
fn whole_again(values: &mut [f32], scheme: &LabelScheme) {
    let LabelScheme::Exclusive { .. } = scheme else {
        return;
    };
    let voxels = values.len() / scheme.channels();
    for voxel in 0..voxels {
        let sum: f32 = values[voxel..].iter().step_by(voxels).sum();
        match sum {
            sum if sum <= 0.0 => values[voxel] = 1.0,
            sum if sum < 1.0 - SHARE_ROUNDING => {
                let channels = values[voxel..].iter_mut().step_by(voxels);
                channels.for_each(|value| *value /= sum);
            }
            _ => {}
        }
    }
}

/// One channel on the file's grid.
fn one(all: &Volume<f32>, channel: usize, trace: &Trace, undo: Undo) -> Result<Volume<f32>> {
    let values = all.channel(channel).to_vec();
    let channel = Volume::new(*all.geometry(), 1, values)?;
    Ok(trace.undo_image(&channel, undo)?)
}

/// Labels on the network's grid, by the nearest voxel on the file's.
pub(crate) fn labels_undone(labels: LabelStore, trace: &Trace) -> Result<LabelStore> {
    let labels = trace.undo_labels(&labels.into_map()?)?;
    Ok(LabelStore::of_map(labels))
}

/// Probabilities on the network's grid, by the nearest voxel on the file's.
pub(crate) fn probabilities_undone(
    probabilities: ProbabilityStore,
    trace: &Trace,
) -> Result<ProbabilityStore> {
    let map = probabilities.into_map()?;
    let scheme = map.scheme().clone();
    let all = map.into_volume()?;
    let mut store = ProbabilityStore::background(trace.from, &scheme, None)?;
    for channel in 0..all.channels() {
        let values = one(&all, channel, trace, Undo::Nearest)?;
        store.write(channel, 0, values.data())?;
    }
    Ok(store)
}

/// Labels by one channel of logits or probabilities after another.
struct Decision<'a> {
    meaning: Meaning<'a>,
    labels: Vec<u16>,
    /// The greatest value so far; none where regions paint.
    most: Vec<f32>,
}

impl<'a> Decision<'a> {
    fn new(meaning: Meaning<'a>, voxels: usize) -> Self {
        let most = match meaning.scheme {
            LabelScheme::Exclusive { .. } => vec![f32::NEG_INFINITY; voxels],
            LabelScheme::Regions { .. } => Vec::new(),
        };
        Self {
            meaning,
            labels: vec![0; voxels],
            most,
        }
    }

    fn take(&mut self, channel: usize, values: &[f32]) {
        match self.meaning.scheme {
            LabelScheme::Exclusive { classes, .. } => {
                let label = classes[channel].value;
                let voxels = self.labels.iter_mut().zip(&mut self.most).zip(values);
                // The first of equals stays.
                for ((voxel, most), &value) in voxels.filter(|((_, most), value)| **value > **most)
                {
                    (*voxel, *most) = (label, value);
                }
            }
            LabelScheme::Regions { regions, .. } => {
                let paint = regions[channel].paint;
                let presence = self.meaning.presence;
                let is_present = |value: f32| match self.meaning.carries_probabilities {
                    true => presence.is_present(value),
                    false => presence.is_present_at_logit(value),
                };
                let voxels = self.labels.iter_mut().zip(values);
                for (voxel, _) in voxels.filter(|(_, value)| is_present(**value)) {
                    *voxel = paint;
                }
            }
        }
    }
}
