//! Probability maps and their reference, checked once.

use crate::surface::Membership;
use crate::{Error, Result, Target};
use vesalius_volume::{Label, LabelMap, Volume};

/// How far the sum of a voxel's probabilities may be from 1: half precision and eight bits a value are enough.
const SUM_TOLERANCE: f32 = 0.01;

/// What the channels of a probability map are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbabilityKind {
    /// One channel a class, background included; a voxel's probabilities sum to 1 (softmax).
    Exclusive,
    /// Each channel is a region by itself (sigmoid).
    Independent,
}

/// A probability map whose values have been checked, with the reference of each channel.
pub(super) struct Checked<'a, T: Label> {
    pub probabilities: &'a Volume<f32>,
    pub reference: &'a LabelMap<T>,
    ignore: Option<u32>,
    members: Vec<Membership>,
}

impl<'a, T: Label> Checked<'a, T> {
    /// `channels[i]` are the labels that channel `i` claims.
    pub fn new(
        probabilities: &'a Volume<f32>,
        reference: &'a LabelMap<T>,
        channels: &[Target],
        kind: ProbabilityKind,
        ignore: Option<u32>,
    ) -> Result<Self> {
        let what = "probabilities and reference";
        probabilities
            .geometry()
            .check_same(reference.geometry(), what)?;
        if channels.len() != probabilities.channels() {
            return Err(Error::Probabilities(format!(
                "{} channels, and labels for {}; give the labels of each channel, those of the background (0) too where it has one",
                probabilities.channels(),
                channels.len()
            )));
        }
        check_values(probabilities)?;
        if kind == ProbabilityKind::Exclusive {
            check_sums(probabilities)?;
        }
        Ok(Self {
            probabilities,
            reference,
            ignore,
            members: channels
                .iter()
                .map(|target| Membership::new(&target.labels))
                .collect(),
        })
    }

    pub fn channels(&self) -> usize {
        self.members.len()
    }

    /// Calls with the probability of each voxel that is not ignored in a stretch of a channel, and whether the reference
    /// has the channel's labels there.
    pub fn each(
        &self,
        channel: usize,
        stretch: std::ops::Range<usize>,
        mut visit: impl FnMut(f32, bool),
    ) {
        let labels = &self.reference.data()[stretch.clone()];
        let mut inside = vec![0; labels.len()];
        self.members[channel].mark(labels, &mut inside);
        let values = &self.probabilities.channel(channel)[stretch];
        for ((&value, &label), inside) in values.iter().zip(labels).zip(inside) {
            if Some(label.into()) != self.ignore {
                visit(value, inside == 1);
            }
        }
    }
}

fn check_values(probabilities: &Volume<f32>) -> Result<()> {
    let bad = |value: &f32| !(0.0..=1.0).contains(value);
    match probabilities.data().iter().position(bad) {
        None => Ok(()),
        Some(place) => {
            let voxels = probabilities.geometry().voxel_count();
            let index = probabilities.geometry().index(place % voxels);
            Err(Error::Probabilities(format!(
                "{} in channel {} at voxel {index:?}, expected a number from 0 to 1; give probabilities, not logits",
                probabilities.data()[place],
                place / voxels
            )))
        }
    }
}

fn check_sums(probabilities: &Volume<f32>) -> Result<()> {
    let channels: Vec<&[f32]> = (0..probabilities.channels())
        .map(|c| probabilities.channel(c))
        .collect();
    let sum = |place: usize| channels.iter().map(|channel| channel[place]).sum::<f32>();
    let voxels = probabilities.geometry().voxel_count();
    match (0..voxels).find(|&place| (sum(place) - 1.0).abs() > SUM_TOLERANCE) {
        None => Ok(()),
        Some(place) => Err(Error::Probabilities(format!(
            "those of voxel {:?} sum to {}, expected 1; classes that exclude each other sum to 1 with the background, regions that overlap are independent",
            probabilities.geometry().index(place),
            sum(place)
        ))),
    }
}
