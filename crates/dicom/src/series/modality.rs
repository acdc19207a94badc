//! What the classes of images need beyond pixels and places: taken from the source where it still holds.

use crate::set::Set;
use crate::source::Source;
use crate::{Result, raw};
use dicom_core::Tag;
use dicom_dictionary_std::{tags, uids};
use vesalius_volume::Warning;

/// The class of a derived image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Ct,
    Mr,
    Pet,
    /// Any other source: secondary capture.
    Other,
}

impl Class {
    pub fn of(modality: &str) -> Self {
        match modality {
            "CT" => Self::Ct,
            "MR" => Self::Mr,
            "PT" => Self::Pet,
            _ => Self::Other,
        }
    }

    pub fn uid(self) -> &'static str {
        match self {
            Self::Ct => uids::CT_IMAGE_STORAGE,
            Self::Mr => uids::MR_IMAGE_STORAGE,
            Self::Pet => uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
            Self::Other => uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
        }
    }
}

/// Series and acquisition attributes of any class, copied where all files agree.
const COMMON: [Tag; 6] = [
    tags::BODY_PART_EXAMINED,
    tags::LATERALITY,
    tags::PROTOCOL_NAME,
    tags::ACQUISITION_DATE,
    tags::ACQUISITION_TIME,
    tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
];

/// The patient in the scanner: either the position or the codes, by the class.
const POSITION: [Tag; 3] = [
    tags::PATIENT_POSITION,
    tags::PATIENT_ORIENTATION_CODE_SEQUENCE,
    tags::PATIENT_GANTRY_RELATIONSHIP_CODE_SEQUENCE,
];

const CONTRAST: [Tag; 5] = [
    tags::CONTRAST_BOLUS_AGENT,
    tags::CONTRAST_BOLUS_AGENT_SEQUENCE,
    tags::CONTRAST_BOLUS_ROUTE,
    tags::CONTRAST_BOLUS_VOLUME,
    tags::CONTRAST_BOLUS_START_TIME,
];

const CT: [Tag; 8] = [
    tags::CONVOLUTION_KERNEL,
    tags::FILTER_TYPE,
    tags::GANTRY_DETECTOR_TILT,
    tags::DATA_COLLECTION_DIAMETER,
    tags::RECONSTRUCTION_DIAMETER,
    tags::EXPOSURE_TIME,
    tags::X_RAY_TUBE_CURRENT,
    tags::EXPOSURE,
];

const MR: [Tag; 17] = [
    tags::SEQUENCE_NAME,
    tags::ANGIO_FLAG,
    tags::NUMBER_OF_AVERAGES,
    tags::IMAGING_FREQUENCY,
    tags::IMAGED_NUCLEUS,
    tags::ECHO_NUMBERS,
    tags::MAGNETIC_FIELD_STRENGTH,
    tags::NUMBER_OF_PHASE_ENCODING_STEPS,
    tags::PERCENT_SAMPLING,
    tags::PERCENT_PHASE_FIELD_OF_VIEW,
    tags::PIXEL_BANDWIDTH,
    tags::RECEIVE_COIL_NAME,
    tags::TRANSMIT_COIL_NAME,
    tags::FLIP_ANGLE,
    tags::VARIABLE_FLIP_ANGLE_FLAG,
    tags::IN_PLANE_PHASE_ENCODING_DIRECTION,
    tags::SAR,
];

/// Attributes of a PET series that must be there.
const PET_REQUIRED: [Tag; 6] = [
    tags::CORRECTED_IMAGE,
    tags::COLLIMATOR_TYPE,
    tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE,
    tags::PATIENT_ORIENTATION_CODE_SEQUENCE,
    tags::PATIENT_GANTRY_RELATIONSHIP_CODE_SEQUENCE,
    tags::ACTUAL_FRAME_DURATION,
];

