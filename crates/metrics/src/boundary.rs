//! Measures of surface distance, each with its convention named after the tool that has it.

use crate::{Directed, Surface, SurfaceDistances};

/// How two directed values become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Directions {
    /// The larger of the two.
    #[default]
    Larger,
    /// The distances of both directions as one list.
    Pooled,
    /// The mean of the two.
    Mean,
    /// Only from the prediction's surface to the reference's.
    FromPrediction,
    /// Only from the reference's surface to the prediction's.
    FromReference,
}

impl Directions {
    fn apply(
        self,
        distances: &SurfaceDistances,
        value: impl Fn(&Directed) -> Option<f64>,
    ) -> Option<f64> {
        let (r, p) = (&distances.from_reference, &distances.from_prediction);
        match self {
            Self::Larger => Some(value(r)?.max(value(p)?)),
            Self::Mean => Some((value(r)? + value(p)?) / 2.0),
            Self::Pooled => value(&distances.pooled()),
            Self::FromPrediction => value(p),
            Self::FromReference => value(r),
        }
    }
}

/// The Hausdorff distance or a percentile of it, in mm. The default is [`Hausdorff::monai`] at 95.
///
/// ```
/// use vesalius_metrics::{Hausdorff, Surface, SurfaceDistances, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // Two single voxels, 3 voxels of 2 mm apart.
/// let grid = Geometry::axis_aligned([8, 1, 1], [2.0, 1.0, 1.0])?;
/// let reference = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 1));
/// let prediction = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 4));
/// let target = Target::of_value(1);
/// let distances = SurfaceDistances::between(&reference, &prediction, &target, None, Surface::EdgeVoxels)?
///     .expect("neither mask is empty");
/// assert_eq!(Hausdorff::monai(95.0).of(&distances), Some(6.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hausdorff {
    /// What counts as surface.
    pub surface: Surface,
    /// From 0 to 100; 100 is the Hausdorff distance itself.
    pub percentile: f64,
    /// How the two directions are combined.
    pub directions: Directions,
}

impl Default for Hausdorff {
    fn default() -> Self {
        Self::monai(95.0)
    }
}

impl Hausdorff {
    /// Edge voxels; the larger of the two directed percentiles (MONAI 1.6, spacing given).
    pub fn monai(percentile: f64) -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            percentile,
            directions: Directions::Larger,
        }
    }

    /// Edge voxels; the percentile of both directions' distances as one list (MedPy 0.5, `hd95`).
    pub fn medpy(percentile: f64) -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            percentile,
            directions: Directions::Pooled,
        }
    }

    /// Surface elements weighted by area; the larger of the two directed percentiles
    /// (`surface-distance` 0.1, `compute_robust_hausdorff`).
    pub fn deepmind(percentile: f64) -> Self {
        Self {
            surface: Surface::Areas,
            percentile,
            directions: Directions::Larger,
        }
    }

    /// All foreground voxels, the largest distance (SimpleITK 2.5, `GetHausdorffDistance`).
    pub fn simple_itk() -> Self {
        Self {
            surface: Surface::AllVoxels,
            percentile: 100.0,
            directions: Directions::Larger,
        }
    }

    /// Its key in files: `hd95`, `hd95_medpy`; equal conventions have one key.
    pub(crate) fn key(&self) -> String {
        let whole = self.percentile >= 100.0;
        let base = if whole {
            "hd".to_owned()
        } else {
            format!("hd{}", self.percentile)
        };
        let direction = match self.directions {
            Directions::Larger => "",
            // The largest of all is the larger of the largest.
            Directions::Pooled if whole => "",
            Directions::Pooled => "_pooled",
            Directions::Mean => "_mean",
            Directions::FromPrediction => "_from_prediction",
            Directions::FromReference => "_from_reference",
        };
        match (self.surface, direction) {
            (Surface::EdgeVoxels, "_pooled") => base + "_medpy",
            (Surface::EdgeVoxels, other) => base + other,
            (Surface::Areas, other) => base + "_deepmind" + other,
            (Surface::AllVoxels, other) => base + "_simple_itk" + other,
        }
    }

    /// The value; `None` when a surface has no weight.
    pub fn of(&self, distances: &SurfaceDistances) -> Option<f64> {
        self.directions.apply(distances, |directed| {
            if self.percentile >= 100.0 {
                directed.largest()
            } else {
                directed.percentile(self.percentile)
            }
        })
    }
}

/// The average surface distance, in mm. The default is [`AverageSurfaceDistance::monai`], symmetric.
///
/// ```
/// use vesalius_metrics::{AverageSurfaceDistance, Surface, SurfaceDistances, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 1, 1], [1.0; 3])?;
/// let reference = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 1));
/// let prediction = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 1 || x == 5));
/// let target = Target::of_value(1);
/// let distances = SurfaceDistances::between(&reference, &prediction, &target, None, Surface::EdgeVoxels)?.unwrap();
/// // One voxel at 0 mm from the reference, two voxels at 0 and 4 mm from the prediction.
/// assert_eq!(AverageSurfaceDistance::directed().of(&distances), Some(2.0));
/// assert_eq!(AverageSurfaceDistance::monai().of(&distances), Some(4.0 / 3.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AverageSurfaceDistance {
    /// What counts as surface.
    pub surface: Surface,
    /// How the two directions are combined.
    pub directions: Directions,
}

