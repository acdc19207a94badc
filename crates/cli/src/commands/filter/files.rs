//! The two files of a filter, and the choices that several filters share.

use super::Result;
use crate::input::ImageInput;
use clap::ValueEnum;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use vesalius::filters::{self, ComponentOptions, Connectivity};
use vesalius::io::{FileVoxel, ReadOptions, write, write_labels};
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
    /// Where the input is.
    pub fn input(&self) -> &Path {
        &self.input
    }

    /// Where the result goes.
    pub fn output(&self) -> &Path {
        &self.output
    }

    /// How the input is read.
    pub fn reading(&self) -> ReadOptions {
        self.reading.options()
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

/// Whether the labels are taken as they are, which is the default, or as one mask.
#[derive(clap::Args, Clone, Copy)]
pub struct Masked {
    /// All labels but 0 are one mask, and the result is a mask of 0 and 1
    #[arg(long)]
    binary: bool,
    /// This label alone is a mask, and the result is a mask of 0 and 1
    #[arg(long, value_name = "VALUE", conflicts_with = "binary")]
    label: Option<u16>,
}

impl Masked {
    /// The labels that a filter works on.
    pub fn of<'a>(&self, labels: &'a LabelMap) -> Cow<'a, LabelMap> {
        match (self.binary, self.label) {
            (false, None) => Cow::Borrowed(labels),
            (_, Some(label)) => Cow::Owned(labels.map(|value| u16::from(value == label))),
            (true, None) => Cow::Owned(labels.map(|value| u16::from(value != 0))),
        }
    }
}

/// How components are told apart.
#[derive(clap::Args, Clone, Copy)]
pub struct Pieces {
    /// Through how many neighbours voxels hang together
    #[arg(long, value_enum, default_value = "26")]
    neighbours: Neighbours,
    /// All labels but 0 are one mask: voxels of different labels hang together too
    #[arg(long)]
    binary: bool,
    /// Voxels of different labels never hang together, which is the default
    #[arg(long, conflicts_with = "binary")]
    by_label: bool,
}

impl From<Pieces> for ComponentOptions {
    fn from(pieces: Pieces) -> Self {
        Self {
            connectivity: pieces.neighbours.into(),
            by_label: pieces.by_label || !pieces.binary,
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
