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

/// `tests/parity/ge_directions.py` prints them.
#[test]
fn directions_of_ge_are_those_of_dcm2niix_in_every_plane() {
    let text = include_str!("../data/ge_directions.json");
    let data: serde_json::Value = serde_json::from_str(text).unwrap();
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        let values = value.as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    let directions = data["directions"].as_array().unwrap();
    for case in data["cases"].as_array().unwrap() {
        let folder = tempfile::tempdir().unwrap();
        let o = numbers(&case["orientation"]);
        let is_backwards = case["backwards"].as_bool().unwrap();
        save_ge(folder.path(), case, directions, is_backwards);
        let sidecar = read_sidecar(folder.path(), &all()).unwrap();
        assert_eq!(sidecar.bval.as_deref(), Some("0 700 700 700\n"), "{case}");
        let rows: Vec<Vec<f64>> = sidecar.bvec.as_ref().unwrap().lines().map(split).collect();
        let axes = list_series(folder.path()).unwrap().series[0]
            .geometry
            .unwrap();
        let up = cross(&o[..3], &o[3..]);
        let k = [0, 1, 2].map(|i| axes.direction()[i][2]);
        // Columns, rows and slices of our image, RAS; our first number is negated where they are right-handed.
        let along = if k[2] * up[2] - k[0] * up[0] - k[1] * up[1] > 0.0 {
            1.0
        } else {
            -1.0
        };
        for (volume, expected) in case["patient"].as_array().unwrap().iter().enumerate() {
            let [x, y, z] = [0, 1, 2].map(|row| rows[row][volume]);
            // Right-handed axes in LPS are so in RAS.
            let x = if along > 0.0 { -x } else { x };
            let found: Vec<f64> = (0..3)
                .map(|i| (x * o[i] + y * o[i + 3]) * [-1.0, -1.0, 1.0][i] + z * k[i])
                .collect();
            let expected = numbers(expected);
            let same = found
                .iter()
                .zip(&expected)
                .all(|(a, b)| (a - b).abs() < 2e-5);
            assert!(same, "{found:?} {expected:?} {case}");
        }
        let plane = case["plane"].as_str().unwrap();
        let told: Vec<String> = sidecar.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(told.is_empty(), plane.contains("axial"), "{told:?}");
        assert!(
            told.iter().all(|told| told.contains("dcm2niix")),
            "{told:?}"
        );
    }
    let unknown = of(&[
        (0x0019_0010, b"LO", b"GEMS_ACQU_01"),
        (0x0019_10BB, b"DS", b"0.6"),
        (0x0019_10BC, b"DS", b"0"),
        (0x0019_10BD, b"DS", b"0.8"),
        (0x0043_0010, b"LO", b"GEMS_PARM_01"),
        (0x0043_1039, b"IS", b"800"),
    ]);
    assert!(unknown.bval.is_none() && unknown.bvec.is_none());
    assert!(unknown.warnings[0].to_string().contains("(0019,10BB)"));
}

fn split(line: &str) -> Vec<f64> {
    line.split(' ').map(|text| text.parse().unwrap()).collect()
}