impl Default for AverageSurfaceDistance {
    fn default() -> Self {
        Self::monai()
    }
}

impl AverageSurfaceDistance {
    /// ASSD over both directions' edge voxels as one list (MONAI 1.6, `symmetric=True`).
    pub fn monai() -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            directions: Directions::Pooled,
        }
    }

    /// ASD from the prediction's edge voxels to the reference's (MONAI 1.6 by default; MedPy's
    /// `asd(result, reference)`).
    pub fn directed() -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            directions: Directions::FromPrediction,
        }
    }

    /// MedPy 0.5's `assd`: the same as [`AverageSurfaceDistance::monai`].
    pub fn medpy() -> Self {
        Self::monai()
    }

    /// ASSD as the mean of the two directions' means, as MedPy had it up to 0.4: a small surface
    /// counts as much as a large one.
    pub fn of_means() -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            directions: Directions::Mean,
        }
    }

    /// The mean of the two directions' area-weighted means (`surface-distance` 0.1 returns the
    /// two; their mean is what is commonly reported).
    pub fn deepmind() -> Self {
        Self {
            surface: Surface::Areas,
            directions: Directions::Mean,
        }
    }

    /// The mean of the two directions' means over all foreground voxels (SimpleITK 2.5,
    /// `GetAverageHausdorffDistance`).
    pub fn simple_itk() -> Self {
        Self {
            surface: Surface::AllVoxels,
            directions: Directions::Mean,
        }
    }

    /// Its key in files: `assd`, `asd` for one direction, with the convention's name where it is
    /// not the default.
    pub(crate) fn key(&self) -> String {
        use Directions::{FromPrediction, FromReference, Larger, Mean, Pooled};
        let base = match (self.surface, self.directions) {
            (_, FromPrediction) => "asd",
            (_, FromReference) => "asd_from_reference",
            (Surface::EdgeVoxels, Mean) => return "assd_of_means".into(),
            (Surface::Areas, Mean) => return "assd_deepmind".into(),
            (Surface::AllVoxels, Mean) => return "assd_simple_itk".into(),
            (_, Pooled) => "assd",
            (_, Larger) => "assd_larger",
        };
        let surface = match self.surface {
            Surface::EdgeVoxels => "",
            Surface::Areas => "_areas",
            Surface::AllVoxels => "_all_voxels",
        };
        format!("{base}{surface}")
    }

    /// The value; `None` when a surface has no weight.
    pub fn of(&self, distances: &SurfaceDistances) -> Option<f64> {
        self.directions.apply(distances, Directed::mean)
    }
}

/// Surface Dice, also called normalised surface distance (NSD): the share of both surfaces that
/// lies within a tolerance of the other. (Nikolov et al., arXiv 1809.04430)
///
/// ```
/// use vesalius_metrics::{Surface, SurfaceDice, SurfaceDistances, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// // The same ball, shifted by one voxel of 1 mm.
/// let grid = Geometry::axis_aligned([16, 16, 16], [1.0; 3])?;
/// let ball = |shift: usize| LabelMap::<u16>::from_fn(grid, |[x, y, z]| {
///     let square = |a: usize, b: usize| (a as i64 - b as i64).pow(2);
///     u16::from(square(x, 7 + shift) + square(y, 7) + square(z, 7) <= 16)
/// });
/// let target = Target::of_value(1);
/// let distances = SurfaceDistances::between(&ball(0), &ball(1), &target, None, Surface::EdgeVoxels)?.unwrap();
/// assert_eq!(SurfaceDice::monai(1.0).of(&distances), Some(1.0));
/// assert!(SurfaceDice::monai(0.0).of(&distances).unwrap() < 0.5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurfaceDice {
    /// What counts as surface.
    pub surface: Surface,
    /// The distance that counts as agreement, in mm; choose the difference between two experts.
    pub tolerance: f64,
}

impl Default for SurfaceDice {
    fn default() -> Self {
        Self::monai(1.0)
    }
}

impl SurfaceDice {
    /// Edge voxels, each counted once (MONAI 1.6, `use_subvoxels=False`).
    pub fn monai(tolerance: f64) -> Self {
        Self {
            surface: Surface::EdgeVoxels,
            tolerance,
        }
    }

    /// Surface elements weighted by their area (`surface-distance` 0.1; MONAI's
    /// `use_subvoxels=True`).
    pub fn deepmind(tolerance: f64) -> Self {
        Self {
            surface: Surface::Areas,
            tolerance,
        }
    }

    /// Its key in files: `nsd_1mm`, `nsd_1mm_deepmind`.
    pub(crate) fn key(&self) -> String {
        let surface = match self.surface {
            Surface::EdgeVoxels => "",
            Surface::Areas => "_deepmind",
            Surface::AllVoxels => "_all_voxels",
        };
        format!("nsd_{}mm{surface}", self.tolerance)
    }

    /// The value, 0 to 1; `None` when neither surface has weight.
    pub fn of(&self, distances: &SurfaceDistances) -> Option<f64> {
        let (r, p) = (&distances.from_reference, &distances.from_prediction);
        let whole = r.weight() + p.weight();
        (whole > 0.0).then(|| (r.within(self.tolerance) + p.within(self.tolerance)) / whole)
    }
}
