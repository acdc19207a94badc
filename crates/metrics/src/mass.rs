//! Agreement weighted by an image: uptake in PET, density in CT.

use crate::surface::Membership;
use crate::{Error, Outcome, Result, Target};
use rayon::prelude::*;
use vesalius_volume::{Label, LabelMap, Volume};

/// Voxels that one thread sums. The parts do not depend on the number of threads.
const CHUNK: usize = 1 << 18;

/// The mass of a target in reference and prediction: the sum of an image's values over its voxels times the voxel volume
/// in ml. Of standardised uptake values it is the total lesion glycolysis (TLG, g).
///
/// ```
/// use vesalius_metrics::{Mass, Outcome, Target};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // Voxels of 1 ml; the prediction misses the voxel with most uptake.
/// let grid = Geometry::axis_aligned([4, 1, 1], [10.0; 3])?;
/// let uptake = Volume::new(grid, 1, vec![1.0_f32, 2.0, 7.0, 1.0])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 0])?;
/// let prediction = LabelMap::new(grid, vec![0_u16, 1, 0, 0])?;
/// let mass = Mass::between(&reference, &prediction, &uptake, 0, &Target::of_value(1), None)?;
/// assert_eq!((mass.reference, mass.prediction), (9.0, 2.0));
/// assert_eq!(mass.dice(), Outcome::Value(4.0 / 11.0), "Dice of voxels is 2/3");
/// assert_eq!(mass.relative_difference(), Outcome::Value(-7.0 / 9.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Mass {
    /// In the reference.
    pub reference: f64,
    /// In the prediction.
    pub prediction: f64,
    /// In both.
    pub both: f64,
}

impl Mass {
    /// The mass of a target by one channel of an image. Voxels whose reference is `ignore` do not count.
    ///
    /// # Errors
    /// [`Error::Volume`] when the grids differ; [`Error::BadOption`] for a channel that there is not;
    /// [`Error::Weights`] for a value inside of one of the masks that is negative or not finite.
    pub fn between<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        image: &Volume<f32>,
        channel: usize,
        target: &Target,
        ignore: Option<u32>,
    ) -> Result<Self> {
        let grid = reference.geometry();
        grid.check_same(prediction.geometry(), "reference and prediction")?;
        grid.check_same(image.geometry(), "reference and image")?;
        if channel >= image.channels() {
            return Err(Error::BadOption {
                option: "the image's channel",
                found: channel.to_string(),
                expected: "one that the image has, counted from 0",
            });
        }
        let member = Membership::new(&target.labels);
        let values = image.channel(channel).par_chunks(CHUNK);
        let labels = reference
            .data()
            .par_chunks(CHUNK)
            .zip(prediction.data().par_chunks(CHUNK));
        let parts: Vec<std::result::Result<Self, f32>> = labels
            .zip(values)
            .map(|((reference, prediction), values)| {
                let (mut in_reference, mut in_prediction) =
                    (vec![0; values.len()], vec![0; values.len()]);
                member.mark(reference, &mut in_reference);
                member.mark(prediction, &mut in_prediction);
                let mut sum = Self::default();
                for (place, &value) in values.iter().enumerate() {
                    let ignored = Some(reference[place].into()) == ignore;
                    let (r, p) = (in_reference[place] == 1, in_prediction[place] == 1);
                    if ignored || !(r || p) {
                        continue;
                    }
                    if !(value.is_finite() && value >= 0.0) {
                        return Err(value);
                    }
                    let value = f64::from(value);
                    sum.reference += if r { value } else { 0.0 };
                    sum.prediction += if p { value } else { 0.0 };
                    sum.both += if r && p { value } else { 0.0 };
                }
                Ok(sum)
            })
            .collect();
        let millilitres = grid.voxel_volume() / 1000.0;
        let mut all = Self::default();
        for part in parts {
            let part = part.map_err(|found| Error::Weights {
                found,
                target: target.key.clone(),
            })?;
            all.reference += part.reference * millilitres;
            all.prediction += part.prediction * millilitres;
            all.both += part.both * millilitres;
        }
        Ok(all)
    }

    /// Mass-weighted Dice: twice the mass in both over the sum of both masses.
    pub fn dice(&self) -> Outcome {
        self.outcome(2.0 * self.both / (self.reference + self.prediction))
    }

    /// Prediction minus reference.
    pub fn difference(&self) -> f64 {
        self.prediction - self.reference
    }

    /// Prediction minus reference, over the reference.
    pub fn relative_difference(&self) -> Outcome {
        self.outcome(self.difference() / self.reference)
    }

    /// A mask without mass is as good as an empty one.
    fn outcome(&self, value: f64) -> Outcome {
        match (self.reference > 0.0, self.prediction > 0.0) {
            (false, false) => Outcome::BothEmpty,
            (true, false) => Outcome::Missed,
            (false, true) => Outcome::Spurious,
            (true, true) => Outcome::Value(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn images_that_do_not_fit_are_refused_and_ignored_voxels_do_not_count() {
        let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::new(grid, vec![1u8, 1, 9, 0]).unwrap();
        let prediction = LabelMap::new(grid, vec![1u8, 0, 1, 0]).unwrap();
        let one = Target::of_value(1);
        let mass = |values: [f32; 4], channel, ignore| {
            let image = Volume::new(grid, 1, values.to_vec()).unwrap();
            Mass::between(&labels, &prediction, &image, channel, &one, ignore)
        };
        // What lies outside of both masks may be anything.
        let found = mass([2.0, 1.0, 5.0, f32::NAN], 0, Some(9)).unwrap();
        assert_eq!(found.dice(), Outcome::Value(0.8));
        assert_eq!(
            mass([2.0, 1.0, 5.0, 0.0], 0, None).unwrap().dice(),
            Outcome::Value(0.4)
        );
        assert_eq!(
            mass([0.0, 1.0, 0.0, 0.0], 0, None).unwrap().dice(),
            Outcome::Missed
        );
        assert_eq!(
            mass([0.0; 4], 0, None).unwrap().relative_difference(),
            Outcome::BothEmpty
        );
        assert!(
            mass([-1.0, 1.0, 0.0, 0.0], 0, None)
                .unwrap_err()
                .to_string()
                .contains("-1")
        );
        assert!(mass([f32::NAN, 1.0, 0.0, 0.0], 0, None).is_err());
        assert!(matches!(
            mass([1.0; 4], 1, None),
            Err(Error::BadOption { .. })
        ));
        let other = Volume::filled(Geometry::axis_aligned([4, 1, 2], [1.0; 3]).unwrap(), 1.0f32);
        assert!(Mass::between(&labels, &prediction, &other, 0, &one, None).is_err());
    }
}
