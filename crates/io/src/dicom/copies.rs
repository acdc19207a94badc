//! Files with the same SOPInstanceUID: an exact copy is left out, another content refuses the volume.

use super::SliceProblem;
use super::file::DicomFile;
use super::frame::FileHeader;
use super::series::Series;
use crate::place::Place;
use crate::{ReadOptions, Result};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use vesalius_volume::Warning;

/// Two files of one instance.
pub(super) struct Pair {
    series_uid: String,
    /// The one that is read.
    kept: PathBuf,
    other: PathBuf,
    /// Whether header and pixel data are the same bytes.
    same: bool,
}

/// The place of a header's file.
fn place(header: &FileHeader) -> Option<&Place> {
    header.frames.first().map(|frame| &*frame.file)
}

/// One file of each instance, the first, and the others of each.
///
/// # Errors
/// Of reading a file again.
#[expect(
    clippy::vec_box,
    reason = "headers are large, and each is freed on its own"
)]
pub(super) fn without_copies(
    mut found: Vec<Box<FileHeader>>,
    options: &ReadOptions,
) -> Result<(Vec<Box<FileHeader>>, Vec<Pair>)> {
    let copies = copies(&found);
    let mut pairs = Vec::new();
    for &(first, other) in &copies {
        let (Some(first), Some(place)) = (place(&found[first]), place(&found[other])) else {
            continue;
        };
        pairs.push(Pair {
            series_uid: found[other].series_uid.to_string(),
            kept: first.path().to_owned(),
            other: place.path().to_owned(),
            same: are_same(first, place, options)?,
        });
    }
    let copies: HashSet<usize> = copies.into_iter().map(|(_, other)| other).collect();
    let mut number = 0..;
    found.retain(|_| number.next().is_none_or(|number| !copies.contains(&number)));
    Ok((found, pairs))
}

/// The numbers of files of an instance that was there before, with that of the first.
fn copies(found: &[Box<FileHeader>]) -> Vec<(usize, usize)> {
    let mut firsts: HashMap<(&str, &str), usize> = HashMap::with_capacity(found.len());
    let mut copies = Vec::new();
    for (number, header) in found.iter().enumerate() {
        if header.instance_uid.is_empty() || header.frames.is_empty() {
            continue;
        }
        match firsts.entry((&header.series_uid, &header.instance_uid)) {
            Entry::Occupied(first) => copies.push((*first.get(), number)),
            Entry::Vacant(free) => {
                free.insert(number);
            }
        }
    }
    copies
}

/// Whether two files have the same data set, byte for byte, in the same transfer syntax.
fn are_same(a: &Place, b: &Place, options: &ReadOptions) -> Result<bool> {
    let a = DicomFile::open(a, options.max_bytes)?;
    let b = DicomFile::open(b, options.max_bytes)?;
    Ok(a.transfer_syntax == b.transfer_syntax && a.data_set_bytes() == b.data_set_bytes())
}

/// Tells the copies that were left out of a series, and refuses a volume of which one file has two contents.
pub(super) fn tell(series: &mut Series, pairs: &[Pair]) {
    let of_series: Vec<&Pair> = pairs
        .iter()
        .filter(|pair| pair.series_uid == series.uid)
        .collect();
    if of_series.is_empty() {
        return;
    }
    let files: HashSet<&PathBuf> = series.files.iter().collect();
    let of_part = || {
        of_series
            .iter()
            .copied()
            .filter(|pair| files.contains(&pair.kept))
    };
    let exact: Vec<&Pair> = of_part().filter(|pair| pair.same).collect();
    let told = exact.first().map(|pair| Warning::CopiesDropped {
        count: exact.len(),
        dropped: pair.other.clone(),
        kept: pair.kept.clone(),
    });
    let problem = of_part()
        .find(|pair| !pair.same)
        .map(|pair| SliceProblem::SameInstance {
            first: pair.kept.clone(),
            second: pair.other.clone(),
        });
    series.of_files.splice(0..0, told.clone());
    series.warnings.splice(0..0, told);
    if let Some(problem) = problem {
        series.geometry = None;
        series.problem = Some(problem);
    }
}
