//! Whether a file is an image or a label map, and what functions over files report while they work.

use crate::FileError;
use std::path::{Path, PathBuf};
use vesalius_io::{
    FileVoxel, ImageFile, Kind, ReadOptions, kind_of, kind_of_file, probe_with, read_as_with,
};
use vesalius_volume::{LabelMap, Volume, Voxel, Warning};

/// Whether a file is read as an image or as a label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FileKind {
    /// The file's header and values decide; where they do not, it is an error.
    #[default]
    FromFile,
    /// An image.
    Image,
    /// A label map, which is never interpolated.
    Labels,
}

/// What a function over files reports while it works.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// What reading a file decided.
    Read {
        /// The file.
        path: &'a Path,
        /// What was decided; empty where nothing was.
        warnings: &'a [Warning],
    },
    /// A file of unspecified kind is taken as a label map.
    TakenAsLabels {
        /// The file.
        path: &'a Path,
        /// The reason.
        because: &'a str,
    },
}

/// A file that may be an image or a label map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} holds {values} different whole numbers ({voxel_type}), so it may be an image or a label map, and mixing labels makes false ones; set its `FileKind`",
    path.display()
)]
pub struct MayBeLabels {
    /// The file.
    pub path: PathBuf,
    /// The type of its voxels.
    pub voxel_type: String,
    /// How many different whole numbers it holds.
    pub values: usize,
}

/// Reads images and labels with the same options, and passes on what was decided.
pub(crate) struct Reader<'a> {
    pub options: &'a ReadOptions,
    pub notice: &'a mut dyn FnMut(&Notice),
}

impl Reader<'_> {
    fn decided(&mut self, path: &Path, warnings: &[Warning]) {
        (self.notice)(&Notice::Read { path, warnings });
    }

    pub fn image<T: FileVoxel>(&mut self, path: &Path) -> vesalius_io::Result<Volume<T>> {
        self.image_with(path, self.options)
    }

    /// An image, read with other options than the others.
    pub fn image_with<T: FileVoxel>(
        &mut self,
        path: &Path,
        options: &ReadOptions,
    ) -> vesalius_io::Result<Volume<T>> {
        let image = read_as_with(path, options)?;
        self.decided(path, image.warnings());
        Ok(image)
    }

    pub fn labels(&mut self, path: &Path) -> vesalius_io::Result<LabelMap> {
        let labels: LabelMap = vesalius_io::read_labels_with(path, self.options)?;
        self.decided(path, labels.warnings());
        Ok(labels)
    }

    /// Whether an image that was read is a label map instead.
    pub fn is_labels<T: Voxel + Into<f64>>(
        &mut self,
        path: &Path,
        image: &Volume<T>,
        kind: FileKind,
    ) -> Result<bool, FileError> {
        let options = self.options;
        self.decide(path, kind, || {
            Ok(kind_of(&probe_with(path, options)?, image))
        })
    }

    /// As [`Reader::is_labels`], for a file whose voxels are read some slices at a time.
    pub fn is_label_file(&mut self, file: &ImageFile, kind: FileKind) -> Result<bool, FileError> {
        self.decide(&file.info().path, kind, || kind_of_file(file))
    }

    /// The kind that the caller gives, else the one that `found` finds.
    fn decide(
        &mut self,
        path: &Path,
        kind: FileKind,
        found: impl FnOnce() -> vesalius_io::Result<Kind>,
    ) -> Result<bool, FileError> {
        match kind {
            FileKind::Labels => return Ok(true),
            FileKind::Image => return Ok(false),
            FileKind::FromFile => {}
        }
        match found()? {
            Kind::Image => Ok(false),
            Kind::WholeReals { values } => {
                self.decided(path, &[Warning::MayBeLabels { values }]);
                Ok(false)
            }
            Kind::Labels(because) => {
                let because = &because.to_string();
                (self.notice)(&Notice::TakenAsLabels { path, because });
                Ok(true)
            }
            Kind::Unclear { voxel_type, values } => Err(FileError::MayBeLabels(MayBeLabels {
                path: path.to_owned(),
                voxel_type: voxel_type.to_string(),
                values,
            })),
        }
    }
}
