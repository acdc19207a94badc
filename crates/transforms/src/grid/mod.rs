//! Steps that move voxels: each is a map from one grid to another, so that the image goes through
//! it smoothly and labels by name, and the way back is a resample to the first grid's geometry.

mod crop_nonzero;

pub use crop_nonzero::CropNonzero;

use crate::intensity::check_probability;
use crate::{Axis, Error, Result};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_filters as filters;
use vesalius_filters::{Convention, PadMode, ResampleOptions};
use vesalius_volume::{Geometry, LabelMap, Orientation, Volume};

/// Turns and mirrors the axes to named directions, without interpolation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Orient {
    /// Where x, y and z grow to, such as `RAS`.
    pub to: String,
}

impl Default for Orient {
    fn default() -> Self {
        Self {
            to: "RAS".to_owned(),
        }
    }
}

impl Orient {
    pub(crate) fn check(&self) -> Result<()> {
        self.step().map(|_| ())
    }

    pub(crate) fn step(&self) -> Result<GridStep> {
        self.to.parse::<Orientation>()?;
        Ok(GridStep::Orient {
            to: self.to.clone(),
        })
    }
}

/// Resamples to a spacing; the image linearly, labels by nearest neighbour.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spacing {
    /// Millimetres along `[x, y, z]`; 0 keeps an axis as it is.
    pub to: [f64; 3],
}

impl Spacing {
    pub(crate) fn check(&self) -> Result<()> {
        if self.to.iter().all(|s| s.is_finite() && *s >= 0.0) {
            return Ok(());
        }
        Err(Error::BadValue {
            transform: "spacing",
            key: "to",
            found: format!("{:?}", self.to),
            expected: "three numbers of millimetres, 0 to keep an axis",
        })
    }

    pub(crate) fn step(&self, geometry: &Geometry) -> Result<GridStep> {
        let spacing = geometry.spacing();
        let to = std::array::from_fn(|i| {
            if self.to[i] > 0.0 {
                self.to[i]
            } else {
                spacing[i]
            }
        });
        Ok(GridStep::Resample {
            target: filters::target_grid(geometry, to, Convention::NnUnet)?,
        })
    }
}

/// Mirrors along each of the named axes with a chance of its own: MONAI's `RandFlip` an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flip {
    /// The axes that may be mirrored.
    pub axes: Vec<Axis>,
    /// How often each is, 0 to 1.
    pub probability: f64,
}

impl Default for Flip {
    fn default() -> Self {
        Self {
            axes: vec![Axis::X, Axis::Y, Axis::Z],
            probability: 0.5,
        }
    }
}

impl Flip {
    pub(crate) fn check(&self) -> Result<()> {
        check_probability("flip", self.probability)
    }

    pub(crate) fn sample(&self, rng: &mut ChaCha8Rng) -> Option<GridStep> {
        let mut axes = [false; 3];
        for axis in &self.axes {
            axes[axis.index()] = rng.random_bool(self.probability);
        }
        axes.contains(&true).then_some(GridStep::Flip { axes })
    }
}

/// A sampled move of voxels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GridStep {
    /// Axes turned to named directions.
    Orient {
        /// Where x, y and z grow to.
        to: String,
    },
    /// Axis `i` of the result is axis `order[i]` of the source.
    Permute {
        /// Each of 0, 1, 2 once.
        order: [usize; 3],
    },
    /// Axes walked backwards.
    Flip {
        /// Which of x, y, z.
        axes: [bool; 3],
    },
    /// A box of voxels; what reaches outside is zero and background.
    Region {
        /// First voxel `[x, y, z]`, which may be negative.
        start: [i64; 3],
        /// Number of voxels.
        size: [usize; 3],
    },
    /// Values between voxels, on another grid.
    Resample {
        /// The grid of the result.
        target: Geometry,
    },
}

impl GridStep {
    /// The image on the step's grid; interpolated linearly where it has to be.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn apply(&self, image: &Volume<f32>) -> Result<Volume<f32>> {
        Ok(match self {
            Self::Orient { to } => filters::orient(image, to.parse()?)?,
            Self::Permute { order } => filters::permute(image, *order)?,
            Self::Flip { axes } => filters::flip(image, *axes)?,
            Self::Region { start, size } => {
                filters::crop_or_pad(image, *start, *size, PadMode::Constant(0.0))?
            }
            Self::Resample { target } => {
                filters::resample(image, target, &ResampleOptions::monai())?
            }
        })
    }

    /// The labels on the step's grid; never interpolated as numbers.
    ///
    /// # Errors
    /// A grid that cannot be made.
    pub fn apply_labels(&self, labels: &LabelMap) -> Result<LabelMap> {
        Ok(match self {
            Self::Orient { to } => filters::orient(labels, to.parse()?)?,
            Self::Permute { order } => filters::permute(labels, *order)?,
            Self::Flip { axes } => filters::flip(labels, *axes)?,
            Self::Region { start, size } => {
                filters::crop_or_pad(labels, *start, *size, PadMode::Constant(0))?
            }
            Self::Resample { target } => {
                filters::resample_labels(labels, target, &Default::default())?
            }
        })
    }
}
