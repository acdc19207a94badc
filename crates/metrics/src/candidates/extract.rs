//! Lesion candidates: pieces of a probability map, each with one confidence. (PI-CAI's `report_guided_annotation` 0.3)

use crate::{Error, Result};
use vesalius_control::Control;
use vesalius_filters::{ComponentOptions, Components, connected_components};
use vesalius_volume::{LabelMap, Volume};

/// Where a candidate ends.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum CandidateThreshold {
    /// At this probability: `threshold=0.1`.
    Fixed(f32),
    /// At the image's largest probability divided by this: `threshold="dynamic-fast"`, 2.5.
    OfLargest(f32),
    /// One candidate after another, each down to its own largest probability divided by this, those that touch an
    /// earlier one left out: `threshold="dynamic-v2"`, 2.5.
    OfEach(f32),
}

/// Options of [`Candidates::extract`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CandidateOptions {
    /// Where candidates end.
    pub threshold: CandidateThreshold,
    /// Pieces of this many voxels or fewer are no candidates.
    pub too_small: usize,
    /// With [`CandidateThreshold::OfEach`], at most so many candidates.
    pub most: usize,
    /// With [`CandidateThreshold::OfEach`], no candidate has a largest probability below this.
    pub least_confidence: f32,
}

impl Default for CandidateOptions {
    /// PI-CAI's: the largest probability divided by 2.5, more than 10 voxels.
    fn default() -> Self {
        Self {
            threshold: CandidateThreshold::OfLargest(2.5),
            too_small: 10,
            most: 5,
            least_confidence: 0.01,
        }
    }
}

impl CandidateOptions {
    /// Another threshold.
    #[must_use]
    pub fn with_threshold(self, threshold: CandidateThreshold) -> Self {
        Self { threshold, ..self }
    }

    /// Pieces of this many voxels or fewer are no candidates.
    #[must_use]
    pub fn with_too_small(self, too_small: usize) -> Self {
        Self { too_small, ..self }
    }

    /// At most so many candidates, with [`CandidateThreshold::OfEach`].
    #[must_use]
    pub fn with_most(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

/// The lesion candidates of a case. Voxels touch at corners.
///
/// ```
/// use vesalius_metrics::{CandidateOptions, CandidateThreshold, Candidates};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let probabilities = Volume::new(grid, 1, vec![0.1_f32, 0.8, 0.6, 0.0, 0.0, 0.5, 0.4, 0.2])?;
/// let options = CandidateOptions::default().with_too_small(1).with_threshold(CandidateThreshold::Fixed(0.3));
/// let found = Candidates::extract(&probabilities, 0, &options)?;
/// assert_eq!(found.map().data(), [0, 1, 1, 0, 0, 2, 2, 0]);
/// assert_eq!(found.confidences(), [0.8, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Candidates {
    map: LabelMap<u32>,
    confidences: Vec<f32>,
}

impl Candidates {
    /// The candidates of one channel of a probability map.
    ///
    /// # Errors
    /// [`Error::Probabilities`] for a value outside of 0 to 1 or NaN, or a channel that there is not;
    /// [`Error::BadOption`] for a threshold that is not above 0, or a divisor below 1; [`Error::Components`].
    pub fn extract(
        probabilities: &Volume<f32>,
        channel: usize,
        options: &CandidateOptions,
    ) -> Result<Self> {
        Self::extract_with(probabilities, channel, options, &Control::new())
    }

    /// As [`Candidates::extract`], cancelled between candidates and followed in the stage `candidates`.
    ///
    /// # Errors
    /// As [`Candidates::extract`]; [`Error::Cancelled`].
    pub fn extract_with(
        probabilities: &Volume<f32>,
        channel: usize,
        options: &CandidateOptions,
        control: &Control,
    ) -> Result<Self> {
        control.check()?;
        let values = checked(probabilities, channel)?;
        let least = match options.threshold {
            CandidateThreshold::Fixed(_) => f32::MIN_POSITIVE,
            CandidateThreshold::OfLargest(_) | CandidateThreshold::OfEach(_) => 1.0,
        };
        let (CandidateThreshold::Fixed(number)
        | CandidateThreshold::OfLargest(number)
        | CandidateThreshold::OfEach(number)) = options.threshold;
        if !(number.is_finite() && number >= least) {
            return Err(Error::BadOption {
                option: "where candidates end",
                found: number.to_string(),
                expected: "a probability above 0, or a divisor of 1 or more",
            });
        }
        let largest = values.iter().copied().fold(0.0, f32::max);
        let volume = Volume::new(*probabilities.geometry(), 1, values.to_vec())?;
        match options.threshold {
            CandidateThreshold::Fixed(threshold) => {
                Self::above(&volume, threshold, options.too_small)
            }
            CandidateThreshold::OfLargest(factor) => {
                Self::above(&volume, largest / factor, options.too_small)
            }
            CandidateThreshold::OfEach(factor) => {
                Self::one_by_one(volume, factor, options, control)
            }
        }
    }

