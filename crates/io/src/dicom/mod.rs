//! DICOM: single-frame series and enhanced multi-frame files to volumes, by the positions that the
//! files state. Nothing is guessed: several series, unequal gaps, a tilted gantry and a missing
//! position are errors with a remedy.

mod assemble;
mod between;
mod charset;
mod choose;
mod compose;
mod copies;
mod csa;
mod element;
mod examine;
mod facts;
mod file;
mod fill;
mod fourth_axis;
mod frame;
mod gaps;
mod group;
mod jpeg_ls;
mod key;
mod keys;
mod listing;
mod moment;
mod mosaic;
mod native;
mod neighbours;
mod packed;
mod part_key;
mod part_names;
mod parts;
mod passed;
mod pixels;
mod rescaling;
mod rle;
mod root_place;
mod scaled;
mod search;
mod segmentation;
mod series;
mod shared;
mod sidecar;
mod slice_problem;
#[cfg(feature = "dicom-object")]
mod source;
mod stack;
mod structures;
mod suv;
mod tags;
mod time_step;
mod untilt;
mod volumes;

pub(crate) use assemble::Slices;
pub(crate) use examine::is_dicom as is_file;
pub(crate) use file::detect;
pub(crate) use listing::list_at;

pub use part_key::PartKey;
pub use series::{Series, SeriesList, choose_series, list_series, list_series_with};
pub use sidecar::{Sidecar, read_sidecar, sidecar_of};
pub use slice_problem::{DicomOptions, SliceProblem, Tilt, UnevenSlices};
#[cfg(feature = "dicom-object")]
pub use source::StoredFrame;
pub use structures::{
    Contour, ConvertStructuresOptions, OutsideContours, Structure, StructureOptions, StructureSet,
    convert_structures, read_structures,
};
pub use suv::Suv;

use crate::place::Place;
use crate::{FileVoxel, Format, ImageInfo, ReadOptions, Result, Scaling};
use std::path::Path;
use vesalius_volume::Volume;

/// Reads the series that the options name, or the only one; all its volumes as channels where that is asked for.
pub(crate) fn read<T: FileVoxel>(place: &Place, options: &ReadOptions) -> Result<Volume<T>> {
    let chosen = choose::choose(place, options)?;
    let chosen = suv::scaled(place.path(), chosen, options)?;
    assemble::read_volumes(place.path(), &chosen, options)
}

/// The content of a series' headers, without its pixels.
pub(crate) fn probe(place: &Place, options: &ReadOptions) -> Result<ImageInfo> {
    let path = place.path();
    let chosen = choose::choose(place, options)?;
    let chosen = suv::scaled(path, chosen, options)?;
    fourth_axis::admit(path, &chosen, options)?;
    let infos = chosen.iter().map(|series| series_info(path, series));
    let infos: Vec<ImageInfo> = infos.collect::<Result<_>>()?;
    let info = fourth_axis::together(path, &chosen, infos)?;
    options.admit(path, &info.warnings)?;
    Ok(info)
}

/// Reads the pixels of a listed series, each slice scaled by its own slope and intercept. Several
/// modalities of one study are read one by one and resampled to the first by the caller.
///
/// # Errors
/// [`Error::Slices`](crate::Error::Slices) when the slices are no uniform stack, and what decoding may give.
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
    let chosen = suv::scaled(path, vec![series.clone()], options)?;
    assemble::read_volumes(path, &chosen, options)
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
        nifti: time_step::fields(std::slice::from_ref(series)),
        metadata: series.metadata.clone(),
        warnings: series.warnings.clone(),
    })
}
