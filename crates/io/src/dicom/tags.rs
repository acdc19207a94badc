//! The attributes that are read, by tag (group, element), and the names of those carried along.

use super::file::DicomFile;

macro_rules! tags {
    ($($name:ident = $value:literal;)*) => {
        $(pub const $name: u32 = $value;)*
        /// The attributes of the standard that the parser keeps.
        const KEPT: &[u32] = &[$($value),*];
    };
}

tags! {
    TRANSFER_SYNTAX = 0x0002_0010;
    DIRECTORY_RECORDS = 0x0004_1220;
    REFERENCED_FILE = 0x0004_1500;
    CHARACTER_SET = 0x0008_0005;
    IMAGE_TYPE = 0x0008_0008;
    SOP_CLASS = 0x0008_0016;
    STUDY_DATE = 0x0008_0020;
    SERIES_DATE = 0x0008_0021;
    SOP_INSTANCE = 0x0008_0018;
    ACQUISITION_DATE = 0x0008_0022;
    CONTENT_DATE = 0x0008_0023;
    ACQUISITION_DATE_TIME = 0x0008_002A;
    STUDY_TIME = 0x0008_0030;
    SERIES_TIME = 0x0008_0031;
    ACQUISITION_TIME = 0x0008_0032;
    CONTENT_TIME = 0x0008_0033;
    ACCESSION_NUMBER = 0x0008_0050;
    MODALITY = 0x0008_0060;
    MANUFACTURER = 0x0008_0070;
    INSTITUTION = 0x0008_0080;
    REFERRING_PHYSICIAN = 0x0008_0090;
    STUDY_DESCRIPTION = 0x0008_1030;
    SERIES_DESCRIPTION = 0x0008_103E;
    MANUFACTURER_MODEL = 0x0008_1090;
    FRAME_TYPE = 0x0008_9007;
    COMPLEX_COMPONENT = 0x0008_9208;
    PATIENT_NAME = 0x0010_0010;
    PATIENT_ID = 0x0010_0020;
    PATIENT_BIRTH_DATE = 0x0010_0030;
    PATIENT_SEX = 0x0010_0040;
    PATIENT_AGE = 0x0010_1010;
    PATIENT_SIZE = 0x0010_1020;
    PATIENT_WEIGHT = 0x0010_1030;
    BODY_PART = 0x0018_0015;
    SEQUENCE_NAME = 0x0018_0024;
    SLICE_THICKNESS = 0x0018_0050;
    KVP = 0x0018_0060;
    REPETITION_TIME = 0x0018_0080;
    ECHO_TIME = 0x0018_0081;
    INVERSION_TIME = 0x0018_0082;
    ECHO_NUMBER = 0x0018_0086;
    SPACING_BETWEEN_SLICES = 0x0018_0088;
    PROTOCOL_NAME = 0x0018_1030;
    TRIGGER_TIME = 0x0018_1060;
    TRACER_START_TIME = 0x0018_1072;
    TRACER_DOSE = 0x0018_1074;
    TRACER_HALF_LIFE = 0x0018_1075;
    TRACER_START_DATE_TIME = 0x0018_1078;
    CONVOLUTION_KERNEL = 0x0018_1210;
    FRAME_DURATION = 0x0018_1242;
    FLIP_ANGLE = 0x0018_1314;
    PATIENT_POSITION = 0x0018_5100;
    FRAME_ACQUISITION_DATE_TIME = 0x0018_9074;
    DIFFUSION_DIRECTION = 0x0018_9076;
    INVERSION_TIMES = 0x0018_9079;
    EFFECTIVE_ECHO_TIME = 0x0018_9082;
    DIFFUSION_B_VALUE = 0x0018_9087;
    DIFFUSION_ORIENTATION = 0x0018_9089;
    MR_TIMING = 0x0018_9112;
    MR_ECHO = 0x0018_9114;
    MR_MODIFIER = 0x0018_9115;
    MR_DIFFUSION = 0x0018_9117;
    MR_AVERAGES = 0x0018_9119;
    MR_FIELD_OF_VIEW = 0x0018_9125;
    CARDIAC_SYNCHRONIZATION = 0x0018_9118;
    MR_FRAME_TYPE = 0x0018_9226;
    CT_RECONSTRUCTION = 0x0018_9314;
    CT_FRAME_TYPE = 0x0018_9329;
    PET_FRAME_TYPE = 0x0018_9751;
    STUDY_UID = 0x0020_000D;
    SERIES_UID = 0x0020_000E;
    STUDY_ID = 0x0020_0010;
    SERIES_NUMBER = 0x0020_0011;
    ACQUISITION_NUMBER = 0x0020_0012;
    INSTANCE_NUMBER = 0x0020_0013;
    POSITION = 0x0020_0032;
    ORIENTATION = 0x0020_0037;
    FRAME_OF_REFERENCE = 0x0020_0052;
    LATERALITY = 0x0020_0060;
    TEMPORAL_POSITION = 0x0020_0100;
    TEMPORAL_RESOLUTION = 0x0020_0110;
    STACK_ID = 0x0020_9056;
    FRAME_CONTENT = 0x0020_9111;
    PLANE_POSITION = 0x0020_9113;
    PLANE_ORIENTATION = 0x0020_9116;
    POSITION_IN_VOLUME = 0x0020_9301;
    ORIENTATION_IN_VOLUME = 0x0020_9302;
    PLANE_POSITION_IN_VOLUME = 0x0020_930E;
    PLANE_ORIENTATION_IN_VOLUME = 0x0020_930F;
    TEMPORAL_INDEX = 0x0020_9128;
    TRIGGER_DELAY = 0x0020_9153;
    CARDIAC_PHASE = 0x0020_9241;
    TEMPORAL_OFFSET = 0x0020_930D;
    TEMPORAL_POSITIONS = 0x0020_9310;
    SAMPLES = 0x0028_0002;
    PHOTOMETRIC = 0x0028_0004;
    FRAMES = 0x0028_0008;
    INCREMENT_POINTER = 0x0028_0009;
    ROWS = 0x0028_0010;
    COLUMNS = 0x0028_0011;
    PIXEL_SPACING = 0x0028_0030;
    CORRECTED_IMAGE = 0x0028_0051;
    BITS_ALLOCATED = 0x0028_0100;
    BITS_STORED = 0x0028_0101;
    HIGH_BIT = 0x0028_0102;
    PIXEL_REPRESENTATION = 0x0028_0103;
    PIXEL_PADDING = 0x0028_0120;
    RESCALE_INTERCEPT = 0x0028_1052;
    RESCALE_SLOPE = 0x0028_1053;
    RESCALE_TYPE = 0x0028_1054;
    MODALITY_LUT = 0x0028_3000;
    PIXEL_MEASURES = 0x0028_9110;
    VALUE_TRANSFORMATION = 0x0028_9145;
    MAPPINGS = 0x0040_9096;

    MAPPING_TABLE = 0x0040_9212;
    MAPPING_INTERCEPT = 0x0040_9224;
    MAPPING_SLOPE = 0x0040_9225;
    TILED_COLUMNS = 0x0048_0006;
    PLANE_POSITION_ON_SLIDE = 0x0048_021A;
    ENERGY_WINDOW_VECTOR = 0x0054_0010;
    TRACERS = 0x0054_0016;
    DETECTORS = 0x0054_0022;
    RR_INTERVAL_VECTOR = 0x0054_0060;
    TIME_SLOT_VECTOR = 0x0054_0070;
    SLICE_VECTOR = 0x0054_0080;
    UNITS = 0x0054_1001;
    SUV_TYPE = 0x0054_1006;
    DECAY_CORRECTION = 0x0054_1102;
    FRAME_REFERENCE_TIME = 0x0054_1300;
    SEGMENTATION_TYPE = 0x0062_0001;
    SEGMENTS = 0x0062_0002;
    SEGMENT_NUMBER = 0x0062_0004;
    SEGMENT_LABEL = 0x0062_0005;
    SEGMENT_IDENTIFICATION = 0x0062_000A;
    REFERENCED_SEGMENT = 0x0062_000B;
    SEGMENT_COLOUR = 0x0062_000D;
    MAXIMUM_FRACTION = 0x0062_000E;
    DOSE_UNITS = 0x3004_0002;
    DOSE_TYPE = 0x3004_0004;
    DOSE_SUMMATION = 0x3004_000A;
    GRID_OFFSETS = 0x3004_000C;
    DOSE_SCALING = 0x3004_000E;
    STRUCTURE_SET_LABEL = 0x3006_0002;
    REFERENCED_FRAMES = 0x3006_0010;
    REFERENCED_STUDIES = 0x3006_0012;
    REFERENCED_SERIES = 0x3006_0014;
    STRUCTURES = 0x3006_0020;
    ROI_NUMBER = 0x3006_0022;
    ROI_FRAME = 0x3006_0024;
    ROI_NAME = 0x3006_0026;
    ROI_COLOUR = 0x3006_002A;
    ROI_CONTOURS = 0x3006_0039;
    CONTOURS = 0x3006_0040;
    CONTOUR_TYPE = 0x3006_0042;
    CONTOUR_POINTS = 0x3006_0046;
    CONTOUR_DATA = 0x3006_0050;
    REFERENCED_ROI = 0x3006_0084;
    SHARED_GROUPS = 0x5200_9229;
    FRAME_GROUPS = 0x5200_9230;
    FLOAT_PIXELS = 0x7FE0_0008;
    DOUBLE_PIXELS = 0x7FE0_0009;
    PIXELS = 0x7FE0_0010;
}