    /// A detection map as other tools write it: connected pieces of one confidence each, 0 elsewhere.
    ///
    /// # Errors
    /// [`Error::Probabilities`] for a negative value or NaN, or when pieces of different confidence touch, as in a
    /// probability map; [`Error::Components`].
    pub fn of_detection_map(map: &Volume<f32>) -> Result<Self> {
        if let Some(found) = map
            .data()
            .iter()
            .find(|value| !(value.is_finite() && **value >= 0.0))
        {
            return Err(Error::Probabilities(format!(
                "a detection map has the value {found}, expected confidences of 0 or more"
            )));
        }
        let found = Self::above(map, f32::MIN_POSITIVE, 0)?;
        let pairs = found.map.data().iter().zip(map.data());
        for (&number, &value) in pairs.filter(|(number, _)| **number != 0) {
            let confidence = found.confidences[number as usize - 1];
            if value != confidence {
                return Err(Error::Probabilities(format!(
                    "a piece of the detection map has the confidences {value} and {confidence}, expected one; extract candidates from a probability map first"
                )));
            }
        }
        Ok(found)
    }

    /// The number of each voxel's candidate, from 1; 0 elsewhere.
    pub fn map(&self) -> &LabelMap<u32> {
        &self.map
    }

    /// The confidence of each candidate, in the order of their numbers.
    pub fn confidences(&self) -> &[f32] {
        &self.confidences
    }

    /// The pieces at or above a threshold; voxels of 0 belong to none.
    fn above(volume: &Volume<f32>, threshold: f32, too_small: usize) -> Result<Self> {
        let voxel = |&value: &f32| u8::from(value >= threshold && value > 0.0);
        let mask = LabelMap::new(
            *volume.geometry(),
            volume.data().iter().map(voxel).collect(),
        )?;
        let found = components(&mask)?;
        let mut numbers = Vec::with_capacity(found.count);
        let mut kept = 0;
        for &size in &found.sizes {
            kept += u32::from(size > too_small);
            numbers.push(if size > too_small { kept } else { 0 });
        }
        let mut confidences = vec![0.0f32; kept as usize];
        let map = found.labels.map(|number| match number {
            0 => 0,
            number => numbers[number as usize - 1],
        });
        for (&number, &value) in map.data().iter().zip(volume.data()) {
            if number != 0 {
                let confidence = &mut confidences[number as usize - 1];
                *confidence = confidence.max(value);
            }
        }
        Ok(Self { map, confidences })
    }

    fn one_by_one(
        mut left: Volume<f32>,
        factor: f32,
        options: &CandidateOptions,
        control: &Control,
    ) -> Result<Self> {
        let stage = control.stage("candidates", None);
        let mut map = LabelMap::<u32>::background(*left.geometry());
        let mut confidences = Vec::new();
        while confidences.len() < options.most {
            control.check()?;
            let largest = left.data().iter().copied().fold(0.0, f32::max);
            if largest < options.least_confidence || largest == 0.0 {
                break;
            }
            let threshold = largest / factor;
            let found = Self::above(&left, threshold, options.too_small)?;
            let best = found.confidences.iter().copied().fold(0.0, f32::max);
            let Some(chosen) = found.confidences.iter().position(|c| *c == best) else {
                // All pieces are too small. Where the divisor is 1 no value is above the threshold.
                let small = left.data_mut().iter_mut();
                let small = small.filter(|value| **value > threshold || **value == largest);
                small.for_each(|value| *value = 0.0);
                continue;
            };
            let inside = |number: u32| number as usize == chosen + 1;
            if !touches(&found.map, &map, inside) {
                confidences.push(best);
                let number = confidences.len() as u32;
                let voxels = map.data_mut().iter_mut().zip(found.map.data());
                voxels
                    .filter(|(_, n)| inside(**n))
                    .for_each(|(voxel, _)| *voxel = number);
                stage.set(confidences.len() as u64);
            }
            let voxels = left.data_mut().iter_mut().zip(found.map.data());
            voxels
                .filter(|(_, n)| inside(**n))
                .for_each(|(value, _)| *value = 0.0);
        }
        Ok(Self { map, confidences })
    }
}

fn components(mask: &LabelMap<u8>) -> Result<Components> {
    connected_components(mask, &ComponentOptions::default())
        .map_err(|error| Error::Components(error.to_string()))
}

/// Whether a piece has a voxel at or next to a voxel of another map that is not 0.
fn touches(pieces: &LabelMap<u32>, others: &LabelMap<u32>, inside: impl Fn(u32) -> bool) -> bool {
    let grid = pieces.geometry();
    let size = grid.size();
    pieces
        .data()
        .iter()
        .enumerate()
        .filter(|(_, number)| inside(**number))
        .any(|(offset, _)| {
            let at = grid.index(offset);
            let near = |axis: usize| at[axis].saturating_sub(1)..(at[axis] + 2).min(size[axis]);
            near(2).any(|z| near(1).any(|y| near(0).any(|x| others.get([x, y, z]) != 0)))
        })
}

fn checked(probabilities: &Volume<f32>, channel: usize) -> Result<&[f32]> {
    if channel >= probabilities.channels() {
        return Err(Error::Probabilities(format!(
            "channel {channel} is asked for, and there are {} (counted from 0)",
            probabilities.channels()
        )));
    }
    let values = probabilities.channel(channel);
    match values.iter().find(|value| !(0.0..=1.0).contains(*value)) {
        None => Ok(values),
        Some(found) => Err(Error::Probabilities(format!(
            "{found} in channel {channel}, expected a number from 0 to 1; give probabilities, not logits"
        ))),
    }
}
