//! What a transform may read of a case when it samples its steps.

use crate::{Error, Result};
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

/// A case as a transform reads it: always its grid; its voxels only where the transform needs them,
/// because moves that are not applied yet leave the voxels on an earlier grid.
pub struct Context<'a> {
    geometry: Geometry,
    channels: usize,
    draw: u64,
    subject: &'a Subject,
}

impl<'a> Context<'a> {
    pub(crate) fn new(geometry: Geometry, subject: &'a Subject, draw: u64) -> Self {
        Self {
            geometry,
            channels: subject.image().channels(),
            draw,
            subject,
        }
    }

    /// The grid that the case has at this point of the chain.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The case's name.
    pub fn name(&self) -> &'a str {
        self.subject.name()
    }

    /// Number of channels of the image.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// The sample's running number.
    pub fn draw(&self) -> u64 {
        self.draw
    }

    /// The image; on [`Context::geometry`] for transforms that read values.
    pub fn image(&self) -> &'a Volume<f32> {
        self.subject.image()
    }

    /// The labels, on the grid of the image; `what` names the transform that needs them.
    ///
    /// # Errors
    /// [`Error::NoLabels`].
    pub fn labels(&self, what: &'static str) -> Result<&'a LabelMap> {
        self.subject.labels().ok_or_else(|| Error::NoLabels {
            case: self.subject.name().to_owned(),
            what,
        })
    }
}
