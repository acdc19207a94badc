//! Voxels of several parts that are one value: colours and complex numbers. They are never taken apart in silence.

use crate::{ColorAs, ComplexAs, Error, FileVoxel, ReadOptions, Result, VoxelType};
use rayon::prelude::*;
use std::path::Path;
use vesalius_volume::Warning;

/// What the parts of a voxel are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Composite {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity.
    Rgba,
    /// Real and imaginary part.
    Complex,
}

/// How the parts of a voxel become one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Combine {
    Luminance,
    Magnitude,
    Phase,
}

/// What the options make of the parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Refuse,
    Channels,
    Combine(Combine),
}

/// The channels of voxels of several parts, which have no further axis.
pub(crate) fn composite_channels(
    path: &Path,
    composite: Composite,
    others: usize,
) -> Result<usize> {
    match others {
        1 => Ok(composite.parts()),
        _ => Err(Error::unsupported(
            path,
            format!("an image of {others} volumes whose voxels are colours or complex numbers"),
            "split it into volumes",
        )),
    }
}

/// The warning about opacity that a luminance leaves out.
pub(crate) fn opacity() -> Warning {
    Warning::FieldIgnored {
        field: "the fourth part of each colour".to_owned(),
        value: "opacity".to_owned(),
    }
}

impl Composite {
    /// How many parts a voxel has.
    pub fn parts(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba => 4,
            Self::Complex => 2,
        }
    }

    fn decision(self, options: &ReadOptions) -> Decision {
        match self {
            Self::Complex => match options.complex {
                ComplexAs::Refuse => Decision::Refuse,
                ComplexAs::Channels => Decision::Channels,
                ComplexAs::Magnitude => Decision::Combine(Combine::Magnitude),
                ComplexAs::Phase => Decision::Combine(Combine::Phase),
            },
            Self::Rgb | Self::Rgba => match options.color {
                ColorAs::Refuse => Decision::Refuse,
                ColorAs::Channels => Decision::Channels,
                ColorAs::Luminance => Decision::Combine(Combine::Luminance),
            },
        }
    }

    /// Channels and number type of the image that is read.
    pub fn read_as(self, stored: VoxelType, options: &ReadOptions) -> (usize, VoxelType) {
        match self.decision(options) {
            Decision::Combine(_) if stored == VoxelType::F64 => (1, VoxelType::F64),
            Decision::Combine(_) => (1, VoxelType::F32),
            Decision::Refuse | Decision::Channels => (self.parts(), stored),
        }
    }

    /// Refuses parts for which nothing was chosen.
    pub fn check(self, path: &Path, options: &ReadOptions) -> Result<()> {
        let path = path.to_owned();
        match (self.decision(options), self) {
            (Decision::Refuse, Self::Complex) => Err(Error::Complex { path }),
            (Decision::Refuse, _) => Err(Error::Color { path }),
            _ => Ok(()),
        }
    }

    /// Whether a part is left out: opacity has no place in a luminance.
    pub fn drops_opacity(self, options: &ReadOptions) -> bool {
        self == Self::Rgba && options.color == ColorAs::Luminance
    }

    /// Whether the parts become one number a voxel.
    pub fn combines(self, options: &ReadOptions) -> bool {
        matches!(self.decision(options), Decision::Combine(_))
    }

    /// One number a voxel from the parts, part after part; an error is the first voxel that `T` does not hold, and
    /// its value.
    pub fn combine<T: FileVoxel>(
        self,
        parts: &[f64],
        options: &ReadOptions,
    ) -> std::result::Result<Vec<T>, (usize, f64)> {
        let Decision::Combine(how) = self.decision(options) else {
            unreachable!("asked only where `combines` is true");
        };
        let voxels = parts.len() / self.parts();
        let part = |i: usize| &parts[i * voxels..][..voxels];
        let value = |at: usize| match how {
            // Rec. 601, by whole numbers, so that a grey keeps its value to the bit.
            Combine::Luminance => {
                (299.0 * part(0)[at] + 587.0 * part(1)[at] + 114.0 * part(2)[at]) / 1000.0
            }
            Combine::Magnitude => part(0)[at].hypot(part(1)[at]),
            Combine::Phase => part(1)[at].atan2(part(0)[at]),
        };
        (0..voxels)
            .into_par_iter()
            .map(|at| T::from_f64(value(at)).ok_or((at, value(at))))
            .collect()
    }
}