fn cross(a: &[f64], b: &[f64]) -> [f64; 3] {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

/// Three slices for each direction, as `tests/parity/ge_directions.py` makes them.
fn save_ge(
    folder: &Path,
    case: &serde_json::Value,
    directions: &[serde_json::Value],
    is_backwards: bool,
) {
    let list = |value: &serde_json::Value| -> Vec<f64> {
        let values = value.as_array().unwrap().iter();
        values.map(|value| value.as_f64().unwrap()).collect()
    };
    let join = |values: &[f64]| {
        let texts: Vec<String> = values.iter().map(|value| format!("{value:.6}")).collect();
        texts.join("\\")
    };
    let o = list(&case["orientation"]);
    let up = cross(&o[..3], &o[3..]);
    for number in 0..3 * directions.len() {
        let (volume, slice_) = (number / 3, number % 3);
        let away = if is_backwards { 2 - slice_ } else { slice_ } as f64 * 3.0;
        let (place, orientation) = (join(&up.map(|v| v * away)), join(&o));
        let [x, y, z] = [0, 1, 2].map(|i| list(&directions[volume])[i].to_string());
        let b_value = if volume > 0 { "1000000700" } else { "0" };
        let instance = (number + 1).to_string();
        let changes: [Change; 11] = [
            (0x0008_0060, b"CS", b"MR"),
            (
                0x0018_1312,
                b"CS",
                case["phase"].as_str().unwrap().as_bytes(),
            ),
            (0x0019_0010, b"LO", b"GEMS_ACQU_01"),
            (0x0019_10BB, b"DS", x.as_bytes()),
            (0x0019_10BC, b"DS", y.as_bytes()),
            (0x0019_10BD, b"DS", z.as_bytes()),
            (0x0020_0013, b"IS", instance.as_bytes()),
            (0x0020_0032, b"DS", place.as_bytes()),
            (0x0020_0037, b"DS", orientation.as_bytes()),
            (0x0043_0010, b"LO", b"GEMS_PARM_01"),
            (0x0043_1039, b"IS", b_value.as_bytes()),
        ];
        let bytes = slice(0.0, [number as i16; 6], &changes);
        save(folder, &format!("{number:02}"), &bytes);
    }
}

/// The protocol of a GE volume, as its files hold it.
fn protocol(lines: &str) -> Vec<u8> {
    use std::io::Write;
    let level = flate2::Compression::default();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), level);
    packed.write_all(lines.as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    [&(packed.len() as u32).to_le_bytes()[..], &packed].concat()
}

/// Slices of GE, of which the first was stored at the top where `is_descending`.
fn ge_series(
    (slices, is_descending): (usize, bool),
    sequence: &str,
    block: &[u8],
    more: &[Change],
) -> serde_json::Map<String, serde_json::Value> {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..slices {
        let z = if is_descending {
            slices - 1 - number
        } else {
            number
        };
        let instance = (number + 1).to_string();
        let mut changes: Vec<Change> = vec![
            (0x0008_0060, b"CS", b"MR"),
            (0x0008_0070, b"LO", b"GE MEDICAL SYSTEMS"),
            (0x0018_0023, b"CS", b"2D"),
            (0x0018_0080, b"DS", b"2000"),
            (
                0x0018_1020,
                b"LO",
                b"28\\LX\\MR Software release:DV28.0_R02_1947.a",
            ),
            (0x0019_0010, b"LO", b"GEMS_ACQU_01"),
            (0x0019_109C, b"LO", sequence.as_bytes()),
            (0x0020_0013, b"IS", instance.as_bytes()),
            (0x0025_0010, b"LO", b"GEMS_SERS_01"),
            (0x0025_101B, b"OB", block),
            (0x0043_0010, b"LO", b"GEMS_PARM_01"),
        ];
        changes.extend(more);
        save(
            folder.path(),
            &instance,
            &slice(z as f64 * 3.0, [1; 6], &changes),
        );
    }
    read_sidecar(folder.path(), &all()).unwrap().json
}

