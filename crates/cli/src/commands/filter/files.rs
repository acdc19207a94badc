//! The two files of a filter, and the choices that several filters share.

use super::Result;
use crate::input::ImageInput;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use vesalius::filters::{self, ComponentOptions, Connectivity};
use vesalius::io::{FileVoxel, write, write_labels};
use vesalius::volume::{Label, LabelMap, Volume};

/// The file that is read and the file that is written.
#[derive(clap::Args)]
pub struct Files {
    /// The file to read
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// The file to write; its name decides the format
    #[arg(value_name = "OUT")]
    output: PathBuf,
    #[command(flatten)]
    reading: ImageInput,
}

impl Files {
    /// Where the result goes.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// The input as an image.
    pub fn image(&self) -> Result<Volume<f32>> {
        Ok(self.reading.image(&self.input)?)
    }

    /// The input as a label map.
    pub fn labels(&self) -> Result<LabelMap> {
        Ok(self.reading.labels(&self.input)?)
    }

    /// A further image, read as the input is.
    pub fn image_of(&self, path: &Path) -> Result<Volume<f32>> {
        Ok(self.reading.image(path)?)
    }

    /// Further labels, read as the input is.
    pub fn labels_of(&self, path: &Path) -> Result<LabelMap> {
        Ok(self.reading.labels(path)?)
    }

    /// From an image to an image.
    pub fn filter(
        &self,
        filter: impl FnOnce(&Volume<f32>) -> filters::Result<Volume<f32>>,
    ) -> Result<()> {
        Ok(write(&self.output, &filter(&self.image()?)?)?)
    }

    /// From labels to labels.
    pub fn relabel<T: Label + FileVoxel>(
        &self,
        filter: impl FnOnce(&LabelMap) -> filters::Result<LabelMap<T>>,
    ) -> Result<()> {
        Ok(write_labels(&self.output, &filter(&self.labels()?)?)?)
    }
}

/// Through how many neighbours voxels hang together.
#[derive(Clone, Copy, ValueEnum)]
pub enum Neighbours {
    /// Through faces
    #[value(name = "6")]
    Faces,
    /// Through faces and edges
    #[value(name = "18")]
    Edges,
    /// Through faces, edges and corners
    #[value(name = "26")]
    Corners,
}

impl From<Neighbours> for Connectivity {
    fn from(neighbours: Neighbours) -> Self {
        match neighbours {
            Neighbours::Faces => Self::Faces,
            Neighbours::Edges => Self::Edges,
            Neighbours::Corners => Self::Corners,
        }
    }
}

/// How components are told apart.
#[derive(clap::Args, Clone, Copy)]
pub struct Pieces {
    /// Through how many neighbours voxels hang together
    #[arg(long, value_enum, default_value = "26")]
    neighbours: Neighbours,
    /// Voxels of different labels never hang together
    #[arg(long)]
    by_label: bool,
}

impl From<Pieces> for ComponentOptions {
    fn from(pieces: Pieces) -> Self {
        Self {
            connectivity: pieces.neighbours.into(),
            by_label: pieces.by_label,
        }
    }
}

impl FromStr for Axis {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        <Self as ValueEnum>::from_str(text, true)
    }
}

/// An axis of the file's grid.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Axis {
    /// The fastest in memory
    X,
    /// The second
    Y,
    /// The slices
    Z,
}
