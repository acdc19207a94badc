//! From logits to labels on plain slices, for windows that are stitched in slabs of memory.
//!
//! [`crate::Logits`] and [`crate::Probabilities`] use the same functions.

use crate::{Error, Result, all_finite};
use vesalius_volume::LabelScheme;

/// Logits of some voxels, channel by channel: the outputs of networks, before softmax or sigmoid.
///
/// ```
/// use vesalius_tensor::LogitsSlab;
/// use vesalius_volume::LabelScheme;
///
/// // Two classes and three voxels, [channel][voxel].
/// let scheme = LabelScheme::exclusive(&[("organ", 7)])?;
/// let logits = LogitsSlab::new(&scheme, vec![0.0, 0.0, 0.0, -1.0, 2.0, 3.0])?;
/// let mut labels = [0; 3];
/// logits.into_probabilities().labels_into(&mut labels)?;
/// assert_eq!(labels, [0, 7, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LogitsSlab {
    values: Values,
}

/// Probabilities of some voxels, channel by channel: after softmax or sigmoid, once.
#[derive(Debug, Clone, PartialEq)]
pub struct ProbabilitiesSlab {
    values: Values,
}

/// The probability from which a region is present.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Presence {
    /// Above ½: nnU-Net.
    #[default]
    AboveHalf,
    /// This much or more: MONAI's `AsDiscrete(threshold)`.
    AtLeast(f32),
}

impl Presence {
    /// Whether a region of this probability is present.
    pub fn is_present(self, probability: f32) -> bool {
        match self {
            Self::AboveHalf => probability > 0.5,
            Self::AtLeast(least) => probability >= least,
        }
    }

