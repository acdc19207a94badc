//! The attributes that describe an acquisition: read for sidecars alone, not while a folder is listed.

use super::super::tags::is_private;

macro_rules! describing {
    ($($name:ident = $value:literal;)*) => {
        $(pub const $name: u32 = $value;)*
        const DESCRIBING: &[u32] = &[$($value),*];
    };
}

describing! {
    STATION = 0x0008_1010;
    DEPARTMENT = 0x0008_1040;
    SCANNING_SEQUENCE = 0x0018_0020;
    SEQUENCE_VARIANT = 0x0018_0021;
    SCAN_OPTIONS = 0x0018_0022;
    ACQUISITION_TYPE = 0x0018_0023;
    RADIOPHARMACEUTICAL = 0x0018_0031;
    AVERAGES = 0x0018_0083;
    IMAGING_FREQUENCY = 0x0018_0084;
    FIELD_STRENGTH = 0x0018_0087;
    PHASE_STEPS = 0x0018_0089;
    ECHO_TRAIN = 0x0018_0091;
    PERCENT_SAMPLING = 0x0018_0093;
    PERCENT_PHASE = 0x0018_0094;
    PIXEL_BANDWIDTH = 0x0018_0095;
    DEVICE = 0x0018_1000;
    SOFTWARE = 0x0018_1020;
    EXPOSURE_TIME = 0x0018_1150;
    TUBE_CURRENT = 0x0018_1151;
    ACQUISITION_MATRIX = 0x0018_1310;
    PHASE_DIRECTION = 0x0018_1312;
    SAR = 0x0018_1316;
    PULSE_SEQUENCE = 0x0018_9005;
    PHASE_ORDER = 0x0018_9034;
    PROCEDURE_STEP = 0x0040_0254;
    ATTENUATION_METHOD = 0x0054_1101;
    RECONSTRUCTION_METHOD = 0x0054_1103;
}

/// Siemens' bandwidth in the direction of phase encoding, Hz.
pub const SIEMENS_BANDWIDTH: u32 = 0x0019_0028;
/// Whether phase encoding of a Siemens image without a CSA header grows with the index (1) or not (0).
pub const SIEMENS_POLARITY: u32 = 0x0021_001C;

/// GE's time between two echoes, µs.
pub const GE_ECHO_SPACING: u32 = 0x0043_002C;
/// GE's shares of lines that are acquired, along phase and slice.
pub const GE_ACCELERATION: u32 = 0x0043_0083;
/// GE's slices that are excited together, and how.
pub const GE_MULTIBAND: u32 = 0x0043_00B6;
/// The name of GE's sequence (`epiRT`), and that of its family (`EPI`).
pub const GE_SEQUENCE: u32 = 0x0019_009C;
pub const GE_SEQUENCE_FAMILY: u32 = 0x0019_009E;
/// GE's protocol.
pub const GE_PROTOCOL: u32 = 0x0025_001B;

/// Whether an element is read for sidecars.
pub fn is_kept(tag: u32) -> bool {
    let private = [
        SIEMENS_BANDWIDTH,
        SIEMENS_POLARITY,
        GE_ECHO_SPACING,
        GE_ACCELERATION,
        GE_MULTIBAND,
        GE_SEQUENCE,
        GE_SEQUENCE_FAMILY,
        GE_PROTOCOL,
    ];
    DESCRIBING.contains(&tag) || is_private(tag, &private)
}
