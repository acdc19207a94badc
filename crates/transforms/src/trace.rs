//! The steps that a chain applied to a case, and their inverse.

use crate::map::{GridMap, ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::pending::PendingTransforms;
use crate::{GridStep, Result, Step, Undo};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

/// The steps that took a case from the grid of its file to the grid of a network's input.
///
/// ```
/// use vesalius_transforms::{Chain, Trace};
/// use vesalius_volume::{Geometry, Subject, Volume};
///
/// let grid = Geometry::axis_aligned([16, 16, 16], [1.0; 3])?;
/// let subject = Subject::new("case_01", Volume::filled(grid, 1.0), None)?;
/// let chain: Chain = serde_saphyr::from_str(
///     "- spacing: {to: [2, 2, 2]}\n- crop_centre: {size: [4, 4, 4]}",
/// )?;
/// let (_, trace) = chain.trace(subject, 0, 0)?;
/// assert_eq!((trace.from.size(), trace.to.size()), ([16; 3], [4; 3]));
/// assert_eq!((trace.steps.len(), trace.interpolations), (2, 1));
///
/// // A trace is data: it can be stored with a prediction.
/// let stored = serde_json::to_string(&trace)?;
/// assert_eq!(serde_json::from_str::<Trace>(&stored)?, trace);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The grid before.
    pub from: Geometry,
    /// The grid after.
    pub to: Geometry,
    /// The steps in order, each with its sampled numbers.
    pub steps: Vec<Step>,
    /// How often values were interpolated: neighbouring moves count once.
    pub interpolations: usize,
}

