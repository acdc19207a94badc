//! Siemens mosaics: one stored frame is a sheet of tiles, each tile a slice of the volume.
//!
//! The sheet has ⌈√n⌉ tiles a row and a column for n slices, filled row by row. ImagePositionPatient is that of a sheet
//! of the sheet's own size whose centre is the slice's centre, so that the first voxel of a tile lies half of what the
//! sheet is larger further along rows and columns. Slices follow each other along the normal that the CSA header
//! states, which may be opposite to rows × columns.

use super::csa;
use super::file::DicomFile;
use super::frame::Frame;
use super::stack::{dot, normal};
use super::tags;
use crate::{Error, Result};
use vesalius_volume::Warning;

/// How the slices of a volume lie in a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mosaic {
    pub slices: usize,
    /// Tiles in a row and in a column of the sheet.
    tiles: usize,
    /// Columns and rows of a tile.
    pub size: [usize; 2],
}

/// Whether the image type says that it is a mosaic.
fn is_mosaic(file: &DicomFile) -> bool {
    let kind = file.text(&file.set, tags::IMAGE_TYPE).unwrap_or_default();
    kind.split('\\').any(|part| part.trim() == "MOSAIC")
}

/// The tiles of a sheet of `columns` × `rows`; `None` for an image that is no mosaic.
///
/// # Errors
/// A mosaic that does not say how many slices it has, or says a number that its size contradicts.
pub(super) fn mosaic(file: &DicomFile, [columns, rows]: [usize; 2]) -> Result<Option<Mosaic>> {
    if !is_mosaic(file) {
        return Ok(None);
    }
    let Some(slices) = slices(file) else {
        return Err(Error::unsupported(
            &file.path,
            "a Siemens mosaic that does not say how many slices it has (neither NumberOfImagesInMosaic (0019,100A) nor a CSA header (0029,1010))",
            "export it again with the private elements of Siemens kept, or convert it at the scanner",
        ));
    };
    let tiles = (1..=columns).find(|tiles| tiles * tiles >= slices);
    let fits = |tiles: &usize| columns.is_multiple_of(*tiles) && rows.is_multiple_of(*tiles);
    let Some(tiles) = tiles.filter(fits).filter(|_| slices > 0) else {
        return Err(Error::header(
            &file.path,
            "NumberOfImagesInMosaic",
            slices,
            format!(
                "a number of slices whose square of tiles divides the sheet of {columns} × {rows} pixels"
            ),
        ));
    };
    let size = [columns / tiles, rows / tiles];
    Ok(Some(Mosaic {
        slices,
        tiles,
        size,
    }))
}

/// How many slices a mosaic has: by the private element, else by the CSA header, else by the slice times.
fn slices(file: &DicomFile) -> Option<usize> {
    let private = tags::private(file, "SIEMENS MR HEADER", tags::MOSAIC_SLICES)
        .and_then(|bytes| file.words(bytes).next())
        .map(usize::from);
    let stated = || {
        let counts = csa::numbers(csa_header(file)?, "NumberOfImagesInMosaic")?;
        counts
            .first()
            .filter(|&&count| (1.0..1e6).contains(&count) && count.fract() == 0.0)
            .map(|&count| count as usize)
    };
    let times = || {
        let bytes = tags::private(file, "SIEMENS MR HEADER", tags::SLICE_TIMES)?;
        Some(bytes.len() / 8)
    };
    private.or_else(stated).or_else(times)
}

fn csa_header(file: &DicomFile) -> Option<&[u8]> {
    tags::private(file, "SIEMENS CSA HEADER", tags::CSA_IMAGE)
}

impl Mosaic {
    /// The slices of one sheet, and what had to be decided.
    pub fn frames(&self, file: &DicomFile, sheet: &Frame) -> (Vec<Frame>, Vec<Warning>) {
        let mut warnings = Vec::new();
        let up = sheet.orientation.map(|orientation| {
            let up = normal(&orientation);
            let stated = csa_header(file).and_then(|csa| csa::numbers(csa, "SliceNormalVector"));
            match stated.and_then(|stated| <[f64; 3]>::try_from(stated).ok()) {
                Some(stated) if dot(stated, up) < 0.0 => up.map(|v| -v),
                Some(_) => up,
                None => {
                    warnings.push(Warning::PositionAssumed {
                        missing: "the mosaic's SliceNormalVector in a CSA header".to_owned(),
                        taken: "direction of rows × columns".to_owned(),
                    });
                    up
                }
            }
        });
        let step = sheet.spacing_between.filter(|step| *step > 0.0);
        if let (None, Some(spacing)) = (step, sheet.thickness) {
            warnings.push(Warning::PositionAssumed {
                missing: "SpacingBetweenSlices of a mosaic".to_owned(),
                taken: format!("SliceThickness ({spacing} mm)"),
            });
        }
        let step = step.or(sheet.thickness);
        let frames = (0..self.slices).map(|slice| Frame {
            position: self.position(sheet, up, step, slice),
            tile: Some(self.corner(slice)),
            ..sheet.clone()
        });
        (frames.collect(), warnings)
    }

    /// First column and first row of a slice's tile.
    fn corner(&self, slice: usize) -> [usize; 2] {
        let [columns, rows] = self.size;
        [slice % self.tiles * columns, slice / self.tiles * rows]
    }

    /// Centre of a slice's first voxel, LPS mm.
    fn position(
        &self,
        sheet: &Frame,
        up: Option<[f64; 3]>,
        step: Option<f64>,
        slice: usize,
    ) -> Option<[f64; 3]> {
        let (position, [between_rows, between_columns]) = (sheet.position?, sheet.spacing?);
        let (orientation, up, step) = (sheet.orientation?, up?, step?);
        // Half of what the sheet is larger than a tile.
        let half = |size: usize| (size * (self.tiles - 1)) as f64 / 2.0;
        let along_row = half(self.size[0]) * between_columns;
        let along_column = half(self.size[1]) * between_rows;
        let along = step * slice as f64;
        Some(std::array::from_fn(|i| {
            position[i]
                + along_row * orientation[i]
                + along_column * orientation[i + 3]
                + along * up[i]
        }))
    }
}
