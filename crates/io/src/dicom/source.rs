//! The data sets of a series as objects of the crate `dicom-object` (feature `dicom-object`), whole and unchanged, for
//! programs that write results of their own beside it.

use super::Series;
use crate::place::Place;
use crate::{Error, Result};
use dicom_object::{DefaultDicomObject, OpenFileOptions};
use std::path::Path;

/// Where a frame of a series is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredFrame<'a> {
    /// The file.
    pub file: &'a Path,
    /// Number of the frame in the file, from 0.
    pub index: usize,
    /// First column and row within the stored frame, where it is a mosaic of several.
    pub tile: Option<[usize; 2]>,
}

impl Series {
    /// Where each frame of the volume is stored, in the order of the slices where that is known. A file may hold frames
    /// of other volumes too.
    ///
    /// ```
    /// use vesalius_io::list_series;
    ///
    /// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
    /// let series = &list_series(file)?.series[0];
    /// let frame = series.stored_frames().next().unwrap();
    /// assert_eq!((frame.file, frame.index, frame.tile), (series.files[0].as_path(), 0, None));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn stored_frames(&self) -> impl Iterator<Item = StoredFrame<'_>> + '_ {
        self.frames.iter().map(|frame| StoredFrame {
            file: frame.file.path(),
            index: frame.index,
            tile: frame.tile,
        })
    }

    /// The data set of each file of the series, pixels included, in the order of [`Series::files`]. Nothing that this
    /// crate left out on listing is missing: private elements, sequences, texts as they were written.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a file that `dicom-object` does not read, such as one without a preamble.
    ///
    /// ```
    /// use vesalius_io::list_series;
    ///
    /// let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/images/ct_raw.dcm");
    /// let series = &list_series(file)?.series[0];
    /// let source = series.data_sets().next().unwrap()?;
    /// assert_eq!(source.element_by_name("Modality")?.to_str()?, series.modality);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn data_sets(&self) -> impl Iterator<Item = Result<DefaultDicomObject>> + '_ {
        let places = self.frames.iter().map(|frame| &*frame.file);
        let mut last: Option<&Path> = None;
        let places = places.filter(move |place| last.replace(place.path()) != Some(place.path()));
        places.map(data_set)
    }
}

fn data_set(place: &Place) -> Result<DefaultDicomObject> {
    let path = place.path();
    let bytes = super::packed::unpacked(path, place.map()?, u64::MAX)?;
    OpenFileOptions::new()
        .from_reader(&bytes[..])
        .map_err(|error| {
            let reasons =
                std::iter::successors(Some(&error as &dyn std::error::Error), |e| e.source());
            let reasons: Vec<String> = reasons.map(ToString::to_string).collect();
            let what = format!(
                "a file that `dicom-object` does not read ({})",
                reasons.join(": ")
            );
            Error::unsupported(
                path,
                what,
                "its preamble and file meta information are needed",
            )
        })
}
