//! Filters that move voxels without interpolating: flips, orders of axes, crops.

use super::Result;
use super::files::{Axis, Files};
use crate::values::triple;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::filters::{
    self, Bounds, OnGrid, PadMode, bounding_box, crop, crop_or_pad, flip, orient, permute,
};
use vesalius::io::{write, write_labels};
use vesalius::volume::Orientation;

/// Filters of the grid; every voxel keeps its place in the world.
#[derive(clap::Subcommand)]
pub enum Grid {
    /// Store the voxels in another orientation, such as RAS
    Orient {
        #[command(flatten)]
        files: Files,
        /// Three letters: where x, y and z run to
        #[arg(long, value_name = "CODE", default_value = "RAS")]
        to: Orientation,
        /// IN is a label map
        #[arg(long)]
        labels: bool,
    },
    /// Store axes backwards
    Flip {
        #[command(flatten)]
        files: Files,
        /// Which axes
        #[arg(long, value_enum, value_delimiter = ',', required = true)]
        axes: Vec<Axis>,
        /// IN is a label map
        #[arg(long)]
        labels: bool,
    },
    /// Store the axes in another order
    Permute {
        #[command(flatten)]
        files: Files,
        /// The axes of IN in the order of OUT, such as z,x,y
        #[arg(long, value_parser = triple::<Axis>, value_name = "AXIS,AXIS,AXIS")]
        order: [Axis; 3],
        /// IN is a label map
        #[arg(long)]
        labels: bool,
    },
    /// Cut out the box around the foreground of labels, or of the image's values other than 0
    CropToForeground {
        #[command(flatten)]
        files: Files,
        /// Labels on the same grid; without them what is not 0 in IN counts
        #[arg(long, value_name = "LABELS")]
        mask: Option<PathBuf>,
        /// Voxels around the box, one or x,y,z
        #[arg(long, value_parser = triple::<usize>, value_name = "VOXELS", default_value = "0")]
        margin: [usize; 3],
        /// IN is a label map
        #[arg(long)]
        labels: bool,
    },
    /// Cut out or pad to a size
    CropOrPad {
        #[command(flatten)]
        files: Files,
        /// Voxels x,y,z of the result
        #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z")]
        size: [usize; 3],
        /// The voxel of IN that comes first; negative pads [default: what centres it]
        #[arg(long, value_parser = triple::<i64>, value_name = "X,Y,Z", allow_hyphen_values = true)]
        start: Option<[i64; 3]>,
        /// What stands in new voxels
        #[arg(long, value_enum, default_value = "zero")]
        pad: Pad,
        /// IN is a label map
        #[arg(long)]
        labels: bool,
    },
}

/// What stands in new voxels.
#[derive(Clone, Copy, ValueEnum)]
pub enum Pad {
    /// 0
    Zero,
    /// The border voxel
    Edge,
    /// The image mirrored at the border voxel
    Reflect,
}

/// Runs one expression on the input as labels or as an image, and writes the result as such.
macro_rules! either {
    ($files:expr, $labels:expr, $input:ident => $result:expr) => {
        if $labels {
            let $input = $files.labels()?;
            Ok(write_labels($files.output(), &$result?)?)
        } else {
            let $input = $files.image()?;
            Ok(write($files.output(), &$result?)?)
        }
    };
}

impl Grid {
    /// Reads, moves and writes.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Orient { files, to, labels } => {
                either!(files, *labels, input => orient(&input, *to))
            }
            Self::Flip {
                files,
                axes,
                labels,
            } => {
                let axes = [Axis::X, Axis::Y, Axis::Z].map(|axis| axes.contains(&axis));
                either!(files, *labels, input => flip(&input, axes))
            }
            Self::Permute {
                files,
                order,
                labels,
            } => {
                let order = order.map(|axis| axis as usize);
                either!(files, *labels, input => permute(&input, order))
            }
            Self::CropToForeground {
                files,
                mask,
                margin,
                labels,
            } => either!(files, *labels, input => {
                let found = match mask {
                    Some(path) => {
                        let mask = files.labels_of(path)?;
                        input.geometry().check_same(mask.geometry(), "IN and --mask")?;
                        bounding_box(&mask)
                    }
                    None => bounding_box(&input),
                };
                let Some(found) = found else {
                    return Err("nothing but 0 is found, so there is no box to cut out".into());
                };
                crop(&input, widened(found, *margin, input.geometry().size()))
            }),
            Self::CropOrPad {
                files,
                size,
                start,
                pad,
                labels,
            } => either!(files, *labels, input => {
                let old = input.geometry().size();
                let centred =
                    std::array::from_fn(|axis| (old[axis] as i64 - size[axis] as i64).div_euclid(2));
                padded(&input, start.unwrap_or(centred), *size, *pad)
            }),
        }
    }
}

fn padded<G: OnGrid>(input: &G, start: [i64; 3], size: [usize; 3], pad: Pad) -> filters::Result<G>
where
    G::Value: Default,
{
    let mode = match pad {
        Pad::Zero => PadMode::Constant(G::Value::default()),
        Pad::Edge => PadMode::Edge,
        Pad::Reflect => PadMode::Reflect,
    };
    crop_or_pad(input, start, size, mode)
}

/// A box with a margin on each side, as far as the image reaches.
fn widened(found: Bounds, margin: [usize; 3], image: [usize; 3]) -> Bounds {
    let start: [usize; 3] = std::array::from_fn(|a| found.start[a].saturating_sub(margin[a]));
    let size = std::array::from_fn(|a| {
        (found.start[a] + found.size[a] + margin[a]).min(image[a]) - start[a]
    });
    Bounds { start, size }
}
