//! The grid of an image at another spacing: each tool's rule for size and alignment.

use crate::{Error, Result};
use vesalius_volume::{Affine, Geometry, limits};

/// A tool's rule for the size and the position of a grid with another spacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Convention {
    /// `round(n·s/s')` voxels, centre of the first voxel kept: the usual recipe with SimpleITK.
    #[default]
    SimpleItk,
    /// `round((n-1)·s/s' + 1)` voxels, centre of the first voxel kept (MONAI `Spacing`).
    Monai,
    /// `round(n·s/s')` voxels over exactly the same extent, so the spacing becomes `n·s/n'`
    /// (nnU-Net, which resizes an array to a shape).
    NnUnet,
    /// `floor(n·s/s')` voxels around the same centre; an axis of one voxel keeps it (`Resample` of TorchIO
    /// 1.2.1).
    TorchIo,
    /// A grid along the world's axes around the centres of all voxels: from the smallest centre,
    /// `ceil(extent/s') + 1` voxels (nibabel `resample_to_output`). Direction and shear are lost.
    Nibabel,
}

/// The grid that `source` gets at `spacing` (mm, `[x, y, z]`) by a tool's rule. Halves round to
/// even, as Python does; a count within 1e-6 of a whole or half number is that number, so that the noise
/// of a file's spacing adds no voxel. Direction and shear are kept, except where the rule differs.
///
/// # Errors
/// [`Error::Volume`] when a spacing is not a positive number or the grid would be too large.
///
/// ```
/// use vesalius_filters::{Convention, target_grid};
/// use vesalius_volume::Geometry;
///
/// let grid = Geometry::axis_aligned([100, 100, 21], [0.7, 0.7, 5.0])?;
/// let itk = target_grid(&grid, [1.0; 3], Convention::SimpleItk)?;
/// assert_eq!((itk.size(), itk.spacing()), ([70, 70, 105], [1.0; 3]));
/// // MONAI keeps the centres of the first and the last voxel.
/// assert_eq!(target_grid(&grid, [1.0; 3], Convention::Monai)?.size(), [70, 70, 101]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn target_grid(
    source: &Geometry,
    spacing: [f64; 3],
    convention: Convention,
) -> Result<Geometry> {
    if !spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Err(vesalius_volume::Error::BadSpacing(spacing).into());
    }
    let (old, voxels) = (source.spacing(), source.size());
    let scale: [f64; 3] = std::array::from_fn(|axis| spacing[axis] / old[axis]);
    // From the number of voxels and the ratio of spacings to the new number.
    let sized = |count: fn(f64, f64) -> f64| -> Result<[f64; 3]> {
        let new = |axis: usize| count(voxels[axis] as f64, old[axis] / spacing[axis]).max(1.0);
        check_size(std::array::from_fn(new), spacing)
    };
    match convention {
        Convention::SimpleItk => {
            let size = sized(|n, ratio| limits::round_ties_even(n * ratio))?;
            scaled(source, size, scale, [0.0; 3])
        }
        Convention::Monai => {
            let size = sized(|n, ratio| limits::round_ties_even((n - 1.0) * ratio + 1.0))?;
            scaled(source, size, scale, [0.0; 3])
        }
        Convention::NnUnet => {
            let size = sized(|n, ratio| limits::round_ties_even(n * ratio))?;
            resized_grid(source, size.map(|n| n as usize))
        }
        Convention::TorchIo => {
            let size = sized(|n, ratio| match n == 1.0 {
                true => 1.0,
                false => limits::floor(n * ratio),
            })?;
            // Half of what the distance between the outermost centres changes by, in voxels of the source.
            let first = |axis: usize| {
                ((voxels[axis] as f64 - 1.0) - (size[axis] - 1.0) * scale[axis]) / 2.0
            };
            scaled(source, size, scale, std::array::from_fn(first))
        }
        Convention::Nibabel => along_the_world(source, spacing),
    }
}

