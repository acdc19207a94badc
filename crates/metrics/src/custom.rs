//! User-defined measures.

use crate::{Better, Measure, Result};
use serde_json::Map;
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};
use vesalius_volume::LabelMap;

/// A user-defined measure, for [`Measure::custom`].
///
/// ```
/// use vesalius_metrics::{CustomMeasure, Evaluation, Evaluator, Measure, Targets};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// /// The share of cases with the exact number of voxels.
/// struct SameVolume;
/// impl CustomMeasure for SameVolume {
///     fn value(&self, reference: &LabelMap<u8>, prediction: &LabelMap<u8>) -> Option<f64> {
///         let same = reference.counts().get(&1) == prediction.counts().get(&1);
///         Some(f64::from(u8::from(same)))
///     }
/// }
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 0])?;
/// let prediction = LabelMap::new(grid, vec![1_u16, 1, 0, 0])?;
/// let measures = vec![Measure::custom("same_volume", SameVolume)];
/// let evaluator = Evaluator::new(Targets::of_values(&[1])?, measures);
/// let evaluation = Evaluation::new(vec![evaluator.case("a", &reference, &prediction)?])?;
/// assert_eq!(evaluation.mean("same_volume"), Some(1.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CustomMeasure: Send + Sync {
    /// The value of one target (a label or a region) of one case. Both masks are 1 inside and 0 outside, lie on one
    /// grid and have voxels; voxels that carry the ignore label are 0 in both. `None` leaves the case out of means.
    fn value(&self, reference: &LabelMap<u8>, prediction: &LabelMap<u8>) -> Option<f64>;

    /// Which values are better.
    fn better(&self) -> Better {
        Better::Higher
    }

    /// The value that the mean over cases counts where one of the masks is empty; `diagonal` is the image's in mm, the
    /// largest possible distance.
    fn worst(&self, _diagonal: f64) -> f64 {
        0.0
    }
}

vesalius_registry::registered! {
    /// Adds user-defined measures to a [`Registry`].
    pub trait RegisterMeasure {
        /// Registers this type for [`Measure::registered`]; its options are read by serde.
        fn measure => CustomMeasure, "measure";
    }
}

impl Measure {
    /// A user-defined measure; `name` is its key in files and the head of its column.
    pub fn custom(name: impl Into<String>, measure: impl CustomMeasure + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(measure)))
    }

    /// As [`Measure::named`], for names of the registry too; a registered name comes before a built-in one.
    ///
    /// # Errors
    /// As [`Measure::named`]; [`crate::Error::Registry`] for a registered measure that needs options.
    ///
    /// ```
    /// use vesalius_metrics::{CustomMeasure, Measure, RegisterMeasure};
    /// use vesalius_registry::Registry;
    /// use vesalius_volume::LabelMap;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Always;
    /// impl CustomMeasure for Always {
    ///     fn value(&self, _: &LabelMap<u8>, _: &LabelMap<u8>) -> Option<f64> {
    ///         Some(1.0)
    ///     }
    /// }
    ///
    /// let mut registry = Registry::default();
    /// registry.measure::<Always>("always");
    /// assert_eq!(Measure::registered("always", 1.0, &registry)?.key(), "always");
    /// assert_eq!(Measure::registered("dice", 1.0, &registry)?, Measure::Dice);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn registered(name: &str, tolerance: f64, registry: &Registry) -> Result<Self> {
        if !registry.names::<dyn CustomMeasure>().contains(&name) {
            return Self::named(name, tolerance);
        }
        let measure = registry.make::<dyn CustomMeasure>(name, &Map::new())?;
        Ok(Self::Custom(Custom::new(name, measure)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Evaluation, Evaluator, Targets};
    use vesalius_volume::Geometry;

    /// How many voxels more the prediction has.
    #[derive(serde::Deserialize)]
    struct Surplus;
    impl CustomMeasure for Surplus {
        fn value(&self, reference: &LabelMap<u8>, prediction: &LabelMap<u8>) -> Option<f64> {
            let count =
                |mask: &LabelMap<u8>| mask.data().iter().map(|&v| f64::from(v)).sum::<f64>();
            Some(count(prediction) - count(reference))
        }
        fn better(&self) -> Better {
            Better::NearZero
        }
        fn worst(&self, diagonal: f64) -> f64 {
            diagonal
        }
    }

    #[test]
    fn a_measure_of_the_users_own_stands_beside_the_built_in_ones() {
        let mut registry = Registry::default();
        registry.measure::<Surplus>("surplus");
        let measures = vec![
            Measure::registered("surplus", 1.0, &registry).unwrap(),
            Measure::registered("dice", 1.0, &registry).unwrap(),
        ];
        assert_eq!(measures[0].better(), Better::NearZero);
        let evaluator = Evaluator::new(Targets::of_values(&[1, 2, 3]).unwrap(), measures);
        let grid = Geometry::axis_aligned([4, 1, 1], [2.0; 3]).unwrap();
        let reference = LabelMap::new(grid, vec![1u16, 1, 2, 0]).unwrap();
        let prediction = LabelMap::new(grid, vec![1u16, 0, 0, 0]).unwrap();
        let case = evaluator.case("a", &reference, &prediction).unwrap();
        let counted: Vec<Option<f64>> = case.scores.iter().map(|s| s[0].counted).collect();
        // One voxel fewer; missed, so the diagonal of three steps of 2 mm; in neither.
        assert_eq!(counted, [Some(-1.0), Some(6.0), None]);
        let evaluation = Evaluation::new(vec![case]).unwrap();
        assert_eq!(evaluation.mean("surplus"), Some(2.5));

        let message = Measure::registered("dise", 1.0, &registry)
            .unwrap_err()
            .to_string();
        assert!(message.contains("dice"), "{message}");
    }
}
