//! The parameters that attributes state as they are: device, sequence, times, tracer, X-rays.

use super::super::key::Key;
use super::super::moment::moment_of;
use super::super::tags;
use super::{Part, describing, number};
use serde_json::{Map, Value};

/// Texts by key.
const TEXTS: [(&str, u32); 19] = [
    ("ManufacturersModelName", tags::MANUFACTURER_MODEL),
    ("InstitutionName", tags::INSTITUTION),
    ("InstitutionalDepartmentName", describing::DEPARTMENT),
    ("DeviceSerialNumber", describing::DEVICE),
    ("StationName", describing::STATION),
    ("BodyPart", tags::BODY_PART),
    ("PatientPosition", tags::PATIENT_POSITION),
    ("SoftwareVersions", describing::SOFTWARE),
    ("ProcedureStepDescription", describing::PROCEDURE_STEP),
    ("StudyDescription", tags::STUDY_DESCRIPTION),
    ("SeriesDescription", tags::SERIES_DESCRIPTION),
    ("ProtocolName", tags::PROTOCOL_NAME),
    ("SequenceName", tags::SEQUENCE_NAME),
    ("PulseSequenceName", describing::PULSE_SEQUENCE),
    ("ScanningSequence", describing::SCANNING_SEQUENCE),
    ("SequenceVariant", describing::SEQUENCE_VARIANT),
    ("ScanOptions", describing::SCAN_OPTIONS),
    ("Modality", tags::MODALITY),
    ("ConvolutionKernel", tags::CONVOLUTION_KERNEL),
];

/// Positive numbers of magnetic resonance by key, and the factor to its unit.
const OF_RESONANCE: [(&str, u32, f64); 10] = [
    ("MagneticFieldStrength", describing::FIELD_STRENGTH, 1.0),
    ("ImagingFrequency", describing::IMAGING_FREQUENCY, 1.0),
    ("SliceThickness", tags::SLICE_THICKNESS, 1.0),
    ("SpacingBetweenSlices", tags::SPACING_BETWEEN_SLICES, 1.0),
    ("SAR", describing::SAR, 1.0),
    ("PercentPhaseFOV", describing::PERCENT_PHASE, 1.0),
    ("PercentSampling", describing::PERCENT_SAMPLING, 1.0),
    ("PixelBandwidth", describing::PIXEL_BANDWIDTH, 1.0),
    ("PhaseEncodingSteps", describing::PHASE_STEPS, 1.0),
    ("EchoTrainLength", describing::ECHO_TRAIN, 1.0),
];

/// Numbers that may differ from volume to volume, and the factor to seconds or degrees.
const OF_VOLUMES: [(&str, Key, f64); 4] = [
    ("EchoTime", Key::EchoTime, 1e-3),
    ("RepetitionTime", Key::RepetitionTime, 1e-3),
    ("InversionTime", Key::InversionTime, 1e-3),
    ("FlipAngle", Key::FlipAngle, 1.0),
];

pub(super) fn describe(parts: &[Part], json: &mut Map<String, Value>) {
    let part = &parts[0];
    for (key, tag) in TEXTS {
        put(json, key, part.text(tag).map(Value::from));
    }
    put(json, "Manufacturer", manufacturer(part).map(Value::from));
    put(json, "ImageType", image_type(part).map(Value::from));
    for (key, tag) in [
        ("SeriesNumber", tags::SERIES_NUMBER),
        ("AcquisitionNumber", tags::ACQUISITION_NUMBER),
    ] {
        put(json, key, part.real(tag).filter(|n| *n > 0.0).map(number));
    }
    put(json, "AcquisitionTime", time_of_day(part).map(Value::from));
    match json.get("Modality").and_then(Value::as_str) {
        Some("MR") => resonance(parts, json),
        Some("PT") => emission(parts, json),
        Some("CT") => x_rays(part, json),
        _ => {}
    }
    let orientation = part.first.orientation;
    let orientation = orientation.map(|o| o.iter().copied().map(number).collect::<Vec<_>>());
    put(
        json,
        "ImageOrientationPatientDICOM",
        orientation.map(Value::from),
    );
    json.insert("ConversionSoftware".to_owned(), "Vesalius".into());
    let version = env!("CARGO_PKG_VERSION");
    json.insert("ConversionSoftwareVersion".to_owned(), version.into());
}

pub(super) fn put(json: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        json.insert(key.to_owned(), value);
    }
}

/// The maker's short name.
fn manufacturer(part: &Part) -> Option<String> {
    let text = part.text(tags::MANUFACTURER)?;
    let short = [
        ("SIEMENS", "Siemens"),
        ("GE", "GE"),
        ("PHILIPS", "Philips"),
        ("TOSHIBA", "Toshiba"),
        ("CANON", "Canon"),
        ("HITACHI", "Hitachi"),
        ("UIH", "UIH"),
        ("BRUKER", "Bruker"),
        ("MEDISO", "Mediso"),
    ];
    let upper = text.to_ascii_uppercase();
    let known = short
        .into_iter()
        .find(|(start, _)| upper.starts_with(start));
    Some(known.map_or(text, |(_, name)| name.to_owned()))
}