/// Private elements that are kept: group and last byte of the element, whose other byte is the block that the creator
/// took.
pub const GE_SCAN_TIME: u32 = 0x0009_000D;
pub const MOSAIC_SLICES: u32 = 0x0019_000A;
pub const SIEMENS_B_VALUE: u32 = 0x0019_000C;
pub const SIEMENS_DIRECTION: u32 = 0x0019_000E;
pub const SLICE_TIMES: u32 = 0x0019_0029;
pub const GE_DIRECTION: [u32; 3] = [0x0019_00BB, 0x0019_00BC, 0x0019_00BD];
pub const CSA_IMAGE: u32 = 0x0029_0010;
pub const GE_B_VALUE: u32 = 0x0043_0039;
pub const GE_GROUP_DELAY: u32 = 0x0043_007C;
pub const PHILIPS_B_VALUE: u32 = 0x2001_0003;
pub const PHILIPS_DIRECTION: [u32; 3] = [0x2005_00B0, 0x2005_00B1, 0x2005_00B2];
pub const PHILIPS_SUV: u32 = 0x7053_0000;
pub const PHILIPS_ACTIVITY: u32 = 0x7053_0009;
const PRIVATE: [u32; 17] = [
    GE_GROUP_DELAY,
    GE_SCAN_TIME,
    PHILIPS_SUV,
    PHILIPS_ACTIVITY,
    MOSAIC_SLICES,
    SIEMENS_B_VALUE,
    SIEMENS_DIRECTION,
    SLICE_TIMES,
    GE_DIRECTION[0],
    GE_DIRECTION[1],
    GE_DIRECTION[2],
    CSA_IMAGE,
    GE_B_VALUE,
    PHILIPS_B_VALUE,
    PHILIPS_DIRECTION[0],
    PHILIPS_DIRECTION[1],
    PHILIPS_DIRECTION[2],
];

