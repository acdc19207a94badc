//! Frames decoded into their slices, and scaled.

use super::file::DicomFile;
use super::frame::{self, FileHeader, Frame};
use super::native;
use super::pixels::{self, Samples};
use super::series::Series;
use crate::watch::Work;
use crate::{Error, FileVoxel, ReadOptions, Result, Scaling};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;

/// Slices of a volume, each with the number of its frame in the series.
type Slices<'a, T> = Vec<(usize, &'a mut [T])>;

/// Decodes every frame into its slice; each file is opened once. Files, and the frames of a file, are decoded on several
/// threads. Where several fail, the error is that of the first by the file's name and the frame's number.
pub(super) fn fill<T: FileVoxel>(
    series: &Series,
    order: &[usize],
    options: &ReadOptions,
    data: &mut [T],
) -> Result<()> {
    let pixels = series.size[0] * series.size[1];
    let mut by_file: BTreeMap<&Path, Slices<T>> = BTreeMap::new();
    for (slice, &frame) in data.chunks_exact_mut(pixels).zip(order) {
        let file = series.frames[frame].file.path();
        by_file.entry(file).or_default().push((frame, slice));
    }
    let place = series.frames.first().map(|frame| frame.file.path());
    let watch = options.watch(place.unwrap_or(Path::new("")));
    let work = watch.count("slices", series.frames.len() as u64);
    let files = by_file.into_par_iter();
    first_error(files.map(|(path, slices)| fill_file(path, series, slices, (options, &work))))
}

/// The first error by the order of the work; what comes after one that was found may not be done.
fn first_error(results: impl ParallelIterator<Item = Result<()>>) -> Result<()> {
    results.find_map_first(Result::err).map_or(Ok(()), Err)
}

/// Decodes the frames of a file.
fn fill_file<T: FileVoxel>(
    path: &Path,
    series: &Series,
    mut slices: Slices<T>,
    (options, work): (&ReadOptions, &Work),
) -> Result<()> {
    // Every file has a frame, or it would not be here.
    let place = &series.frames[slices[0].0].file;
    let file = DicomFile::open(place, options.max_bytes)?;
    let header = as_listed(path, &file, series)?;
    let index = |number: usize| series.frames[number].index;
    slices.sort_by_key(|(number, _)| index(*number));
    // Slices that are parts of one stored frame are together, so that it is decoded once.
    let frames: Vec<_> = slices
        .chunk_by_mut(|(a, _), (b, _)| index(*a) == index(*b))
        .collect();
    first_error(frames.into_par_iter().map(|slices| {
        work.done(0)?;
        fill_frame(&file, &header, series, slices, options)?;
        work.done(slices.len() as u64)
    }))
}

/// Decodes a stored frame into the slices that it has.
fn fill_frame<T: FileVoxel>(
    file: &DicomFile,
    header: &FileHeader,
    series: &Series,
    slices: &mut [(usize, &mut [T])],
    options: &ReadOptions,
) -> Result<()> {
    let inverts = header.monochrome1 && options.dicom.invert;
    if let [(number, slice)] = slices {
        let frame = &series.frames[*number];
        // Where a value does not fit, the slow way finds it.
        if frame.tile.is_none() && !inverts && fill_words(file, header, frame, slice)? {
            return Ok(());
        }
    }
    // Every group has a slice.
    let mut samples = pixels::frame(file, header, series.frames[slices[0].0].index)?;
    if inverts {
        samples.invert(header.bits_stored, header.signed);
    }
    for (number, slice) in slices {
        let (frame, at) = (&series.frames[*number], [series.size[0], *number]);
        match frame.tile {
            Some(corner) => {
                let size = [header.columns, header.rows];
                let part = samples.part(header.stored[0], corner, size);
                scale(&file.path, &part, frame.scaling, slice, at)?;
            }
            None => scale(&file.path, &samples, frame.scaling, slice, at)?,
        }
    }
    Ok(())
}

/// Scales a frame of words of 16 bits; whether it is one and every value fits.
fn fill_words<T: FileVoxel>(
    file: &DicomFile,
    header: &FileHeader,
    frame: &Frame,
    slice: &mut [T],
) -> Result<bool> {
    if let Some((words, word)) = native::words(file, header, frame.index) {
        return Ok(native::scale(words, word, frame.scaling, slice));
    }
    let Some(word) = native::Word::lowest(header) else {
        return Ok(false);
    };
    let words = pixels::packed_words(file, header, frame.index)?;
    Ok(words.is_some_and(|words| native::scale(&words, word, frame.scaling, slice)))
}

/// The header of a file of a series, which must be what it was when the series was listed.
pub(super) fn as_listed(path: &Path, file: &DicomFile, series: &Series) -> Result<FileHeader> {
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
pub(super) fn misfit<T: FileVoxel>(path: &Path, value: f64, index: [usize; 3]) -> Error {
    Error::Value {
        path: path.to_owned(),
        value: value.to_string(),
        index,
        channel: 0,
        expected: crate::decode::expectation(T::TYPE),
    }
}
