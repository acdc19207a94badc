//! Patches that cover a case in order.

use crate::config::{config, require};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;

config! {
    /// Takes the patch whose number is the draw's, counted round: draws 0, 1, 2, … cover the case
    /// (MONAI's `GridPatch`).
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([8, 4, 4], [1.0; 3])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// let chain: Chain = serde_saphyr::from_str("- grid_patch: {size: [4, 4, 4]}")?;
    /// let start = |draw| -> Result<f64, vesalius_transforms::Error> {
    ///     let (patch, _) = chain.apply(subject.clone(), 0, draw)?;
    ///     Ok(patch.geometry().origin()[0])
    /// };
    /// assert_eq!((start(0)?, start(1)?, start(2)?), (0.0, 4.0, 0.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    GridPatch, "grid_patch", {
        /// Voxels along `[x, y, z]`; -1 takes the whole of an axis.
        size: [i64; 3] = [0; 3],
        /// The share of a patch that the next one overlaps, 0 to below 1.
        overlap: f64 = 0.0,
    }
}

impl Configured for GridPatch {
    fn check(&self) -> Result<()> {
        let fine = self.size.iter().all(|&n| n == -1 || n > 0);
        require(
            fine,
            Self::NAME,
            "size",
            self.size,
            "numbers of voxels, or -1 for the whole of an axis",
        )?;
        require(
            (0.0..1.0).contains(&self.overlap),
            Self::NAME,
            "overlap",
            self.overlap,
            "0 to below 1",
        )
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let patches = grid_patches(case.geometry().size(), self.size, self.overlap);
        let number = case.draw() % patches.len() as u64;
        Ok(vec![Step::Grid(patches[number as usize].clone())])
    }
}

/// The patches of `size` voxels that cover an image of `whole` voxels, x fastest: evenly spaced, the
/// last one at the end, overlapping by at least a share. A patch larger than the image is centred on it.
///
/// ```
/// use vesalius_transforms::{GridStep, grid_patches};
///
/// let patches = grid_patches([10, 4, 4], [4, 4, 4], 0.0);
/// let starts: Vec<i64> = patches
///     .iter()
///     .map(|patch| match patch {
///         GridStep::Region { start, .. } => start[0],
///         _ => unreachable!(),
///     })
///     .collect();
/// assert_eq!(starts, [0, 3, 6], "the last patch ends at the border");
/// ```
pub fn grid_patches(whole: [usize; 3], size: [i64; 3], overlap: f64) -> Vec<GridStep> {
    let size: [usize; 3] =
        std::array::from_fn(|a| usize::try_from(size[a]).unwrap_or(whole[a]).max(1));
    let starts: [Vec<i64>; 3] = std::array::from_fn(|a| {
        let free = whole[a] as i64 - size[a] as i64;
        if free <= 0 {
            return vec![-((-free) / 2)];
        }
        let stride = (size[a] as f64 * (1.0 - overlap.clamp(0.0, 0.999))).max(1.0);
        let count = (free as f64 / stride).ceil() as i64;
        (0..=count)
            .map(|i| (i as f64 * free as f64 / count as f64).round() as i64)
            .collect()
    });
    let mut patches = Vec::new();
    for &z in &starts[2] {
        for &y in &starts[1] {
            patches.extend(starts[0].iter().map(|&x| GridStep::Region {
                start: [x, y, z],
                size,
            }));
        }
    }
    patches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_cover_every_voxel_and_stay_inside() {
        let whole = [23, 9, 30];
        let patches = grid_patches(whole, [8, -1, 7], 0.25);
        let mut seen = vec![false; 23 * 9 * 30];
        for patch in &patches {
            let GridStep::Region { start, size } = patch else {
                panic!("a patch is a region")
            };
            assert!((0..3).all(|a| start[a] >= 0 && start[a] as usize + size[a] <= whole[a]));
            for z in 0..size[2] {
                for y in 0..size[1] {
                    for x in 0..size[0] {
                        let at = [
                            x + start[0] as usize,
                            y + start[1] as usize,
                            z + start[2] as usize,
                        ];
                        seen[(at[2] * 9 + at[1]) * 23 + at[0]] = true;
                    }
                }
            }
        }
        assert!(seen.iter().all(|s| *s));
        assert_eq!(grid_patches([5, 5, 5], [9, 5, 2], 0.0).len(), 3);
    }
}
