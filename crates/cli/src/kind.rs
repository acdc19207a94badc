//! Whether a file is an image or labels, where the user may say so: `--labels` and `--image`.

use crate::again::{this_command, this_command_for_labels};
use crate::commands::Result;
use std::path::Path;
use vesalius::io::{Kind, ReadOptions, kind_of, probe_with};
use vesalius::volume::{Volume, Voxel};

/// What IN is; without one of the two the file decides, and where it cannot, the command asks.
#[derive(clap::Args, Clone, Copy)]
pub struct KindOption {
    /// IN is a label map: names, which are never mixed
    #[arg(long)]
    labels: bool,
    /// IN is an image, even if it holds few whole numbers
    #[arg(long, conflicts_with = "labels")]
    image: bool,
}

impl KindOption {
    /// Whether IN is said to be a label map.
    pub fn says_labels(self) -> bool {
        self.labels
    }

    /// Whether an image that was read is a label map instead.
    ///
    /// # Errors
    /// A file that could be both, with the two commands to choose from.
    pub fn is_labels<T: Voxel + Into<f64>>(
        self,
        path: &Path,
        image: &Volume<T>,
        reading: &ReadOptions,
    ) -> Result<bool> {
        if self.labels || self.image {
            return Ok(self.labels);
        }
        match kind_of(&probe_with(path, reading)?, image) {
            Kind::Image => Ok(false),
            Kind::Labels(because) => {
                note!("{}: taken as a label map: {because}", path.display());
                Ok(true)
            }
            Kind::Unclear { voxel_type, values } => Err(format!(
                "{} holds {values} different whole numbers ({voxel_type}), so it may be an image or a label map, \
                 and mixing labels makes false ones; say which it is:\n  as labels:   {}\n  as an image: {}",
                path.display(),
                this_command_for_labels(),
                this_command(&["--image"]),
            )
            .into()),
        }
    }
}