    /// Whether a region of this logit is present.
    pub fn is_present_at_logit(self, logit: f32) -> bool {
        match self {
            // The sign decides except next to zero, where a sigmoid in f32 rounds to exactly ½.
            Self::AboveHalf if logit.abs() > 1e-3 => logit > 0.0,
            rule => rule.is_present(sigmoid(logit)),
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
struct Values {
    scheme: LabelScheme,
    voxels: usize,
    data: Vec<f32>,
}

impl Values {
    fn new(what: &str, scheme: &LabelScheme, data: Vec<f32>) -> Result<Self> {
        let channels = scheme.channels();
        if channels == 0 {
            return Err(Error::SchemeMismatch(format!(
                "{what} cannot be of a label scheme without channels; name at least one class or region"
            )));
        }
        if !data.len().is_multiple_of(channels) {
            return Err(Error::WrongLength {
                what: format!("{what} of {channels} channels"),
                expected: data.len().next_multiple_of(channels),
                found: data.len(),
            });
        }
        let voxels = data.len() / channels;
        if !all_finite(&data) {
            let first = data.iter().position(|value| !value.is_finite());
            let first = first.unwrap_or_default();
            return Err(Error::NotFinite {
                what: what.to_owned(),
                count: data.iter().filter(|value| !value.is_finite()).count(),
                channel: first / voxels,
                voxel: first % voxels,
            });
        }
        Ok(Self {
            scheme: scheme.clone(),
            voxels,
            data,
        })
    }

    fn add_weighted(&mut self, other: &Self, weight: f32) -> Result<()> {
        if self.scheme != other.scheme {
            return Err(Error::SchemeMismatch(
                "outputs of two different label schemes cannot be averaged; use models trained with the same labels".to_owned(),
            ));
        }
        if self.data.len() != other.data.len() {
            return Err(Error::WrongLength {
                what: "an output to be averaged with another".to_owned(),
                expected: self.data.len(),
                found: other.data.len(),
            });
        }
        for (sum, value) in self.data.iter_mut().zip(&other.data) {
            *sum += weight * value;
        }
        Ok(())
    }

    fn mean(parts: &[&Self]) -> Result<Self> {
        let Some((first, rest)) = parts.split_first() else {
            return Err(Error::SchemeMismatch(
                "the mean of no outputs at all does not exist; give at least one".to_owned(),
            ));
        };
        let mut sum = (*first).clone();
        for part in rest {
            sum.add_weighted(part, 1.0)?;
        }
        let scale = 1.0 / parts.len() as f32;
        sum.data.iter_mut().for_each(|value| *value *= scale);
        Ok(sum)
    }

    fn check_labels(&self, labels: &[u16]) -> Result<()> {
        if labels.len() == self.voxels {
            return Ok(());
        }
        Err(Error::WrongLength {
            what: "a buffer for labels".to_owned(),
            expected: self.voxels,
            found: labels.len(),
        })
    }
}

impl LogitsSlab {
    /// Logits from a channel-major buffer, one value a channel and voxel.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the length is not a multiple of the scheme's channels;
    /// [`Error::NotFinite`] for a value that is NaN or infinite.
    pub fn new(scheme: &LabelScheme, data: Vec<f32>) -> Result<Self> {
        let values = Values::new("a slab of logits", scheme, data)?;
        Ok(Self { values })
    }

    /// The mean of logits of the same voxels, for flips and folds.
    ///
    /// # Errors
    /// [`Error::SchemeMismatch`] or [`Error::WrongLength`] when they do not belong together, or there is none.
    pub fn mean(parts: &[Self]) -> Result<Self> {
        let parts: Vec<&Values> = parts.iter().map(|part| &part.values).collect();
        let values = Values::mean(&parts)?;
        Ok(Self { values })
    }

    /// The logits, channel by channel.
    pub fn data(&self) -> &[f32] {
        &self.values.data
    }

    /// The buffer itself.
    pub fn into_data(self) -> Vec<f32> {
        self.values.data
    }

    /// Softmax or sigmoid, according to the scheme, applied once and in place.
    pub fn into_probabilities(mut self) -> ProbabilitiesSlab {
        let Values {
            scheme,
            voxels,
            data,
        } = &mut self.values;
        match scheme {
            LabelScheme::Exclusive { .. } => softmax(data, *voxels),
            LabelScheme::Regions { .. } => {
                data.iter_mut().for_each(|value| *value = sigmoid(*value));
            }
        }
        ProbabilitiesSlab {
            values: self.values,
        }
    }

    /// The labels that the probabilities would give, without computing those.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when `labels` does not have one entry a voxel.
    pub fn labels_into(&self, labels: &mut [u16]) -> Result<()> {
        self.labels_by_into(Presence::default(), labels)
    }

    /// As [`LogitsSlab::labels_into`], with regions present by a rule.
    ///
    /// # Errors
    /// As [`LogitsSlab::labels_into`].
    pub fn labels_by_into(&self, presence: Presence, labels: &mut [u16]) -> Result<()> {
        self.values.check_labels(labels)?;
        match &self.values.scheme {
            LabelScheme::Exclusive { classes, .. } => {
                let values: Vec<u16> = classes.iter().map(|class| class.value).collect();
                largest(&self.values.data, &values, labels);
            }
            LabelScheme::Regions { regions, .. } => {
                let paints: Vec<u16> = regions.iter().map(|region| region.paint).collect();
                paint(&self.values.data, &paints, labels, |logit| {
                    presence.is_present_at_logit(logit)
                });
            }
        }
        Ok(())
    }
}

impl ProbabilitiesSlab {
    /// Probabilities that were stored before, from a channel-major buffer.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when the length is not a multiple of the scheme's channels;
    /// [`Error::NotFinite`] for a value that is NaN or infinite.
    pub fn from_stored(scheme: &LabelScheme, data: Vec<f32>) -> Result<Self> {
        let values = Values::new("a slab of probabilities", scheme, data)?;
        Ok(Self { values })
    }

    /// The mean of probabilities of the same voxels, for ensembles.
    ///
    /// # Errors
    /// [`Error::SchemeMismatch`] or [`Error::WrongLength`] when they do not belong together, or there is none.
    pub fn mean(parts: &[Self]) -> Result<Self> {
        let parts: Vec<&Values> = parts.iter().map(|part| &part.values).collect();
        let values = Values::mean(&parts)?;
        Ok(Self { values })
    }

    /// What the channels mean.
    pub fn scheme(&self) -> &LabelScheme {
        &self.values.scheme
    }

    /// The probabilities, channel by channel.
    pub fn data(&self) -> &[f32] {
        &self.values.data
    }

    /// The buffer itself.
    pub fn into_data(self) -> Vec<f32> {
        self.values.data
    }

    /// The most probable class of each voxel (the first of equals), or the regions above ½ painted
    /// in their order, later over earlier.
    ///
    /// # Errors
    /// [`Error::WrongLength`] when `labels` does not have one entry a voxel.
    pub fn labels_into(&self, labels: &mut [u16]) -> Result<()> {
        self.labels_by_into(Presence::default(), labels)
    }

    /// As [`ProbabilitiesSlab::labels_into`], with regions present by a rule.
    ///
    /// # Errors
    /// As [`ProbabilitiesSlab::labels_into`].
    pub fn labels_by_into(&self, presence: Presence, labels: &mut [u16]) -> Result<()> {
        self.values.check_labels(labels)?;
        match &self.values.scheme {
            LabelScheme::Exclusive { classes, .. } => {
                let values: Vec<u16> = classes.iter().map(|class| class.value).collect();
                largest(&self.values.data, &values, labels);
            }
            LabelScheme::Regions { regions, .. } => {
                let paints: Vec<u16> = regions.iter().map(|region| region.paint).collect();
                paint(&self.values.data, &paints, labels, |p| {
                    presence.is_present(p)
                });
            }
        }
        Ok(())
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Voxels a block: enough to be vectorised, few enough to stay in the first cache with all channels.
const BLOCK: usize = 256;

/// Softmax over channels of a channel-major buffer, in place.
fn softmax(data: &mut [f32], voxels: usize) {
    let mut start = 0;
    while start < voxels {
        let count = BLOCK.min(voxels - start);
        let mut largest = [f32::NEG_INFINITY; BLOCK];
        let mut sum = [0.0f32; BLOCK];
        for channel in data.chunks_exact(voxels) {
            for (most, &value) in largest.iter_mut().zip(&channel[start..start + count]) {
                *most = most.max(value);
            }
        }
        for channel in data.chunks_exact_mut(voxels) {
            let block = &mut channel[start..start + count];
            for ((value, most), sum) in block.iter_mut().zip(&largest).zip(&mut sum) {
                *value = (*value - most).exp();
                *sum += *value;
            }
        }
        for channel in data.chunks_exact_mut(voxels) {
            for (value, sum) in channel[start..start + count].iter_mut().zip(&sum) {
                *value /= sum;
            }
        }
        start += count;
    }
}

/// The value of the channel that is largest, the first of equals.
fn largest(data: &[f32], values: &[u16], labels: &mut [u16]) {
    let voxels = labels.len();
    for (start, block) in (0..voxels).step_by(BLOCK).zip(labels.chunks_mut(BLOCK)) {
        let mut most = [f32::NEG_INFINITY; BLOCK];
        block.fill(values[0]);
        for (channel, &value) in data.chunks_exact(voxels).zip(values) {
            let scores = &channel[start..start + block.len()];
            for ((label, most), &score) in block.iter_mut().zip(&mut most).zip(scores) {
                if score > *most {
                    (*most, *label) = (score, value);
                }
            }
        }
    }
}

/// Each channel paints its value where it is present, over those before it.
fn paint(data: &[f32], paints: &[u16], labels: &mut [u16], present: impl Fn(f32) -> bool) {
    labels.fill(0);
    if labels.is_empty() {
        return;
    }
    for (channel, &value) in data.chunks_exact(labels.len()).zip(paints) {
        for (label, &score) in labels.iter_mut().zip(channel) {
            if present(score) {
                *label = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exclusive() -> LabelScheme {
        LabelScheme::exclusive(&[("organ", 1), ("tumour", 4)]).unwrap()
    }

    fn regions() -> LabelScheme {
        LabelScheme::regions(&[("whole", &[1, 2], 1), ("core", &[2], 2)]).unwrap()
    }

    #[test]
    fn softmax_sums_to_one_and_survives_large_logits() {
        let logits: Vec<f32> = (0..3 * 700)
            .map(|i| ((i * 37) % 400) as f32 - 200.0)
            .collect();
        let probabilities = LogitsSlab::new(&exclusive(), logits.clone())
            .unwrap()
            .into_probabilities();
        for voxel in 0..700 {
            let exact: Vec<f64> = (0..3)
                .map(|c| f64::from(logits[c * 700 + voxel]).exp())
                .collect();
            let total: f64 = exact.iter().sum();
            for (c, value) in exact.iter().enumerate() {
                let found = f64::from(probabilities.data()[c * 700 + voxel]);
                assert!((found - value / total).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn logits_and_probabilities_give_the_same_labels() {
        let logits = vec![2.0, 0.0, -1.0, 1.0, 0.0, 5.0, 0.5, -3.0, 5.0];
        let slab = LogitsSlab::new(&exclusive(), logits).unwrap();
        let (mut direct, mut through) = ([0; 3], [0; 3]);
        slab.labels_into(&mut direct).unwrap();
        slab.into_probabilities().labels_into(&mut through).unwrap();
        assert_eq!(direct, [0, 0, 1]);
        assert_eq!(direct, through);
    }

    #[test]
    fn what_is_not_finite_means_no_label() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut data = vec![0.0; 9];
            data[5] = bad;
            let refused = LogitsSlab::new(&exclusive(), data.clone()).unwrap_err();
            let place = (1, 1, 2);
            assert!(
                matches!(&refused, Error::NotFinite { count, channel, voxel, .. }
                    if (*count, *channel, *voxel) == place),
                "{refused}"
            );
            assert!(ProbabilitiesSlab::from_stored(&exclusive(), data).is_err());
        }
    }

    #[test]
    fn regions_paint_in_their_order() {
        let logits = vec![3.0, 3.0, -3.0, -3.0, -3.0, 3.0, 3.0, 1e-9];
        let slab = LogitsSlab::new(&regions(), logits).unwrap();
        let (mut direct, mut through) = ([0; 4], [0; 4]);
        slab.labels_into(&mut direct).unwrap();
        slab.into_probabilities().labels_into(&mut through).unwrap();
        assert_eq!(direct, [1, 2, 2, 0]);
        assert_eq!(direct, through);
    }

    #[test]
    fn a_region_is_present_from_its_threshold_on() {
        let logits = vec![0.0, -0.1, 2.0, 0.0, 5.0, -5.0];
        let slab = LogitsSlab::new(&regions(), logits).unwrap();
        let by = |presence| {
            let (mut direct, mut through) = ([0; 3], [0; 3]);
            slab.labels_by_into(presence, &mut direct).unwrap();
            let probabilities = slab.clone().into_probabilities();
            probabilities
                .labels_by_into(presence, &mut through)
                .unwrap();
            assert_eq!(direct, through);
            direct
        };
        assert_eq!(by(Presence::AboveHalf), [0, 2, 1]);
        assert_eq!(by(Presence::AtLeast(0.5)), [2, 2, 1]);
        assert_eq!(by(Presence::AtLeast(0.9)), [0, 2, 0]);
    }

    #[test]
    fn means_stay_among_their_kind_and_scheme() {
        let a = LogitsSlab::new(&regions(), vec![1.0, 2.0]).unwrap();
        let b = LogitsSlab::new(&regions(), vec![3.0, -2.0]).unwrap();
        assert_eq!(
            LogitsSlab::mean(&[a.clone(), b]).unwrap().data(),
            [2.0, 0.0]
        );
        let other = LogitsSlab::new(&exclusive(), vec![1.0, 2.0, 3.0]).unwrap();
        assert!(LogitsSlab::mean(&[a, other]).is_err());
        assert!(LogitsSlab::mean(&[]).is_err());
        assert!(LogitsSlab::new(&exclusive(), vec![0.0; 4]).is_err());
    }
}