/// Sizes beyond any memory are a mistake of units.
fn check_size(size: [f64; 3], spacing: [f64; 3]) -> Result<[f64; 3]> {
    if size.iter().any(|&n| n > 1e15) {
        return Err(Error::option(
            "resample",
            "spacing",
            spacing,
            "millimetres in keeping with the image's extent",
        ));
    }
    Ok(size)
}

/// The grid along the world's axes that holds the centres of all voxels of `source`.
fn along_the_world(source: &Geometry, spacing: [f64; 3]) -> Result<Geometry> {
    let corners = source.corners();
    let ends = |axis: usize| {
        let places = corners.iter().map(move |corner| corner[axis]);
        let low = places.clone().fold(f64::INFINITY, f64::min);
        (low, places.fold(f64::NEG_INFINITY, f64::max))
    };
    let size: [f64; 3] = std::array::from_fn(|axis| {
        let (low, high) = ends(axis);
        limits::ceil((high - low) / spacing[axis]) + 1.0
    });
    let size = check_size(size, spacing)?;
    let columns =
        std::array::from_fn(|i| std::array::from_fn(|j| if i == j { spacing[i] } else { 0.0 }));
    let affine = Affine::from_linear(columns, std::array::from_fn(|axis| ends(axis).0))?;
    Ok(Geometry::new(size.map(|n| n as usize), affine)?)
}

/// The grid of `size` voxels over exactly the extent of `source`, outer edges aligned: what
/// resizing an array with half-pixel centres does.
///
/// # Errors
/// [`Error::NoVoxels`] when a size is zero; [`Error::Volume`] when it is too large.
///
/// ```
/// use vesalius_filters::resized_grid;
/// use vesalius_volume::Geometry;
///
/// let grid = Geometry::axis_aligned([10, 10, 10], [2.0; 3])?;
/// let fine = resized_grid(&grid, [20, 20, 20])?;
/// assert_eq!(fine.spacing(), [1.0; 3]);
/// // Outer edges agree, so the first centre moves by a quarter of the old voxel.
/// assert_eq!(fine.origin(), [-0.5; 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resized_grid(source: &Geometry, size: [usize; 3]) -> Result<Geometry> {
    if size.contains(&0) || source.size().contains(&0) {
        return Err(Error::NoVoxels {
            filter: "resample",
            size: if size.contains(&0) {
                size
            } else {
                source.size()
            },
        });
    }
    let scale: [f64; 3] =
        std::array::from_fn(|axis| source.size()[axis] as f64 / size[axis] as f64);
    scaled(
        source,
        size.map(|n| n as f64),
        scale,
        scale.map(|s| 0.5 * s - 0.5),
    )
}

