//! The result for an image: labels, and probabilities if they were requested, on its own grid.

use crate::export::LabelStore;
use crate::{MemoryPlan, ProbabilityStore, Result};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_io::{LabelName, strip_extension, write_label_names};
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Warning};

/// The result for an image, on its own grid; in memory or, where the plan has them, in scratch files.
#[derive(Debug)]
#[non_exhaustive]
pub struct Segmentation {
    pub(super) labels: LabelStore,
    pub(super) scheme: LabelScheme,
    /// Probabilities before postprocessing, if they were requested.
    pub probabilities: Option<ProbabilityStore>,
    /// Warnings about the model, and about what is ambiguous, wrong or missing in the image.
    pub warnings: Vec<Warning>,
    /// How each model was run, coarser ones first.
    pub plans: Vec<MemoryPlan>,
}

impl Segmentation {
    /// The labels.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn into_labels(self) -> Result<LabelMap> {
        self.labels.into_map()
    }

    /// Bytes of memory at the peak of the model that took most, as predicted.
    pub fn memory(&self) -> u64 {
        self.plans.iter().map(|plan| plan.peak).max().unwrap_or(0)
    }

    /// How many voxels hold each label.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn counts(&self) -> Result<BTreeMap<u32, usize>> {
        self.labels.counts()
    }

    /// The grid.
    pub fn geometry(&self) -> &Geometry {
        self.labels.geometry()
    }

    /// The name of each label, and a colour of its own.
    pub fn label_names(&self) -> Vec<LabelName> {
        label_names(&self.scheme)
    }

    /// Writes the labels with their names and colours: 3D Slicer reads them in `.nrrd`; a file of another format gets
    /// a `NAME.label`, which ITK-SNAP reads. NIfTI is written run by run, so that its bytes are never all in memory.
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let (path, names) = (path.as_ref(), self.label_names());
        self.labels.save(path, &names)?;
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        if ending != "nrrd" && ending != "nhdr" {
            let beside = path.with_file_name(format!("{}.label", strip_extension(path)));
            write_label_names(beside, &names)?;
        }
        Ok(())
    }

    /// Writes one file: the labels, with their names and colours where the format has a place for them (NRRD, NIfTI).
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`].
    pub fn write_file(&self, path: impl AsRef<Path>) -> Result<()> {
        self.labels.save(path.as_ref(), &self.label_names())
    }

    /// Writes a file with 1 where a label is, and 0 elsewhere.
    ///
    /// # Errors
    /// As [`Segmentation::write_labels`].
    pub fn write_mask(&self, path: impl AsRef<Path>, label: u16) -> Result<()> {
        self.labels.save_mask(path.as_ref(), label)
    }

    /// Writes the labels alone.
    ///
    /// # Errors
    /// As [`vesalius_io::write_labels`]; a scratch file that cannot be read.
    pub fn write_labels(&self, path: impl AsRef<Path>) -> Result<()> {
        self.labels.save(path.as_ref(), &[])
    }
}

/// What each label of a scheme is called but the background, and the colour that it has everywhere: what
/// [`vesalius_io::WriteOptions::labels`] takes.
pub fn label_names(scheme: &LabelScheme) -> Vec<LabelName> {
    let labels = scheme.labels().into_iter();
    let shown = labels.filter(|label| label.value != 0);
    shown
        .map(|label| LabelName {
            value: label.value.into(),
            name: label.name.to_owned(),
            color: label.colour,
            layer: 0,
        })
        .collect()
}
