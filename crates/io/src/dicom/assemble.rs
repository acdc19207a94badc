//! The voxels of one volume, or of all volumes of a series as channels: each frame in its slice, and slices between
//! frames where they are asked for.

use super::between::{Rule, between};
use super::choose::choose;
use super::compose;
use super::fill::fill;
use super::fourth_axis;
use super::series::Series;
use super::stack::{self, Stack};
use super::{DicomOptions, SliceProblem};
use crate::place::Place;
use crate::{Error, FileVoxel, ReadOptions, Result};
use std::path::Path;
use vesalius_volume::{Geometry, Volume, Warning};

/// How a series' frames become its volume.
struct Plan<'a> {
    series: &'a Series,
    geometry: Geometry,
    /// Nothing for a segmentation.
    stack: Option<Stack>,
    warnings: Vec<Warning>,
}

/// Reads volumes on one grid as channels.
///
/// # Errors
/// What stacking, decoding and scaling may give.
pub(super) fn read_volumes<T: FileVoxel>(
    path: &Path,
    parts: &[Series],
    options: &ReadOptions,
) -> Result<Volume<T>> {
    fourth_axis::admit(path, parts, options)?;
    let plans = parts.iter().map(|series| plan(path, series, options));
    let plans: Vec<Plan> = plans.collect::<Result<_>>()?;
    let grids: Vec<Geometry> = plans.iter().map(|plan| plan.geometry).collect();
    let geometry = fourth_axis::one_grid(path, parts, &grids)?;
    let mut warnings: Vec<Warning> = Vec::new();
    for warning in plans.iter().flat_map(|plan| &plan.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    options.admit(path, &warnings)?;
    let resampled = plans.iter().any(Plan::is_resampled);
    check_memory::<T>(path, &geometry, plans.len(), resampled, options.max_bytes)?;
    let voxels = geometry.voxel_count();
    let mut data = vec![T::default(); voxels * plans.len()];
    for (plan, data) in plans.iter().zip(data.chunks_exact_mut(voxels)) {
        plan.read(path, options, data)?;
    }
    let volume = Volume::new(geometry, plans.len(), data);
    let volume = volume.map_err(|source| Error::volume(path, source))?;
    Ok(volume.with_warnings(warnings))
}

/// One volume whose slices are read some at a time.
pub(crate) struct Slices {
    series: Series,
    stack: Stack,
    /// What was decided.
    pub warnings: Vec<Warning>,
}

impl Slices {
    /// The volume that the options choose; `None` for several, and where voxels are computed from several slices.
    ///
    /// # Errors
    /// As [`read_volumes`].
    pub fn open(place: &Place, options: &ReadOptions) -> Result<Option<Self>> {
        let path = place.path();
        let mut chosen = choose(place, options)?;
        if chosen.len() != 1 {
            return Ok(None);
        }
        let plan = plan(path, &chosen[0], options)?;
        if plan.is_resampled() {
            return Ok(None);
        }
        let (stack, warnings) = (plan.stack, plan.warnings);
        options.admit(path, &warnings)?;
        let series = chosen.remove(0);
        Ok(stack.map(|stack| Self {
            series,
            stack,
            warnings,
        }))
    }

    /// Reads slices from `first` on, as many as `data` holds whole.
    pub fn read<T: FileVoxel>(
        &self,
        first: usize,
        data: &mut [T],
        options: &ReadOptions,
    ) -> Result<()> {
        let order = self.stack.order.get(first..).unwrap_or(&[]);
        fill(&self.series, order, options, data)
    }
}

fn plan<'a>(path: &Path, series: &'a Series, options: &ReadOptions) -> Result<Plan<'a>> {
    if let Some(grid) = &series.segments {
        return Ok(Plan {
            series,
            geometry: grid.geometry,
            stack: None,
            warnings: series.warnings.clone(),
        });
    }
    if let Some(problem @ SliceProblem::SameInstance { .. }) = &series.problem {
        return Err(stack::refuse(path, &series.label(), problem.clone()));
    }
    let plane = [series.size[0], series.size[1]];
    let stacked = stack::stack(&series.frames, plane, options.assume_spacing, options.dicom);
    let stack = stack::checked(path, &series.label(), stacked)?;
    let mut warnings = told(&series.of_files, options.dicom);
    warnings.extend(stack.warnings.clone());
    Ok(Plan {
        series,
        geometry: stack.geometry,
        stack: Some(stack),
        warnings,
    })
}

/// The warnings about files, with what these options make of them.
pub(super) fn told(of_files: &[Warning], options: DicomOptions) -> Vec<Warning> {
    let told = |warning: &Warning| match warning {
        Warning::LowValuesBright { .. } => Warning::LowValuesBright {
            inverted: options.invert,
        },
        other => other.clone(),
    };
    of_files.iter().map(told).collect()
}

impl Plan<'_> {
    /// Whether voxels are computed from those of several frames' voxels.
    fn is_resampled(&self) -> bool {
        self.stack.as_ref().is_some_and(|stack| !stack.is_uniform())
    }

    fn read<T: FileVoxel>(&self, path: &Path, options: &ReadOptions, data: &mut [T]) -> Result<()> {
        let series = self.series;
        let Some(stack) = &self.stack else {
            let grid = series.segments.as_ref();
            return grid.map_or(Ok(()), |grid| {
                compose::compose(path, series, grid, options, data)
            });
        };
        if stack.is_uniform() {
            return fill(series, &stack.order, options, data);
        }
        let pixels = series.size[0] * series.size[1];
        let mut real = vec![0f64; pixels * series.frames.len()];
        fill(series, &stack.order, options, &mut real)?;
        let rule = Rule::of(series, stack, &real);
        between(path, &rule, &real, options, data)
    }
}

fn check_memory<T: FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    channels: usize,
    resampled: bool,
    limit: u64,
) -> Result<()> {
    let voxels = geometry.voxel_count() as u64;
    let needed = voxels.saturating_mul(T::TYPE.bytes() as u64);
    let needed = needed.saturating_mul(channels as u64);
    if needed > limit {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            needed,
            limit,
        });
    }
    // Resampling reads all slices of one volume in f64 first.
    let beside = match resampled {
        false => 0,
        true => 8usize.div_ceil(channels),
    };
    let width = T::TYPE.bytes() + beside;
    vesalius_volume::check_memory("the image", geometry.size(), channels, width, None)
        .map_err(|source| Error::volume(path, source))
}
