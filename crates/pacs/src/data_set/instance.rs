//! What the network needs to know of an object: its identifiers, what it shows, and where.

use super::Header;
use crate::uid::IMPLEMENTATION_CLASS_UID;
use crate::{Error, Result, is_uid};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use std::io::Read;

/// The equipment that the crate `dicom` writes into its objects.
const OWN_MANUFACTURER: &str = "Vesalius";

const CHOSEN: [Tag; 15] = [
    tags::SOP_CLASS_UID,
    tags::SOP_INSTANCE_UID,
    tags::MODALITY,
    tags::MANUFACTURER,
    tags::SERIES_DESCRIPTION,
    tags::BODY_PART_EXAMINED,
    tags::STUDY_INSTANCE_UID,
    tags::SERIES_INSTANCE_UID,
    tags::INSTANCE_NUMBER,
    tags::IMAGE_POSITION_PATIENT,
    tags::IMAGE_ORIENTATION_PATIENT,
    tags::FRAME_OF_REFERENCE_UID,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
];

/// Where a slice is, in the patient's system of DICOM (LPS).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    /// The centre of the first pixel, mm.
    pub position: [f64; 3],
    /// The directions of a row and of a column.
    pub orientation: [f64; 6],
}

/// An object's identifiers, what it shows, and where. It holds nothing of the patient.
#[derive(Debug, Clone, PartialEq)]
pub struct InstanceHeader {
    /// SOPClassUID.
    pub class: String,
    /// SOPInstanceUID, of valid syntax.
    pub instance: String,
    /// StudyInstanceUID, of valid syntax.
    pub study: String,
    /// SeriesInstanceUID, of valid syntax.
    pub series: String,
    /// Modality.
    pub modality: String,
    /// SeriesDescription.
    pub description: String,
    /// BodyPartExamined.
    pub body_part: String,
    /// Manufacturer.
    pub manufacturer: String,
    /// InstanceNumber.
    pub number: Option<i64>,
    /// NumberOfFrames; 1 where it is absent.
    pub frames: u32,
    /// The place of a slice; absent in objects without one and in multi-frame objects.
    pub frame: Option<Frame>,
    /// Rows and Columns; 0 for objects that are no images.
    pub size: [u16; 2],
}

impl InstanceHeader {
    /// Reads the header of a data set.
    ///
    /// # Errors
    /// [`Error::DataSet`] for bytes that are no data set, and where one of the four identifiers is missing or not valid.
    pub fn read(from: impl Read, syntax: &str) -> Result<Self> {
        let header = Header::read(from, syntax, &CHOSEN)?;
        let text = |tag| header.text(tag).unwrap_or_default();
        let uid = |tag, name: &str| match text(tag) {
            uid if is_uid(&uid) => Ok(uid),
            uid if uid.is_empty() => Err(Error::DataSet(format!("{name} is missing"))),
            _ => Err(Error::DataSet(format!("{name} is not an identifier"))),
        };
        let number = |tag| header.numbers(tag).and_then(|all| all.first().copied());
        Ok(Self {
            class: uid(tags::SOP_CLASS_UID, "SOPClassUID")?,
            instance: uid(tags::SOP_INSTANCE_UID, "SOPInstanceUID")?,
            study: uid(tags::STUDY_INSTANCE_UID, "StudyInstanceUID")?,
            series: uid(tags::SERIES_INSTANCE_UID, "SeriesInstanceUID")?,
            modality: text(tags::MODALITY),
            description: text(tags::SERIES_DESCRIPTION),
            body_part: text(tags::BODY_PART_EXAMINED),
            manufacturer: text(tags::MANUFACTURER),
            number: number(tags::INSTANCE_NUMBER).map(|number| number as i64),
            frames: number(tags::NUMBER_OF_FRAMES).map_or(1, |count| count as u32),
            frame: frame(&header),
            size: [tags::ROWS, tags::COLUMNS].map(|tag| header.u16(tag).unwrap_or(0)),
        })
    }

    /// Whether this library made the object: a PACS may send results back, which must not be segmented again.
    ///
    /// `implementation` is the implementation class UID of the file's meta information. A PACS replaces it by its own, so
    /// that the object's manufacturer decides then.
    pub fn is_own(&self, implementation: &str) -> bool {
        implementation == IMPLEMENTATION_CLASS_UID || self.manufacturer == OWN_MANUFACTURER
    }

    /// Whether the object is derived from images, and is none of a scanner: segmentations, reports, contours, documents,
    /// presentation states, and other objects (`OT`).
    pub fn is_derived_object(&self) -> bool {
        const DERIVED: [&str; 11] = [
            "SEG", "SR", "RTSTRUCT", "RTPLAN", "RTDOSE", "OT", "PR", "KO", "DOC", "REG", "FID",
        ];
        DERIVED.contains(&self.modality.as_str())
    }
}

fn frame(header: &Header) -> Option<Frame> {
    let exact = |tag| header.numbers(tag);
    let position = exact(tags::IMAGE_POSITION_PATIENT)?.try_into().ok()?;
    let orientation = exact(tags::IMAGE_ORIENTATION_PATIENT)?.try_into().ok()?;
    Some(Frame {
        position,
        orientation,
    })
}