const PET: [Tag; 15] = [
    tags::RANDOMS_CORRECTION_METHOD,
    tags::ATTENUATION_CORRECTION_METHOD,
    tags::SCATTER_CORRECTION_METHOD,
    tags::RECONSTRUCTION_METHOD,
    tags::SUV_TYPE,
    tags::RECONSTRUCTION_DIAMETER,
    tags::CONVOLUTION_KERNEL,
    tags::AXIAL_ACCEPTANCE,
    tags::AXIAL_MASH,
    tags::TRANSVERSE_MASH,
    tags::DETECTOR_ELEMENT_SIZE,
    tags::COINCIDENCE_WINDOW_WIDTH,
    tags::ENERGY_WINDOW_RANGE_SEQUENCE,
    tags::TYPE_OF_DETECTOR_MOTION,
    tags::COLLIMATOR_GRID_NAME,
];

/// Defined terms that values of the source are kept for.
const MR_FLAVOURS: [&str; 12] = [
    "DENSITY MAP",
    "DIFFUSION MAP",
    "IMAGE ADDITION",
    "MODULUS SUBTRACT",
    "MPR",
    "OTHER",
    "PHASE MAP",
    "PHASE SUBTRACT",
    "PROJECTION IMAGE",
    "T1 MAP",
    "T2 MAP",
    "VELOCITY MAP",
];
const SCAN_OPTIONS: [&str; 9] = ["PER", "RG", "CG", "PPG", "FC", "PFF", "PFP", "SP", "FS"];

/// The attributes of the class; `nearest` is the header of the source's file that lies nearest.
pub(crate) struct Describe<'s> {
    pub source: &'s Source,
    pub class: Class,
    pub slices: usize,
}

