//! User-defined transforms.

use crate::{Context, Result, Step, Transform};
use serde_json::{Map, Value};
use std::sync::Arc;
use vesalius_registry::{Custom, Extension, Registry};
use vesalius_volume::{LabelMap, Volume};

/// The random numbers of a transform: they depend on the seed, the draw and the transform's position in its chain
/// only, not on what other transforms draw.
pub type TransformRng = rand_chacha::ChaCha8Rng;

/// A user-defined transform: a distribution from which [`Step`]s are drawn. It goes into a [`crate::Chain`] by
/// [`Transform::custom`], or by name through a [`Registry`]; see [`RegisterTransform`].
///
/// ```
/// use serde_json::Map;
/// use vesalius_transforms::{Chain, Context, CustomTransform, Result, Step, Transform, TransformRng};
/// use vesalius_volume::{Geometry, Subject, Volume};
///
/// /// Inverts the image: a step without random numbers.
/// struct Negative;
/// impl CustomTransform for Negative {
///     fn sample(&self, _case: &Context<'_>, _rng: &mut TransformRng) -> Result<Vec<Step>> {
///         Ok(vec![Step::voxels("negative", Map::new(), |image, _labels| {
///             image.data_mut().iter_mut().for_each(|value| *value = -*value);
///             Ok(())
///         })])
///     }
/// }
///
/// let grid = Geometry::axis_aligned([2, 1, 1], [1.0; 3])?;
/// let subject = Subject::new("case_01", Volume::new(grid, 1, vec![1.0, -2.0])?, None)?;
/// let chain = Chain(vec![Transform::custom("negative", Negative)]);
/// let (result, steps) = chain.apply(subject, 0, 0)?;
/// assert_eq!(result.image().data(), [-1.0, 2.0]);
/// assert_eq!(steps.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CustomTransform: Send + Sync {
    /// Samples the steps; none when the draw leaves the case as it is.
    ///
    /// # Errors
    /// Any error of sampling; [`crate::Error::custom`] makes an error from a text or another error.
    fn sample(&self, case: &Context<'_>, rng: &mut TransformRng) -> Result<Vec<Step>>;

    /// Checks that every option is in range.
    ///
    /// # Errors
    /// The option that is not.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Whether two draws can differ: such a transform belongs to augmentation, not to preprocessing.
    fn is_random(&self) -> bool {
        true
    }

    /// Whether it reads voxels: then moves before it are applied first, and [`Context::image`] lies on
    /// [`Context::geometry`].
    fn reads_values(&self) -> bool {
        false
    }
}

/// What a custom transform drew: a change of values on the same grid that gives the same result each time.
pub trait CustomStep: Send + Sync {
    /// Changes the values of a case. The grid must stay.
    ///
    /// # Errors
    /// A case that the step does not fit.
    fn apply(&self, image: &mut Volume<f32>, labels: Option<&mut LabelMap>) -> Result<()>;
}

impl<F> CustomStep for F
where
    F: Fn(&mut Volume<f32>, Option<&mut LabelMap>) -> Result<()> + Send + Sync,
{
    fn apply(&self, image: &mut Volume<f32>, labels: Option<&mut LabelMap>) -> Result<()> {
        self(image, labels)
    }
}

impl Extension for dyn CustomStep {
    const KIND: &'static str = "step";
}

impl Step {
    /// A user-defined step. `drawn` are its numbers, for records: a [`crate::Trace`] that is written holds them,
    /// but one that is read again cannot apply them unless a registry has the step.
    pub fn voxels<F>(name: impl Into<String>, drawn: Map<String, Value>, apply: F) -> Self
    where
        F: Fn(&mut Volume<f32>, Option<&mut LabelMap>) -> Result<()> + Send + Sync + 'static,
    {
        Self::Custom(Custom::new(name, Arc::new(apply) as Arc<dyn CustomStep>).with_options(drawn))
    }
}

impl Transform {
    /// A user-defined transform. Files that are written hold the name, so that reading them again needs a
    /// [`Registry`] that has it.
    pub fn custom(name: impl Into<String>, transform: impl CustomTransform + 'static) -> Self {
        Self::Custom(Custom::new(name, Arc::new(transform)))
    }
}

vesalius_registry::registered! {
    /// Adds user-defined transforms to a [`Registry`].
    pub trait RegisterTransform {
        /// Makes this name in a chain mean this type; its options are read by serde.
        fn transform => CustomTransform, "transform";
    }
}

/// Rewrites items of a list that name registered transforms as they name built-in ones
/// (`- metal_streaks: {probability: 0.2}`) to the form that a [`Transform`] is read from
/// (`- custom: {name: metal_streaks, probability: 0.2}`), in lists within lists as well.
///
/// ```
/// use serde_json::json;
/// use vesalius_registry::Registry;
/// use vesalius_transforms::{
///     Context, CustomTransform, RegisterTransform, Result, Step, TransformRng, name_transforms,
/// };
///
/// #[derive(serde::Deserialize)]
/// struct MetalStreaks {
///     probability: f64,
/// }
/// impl CustomTransform for MetalStreaks {
///     fn sample(&self, _case: &Context<'_>, _rng: &mut TransformRng) -> Result<Vec<Step>> {
///         Ok(Vec::new())
///     }
/// }
///
/// let mut registry = Registry::default();
/// registry.transform::<MetalStreaks>("metal_streaks");
/// let mut chain = json!([{"metal_streaks": {"probability": 0.2}}, "z_score"]);
/// name_transforms(&registry, &mut chain);
/// assert_eq!(chain, json!([{"custom": {"name": "metal_streaks", "probability": 0.2}}, "z_score"]));
/// ```
pub fn name_transforms(registry: &Registry, value: &mut Value) {
    match value {
        Value::Array(items) => {
            for item in items {
                if let Some(custom) = as_custom(item, &registry.names::<dyn CustomTransform>()) {
                    *item = custom;
                }
                name_transforms(registry, item);
            }
        }
        Value::Object(entries) => {
            let values = entries.values_mut();
            values.for_each(|value| name_transforms(registry, value));
        }
        _ => {}
    }
}

