//! A list of transforms that are applied in order.

use crate::pending::PendingTransforms;
use crate::{Error, Result, Step, Stream, Trace, Transform, keyed, name_transforms};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use vesalius_control::Control;
use vesalius_registry::Registry;
use vesalius_volume::{Subject, with_suggestion};

/// A list of transforms, applied from first to last; in YAML simply a list.
///
/// ```
/// use vesalius_transforms::Chain;
/// use vesalius_volume::{Geometry, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([16, 16, 16], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
/// let subject = Subject::new("case_01", image, None)?;
/// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [2, 2, 2]}\n- z_score\n- flip: {axes: [x]}")?;
/// assert_eq!(chain.0.len(), 3);
/// assert!(chain.is_random(), "the flip has a probability of one half");
/// let (result, steps) = chain.apply(subject, 42, 0)?;
/// assert_eq!(result.geometry().size(), [8, 8, 8]);
/// assert!(steps.len() >= 2);
///
/// // An unknown name is an error with the nearest known one.
/// let error = serde_saphyr::from_str::<Chain>("- z_scor").unwrap_err();
/// assert!(error.to_string().contains("z_score"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Chain(pub Vec<Transform>);

impl Chain {
    /// Checks that every transform's values are in range.
    ///
    /// # Errors
    /// [`crate::Error::BadValue`], which names the transform and the key.
    ///
    /// ```
    /// use vesalius_transforms::{Chain, Error};
    ///
    /// let chain: Chain = serde_saphyr::from_str("- flip: {probability: 1.5}")?;
    /// let error = chain.check().unwrap_err();
    /// assert!(matches!(error, Error::BadValue { transform: "flip", key: "probability", .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Result<()> {
        self.0.iter().try_for_each(Transform::check)
    }

    /// The chain of a parsed YAML or JSON list that may name transforms of the registry as it names built-in ones,
    /// and checks it: `[{my_transform: {probability: 0.2}}, z_score]`.
    ///
    /// # Errors
    /// A transform that is neither built in nor registered, an option that a transform does not take; as
    /// [`Chain::check`].
    ///
    /// ```
    /// use vesalius_registry::Registry;
    /// use vesalius_transforms::Chain;
    ///
    /// let list = serde_json::json!([{"flip": {"axes": ["x"]}}, "z_score"]);
    /// assert_eq!(Chain::named(list, &Registry::default())?.0.len(), 2);
    /// let unknown = Chain::named(serde_json::json!(["flipp"]), &Registry::default());
    /// assert!(unknown.unwrap_err().to_string().contains("did you mean `flip`"));
    /// # Ok::<(), vesalius_transforms::Error>(())
    /// ```
    pub fn named(mut list: Value, registry: &Registry) -> Result<Self> {
        name_transforms(registry, &mut list);
        let read: serde_json::Result<Self> = serde_json::from_value(list);
        let mut chain = read.map_err(|e| Error::custom(with_suggestion(&e.to_string())))?;
        chain.resolve(registry)?;
        chain.check()?;
        Ok(chain)
    }

    /// Makes the user-defined transforms that a file names.
    ///
    /// # Errors
    /// As [`Transform::resolve`].
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        self.0.iter_mut().try_for_each(|t| t.resolve(registry))
    }

    /// Applies the chain to a case with the random numbers of (`seed`, `draw`), and returns the steps.
    ///
    /// # Errors
    /// A value out of range, or a grid that cannot be resampled.
    pub fn apply(&self, subject: Subject, seed: u64, draw: u64) -> Result<(Subject, Vec<Step>)> {
        self.apply_within(subject, seed, draw, None)
    }

    /// As [`Chain::apply`], where no intermediate image may take more than `limit` bytes; what the machine
    /// cannot hold is refused in any case, before it is made.
    ///
    /// # Errors
    /// As [`Chain::apply`]; [`vesalius_volume::Error::OutOfMemory`].
    pub fn apply_within(
        &self,
        subject: Subject,
        seed: u64,
        draw: u64,
        limit: Option<u64>,
    ) -> Result<(Subject, Vec<Step>)> {
        let (subject, trace) = self.trace_within(subject, seed, draw, limit)?;
        Ok((subject, trace.steps))
    }

    /// As [`Chain::apply`], with what the inverse needs.
    ///
    /// # Errors
    /// As [`Chain::apply`].
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- crop_region: {start: [2, 2, 2], size: [4, 4, 4]}")?;
    /// let (cropped, trace) = chain.trace(subject, 0, 0)?;
    /// assert_eq!(trace.to.size(), [4, 4, 4]);
    /// // The inverse: back on the grid before, zero where the chain cropped.
    /// let back = trace.invert_image(cropped.image())?;
    /// assert_eq!(back.geometry(), &grid);
    /// assert_eq!(back.get(0, [3, 3, 3]), 3.0);
    /// assert_eq!(back.get(0, [7, 7, 7]), 0.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trace(&self, subject: Subject, seed: u64, draw: u64) -> Result<(Subject, Trace)> {
        self.trace_within(subject, seed, draw, None)
    }

    /// As [`Chain::trace`], with the size of each grid checked against a limit in bytes before it is made.
    ///
    /// # Errors
    /// As [`Chain::apply_within`].
    pub fn trace_within(
        &self,
        subject: Subject,
        seed: u64,
        draw: u64,
        limit: Option<u64>,
    ) -> Result<(Subject, Trace)> {
        self.trace_controlled(subject, seed, draw, limit, &Control::new())
    }

    /// As [`Chain::trace_within`], with a stage `preprocess` that counts transforms; cancelled between two of them.
    ///
    /// # Errors
    /// As [`Chain::apply_within`]; [`crate::Error::Cancelled`].
    pub fn trace_controlled(
        &self,
        subject: Subject,
        seed: u64,
        draw: u64,
        limit: Option<u64>,
        control: &Control,
    ) -> Result<(Subject, Trace)> {
        self.check()?;
        let from = *subject.geometry();
        let mut work = PendingTransforms::new(subject, draw).within(limit);
        let stage = control.stage("preprocess", self.0.len() as u64);
        for (position, transform) in (0u32..).zip(&self.0) {
            stage.control().check()?;
            let mut rng = keyed(seed, draw, Stream::Augmentation(position));
            transform.run(&mut work, &mut rng)?;
            stage.advance(1);
        }
        let (subject, steps, interpolations) = work.finish()?;
        let trace = Trace {
            from,
            to: *subject.geometry(),
            steps,
            interpolations,
        };
        Ok((subject, trace))
    }

    /// Several samples of a case: draws `first`, `first + 1`, … What comes before the first random
    /// transform is done once.
    ///
    /// # Errors
    /// As [`Chain::apply`].
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- z_score\n- patch: {size: [4, 4, 4]}")?;
    /// // The normalisation is done once, the patch is drawn three times.
    /// let patches = chain.samples(subject, 42, 0, 3)?;
    /// assert_eq!(patches.len(), 3);
    /// assert_eq!(patches[0].0.geometry().size(), [4, 4, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn samples(
        &self,
        subject: Subject,
        seed: u64,
        first: u64,
        count: usize,
    ) -> Result<Vec<(Subject, Trace)>> {
        self.samples_with(subject, seed, first, count, &Control::new())
    }

    /// As [`Chain::samples`], cancelled between two transforms and followed in the stage `samples`.
    ///
    /// # Errors
    /// As [`Chain::apply`]; [`crate::Error::Cancelled`].
    pub fn samples_with(
        &self,
        subject: Subject,
        seed: u64,
        first: u64,
        count: usize,
        control: &Control,
    ) -> Result<Vec<(Subject, Trace)>> {
        self.check()?;
        let stage = control.stage("samples", count as u64);
        let fixed = self.0.iter().take_while(|t| !t.is_random()).count();
        let from = *subject.geometry();
        let mut prepared = PendingTransforms::new(subject, first);
        for transform in &self.0[..fixed] {
            control.check()?;
            // A transform that is not random draws no numbers.
            transform.run(
                &mut prepared,
                &mut keyed(seed, first, Stream::Augmentation(0)),
            )?;
        }
        (first..first + count as u64)
            .map(|draw| {
                let mut work = prepared.clone().for_draw(draw);
                for (position, transform) in (0u32..).zip(&self.0).skip(fixed) {
                    control.check()?;
                    transform.run(
                        &mut work,
                        &mut keyed(seed, draw, Stream::Augmentation(position)),
                    )?;
                }
                let (subject, steps, interpolations) = work.finish()?;
                let trace = Trace {
                    from,
                    to: *subject.geometry(),
                    steps,
                    interpolations,
                };
                stage.advance(1);
                Ok((subject, trace))
            })
            .collect()
    }

    /// Whether two draws can differ.
    pub fn is_random(&self) -> bool {
        self.0.iter().any(Transform::is_random)
    }
}