fn image_type(part: &Part) -> Option<Vec<String>> {
    let text = part.text(tags::IMAGE_TYPE)?;
    let kinds = text.split('\\').map(|kind| kind.trim().to_owned());
    Some(kinds.collect())
}

/// The time of the day, `10:12:00.500000`.
fn time_of_day(part: &Part) -> Option<String> {
    let time = part.text(tags::ACQUISITION_TIME).or_else(|| {
        let both = part.text(tags::ACQUISITION_DATE_TIME)?;
        Some(both.get(8..)?.to_owned())
    });
    let microseconds = (moment_of(None, &time?)? * 1e6).round();
    let seconds = microseconds / 1e6;
    let (minutes, rest) = (seconds / 60.0, seconds % 60.0);
    let (hours, minutes) = ((minutes / 60.0) as u32, (minutes % 60.0) as u32);
    Some(format!("{hours:02}:{minutes:02}:{rest:09.6}"))
}

fn resonance(parts: &[Part], json: &mut Map<String, Value>) {
    let part = &parts[0];
    for (key, tag, factor) in OF_RESONANCE {
        let value = part.real(tag).or_else(|| {
            let holder = part.holder(tag)?;
            part.file.f64(holder, tag)
        });
        let usable = value.filter(|value| value.is_finite() && *value > 0.0);
        // A train of one echo is none.
        let usable = usable.filter(|value| key != "EchoTrainLength" || *value > 1.0);
        put(json, key, usable.map(|value| number(value * factor)));
    }
    let kinds = image_type(part).unwrap_or_default();
    let has = |start: &str| kinds.iter().any(|kind| kind.starts_with(start));
    let corrected = has("DIS2D") || has("DIS3D");
    if corrected || kinds.iter().any(|kind| kind == "ND") {
        put(json, "NonlinearGradientCorrection", Some(corrected.into()));
    }
    let kind = part.text(describing::ACQUISITION_TYPE);
    let kind = kind.filter(|kind| matches!(kind.as_str(), "2D" | "3D"));
    put(json, "MRAcquisitionType", kind.map(Value::from));
    let averages = part.real(describing::AVERAGES).filter(|n| *n > 1.0);
    put(json, "NumberOfAverages", averages.map(number));
    let echo = part.real(tags::ECHO_NUMBER).filter(|n| *n > 1.0);
    put(
        json,
        "EchoNumber",
        echo.filter(|_| parts.len() == 1).map(number),
    );
    for (key, of_frame, factor) in OF_VOLUMES {
        let value = |part: &Part| part.first.number(of_frame).filter(|v| *v > 0.0);
        let values: Option<Vec<f64>> = parts.iter().map(value).collect();
        put(
            json,
            key,
            values.and_then(|values| one_or_all(&values, factor)),
        );
    }
}

/// The number that all volumes have, else that of each.
fn one_or_all(values: &[f64], factor: f64) -> Option<Value> {
    let first = *values.first()?;
    let all = || {
        values
            .iter()
            .map(|value| number(value * factor))
            .collect::<Vec<_>>()
    };
    Some(match values.iter().all(|value| *value == first) {
        true => number(first * factor),
        false => Value::from(all()),
    })
}

fn emission(parts: &[Part], json: &mut Map<String, Value>) {
    let part = &parts[0];
    for (key, tag) in [
        ("DecayCorrection", tags::DECAY_CORRECTION),
        (
            "AttenuationCorrectionMethod",
            describing::ATTENUATION_METHOD,
        ),
        ("ReconstructionMethod", describing::RECONSTRUCTION_METHOD),
    ] {
        put(json, key, part.text(tag).map(Value::from));
    }
    let units = part.series.metadata.get("Units").cloned();
    put(json, "Units", units.map(Value::from));
    if let Some(tracer) = part.file.set.item(tags::TRACERS) {
        let name = part.file.text(tracer, describing::RADIOPHARMACEUTICAL);
        put(json, "Radiopharmaceutical", name.map(Value::from));
        let real = |tag| {
            part.file
                .real(tracer, tag)
                .filter(|v| v.is_finite() && *v > 0.0)
        };
        let dose = real(tags::TRACER_DOSE).map(|becquerel| number(becquerel / 1e6));
        let unit = dose.as_ref().map(|_| Value::from("MBq"));
        put(json, "InjectedRadioactivity", dose);
        put(json, "InjectedRadioactivityUnits", unit);
        put(
            json,
            "RadionuclideHalfLife",
            real(tags::TRACER_HALF_LIFE).map(number),
        );
    }
    let duration = |part: &Part| part.real(tags::FRAME_DURATION).map(|ms| number(ms / 1e3));
    let durations: Option<Vec<Value>> = parts.iter().map(duration).collect();
    put(json, "FrameDuration", durations.map(Value::from));
}

fn x_rays(part: &Part, json: &mut Map<String, Value>) {
    let time = part.real(describing::EXPOSURE_TIME).filter(|ms| *ms > 0.0);
    put(json, "ExposureTime", time.map(|ms| number(ms / 1e3)));
    let current = part.real(describing::TUBE_CURRENT).filter(|ma| *ma > 0.0);
    put(json, "XRayTubeCurrent", current.map(number));
}