impl Trace {
    /// A prediction on the grid after, resampled to the grid before, in one resampling between paddings;
    /// background where the chain cropped. Voxel for voxel where all moves were exact.
    ///
    /// # Errors
    /// A prediction that lies on another grid.
    ///
    /// ```
    /// use vesalius_transforms::{Chain, LabelSampling};
    /// use vesalius_volume::{Geometry, LabelMap, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
    /// let subject = Subject::new("case_01", Volume::filled(grid, 1.0), None)?;
    /// let chain: Chain = serde_saphyr::from_str("- orient: {to: LPS}\n- spacing: {to: [2, 2, 2]}")?;
    /// let (small, trace) = chain.trace(subject, 0, 0)?;
    ///
    /// // A segmentation on the grid that a network was given.
    /// let found = LabelMap::from_fn(*small.geometry(), |[x, _, _]| u16::from(x >= 2));
    /// let labels = trace.invert_labels(&found, LabelSampling::Nearest)?;
    /// assert_eq!(labels.geometry(), &grid);
    /// // Left of the middle in LPS is the low half of x in RAS.
    /// assert_eq!((labels.get([0, 4, 4]), labels.get([7, 4, 4])), (1, 0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn invert_labels(&self, prediction: &LabelMap, labels: LabelSampling) -> Result<LabelMap> {
        self.to.check_same(
            prediction.geometry(),
            "the chain's result and the prediction",
        )?;
        let sampling = Sampling {
            labels,
            ..Sampling::default()
        };
        let mut found = prediction.clone();
        for map in self.inverse_maps()? {
            found = map.apply_labels(&found, &sampling)?;
        }
        Ok(found)
    }

    /// An image or probabilities on the grid after, resampled to the grid before; zero where the chain
    /// cropped. Channels are kept, changes of intensity are not undone.
    ///
    /// # Errors
    /// As [`Trace::invert_labels`].
    pub fn invert_image(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        self.to
            .check_same(image.geometry(), "the chain's result and the image")?;
        let mut found = image.clone();
        for map in self.inverse_maps()? {
            found = map.apply(&found, None, &Sampling::default())?.0;
        }
        Ok(found)
    }

    /// An image or probabilities on the grid after, brought to the grid before with every step undone by itself, the last one
    /// first, as MONAI's `Invertd` does: zero where the chain cropped, then what was resampled resampled back. Channels are
    /// kept; changes of intensity are not undone.
    ///
    /// ```
    /// use vesalius_transforms::{Chain, Undo};
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [2, 0, 0], rule: monai}")?;
    /// let (result, trace) = chain.trace(subject, 0, 0)?;
    /// assert_eq!(result.image().data(), [0.0, 2.0, 4.0, 6.0]);
    /// let back = trace.undo_image(result.image(), Undo::AsDone)?;
    /// assert_eq!(back.data(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Trace::invert_labels`]; a step that moves the anatomy on its grid.
    pub fn undo_image(&self, image: &Volume<f32>, undo: Undo) -> Result<Volume<f32>> {
        self.to
            .check_same(image.geometry(), "the chain's result and the image")?;
        let mut found = Cow::Borrowed(image);
        for (before, step) in self.grid_steps()?.into_iter().rev() {
            found = Cow::Owned(step.undo_image(&found, &before, undo)?);
        }
        Ok(found.into_owned().with_geometry(self.from)?)
    }

    /// As [`Trace::undo_image`] for labels, by the nearest voxel; halves to even indices, as in PyTorch.
    ///
    /// # Errors
    /// As [`Trace::undo_image`].
    pub fn undo_labels(&self, labels: &LabelMap) -> Result<LabelMap> {
        self.to
            .check_same(labels.geometry(), "the chain's result and the prediction")?;
        let mut found = Cow::Borrowed(labels);
        for (before, step) in self.grid_steps()?.into_iter().rev() {
            found = Cow::Owned(step.undo_labels(&found, &before)?);
        }
        Ok(found.into_owned().with_geometry(self.from)?)
    }

    /// Whether undoing the moves as one linear interpolation, within what the chain covers, is the same as undoing each by
    /// itself: there is one interpolation, linear with the border repeated, and no padding after it.
    pub fn is_undone_as_one(&self) -> Result<bool> {
        let mut interpolated = false;
        for (before, step) in self.grid_steps()? {
            match (step, step.sampling()) {
                (GridStep::Resize(_), _) => return Ok(false),
                (_, Some(sampling)) => {
                    let linear = sampling.image == ImageSampling::Linear;
                    if interpolated || !linear || sampling.outside != PaddingMode::Edge {
                        return Ok(false);
                    }
                    interpolated = true;
                }
                (step, None) if interpolated && step.pads(&before) => return Ok(false),
                _ => {}
            }
        }
        Ok(true)
    }

    /// The moves, each with the grid that it was applied to.
    fn grid_steps(&self) -> Result<Vec<(Geometry, &GridStep)>> {
        let (mut grid, mut found) = (self.from, Vec::new());
        for step in &self.steps {
            if let Step::Grid(step) = step {
                let target = step.target(&grid)?;
                found.push((std::mem::replace(&mut grid, target), step));
            }
        }
        Ok(found)
    }

    /// The same steps on another case with the same grid, neighbouring moves as one again.
    ///
    /// # Errors
    /// A case that a step does not fit.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- flip: {axes: [x], probability: 1}")?;
    /// let (_, trace) = chain.trace(subject.clone(), 0, 0)?;
    /// assert_eq!(trace.replay(subject)?.image().data(), [2.0, 1.0, 0.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn replay(&self, subject: Subject) -> Result<Subject> {
        self.from
            .check_same(subject.geometry(), "the case that was traced and this one")?;
        let mut work = PendingTransforms::new(subject, 0);
        self.steps
            .iter()
            .try_for_each(|step| work.push(step.clone()))?;
        Ok(work.finish()?.0)
    }

    /// The maps of the inverse, in order. Moves are one map, but a padding is a separate map, so that
    /// what a network found in it does not end where the chain had cropped.
    fn inverse_maps(&self) -> Result<Vec<GridMap>> {
        let mut stretches: Vec<(Geometry, GridMap)> = Vec::new();
        let (mut grid, mut open) = (self.from, false);
        for step in &self.steps {
            let Step::Grid(step) = step else { continue };
            let (map, pads) = (step.map(&grid)?, step.pads(&grid));
            let source = std::mem::replace(&mut grid, map.target);
            match stretches.pop() {
                Some((first, before)) if open && !pads => {
                    stretches.push((first, before.after(map)))
                }
                before => stretches.extend(before.into_iter().chain([(source, map)])),
            }
            open = !pads;
        }
        Ok(stretches
            .into_iter()
            .rev()
            .map(|(source, map)| map.inverse(source))
            .collect())
    }
}
