//! A small made series, for examples and tests: no patient's data.

use crate::set::Set;
use crate::space::Plane;
use crate::text::Charset;
use crate::uid::new_uid;
use crate::{Result, file};
use dicom_core::VR;
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Writes a made axial series of `[columns, rows, slices]` pixels of 0.8 × 0.7 mm, 2.5 mm apart, of modality `CT`, `MR` or
/// another, into a new folder `source` of `folder`, and gives that folder. Its values count from 0.
///
/// For examples and tests: the patient is made, too.
///
/// # Errors
/// [`Error::Io`](crate::Error::Io).
///
/// ```
/// use vesalius_dicom::example_series;
/// use vesalius_io::list_series;
///
/// let folder = tempfile::tempdir()?;
/// let made = example_series(folder.path(), "CT", [6, 5, 4])?;
/// assert_eq!(list_series(made)?.series[0].size, [6, 5, 4]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn example_series(
    folder: impl AsRef<Path>,
    modality: &str,
    size: [usize; 3],
) -> Result<PathBuf> {
    let folder = folder.as_ref().join("source");
    std::fs::create_dir_all(&folder).map_err(|source| {
        crate::Error::Io(vesalius_io::Error::Write {
            path: folder.clone(),
            source,
        })
    })?;
    let [study, series, frame] = [new_uid()?, new_uid()?, new_uid()?];
    let class = match modality {
        "CT" => uids::CT_IMAGE_STORAGE,
        "MR" => uids::MR_IMAGE_STORAGE,
        _ => uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
    };
    let charset = Charset::of(&InMemDicomObject::new_empty(), &[]);
    let [columns, rows, slices] = size;
    for slice in 0..slices {
        let plane = Plane {
            position: [-20.0, -30.0, 100.0 + 2.5 * slice as f64],
            row: [1.0, 0.0, 0.0],
            column: [0.0, 1.0, 0.0],
            spacing: [0.8, 0.7],
        };
        let instance = new_uid()?;
        let mut set = Set::new(&charset);
        for (tag, text) in [
            (tags::SOP_CLASS_UID, class),
            (tags::SOP_INSTANCE_UID, &instance),
            (tags::STUDY_INSTANCE_UID, &study),
            (tags::SERIES_INSTANCE_UID, &series),
            (tags::FRAME_OF_REFERENCE_UID, &frame),
            (tags::MODALITY, modality),
            (tags::PATIENT_NAME, "Made^Up"),
            (tags::PATIENT_ID, "made"),
            (tags::SERIES_DESCRIPTION, "made"),
            (tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
        ] {
            set.text(tag, text)?;
        }
        set.integer(tags::SERIES_NUMBER, 1)
            .integer(tags::INSTANCE_NUMBER, slice as i64 + 1);
        set.decimals(tags::IMAGE_POSITION_PATIENT, &plane.position);
        set.decimals(
            tags::IMAGE_ORIENTATION_PATIENT,
            &[plane.row, plane.column].concat(),
        );
        set.decimals(tags::PIXEL_SPACING, &[plane.spacing[1], plane.spacing[0]]);
        set.decimals(tags::SLICE_THICKNESS, &[2.0]);
        for (tag, value) in [
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::ROWS, rows as u16),
            (tags::COLUMNS, columns as u16),
            (tags::BITS_ALLOCATED, 16),
            (tags::BITS_STORED, 16),
            (tags::HIGH_BIT, 15),
            (tags::PIXEL_REPRESENTATION, 1),
        ] {
            set.words(tag, &[value]);
        }
        let first = slice * rows * columns;
        let pixels: Vec<u8> = (first..first + rows * columns)
            .flat_map(|v| (v as i16).to_le_bytes())
            .collect();
        vesalius_io::write_atomically(folder.join(format!("{slice:03}.dcm")), |to| {
            file::begin(to, class, &instance, file::EXPLICIT)?;
            file::elements(to, set.object())?;
            to.write_all(&file::long_header(
                tags::PIXEL_DATA,
                VR::OW,
                pixels.len() as u32,
            ))?;
            to.write_all(&pixels)
        })?;
    }
    Ok(folder)
}
