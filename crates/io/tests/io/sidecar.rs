//! BIDS sidecars: parameters, slice times, phase encoding and diffusion, in the axes of the image that is written.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use std::path::Path;
use vesalius_io::{
    Error, FourthAxis, ReadOptions, Sidecar, VolumeChoice, list_series, read_sidecar, sidecar_of,
};

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

fn all() -> ReadOptions {
    ReadOptions {
        volume: VolumeChoice::All,
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::new()
    }
}

/// A resonance image of two slices and these elements.
fn made(folder: &Path, name: &str, changes: &[Change]) {
    let common: [Change; 2] = [(0x0008_0060, b"CS", b"MR"), (0x0018_0023, b"CS", b"2D")];
    for (number, z) in [0.0, 3.0].into_iter().enumerate() {
        // The upper slice was stored first.
        let time = format!("1012{:02}.25", 10 - 2 * number);
        let instance = (2 - number).to_string();
        let mut elements = common.to_vec();
        elements.push((0x0008_0032, b"TM", time.as_bytes()));
        elements.push((0x0020_0013, b"IS", instance.as_bytes()));
        elements.extend(changes);
        let file = format!("{name}{number}");
        save(folder, &file, &slice(z, [number as i16; 6], &elements));
    }
}

fn of(changes: &[Change]) -> Sidecar {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), "a", changes);
    read_sidecar(folder.path(), &all()).unwrap()
}

