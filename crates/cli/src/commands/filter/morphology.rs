//! Filters that grow, shrink and fill labels.

use super::Result;
use super::files::{Axis, Files, Masked, Neighbours};
use crate::values::triple;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::filters::{
    self, Border, Element, HoleOptions, Reconstruction, closing, dilate, erode, fill_holes,
    opening, reconstruct,
};
use vesalius::volume::LabelMap;

/// Filters of labels, each label by itself, or of a mask with `--binary` or `--label`.
#[derive(clap::Subcommand)]
pub enum Morphology {
    /// Grow each label; a labelled voxel keeps its label, and a voxel between two goes to the nearer one
    Dilate {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        structure: Structure,
    },
    /// Shrink each label; to a label, every other one is background
    Erode {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        structure: Structure,
        /// The border of the image shrinks labels too
        #[arg(long)]
        border: bool,
    },
    /// Shrink, then grow each label: what is thin goes
    Open {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        structure: Structure,
    },
    /// Grow, then shrink each label: gaps close, and a labelled voxel keeps its label
    Close {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        structure: Structure,
    },
    /// Fill the background that a label encloses; what has a label keeps it, and of two labels the inner fills
    FillHoles {
        #[command(flatten)]
        files: Files,
        /// Through how many neighbours the background hangs together
        #[arg(long, value_enum, default_value = "6")]
        neighbours: Neighbours,
        /// Fill each slice across this axis on its own
        #[arg(long, value_enum, value_name = "AXIS")]
        slices: Option<Axis>,
        #[command(flatten)]
        masked: Masked,
    },
    /// Spread an image, the marker, under or over another one, the mask
    Reconstruct {
        #[command(flatten)]
        files: Files,
        /// The image that bounds the marker
        #[arg(long, value_name = "IMAGE")]
        mask: PathBuf,
        /// Whether the marker grows under the mask or shrinks over it
        #[arg(long, value_enum, default_value = "dilation")]
        by: By,
        /// Through how many neighbours it spreads
        #[arg(long, value_enum, default_value = "6")]
        neighbours: Neighbours,
    },
}

/// The element that a mask is grown or shrunk by.
#[derive(clap::Args)]
pub struct Structure {
    #[command(flatten)]
    radius: Radius,
    /// Its shape
    #[arg(long, value_enum, default_value = "ball")]
    shape: Shape,
    #[command(flatten)]
    masked: Masked,
}

/// How far it reaches.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Radius {
    /// Its radius in voxels, one or x,y,z
    #[arg(long, value_parser = triple::<usize>, value_name = "VOXELS", allow_negative_numbers = true)]
    radius: Option<[usize; 3]>,
    /// Its radius in mm, one or x,y,z
    #[arg(long, value_parser = triple::<f64>, value_name = "MM", allow_negative_numbers = true)]
    radius_mm: Option<[f64; 3]>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shape {
    Ball,
    Box,
    Cross,
}

/// How a marker spreads.
#[derive(Clone, Copy, ValueEnum)]
pub enum By {
    /// It grows under the mask
    Dilation,
    /// It shrinks over the mask
    Erosion,
}

impl Structure {
    fn element(&self) -> Element {
        let shape = match self.shape {
            Shape::Ball => filters::Shape::Ball,
            Shape::Box => filters::Shape::Box,
            Shape::Cross => filters::Shape::Cross,
        };
        match (self.radius.radius, self.radius.radius_mm) {
            (_, Some(millimetres)) => Element::millimetres(shape, millimetres),
            // One of the two is required.
            (voxels, None) => Element::voxels(shape, voxels.unwrap_or_default()),
        }
    }

    fn apply(
        &self,
        files: &Files,
        filter: impl FnOnce(&LabelMap, &Element) -> filters::Result<LabelMap>,
    ) -> Result<()> {
        files.relabel(|labels| filter(&self.masked.of(labels), &self.element()))
    }
}

impl Morphology {
    /// Reads, filters and writes.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Dilate { files, structure } => structure.apply(files, dilate),
            Self::Erode {
                files,
                structure,
                border,
            } => {
                let border = match border {
                    true => Border::Background,
                    false => Border::Foreground,
                };
                structure.apply(files, |labels, element| erode(labels, element, border))
            }
            Self::Open { files, structure } => structure.apply(files, opening),
            Self::Close { files, structure } => structure.apply(files, closing),
            Self::FillHoles {
                files,
                neighbours,
                slices,
                masked,
            } => {
                let options = HoleOptions {
                    connectivity: (*neighbours).into(),
                    slices: slices.map(|axis| axis as usize),
                };
                files.relabel(|labels| fill_holes(&masked.of(labels), &options))
            }
            Self::Reconstruct {
                files,
                mask,
                by,
                neighbours,
            } => {
                let way = match by {
                    By::Dilation => Reconstruction::ByDilation,
                    By::Erosion => Reconstruction::ByErosion,
                };
                let mask = files.image_of(mask)?;
                files.filter(|marker| reconstruct(marker, &mask, way, (*neighbours).into()))
            }
        }
    }
}