/// Blocks of private elements in which they are looked for.
const BLOCKS: std::ops::RangeInclusive<u32> = 0x10..=0x1F;

/// Whether the parser keeps an element; the rest is skipped.
pub fn is_kept(tag: u32) -> bool {
    KEPT.contains(&tag) || is_private(tag, &PRIVATE)
}

/// Whether a tag is one of these private elements, or the creator of a block of their group.
pub fn is_private(tag: u32, wanted: &[u32]) -> bool {
    let element = tag & 0xFFFF;
    let is = |wanted: &u32| {
        let creator = BLOCKS.contains(&element);
        tag >> 16 == wanted >> 16
            && (creator || BLOCKS.contains(&(element >> 8)) && element & 0xFF == wanted & 0xFF)
    };
    wanted.iter().any(is)
}

/// The bytes of a private element of a file, in the block that `creator` took.
pub fn private<'a>(file: &'a DicomFile, creator: &str, wanted: u32) -> Option<&'a [u8]> {
    let group = wanted & 0xFFFF_0000;
    let took = |block: &u32| {
        let name = file.text(&file.set, group | block);
        name.is_some_and(|name| name.trim() == creator)
    };
    let block = BLOCKS.into_iter().find(took)?;
    file.set
        .bytes(file.raw(), group | block << 8 | wanted & 0xFF)
}