#[test]
fn parameters_have_the_keys_and_units_of_bids_and_nothing_of_the_patient() {
    let sidecar = of(&[
        (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\M"),
        (0x0008_0070, b"LO", b"SIEMENS "),
        (0x0008_1090, b"LO", b"Prisma"),
        (0x0010_0020, b"LO", b"4711"),
        (0x0010_0030, b"DA", b"19700101"),
        (0x0018_0080, b"DS", b"2435.37"),
        (0x0018_0081, b"DS", b"30"),
        (0x0018_0082, b"DS", b"900"),
        (0x0018_0087, b"DS", b"3"),
        (0x0018_0088, b"DS", b"3.6"),
        (0x0018_1030, b"LO", b"rest"),
        (0x0018_1314, b"DS", b"76"),
    ]);
    let expected = serde_json::json!({
        "Modality": "MR",
        "MRAcquisitionType": "2D",
        "Manufacturer": "Siemens",
        "ManufacturersModelName": "Prisma",
        "ImageType": ["ORIGINAL", "PRIMARY", "M"],
        "SeriesDescription": "thorax",
        "ProtocolName": "rest",
        "SeriesNumber": 4,
        "AcquisitionTime": "10:12:08.250000",
        "RepetitionTime": 2.43537,
        "EchoTime": 0.03,
        "InversionTime": 0.9,
        "FlipAngle": 76,
        "MagneticFieldStrength": 3,
        "SliceThickness": 3,
        "SpacingBetweenSlices": 3.6,
        "SliceTiming": [2, 0],
        "ReconMatrixPE": null,
        "ImageOrientationPatientDICOM": [1, 0, 0, 0, 1, 0],
        "ConversionSoftware": "Vesalius",
    });
    for (key, value) in expected.as_object().unwrap() {
        let found = sidecar.json.get(key).unwrap_or(&serde_json::Value::Null);
        assert_eq!(found, value, "{key}");
    }
    let text = sidecar.json_text();
    for secret in ["Doe", "Jane", "4711", "1970", "1.2.3"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[test]
fn slices_of_other_makers_and_of_volumes_in_three_dimensions_have_no_times() {
    let siemens: Change = (0x0008_0070, b"LO", b"SIEMENS");
    assert!(of(&[siemens]).json.contains_key("SliceTiming"));
    for changes in [
        vec![(0x0008_0070, b"LO", &b"Philips"[..])],
        vec![siemens, (0x0018_0023, b"CS", b"3D")],
        // Two seconds are no repetition of one.
        vec![siemens, (0x0018_0080, b"DS", b"1000")],
    ] {
        assert!(!of(&changes).json.contains_key("SliceTiming"));
    }
}

/// A CSA header (form SV10) with these entries.
fn csa(entries: &[(&str, &[&str])]) -> Vec<u8> {
    let mut bytes = b"SV10\x04\x03\x02\x01".to_vec();
    bytes.extend((entries.len() as u32).to_le_bytes());
    bytes.extend(77u32.to_le_bytes());
    for (name, values) in entries {
        let mut field = name.as_bytes().to_vec();
        field.resize(64, 0);
        bytes.extend(field);
        bytes.extend([0; 12]);
        for word in [values.len() as u32, 77] {
            bytes.extend(word.to_le_bytes());
        }
        for value in *values {
            for word in [value.len() as u32; 4] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.extend(value.as_bytes());
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
    }
    bytes
}

#[test]
fn phase_encoding_has_the_axis_and_the_sign_of_the_image_and_its_readout_time() {
    for (direction, positive, expected) in [
        ("COL", "1", "j"),
        ("COL", "0", "j-"),
        ("ROW", "1", "i"),
        ("ROW", "0", "i-"),
    ] {
        let header = csa(&[
            ("PhaseEncodingDirectionPositive", &[positive]),
            ("BandwidthPerPixelPhaseEncode", &["25"]),
        ]);
        let sidecar = of(&[
            (0x0018_1312, b"CS", direction.as_bytes()),
            (0x0029_0010, b"LO", b"SIEMENS CSA HEADER"),
            (0x0029_1010, b"OB", &header),
        ]);
        let json = &sidecar.json;
        assert_eq!(json["PhaseEncodingDirection"], expected);
        assert_eq!(json["InPlanePhaseEncodingDirectionDICOM"], direction);
        // Two rows, three columns.
        let lines = if direction == "COL" { 2 } else { 3 };
        assert_eq!(json["ReconMatrixPE"], lines);
        let spacing = json["EffectiveEchoSpacing"].as_f64().unwrap();
        assert!((spacing - 1.0 / (25.0 * f64::from(lines))).abs() < 1e-9);
        let readout = json["TotalReadoutTime"].as_f64().unwrap();
        assert!((readout - spacing * f64::from(lines - 1)).abs() < 1e-9);
    }
    // Without its sign the axis alone is known.
    let json = of(&[(0x0018_1312, b"CS", b"COL")]).json;
    assert_eq!(json["PhaseEncodingAxis"], "j");
    assert!(!json.contains_key("PhaseEncodingDirection"));
}

#[test]
fn the_readout_of_ge_counts_the_lines_that_are_acquired() {
    let words =
        |numbers: &[u16]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()).collect() };
    let (matrix, spacing) = (words(&[0, 64, 64, 0]), words(&[964]));
    let json = of(&[
        (0x0008_0070, b"LO", b"GE MEDICAL SYSTEMS"),
        (0x0018_1310, b"US", &matrix),
        (0x0018_1312, b"CS", b"ROW"),
        (0x0018_9034, b"CS", b"REVERSE_LINEAR"),
        (0x0043_0010, b"LO", b"GEMS_PARM_01"),
        (0x0043_102C, b"SS", &spacing),
        (0x0043_1083, b"DS", b"0.5\\1"),
    ])
    .json;
    // Half of 64 lines, 964 µs apart; the image has three columns.
    let readout = json["TotalReadoutTime"].as_f64().unwrap();
    assert!((readout - 31.0 * 964e-6).abs() < 1e-9, "{readout}");
    let spacing = json["EffectiveEchoSpacing"].as_f64().unwrap();
    assert!((spacing - readout / 2.0).abs() < 1e-9, "{spacing}");
    assert_eq!(json["PhaseEncodingDirection"], "i");
}

fn bytes_of(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

#[test]
fn tables_of_diffusion_follow_the_volumes_and_the_axes_of_the_image() {
    let folder = tempfile::tempdir().unwrap();
    for (name, b_value, direction) in [
        ("c", 1000.0, [0.0, 0.6, 0.8]),
        ("a", 0.0, [0.0; 3]),
        ("b", 1000.0, [1.0, 0.0, 0.0]),
    ] {
        let (b_value, direction) = (bytes_of(&[b_value]), bytes_of(&direction));
        let changes: [Change; 2] = [
            (0x0018_9087, b"FD", &b_value),
            (0x0018_9089, b"FD", &direction),
        ];
        made(folder.path(), name, &changes);
    }
    let sidecar = read_sidecar(folder.path(), &all()).unwrap();
    assert_eq!(sidecar.bval.as_deref(), Some("0 1000 1000\n"));
    // Rows lead to the left, columns to the back, slices up: right-handed, so that the first is negated.
    let order = list_series(folder.path()).unwrap().series;
    let directions: Vec<Vec<f64>> = order
        .iter()
        .filter_map(|part| {
            let key = part
                .keys
                .iter()
                .find(|key| key.keyword == "DiffusionGradientOrientation");
            key.and_then(|key| key.numbers())
        })
        .collect();
    let expected = match directions[0][0] == 1.0 {
        true => "0 -1 0\n0 0 0.6\n0 0 0.8\n",
        false => "0 0 -1\n0 0.6 0\n0 0.8 0\n",
    };
    assert_eq!(sidecar.bvec.as_deref(), Some(expected));
    assert_eq!(sidecar_of(&order, &all()).unwrap(), sidecar);
    let image = folder.path().join("dwi.nii.gz");
    let written = sidecar.write_beside(&image).unwrap();
    let names = ["dwi.json", "dwi.bval", "dwi.bvec"];
    assert_eq!(written, names.map(|name| folder.path().join(name)));
    assert_eq!(std::fs::read_to_string(&written[2]).unwrap(), expected);
    // One volume alone has one column.
    let one = ReadOptions {
        volume: VolumeChoice::Named("1".to_owned()),
        ..ReadOptions::new()
    };
    assert!(read_sidecar(folder.path(), &one).unwrap().bvec.is_none());
}

#[test]
fn directions_of_ge_are_those_of_axial_slices_or_left_out_with_a_warning() {
    let ge = |orientation: &'static [u8], phase: &'static [u8]| {
        of(&[
            (0x0018_1312, b"CS", phase),
            (0x0019_0010, b"LO", b"GEMS_ACQU_01"),
            (0x0019_10BB, b"DS", b"0.6"),
            (0x0019_10BC, b"DS", b"0"),
            (0x0019_10BD, b"DS", b"0.8"),
            (0x0020_0037, b"DS", orientation),
            (0x0043_0010, b"LO", b"GEMS_PARM_01"),
            (0x0043_1039, b"IS", b"1000000800\\0\\0\\0"),
        ])
    };
    let sidecar = ge(b"1\\0\\0\\0\\1\\0", b"COL");
    assert_eq!(sidecar.bval.as_deref(), Some("800\n"));
    assert_eq!(sidecar.bvec.as_deref(), Some("0.6\n0\n0.8\n"));
    assert!(sidecar.warnings.is_empty());
    let folder = tempfile::tempdir().unwrap();
    // Sagittal slices side by side.
    for (number, x) in ["-10", "-7"].into_iter().enumerate() {
        let position = format!("{x}\\-20\\0");
        let changes: [Change; 8] = [
            (0x0008_0060, b"CS", b"MR"),
            (0x0018_1312, b"CS", b"COL"),
            (0x0019_0010, b"LO", b"GEMS_ACQU_01"),
            (0x0019_10BB, b"DS", b"0.6"),
            (0x0019_10BC, b"DS", b"0"),
            (0x0019_10BD, b"DS", b"0.8"),
            (0x0020_0037, b"DS", b"0\\1\\0\\0\\0\\-1"),
            (0x0020_0032, b"DS", position.as_bytes()),
        ];
        let mut changes = changes.to_vec();
        changes.extend([
            (0x0043_0010, b"LO", &b"GEMS_PARM_01"[..]),
            (0x0043_1039, b"IS", &b"800"[..]),
        ]);
        save(
            folder.path(),
            &number.to_string(),
            &slice(0.0, [1; 6], &changes),
        );
    }
    let sidecar = read_sidecar(folder.path(), &all()).unwrap();
    assert!(sidecar.bval.is_none() && sidecar.bvec.is_none());
    assert!(sidecar.warnings[0].to_string().contains("(0019,10BB)"));
}

#[test]
fn volumes_with_several_echoes_have_all_their_times() {
    let folder = tempfile::tempdir().unwrap();
    for echo in ["4.92", "7.38"] {
        made(
            folder.path(),
            echo,
            &[(0x0018_0081, b"DS", echo.as_bytes())],
        );
    }
    let json = read_sidecar(folder.path(), &all()).unwrap().json;
    assert_eq!(json["EchoTime"], serde_json::json!([0.00492, 0.00738]));
}

#[test]
fn a_volume_without_a_grid_has_no_sidecar() {
    let folder = tempfile::tempdir().unwrap();
    save(
        folder.path(),
        "a",
        &slice(0.0, [1; 6], &[(0x0020_0032, b"DS", b"")]),
    );
    let error = read_sidecar(folder.path(), &all()).unwrap_err();
    assert!(matches!(error, Error::Slices { .. }), "{error}");
}

#[test]
fn the_sidecar_of_the_shared_mosaic_has_the_numbers_of_dcm2niix() {
    let Some(folder) = shared("cases/images/dicom/mosaic") else {
        return;
    };
    let json = read_sidecar(folder, &all()).unwrap().json;
    // As `dcm2niix -b y` v1.0.20220720 writes them; rows of its image are turned, so that `j-` there is `j` here.
    let expected = serde_json::json!({
        "Modality": "MR",
        "MagneticFieldStrength": 3,
        "ImagingFrequency": 123.204,
        "Manufacturer": "Siemens",
        "ManufacturersModelName": "Skyra",
        "PatientPosition": "HFS",
        "ProcedureStepDescription": "FMRIF^QA",
        "MRAcquisitionType": "2D",
        "SeriesDescription": "EPI PE=AP",
        "ProtocolName": "EPI PE=AP",
        "ScanningSequence": "EP",
        "SequenceVariant": "SK",
        "ScanOptions": "FS",
        "SequenceName": "epfid2d1_72",
        "NonlinearGradientCorrection": false,
        "SeriesNumber": 3,
        "AcquisitionTime": "12:24:58.102500",
        "SliceThickness": 3,
        "SpacingBetweenSlices": 12,
        "SAR": 0.00556578,
        "EchoTime": 0.05,
        "RepetitionTime": 2.43537,
        "FlipAngle": 75,
        "PercentPhaseFOV": 100,
        "EchoTrainLength": 72,
        "PhaseEncodingSteps": 72,
        "AcquisitionMatrixPE": 72,
        "ReconMatrixPE": 72,
        "BandwidthPerPixelPhaseEncode": 27.778,
        "EffectiveEchoSpacing": 0.000499996,
        "TotalReadoutTime": 0.0354997,
        "PixelBandwidth": 2315,
        "PhaseEncodingDirection": "j",
        "SliceTiming": [0, 1.45, 0.4825, 1.9325, 0.9675],
        "ImageOrientationPatientDICOM": [1, 0, 0, 0, 1, 0],
        "InPlanePhaseEncodingDirectionDICOM": "COL",
    });
    for (key, value) in expected.as_object().unwrap() {
        match (json[key].as_f64(), value.as_f64()) {
            (Some(found), Some(value)) => {
                assert!((found / value - 1.0).abs() < 1e-5, "{key}: {found}");
            }
            _ => assert_eq!(&json[key], value, "{key}"),
        }
    }
}