/// A grid whose voxel `i` lies at `first + scale·i` of the source's index space.
fn scaled(source: &Geometry, size: [f64; 3], scale: [f64; 3], first: [f64; 3]) -> Result<Geometry> {
    let linear = source.affine().linear();
    let columns = std::array::from_fn(|i| std::array::from_fn(|j| linear[i][j] * scale[j]));
    let affine = Affine::from_linear(columns, source.index_to_world(first))?;
    Ok(Geometry::new(size.map(|n| n as usize), affine)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tool_has_its_size_and_alignment() {
        let g = Geometry::axis_aligned([10, 11, 7], [0.9, 1.1, 3.0]).unwrap();
        let at = |c| target_grid(&g, [1.0, 1.0, 1.0], c).unwrap();
        assert_eq!(at(Convention::SimpleItk).size(), [9, 12, 21]);
        assert_eq!(at(Convention::Monai).size(), [9, 12, 19]);
        assert_eq!(at(Convention::NnUnet).size(), [9, 12, 21]);
        assert_eq!(at(Convention::TorchIo).size(), [9, 12, 21]);
        assert_eq!(at(Convention::Monai).origin(), g.origin());
        // The same centre: ((7 - 1) · 3 - (21 - 1) · 1) / 2.
        let torchio = at(Convention::TorchIo).origin();
        assert!((torchio[2] - -1.0).abs() < 1e-12);
        let nnunet = at(Convention::NnUnet);
        assert!((nnunet.spacing()[0] - 1.0).abs() < 1e-12);
        assert!((nnunet.spacing()[1] - 12.1 / 12.0).abs() < 1e-12);
        let edge = nnunet.index_to_world([-0.5, -0.5, 20.5]);
        assert!((edge[0] + 0.45).abs() < 1e-12 && (edge[2] - 19.5).abs() < 1e-12);
    }

    #[test]
    fn a_tilted_grid_is_enclosed_by_one_along_the_world() {
        let (s, c) = 0.5f64.sin_cos();
        let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]];
        let tilted =
            Geometry::from_parts([10, 8, 5], [1.0, 1.0, 2.0], [3.0; 3], direction).unwrap();
        let grid = target_grid(&tilted, [0.7, 0.7, 1.5], Convention::Nibabel).unwrap();
        assert_eq!(
            grid.direction(),
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
        );
        assert!((grid.origin()[0] - (3.0 - 7.0 * s)).abs() < 1e-12);
        assert_eq!(grid.origin()[2], -5.0);
        assert_eq!(grid.size()[2], 7);
        assert!(tilted.corners().into_iter().all(|corner| {
            let at = grid.world_to_index(corner);
            (0..3).all(|a| at[a] > -1e-9 && at[a] < grid.size()[a] as f64 - 1.0 + 1e-9)
        }));
    }

    #[test]
    fn torchio_keeps_the_centre_and_axes_of_one_voxel() {
        // TorchIO 1.2.1, Resample(0.7) of 24 × 20 × 16 voxels of 1 mm; Resample(2) of one slice.
        let grid = Geometry::axis_aligned([24, 20, 16], [1.0; 3]).unwrap();
        let fine = target_grid(&grid, [0.7; 3], Convention::TorchIo).unwrap();
        assert_eq!(fine.size(), [34, 28, 22]);
        for (found, expected) in fine.origin().into_iter().zip([-0.05, 0.05, 0.15]) {
            assert!((found - expected).abs() < 1e-12, "{:?}", fine.origin());
        }
        let slice = Geometry::axis_aligned([24, 20, 1], [1.0, 1.0, 5.0]).unwrap();
        let coarse = target_grid(&slice, [2.0; 3], Convention::TorchIo).unwrap();
        assert_eq!((coarse.size(), coarse.origin()[2]), ([12, 10, 1], 0.0));
        assert_eq!(coarse.origin()[0], 0.5);
    }

    #[test]
    fn the_noise_of_a_files_spacing_adds_and_takes_no_voxel() {
        let conventions = [
            Convention::SimpleItk,
            Convention::Monai,
            Convention::NnUnet,
            Convention::TorchIo,
            Convention::Nibabel,
        ];
        for meant in [1.0, 0.6, 0.7, 2.5] {
            let straight = Geometry::axis_aligned([25, 21, 15], [meant; 3]).unwrap();
            for read in [
                f64::from(meant as f32),
                meant * (1.0 + 4e-8),
                meant * (1.0 - 4e-8),
            ] {
                let noisy = Geometry::axis_aligned([25, 21, 15], [read; 3]).unwrap();
                for convention in conventions {
                    // Its own spacing, half, double (a tie of odd sizes) and a third of it.
                    for factor in [1.0, 0.5, 2.0, 1.0 / 3.0] {
                        let spacing = [meant * factor; 3];
                        let size = |grid| target_grid(grid, spacing, convention).unwrap().size();
                        let found = size(&noisy);
                        assert_eq!(found, size(&straight), "{convention:?} {read} {factor}");
                        if factor == 1.0 {
                            assert_eq!(found, [25, 21, 15]);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn impossible_spacings_are_refused() {
        let g = Geometry::axis_aligned([10, 11, 7], [0.9, 1.1, 3.0]).unwrap();
        assert!(target_grid(&g, [0.0, 1.0, 1.0], Convention::Monai).is_err());
        assert!(target_grid(&g, [1e-300, 1.0, 1.0], Convention::Monai).is_err());
        assert_eq!(
            target_grid(&g, [500.0; 3], Convention::SimpleItk)
                .unwrap()
                .size(),
            [1, 1, 1]
        );
    }
}