/// Sequences among the kept tags: files without value types do not mark them.
pub const SEQUENCES: &[u32] = &[
    DIRECTORY_RECORDS,
    MR_ECHO,
    MR_DIFFUSION,
    MR_AVERAGES,
    MR_FIELD_OF_VIEW,
    DIFFUSION_DIRECTION,
    MR_TIMING,
    MR_MODIFIER,
    MR_FRAME_TYPE,
    CARDIAC_SYNCHRONIZATION,
    CT_RECONSTRUCTION,
    CT_FRAME_TYPE,
    PET_FRAME_TYPE,
    TEMPORAL_POSITIONS,
    FRAME_CONTENT,
    PLANE_POSITION,
    PLANE_ORIENTATION,
    PLANE_POSITION_IN_VOLUME,
    PLANE_ORIENTATION_IN_VOLUME,
    MAPPINGS,
    PLANE_POSITION_ON_SLIDE,
    MODALITY_LUT,
    PIXEL_MEASURES,
    VALUE_TRANSFORMATION,
    TRACERS,
    DETECTORS,
    SEGMENTS,
    SEGMENT_IDENTIFICATION,
    REFERENCED_FRAMES,
    REFERENCED_STUDIES,
    REFERENCED_SERIES,
    STRUCTURES,
    ROI_CONTOURS,
    CONTOURS,
    SHARED_GROUPS,
    FRAME_GROUPS,
];

/// What is carried along as metadata, by the standard's keywords.
pub const CARRIED: &[(u32, &str)] = &[
    (IMAGE_TYPE, "ImageType"),
    (SOP_CLASS, "SOPClassUID"),
    (STUDY_DATE, "StudyDate"),
    (SERIES_DATE, "SeriesDate"),
    (STUDY_TIME, "StudyTime"),
    (SERIES_TIME, "SeriesTime"),
    (ACCESSION_NUMBER, "AccessionNumber"),
    (MODALITY, "Modality"),
    (MANUFACTURER, "Manufacturer"),
    (INSTITUTION, "InstitutionName"),
    (REFERRING_PHYSICIAN, "ReferringPhysicianName"),
    (STUDY_DESCRIPTION, "StudyDescription"),
    (SERIES_DESCRIPTION, "SeriesDescription"),
    (MANUFACTURER_MODEL, "ManufacturerModelName"),
    (PATIENT_NAME, "PatientName"),
    (PATIENT_ID, "PatientID"),
    (PATIENT_BIRTH_DATE, "PatientBirthDate"),
    (PATIENT_SEX, "PatientSex"),
    (PATIENT_AGE, "PatientAge"),
    (PATIENT_SIZE, "PatientSize"),
    (PATIENT_WEIGHT, "PatientWeight"),
    (BODY_PART, "BodyPartExamined"),
    (PROTOCOL_NAME, "ProtocolName"),
    (PATIENT_POSITION, "PatientPosition"),
    (STUDY_UID, "StudyInstanceUID"),
    (SERIES_UID, "SeriesInstanceUID"),
    (STUDY_ID, "StudyID"),
    (SERIES_NUMBER, "SeriesNumber"),
    (FRAME_OF_REFERENCE, "FrameOfReferenceUID"),
    (LATERALITY, "Laterality"),
    (UNITS, "Units"),
    (SUV_TYPE, "SUVType"),
    (DOSE_UNITS, "DoseUnits"),
    (DOSE_TYPE, "DoseType"),
    (DOSE_SUMMATION, "DoseSummationType"),
    (RESCALE_TYPE, "RescaleType"),
    (PHOTOMETRIC, "PhotometricInterpretation"),
];
