//! What became of an image: labels, and probabilities where they were asked for, on its own grid.

use crate::export::LabelStore;
use crate::{ProbabilityStore, Result};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::{Geometry, LabelMap};

/// What became of an image, on its own grid; in memory or, where the plan says so, in scratch files.
#[derive(Debug)]
pub struct Segmented {
    pub(super) labels: LabelStore,
    /// Probabilities before postprocessing, where they were asked for.
    pub probabilities: Option<ProbabilityStore>,
}

impl Segmented {
    /// The labels.
    ///
    /// # Errors
    /// A scratch file that cannot be read.
    pub fn into_labels(self) -> Result<LabelMap> {
        self.labels.into_map()
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

    /// Writes the labels; NIfTI run by run, so that their bytes never stand in memory beside them.
    ///
    /// # Errors
    /// As [`vesalius_io::write_labels`]; a scratch file that cannot be read.
    pub fn write_labels(&self, path: &Path) -> Result<()> {
        self.labels.save(path)
    }
}