/// An item of a list that names one of these transforms, alone or with its options.
fn as_custom(item: &Value, names: &[&str]) -> Option<Value> {
    let (name, options) = match item {
        Value::String(name) => (name, Map::new()),
        Value::Object(entry) if entry.len() == 1 => match entry.iter().next()? {
            (name, Value::Object(options)) => (name, options.clone()),
            (name, Value::Null) => (name, Map::new()),
            _ => return None,
        },
        _ => return None,
    };
    if !names.contains(&name.as_str()) {
        return None;
    }
    let named = ("name".to_owned(), Value::from(name.as_str()));
    let options: Map<String, Value> = std::iter::once(named).chain(options).collect();
    Some(Value::Object(Map::from_iter([(
        "custom".to_owned(),
        options.into(),
    )])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Chain, Error};
    use rand::RngExt;
    use serde_json::json;
    use vesalius_volume::{Geometry, Subject};

    /// Adds a drawn number to every voxel, and to every label one.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Lift {
        by: f32,
    }
    impl CustomTransform for Lift {
        fn sample(&self, case: &Context<'_>, rng: &mut TransformRng) -> Result<Vec<Step>> {
            let by = self.by * rng.random_range(1.0..2.0f32) * case.channels() as f32;
            let drawn = Map::from_iter([("by".to_owned(), json!(by))]);
            let lift = move |image: &mut Volume<f32>, labels: Option<&mut LabelMap>| {
                image.data_mut().iter_mut().for_each(|value| *value += by);
                if let Some(labels) = labels {
                    labels.data_mut().iter_mut().for_each(|label| *label += 1);
                }
                Ok(())
            };
            Ok(vec![Step::voxels("lift", drawn, lift)])
        }
        fn check(&self) -> Result<()> {
            match self.by > 0.0 {
                true => Ok(()),
                false => Err(Error::custom("lift: by must be positive")),
            }
        }
    }

    fn registry() -> Registry {
        let mut registry = Registry::default();
        registry.transform::<Lift>("lift");
        registry
    }

    fn subject() -> Subject {
        let grid = Geometry::axis_aligned([3, 2, 1], [1.0; 3]).unwrap();
        let labels = LabelMap::from_fn(grid, |_| 0u16);
        Subject::new("case", Volume::filled(grid, 1.0), Some(labels)).unwrap()
    }

    fn chain(mut list: Value) -> Result<Chain> {
        name_transforms(&registry(), &mut list);
        let mut chain: Chain = serde_json::from_value(list).map_err(Error::custom)?;
        chain.resolve(&registry())?;
        chain.check()?;
        Ok(chain)
    }

    #[test]
    fn a_transform_of_the_users_own_is_named_like_the_built_in_ones() {
        for list in [
            json!([{"flip": {"axes": ["x"]}}, {"lift": {"by": 2.0}}]),
            json!([{"flip": {"axes": ["x"]}}, {"maybe": {"probability": 1.0, "of": [{"lift": {"by": 2.0}}]}}]),
            json!([{"flip": {"axes": ["x"]}}, {"custom": {"name": "lift", "by": 2.0}}]),
        ] {
            let chain = chain(list).unwrap();
            assert!(chain.is_random());
            let (after, steps) = chain.apply(subject(), 1, 0).unwrap();
            let value = after.image().data()[0];
            assert!((3.0..5.0).contains(&value), "{value}");
            assert!(
                after
                    .labels()
                    .unwrap()
                    .data()
                    .iter()
                    .all(|&label| label == 1)
            );
            assert_eq!(
                chain.apply(subject(), 1, 0).unwrap().0.image().data()[0],
                value
            );
            assert_ne!(
                chain.apply(subject(), 2, 0).unwrap().0.image().data()[0],
                value
            );
            let written = serde_json::to_value(&steps).unwrap();
            assert_eq!(
                written.as_array().unwrap().last().unwrap()["custom"]["name"],
                "lift"
            );
        }
    }

    #[test]
    fn wrong_options_and_names_are_told() {
        let message = |list| chain(list).unwrap_err().to_string();
        assert!(message(json!([{"lift": {"by": -1.0}}])).contains("must be positive"));
        assert!(message(json!([{"lift": {"with": 1.0}}])).contains("with"));
        assert!(message(json!([{"lifd": {"by": 1.0}}])).contains("lifd"));
        assert!(message(json!([{"custom": "left"}])).contains("did you mean `lift`"));
        let unresolved = Chain(vec![
            serde_json::from_value(json!({"custom": "lift"})).unwrap(),
        ]);
        let message = unresolved.apply(subject(), 1, 0).unwrap_err().to_string();
        assert!(
            message.contains("lift") && message.contains("Registry"),
            "{message}"
        );
    }

    #[test]
    fn a_step_that_moves_the_case_is_refused() {
        let away = |image: &mut Volume<f32>, _: Option<&mut LabelMap>| {
            *image = Volume::filled(Geometry::axis_aligned([3, 2, 1], [2.0; 3]).unwrap(), 0.0);
            Ok(())
        };
        let step = Step::voxels("away", Map::new(), away);
        let subject = Subject::new("case", subject().image().clone(), None).unwrap();
        let message = step.apply(subject).unwrap_err().to_string();
        assert!(
            message.contains("away") && message.contains("case"),
            "{message}"
        );
    }
}
