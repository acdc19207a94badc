//! DICOM: single-frame series and enhanced multi-frame files to volumes, by the positions that the
//! files state. Nothing is guessed: several series, unequal gaps, a tilted gantry and a missing
//! position are errors with a remedy.

mod compose;
mod csa;
mod element;
mod file;
mod frame;
mod gaps;
mod group;
mod jpeg_ls;
mod mosaic;
mod neighbours;
mod pixels;
mod rle;
mod search;
mod segmentation;
mod series;
mod slice_problem;
mod stack;
mod tags;

pub(crate) use file::detect;
pub use series::{Series, SeriesList, list_series, list_series_with};
pub use slice_problem::{DicomOptions, SliceProblem, UnevenSlices};

use crate::place::Place;
use crate::watch::Watch;
use crate::{Error, FileVoxel, Format, ImageInfo, ReadOptions, Result, Scaling};
use file::DicomFile;
use pixels::Samples;
use rayon::prelude::*;
use stack::Stack;
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::{Geometry, Volume};

/// Reads the series that the options name, or the only one.
pub(crate) fn read<T: FileVoxel>(place: &Place, options: &ReadOptions) -> Result<Volume<T>> {
    read_series(&series::choose(place, options)?, options)
}

/// The content of a series' headers, without its pixels.
pub(crate) fn probe(place: &Place, options: &ReadOptions) -> Result<ImageInfo> {
    let path = place.path();
    let series = series::choose(place, options)?;
    let info = series_info(path, &series)?;
    options.admit(path, &info.warnings)?;
    Ok(info)
}

/// A series as the description of an image.
fn series_info(path: &Path, series: &Series) -> Result<ImageInfo> {
    let Some(geometry) = series.geometry else {
        let problem = series.problem.clone().unwrap_or(SliceProblem::NoThickness);
        return Err(stack::refuse(path, &series.label(), problem));
    };
    Ok(ImageInfo {
        path: path.to_owned(),
        format: Format::Dicom,
        geometry,
        channels: 1,
        voxel_type: series.voxel_type,
        // Slices with different scalings have none in common.
        scaling: series.scaling().unwrap_or(Scaling::IDENTITY),
        compressed: series.is_compressed(),
        labels: series.labels.clone(),
        nifti: None,
        metadata: series.metadata.clone(),
        warnings: series.warnings.clone(),
    })
}

/// Reads the pixels of a listed series, each slice scaled by its own slope and intercept. Several
/// modalities of one study are read one by one and resampled to the first by the caller.
///
/// # Errors
/// [`Error::Slices`] when the slices are no uniform stack, and what decoding may give.
///
/// ```
/// use vesalius_io::{ReadOptions, list_series, read_series};
///
/// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
/// let series = &list_series(file)?.series[0];
/// let volume = read_series::<f32>(series, &ReadOptions::default())?;
/// assert_eq!(volume.geometry().size(), series.size);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_series<T: FileVoxel>(series: &Series, options: &ReadOptions) -> Result<Volume<T>> {
    let path = series
        .files
        .first()
        .map_or(Path::new(""), |file| file.as_path());
    if let Some(grid) = &series.segments {
        return compose::compose(path, series, grid, options);
    }
    let plane = [series.size[0], series.size[1]];
    let stacked = stack::stack(&series.frames, plane, options.assume_spacing, options.dicom);
    let mut stack = stack::checked(path, &series.label(), stacked)?;
    let mut warnings = series.of_files.clone();
    warnings.append(&mut stack.warnings);
    options.admit(path, &warnings)?;
    check_memory::<T>(path, &stack.geometry, stack.places.len(), options.max_bytes)?;
    let pixels = plane[0] * plane[1];
    let uniform = stack
        .places
        .iter()
        .enumerate()
        .all(|(i, place)| (place - i as f64).abs() < 0.05);
    let count = series.frames.len();
    let data = if uniform {
        let mut data = vec![T::default(); pixels * count];
        fill(series, &stack, options, &mut data)?;
        data
    } else {
        let mut real = vec![0f64; pixels * count];
        fill(series, &stack, options, &mut real)?;
        interpolate(path, &stack, &real, pixels, options.watch(path))?
    };
    let volume = Volume::new(stack.geometry, 1, data);
    let volume = volume.map_err(|source| Error::volume(path, source))?;
    Ok(volume.with_warnings(warnings))
}

fn check_memory<T: FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    slices: usize,
    limit: u64,
) -> Result<()> {
    let needed = (geometry.voxel_count() as u64).saturating_mul(T::TYPE.bytes() as u64);
    if needed > limit {
        return Err(Error::TooLarge {
            path: path.to_owned(),
            needed,
            limit,
        });
    }
    // Interpolation reads all slices in f64 first.
    let beside = match slices == geometry.size()[2] {
        true => 0,
        false => 8,
    };
    let width = T::TYPE.bytes() + beside;
    vesalius_volume::check_memory("the image", geometry.size(), 1, width, None)
        .map_err(|source| Error::volume(path, source))
}

