//! Voxels between those of the frames: slices at equal gaps, and stacks that leaned brought to right angles.

use super::fill::misfit;
use super::series::Series;
use super::stack::Stack;
use super::untilt::Untilt;
use crate::{Error, FileVoxel, ReadOptions, Result};
use std::path::Path;

/// How the voxels of a volume come from those of the frames.
pub(super) struct Rule<'a> {
    stack: &'a Stack,
    /// Columns and rows of a frame.
    frame: [usize; 2],
    /// What stands where no frame has a voxel.
    padding: f64,
}

impl<'a> Rule<'a> {
    pub fn of(series: &Series, stack: &'a Stack, real: &[f64]) -> Self {
        let lowest = real.iter().copied().fold(f64::INFINITY, f64::min);
        Self {
            stack,
            frame: [series.size[0], series.size[1]],
            padding: super::untilt::padding(series, lowest),
        }
    }

    /// The two slices about a place, and the share of the second.
    fn about(&self, z: usize) -> (usize, usize, f64) {
        let places = &self.stack.places;
        let above = places.partition_point(|place| *place < z as f64);
        let above = above.min(places.len() - 1);
        let below = above.saturating_sub(1);
        let gap = places[above] - places[below];
        let share = match gap > 0.0 {
            true => ((z as f64 - places[below]) / gap).clamp(0.0, 1.0),
            false => 0.0,
        };
        match share {
            1.0 => (above, above, 0.0),
            share => (below, above, share),
        }
    }

    /// The value of a slice at a voxel of the volume's plane, where it has one.
    fn at(&self, real: &[f64], slice: usize, [x, y]: [usize; 2]) -> Option<f64> {
        let [columns, rows] = self.frame;
        let plane = &real[slice * columns * rows..(slice + 1) * columns * rows];
        match &self.stack.untilt {
            None => Some(plane[x + columns * y]),
            Some(Untilt { first, shifts }) => {
                let [along, down] = shifts[slice];
                let x = (x as f64) + first[0] as f64 - along;
                let y = (y as f64) + first[1] as f64 - down;
                super::untilt::linear(plane, self.frame, [x, y])
            }
        }
    }
}

/// Every voxel of the volume, linear between those that there are.
///
/// # Errors
/// A number that is not whole where `T` holds whole numbers and rounding is not asked for; one that does not fit.
pub(super) fn between<T: FileVoxel>(
    path: &Path,
    rule: &Rule,
    real: &[f64],
    options: &ReadOptions,
    data: &mut [T],
) -> Result<()> {
    let [columns, rows, _] = rule.stack.geometry.size();
    let watch = options.watch(path);
    for (z, slice) in data.chunks_exact_mut(columns * rows).enumerate() {
        watch.check()?;
        let (below, above, share) = rule.about(z);
        for (i, voxel) in slice.iter_mut().enumerate() {
            let [x, y] = [i % columns, i / columns];
            let low = rule.at(real, below, [x, y]);
            let high = match share {
                0.0 => low,
                _ => rule.at(real, above, [x, y]),
            };
            let value = low.zip(high).map(|(low, high)| low + share * (high - low));
            let value = value.unwrap_or(rule.padding);
            *voxel = whole(path, value, [x, y, z], options)?;
        }
    }
    Ok(())
}

/// A number as a `T`, rounded where that is asked for.
fn whole<T: FileVoxel>(
    path: &Path,
    value: f64,
    index: [usize; 3],
    options: &ReadOptions,
) -> Result<T> {
    let is_between = T::TYPE.is_integer() && value.fract() != 0.0;
    if is_between && !options.round {
        return Err(Error::Interpolated {
            path: path.to_owned(),
            value,
            index,
        });
    }
    let value = match is_between {
        true => value.round(),
        false => value,
    };
    T::from_f64(value).ok_or_else(|| misfit::<T>(path, value, index))
}