impl Describe<'_> {
    /// Writes them, and gives what had to be assumed.
    ///
    /// # Errors
    /// [`Error::Text`](crate::Error::Text) for values of the source that are too long.
    pub fn describe(&self, set: &mut Set, nearest: usize, slice: usize) -> Result<Vec<Warning>> {
        let head = self.source.head();
        let mut told = Vec::new();
        self.copy_shared(set, &COMMON);
        self.laterality(set);
        if matches!(self.class, Class::Ct | Class::Mr) {
            self.copy_shared(set, &CONTRAST);
        }
        match self.class {
            Class::Ct => {
                set.texts(tags::IMAGE_TYPE, &["DERIVED", "SECONDARY", "AXIAL"])?;
                self.copy_shared(set, &CT);
                self.copy_shared_or_empty(set, &[tags::KVP, tags::ACQUISITION_NUMBER]);
                self.copy_shared(set, &[tags::RESCALE_TYPE]);
            }
            Class::Mr => {
                let flavour = self.values(tags::IMAGE_TYPE).into_iter().nth(2);
                let flavour = flavour.filter(|value| MR_FLAVOURS.contains(&value.as_str()));
                let flavour = flavour.unwrap_or_else(|| "OTHER".to_owned());
                set.texts(tags::IMAGE_TYPE, &["DERIVED", "SECONDARY", &flavour])?;
                self.copy_shared(set, &MR);
                self.sequence(set, &mut told)?;
            }
            Class::Pet => {
                // The only second value that a PET image may have.
                set.texts(tags::IMAGE_TYPE, &["DERIVED", "PRIMARY"])?;
                self.copy_shared(set, &PET);
                self.pet(set, nearest, slice, &mut told)?;
            }
            Class::Other => {
                set.texts(tags::IMAGE_TYPE, &["DERIVED", "SECONDARY"])?;
                set.text(tags::CONVERSION_TYPE, "WSD")?;
                set.empty(tags::PATIENT_ORIENTATION);
                set.text(tags::RESCALE_TYPE, "US")?;
            }
        }
        // A number of the acquisition must not be invented; it may be without a value.
        if self.class == Class::Mr && self.source.is_shared(tags::ACQUISITION_NUMBER) {
            set.copy(head, tags::ACQUISITION_NUMBER);
        }
        Ok(told)
    }

    fn copy_shared(&self, set: &mut Set, wanted: &[Tag]) {
        for &tag in wanted {
            let holds = raw::text(self.source.head(), tag).is_some()
                || raw::item(self.source.head(), tag).is_some();
            if holds && self.source.is_shared(tag) {
                set.copy(self.source.head(), tag);
            }
        }
    }

    fn copy_shared_or_empty(&self, set: &mut Set, wanted: &[Tag]) {
        for &tag in wanted {
            match self.source.is_shared(tag) && set.copy(self.source.head(), tag) {
                true => {}
                false => {
                    set.empty(tag);
                }
            }
        }
    }

    fn values(&self, tag: Tag) -> Vec<String> {
        let text = raw::text(self.source.head(), tag).unwrap_or_default();
        text.split('\\')
            .map(|value| value.trim().to_owned())
            .collect()
    }

    /// The side of the body, and how the patient lay in the scanner.
    fn laterality(&self, set: &mut Set) {
        let head = self.source.head();
        if raw::text(head, tags::LATERALITY).is_none() && !set.copy(head, tags::IMAGE_LATERALITY) {
            // Required of a paired part of the body, and of one that is not named; unknown: without a value.
            set.empty(tags::IMAGE_LATERALITY);
        }
        let coded = raw::item(head, tags::PATIENT_ORIENTATION_CODE_SEQUENCE).is_some();
        match self.class {
            // Its codes are written with the other attributes of the class.
            Class::Pet | Class::Other => {}
            Class::Ct | Class::Mr if coded => self.copy_shared(set, &POSITION[1..]),
            Class::Ct | Class::Mr => self.copy_shared_or_empty(set, &POSITION[..1]),
        }
    }

    fn sequence(&self, set: &mut Set, told: &mut Vec<Warning>) -> Result<()> {
        for (tag, assumed) in [
            (tags::SCANNING_SEQUENCE, "RM"),
            (tags::SEQUENCE_VARIANT, "NONE"),
        ] {
            let known = raw::text(self.source.head(), tag).is_some() && self.source.is_shared(tag);
            if known {
                set.copy(self.source.head(), tag);
                continue;
            }
            set.text(tag, assumed)?;
            told.push(assumed_value(tag, assumed));
        }
        let options = self.values(tags::SCAN_OPTIONS);
        let options: Vec<&str> = options
            .iter()
            .map(String::as_str)
            .filter(|o| SCAN_OPTIONS.contains(o))
            .collect();
        set.texts(tags::SCAN_OPTIONS, &options)?;
        let wanted = [
            tags::MR_ACQUISITION_TYPE,
            tags::REPETITION_TIME,
            tags::ECHO_TIME,
            tags::ECHO_TRAIN_LENGTH,
        ];
        self.copy_shared_or_empty(set, &wanted);
        self.copy_shared(set, &[tags::INVERSION_TIME, tags::TRIGGER_TIME]);
        Ok(())
    }

    fn pet(
        &self,
        set: &mut Set,
        nearest: usize,
        slice: usize,
        told: &mut Vec<Warning>,
    ) -> Result<()> {
        let header = &self.source.instances[nearest].header;
        self.copy_shared_or_empty(set, &PET_REQUIRED);
        for (tag, assumed) in [
            (tags::UNITS, "NONE"),
            (tags::COUNTS_SOURCE, "EMISSION"),
            (tags::DECAY_CORRECTION, "NONE"),
            (tags::FRAME_REFERENCE_TIME, "0"),
        ] {
            if raw::text(header, tag).is_some() {
                set.copy(header, tag);
                continue;
            }
            set.text(tag, assumed)?;
            told.push(assumed_value(tag, assumed));
        }
        set.texts(tags::SERIES_TYPE, &["WHOLE BODY", "IMAGE"])?;
        let kind = self.values(tags::SERIES_TYPE);
        if kind.len() == 2 && matches!(kind[0].as_str(), "STATIC" | "WHOLE BODY") {
            set.copy(header, tags::SERIES_TYPE);
        }
        set.words(
            tags::NUMBER_OF_SLICES,
            &[u16::try_from(self.slices).unwrap_or(u16::MAX)],
        );
        set.words(
            tags::IMAGE_INDEX,
            &[u16::try_from(slice + 1).unwrap_or(u16::MAX)],
        );
        set.copy_or_empty(header, &[tags::ACQUISITION_DATE, tags::ACQUISITION_TIME]);
        set.copy_all(header, &[tags::DECAY_FACTOR, tags::DOSE_CALIBRATION_FACTOR]);
        Ok(())
    }
}

fn assumed_value(tag: Tag, value: &str) -> Warning {
    Warning::AttributeAssumed {
        attribute: crate::text::keyword(tag),
        value: value.to_owned(),
    }
}