/// Decodes every frame into its slice; each file is opened once.
fn fill<T: FileVoxel>(
    series: &Series,
    stack: &Stack,
    options: &ReadOptions,
    data: &mut [T],
) -> Result<()> {
    let pixels = series.size[0] * series.size[1];
    let mut by_file: BTreeMap<&Path, Vec<(usize, &mut [T])>> = BTreeMap::new();
    for (slice, &frame) in data.chunks_exact_mut(pixels).zip(&stack.order) {
        let file = series.frames[frame].file.path();
        by_file.entry(file).or_default().push((frame, slice));
    }
    let place = series.frames.first().map(|frame| frame.file.path());
    let watch = options.watch(place.unwrap_or(Path::new("")));
    let work = watch.count("slices", series.frames.len() as u64);
    by_file.into_par_iter().try_for_each(|(path, mut slices)| {
        // Every file has a frame, or it would not be here.
        let place = &series.frames[slices[0].0].file;
        let file = DicomFile::open(place, options.max_bytes)?;
        let header = as_listed(path, &file, series)?;
        // Slices that are parts of one stored frame follow each other here, so that it is decoded once.
        slices.sort_by_key(|(number, _)| series.frames[*number].index);
        let mut decoded: Option<(usize, Samples)> = None;
        for (number, slice) in slices {
            work.done(0)?;
            let frame = &series.frames[number];
            let samples = match decoded.take() {
                Some((index, samples)) if index == frame.index => samples,
                _ => pixels::frame(&file, &header, frame.index)?,
            };
            let at = [series.size[0], number];
            match frame.tile {
                Some(corner) => {
                    let size = [header.columns, header.rows];
                    let part = samples.part(header.stored[0], corner, size);
                    scale(path, &part, frame.scaling, slice, at)?;
                }
                None => scale(path, &samples, frame.scaling, slice, at)?,
            }
            decoded = Some((frame.index, samples));
            work.done(1)?;
        }
        Ok(())
    })
}

/// The header of a file of a series, which must be what it was when the series was listed.
fn as_listed(path: &Path, file: &DicomFile, series: &Series) -> Result<frame::FileHeader> {
    let header = frame::read(file)?.filter(|h| [h.columns, h.rows] == series.size[..2]);
    header.ok_or_else(|| {
        Error::header(
            path,
            "the image",
            "changed",
            "what it was when it was listed",
        )
    })
}

/// Scales stored values: `slope · value + intercept` in f64, rounded once.
fn scale<T: FileVoxel>(
    path: &Path,
    samples: &Samples,
    Scaling { slope, intercept }: Scaling,
    slice: &mut [T],
    [columns, z]: [usize; 2],
) -> Result<()> {
    let identity = slope == 1.0 && intercept == 0.0;
    for (i, voxel) in slice.iter_mut().enumerate() {
        let (value, meant) = match samples {
            Samples::Whole(values) if identity => (T::from_i64(values[i]), values[i] as f64),
            Samples::Whole(values) => {
                let meant = values[i] as f64 * slope + intercept;
                (T::from_f64(meant), meant)
            }
            Samples::Real(values) => {
                let meant = values[i] * slope + intercept;
                (T::from_f64(meant), meant)
            }
        };
        let index = || [i % columns, i / columns, z];
        *voxel = value.ok_or_else(|| misfit::<T>(path, meant, index()))?;
    }
    Ok(())
}

/// The error for a scaled value that `T` does not hold.
fn misfit<T: FileVoxel>(path: &Path, value: f64, index: [usize; 3]) -> Error {
    Error::Value {
        path: path.to_owned(),
        value: value.to_string(),
        index,
        channel: 0,
        expected: crate::decode::expectation(T::TYPE),
    }
}

/// Slices at equal gaps, linear between the two nearest that there are.
fn interpolate<T: FileVoxel>(
    path: &Path,
    stack: &Stack,
    real: &[f64],
    pixels: usize,
    watch: Watch,
) -> Result<Vec<T>> {
    let depth = stack.geometry.size()[2];
    let [columns, ..] = stack.geometry.size();
    let mut data = vec![T::default(); pixels * depth];
    for (z, slice) in data.chunks_exact_mut(pixels).enumerate() {
        watch.check()?;
        let above = stack.places.partition_point(|place| *place < z as f64);
        let above = above.min(stack.places.len() - 1);
        let below = above.saturating_sub(1);
        let gap = stack.places[above] - stack.places[below];
        let share = if gap > 0.0 {
            ((z as f64 - stack.places[below]) / gap).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let mixed = (0..pixels)
            .map(|i| {
                let (low, high) = (real[below * pixels + i], real[above * pixels + i]);
                low + share * (high - low)
            })
            .collect();
        scale(
            path,
            &Samples::Real(mixed),
            Scaling::IDENTITY,
            slice,
            [columns, z],
        )?;
    }
    Ok(data)
}
