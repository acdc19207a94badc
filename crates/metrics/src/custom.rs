//! Measures of the user's own.

use crate::{Better, Measure, Result};
use serde_json::Map;
use std::sync::Arc;
use vesalius_registry::{Custom, Registry};
use vesalius_volume::LabelMap;

/// A measure of the user's own, for [`Measure::custom`].
pub trait CustomMeasure: Send + Sync {
    /// The value of one target (a label or a region) of one case. Both masks are 1 inside and 0 outside, lie on one
    /// grid and have voxels; voxels that carry the ignore label are 0 in both. `None` leaves the case out of means.
    fn value(&self, reference: &LabelMap<u8>, prediction: &LabelMap<u8>) -> Option<f64>;

    /// Which values are good.
    fn better(&self) -> Better {
        Better::Higher
    }

    /// What the mean over cases counts where one of the masks is empty; `diagonal` is the image's in mm, the largest
    /// distance there is.
    fn worst(&self, _diagonal: f64) -> f64 {
        0.0
    }
}

vesalius_registry::registered! {
    /// Adds measures of the user's own to a [`Registry`].
    pub trait RegisterMeasure {
        /// Makes [`Measure::registered`] know this type by the name; its options are read by serde.
        fn measure => CustomMeasure, "measure";
    }
}

impl Measure {
    /// A measure of the user's own; `name` is its key in files and the head of its column.
    pub fn custom(name: impl Into<String>, measure: impl CustomMeasure + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(measure)))
    }

    /// As [`Measure::named`], for names of the registry too; a registered name comes before a built-in one.
    ///
    /// # Errors
    /// As [`Measure::named`]; [`crate::Error::Registry`] for a registered measure that needs options.
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