/// The numbers of dcm2niix's validation data: neurolabusc/dcm_qa_ge, folder `Ref`, v1.0.20211006.
#[test]
fn slice_times_of_ge_are_those_that_its_protocol_makes() {
    let real_time =
        "IOPT \"EPI, Asset, FMRI\"\nSLICEORDER \"1\"\nDELACQNOAV \"0.033\"\nNOSLC \"8\"\n";
    let bands = |order: u8| {
        format!(
            "IOPT \"EDR, EPI, FMRI, ARC, HB\"\nSLICEORDER \"{order}\"\nNOSLC \"48\"\nMBACCEL \"3\"\n"
        )
    };
    let multiphase = |delay: &str| {
        format!("IOPT \"MPh, EPI, Asset\"\nDELACQ \"{delay}\"\nDELACQNOAV \"0.35\"\nNOSLC \"10\"\n")
    };
    let single: Vec<u8> = 0.033f32.to_le_bytes().to_vec();
    let delay: Change = (0x0043_107C, b"FL", &single);
    // Of epiRT_IntAsc_GD33, but with 8 slices: half of the time is that of the even ones.
    let json = ge_series((8, false), "epiRT", &protocol(real_time), &[delay]);
    let expected = serde_json::json!([0, 1, 0.25, 1.25, 0.5, 1.5, 0.75, 1.75]);
    assert_eq!(json["SliceTiming"], expected);
    let repetition = json["RepetitionTime"].as_f64().unwrap();
    assert!((repetition - 2.033).abs() < 1e-6, "{repetition}");
    // Of Ax_fMRI_HB3_48sl_int_asc and …_seq_asc.
    let first = [
        0.0, 1.0, 0.125, 1.125, 0.25, 1.25, 0.375, 1.375, 0.5, 1.5, 0.625, 1.625, 0.75, 1.875,
        0.875, 1.75,
    ];
    let numbers = |json: &serde_json::Map<_, serde_json::Value>| -> Vec<f64> {
        let times = json["SliceTiming"].as_array().unwrap().iter();
        times.map(|time| time.as_f64().unwrap()).collect()
    };
    let json = ge_series((48, false), "epiRT", &protocol(&bands(1)), &[]);
    assert_eq!(numbers(&json), first.repeat(3));
    let json = ge_series((48, true), "epiRT", &protocol(&bands(1)), &[]);
    let turned: Vec<f64> = first.repeat(3).into_iter().rev().collect();
    assert_eq!(numbers(&json), turned);
    let json = ge_series((48, false), "epiRT", &protocol(&bands(0)), &[]);
    let in_turn: Vec<f64> = (0..16).map(|i| f64::from(i) * 0.125).collect();
    assert_eq!(numbers(&json), in_turn.repeat(3));
    // Of fMRI_Multiphase_Des and …_0.35Delay, with a repetition of 2 s.
    for (stated, repetition) in [("Minimum", 2.0), ("0.35", 2.35)] {
        let block = protocol(&multiphase(stated));
        let json = ge_series((10, true), "epi", &block, &[]);
        assert_eq!(
            numbers(&json),
            [1.8, 0.8, 1.6, 0.6, 1.4, 0.4, 1.2, 0.2, 1.0, 0.0]
        );
        assert_eq!(json["RepetitionTime"].as_f64(), Some(repetition));
    }
}

#[test]
fn slice_times_of_ge_that_are_not_known_are_left_out() {
    let known = protocol("IOPT \"EPI, FMRI\"\nSLICEORDER \"1\"\nNOSLC \"4\"\n");
    assert!(ge_series((4, false), "epiRT", &known, &[]).contains_key("SliceTiming"));
    let varying = protocol("IOPT \"EPI, Asset, MPhVar\"\nDELACQNOAV \"0.57\"\n");
    let diffusion = protocol("IOPT \"EDR, EPI, DIFF, Asset\"\n");
    let xml = protocol("<?xml version=\"1.0\"?>\n<protocol/>\n");
    let mut damaged = known.clone();
    damaged.truncate(20);
    let mut bomb = protocol(&"A \"0\"\n".repeat(1 << 20));
    bomb.extend(b"more");
    let early = b"27\\LX\\MR Software release:DV25.0_R02_1549.b";
    let bands: [Change; 2] = [
        (0x0018_1020, b"LO", early),
        (0x0043_10B6, b"LO", b"2\\4\\19"),
    ];
    for (sequence, block, more) in [
        ("epi", &varying, &[][..]),
        ("epi2", &diffusion, &[][..]),
        ("MP-RAGE", &xml, &[][..]),
        ("epiRT", &damaged, &[][..]),
        ("epi2", &bomb, &[][..]),
        ("epi_pepolar", &known, &[][..]),
        ("epiRT", &Vec::new(), &[][..]),
        ("epiRT", &known, &bands[..]),
    ] {
        let json = ge_series((4, false), sequence, block, more);
        assert!(
            !json.contains_key("SliceTiming"),
            "{sequence}, {} bytes",
            block.len()
        );
    }
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
