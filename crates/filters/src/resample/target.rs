//! Which grid an image of another spacing gets: each tool's rule for size and alignment.

use crate::{Error, Result};
use vesalius_volume::{Affine, Geometry};

/// A tool's rule for the size and the place of a grid with another spacing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Convention {
    /// `round(n·s/s')` voxels, centre of the first voxel kept: the usual recipe with SimpleITK.
    #[default]
    SimpleItk,
    /// `round((n-1)·s/s' + 1)` voxels, centre of the first voxel kept (MONAI `Spacing`).
    Monai,
    /// `round(n·s/s')` voxels over exactly the same extent, so the spacing becomes `n·s/n'`
    /// (nnU-Net, which resizes an array to a shape).
    NnUnet,
    /// `ceil(n·s/s')` voxels, outer edge of the first voxel kept (TorchIO `Resample`).
    TorchIo,
}

/// The grid that `source` gets at `spacing` (mm, `[x, y, z]`) by a tool's rule. Halves round to
/// even, as Python does. Direction and shear stay.
///
/// # Errors
/// [`Error::Volume`] when a spacing is not a positive number or the grid would be too large.
pub fn target_grid(
    source: &Geometry,
    spacing: [f64; 3],
    convention: Convention,
) -> Result<Geometry> {
    if !spacing.iter().all(|s| s.is_finite() && *s > 0.0) {
        return Err(vesalius_volume::Error::BadSpacing(spacing).into());
    }
    let (size, old) = (source.size().map(|n| n as f64), source.spacing());
    let count = |axis: usize| -> f64 {
        let ratio = old[axis] / spacing[axis];
        match convention {
            Convention::SimpleItk | Convention::NnUnet => (ratio * size[axis]).round_ties_even(),
            Convention::Monai => ((size[axis] - 1.0) * ratio + 1.0).round_ties_even(),
            Convention::TorchIo => (size[axis] * ratio).ceil(),
        }
        .max(1.0)
    };
    let new_size: [f64; 3] = std::array::from_fn(count);
    if new_size.iter().any(|&n| n > 1e15) {
        return Err(Error::option(
            "resample",
            "spacing",
            spacing,
            "millimetres in keeping with the image's extent",
        ));
    }
    match convention {
        Convention::NnUnet => resized_grid(source, new_size.map(|n| n as usize)),
        Convention::SimpleItk | Convention::Monai => {
            let scale = std::array::from_fn(|axis| spacing[axis] / old[axis]);
            scaled(source, new_size, scale, [0.0; 3])
        }
        Convention::TorchIo => {
            let scale: [f64; 3] = std::array::from_fn(|axis| spacing[axis] / old[axis]);
            scaled(source, new_size, scale, scale.map(|s| (s - 1.0) / 2.0))
        }
    }
}

/// The grid of `size` voxels over exactly the extent of `source`, outer edges aligned: what
/// resizing an array with half-pixel centres does.
///
/// # Errors
/// [`Error::NoVoxels`] when a size is zero; [`Error::Volume`] when it is too large.
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
        assert_eq!(at(Convention::TorchIo).size(), [9, 13, 21]);
        assert_eq!(at(Convention::Monai).origin(), g.origin());
        let torchio = at(Convention::TorchIo).origin();
        assert!((torchio[2] - (-1.5 + 0.5)).abs() < 1e-12);
        let nnunet = at(Convention::NnUnet);
        assert!((nnunet.spacing()[0] - 1.0).abs() < 1e-12);
        assert!((nnunet.spacing()[1] - 12.1 / 12.0).abs() < 1e-12);
        let edge = nnunet.index_to_world([-0.5, -0.5, 20.5]);
        assert!((edge[0] + 0.45).abs() < 1e-12 && (edge[2] - 19.5).abs() < 1e-12);
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
