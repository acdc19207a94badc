//! The rules by which DICOM slices become volumes, one by one, on files made for each.

use crate::dicom_writer::{directory, save, sequence, slice};
use std::path::Path;
use vesalius_io::{
    DicomOptions, Error, ReadOptions, SliceProblem, Tilt, VoxelType, list_series, probe, read_as,
    read_as_with,
};

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

/// Two slices of each variant, three millimetres apart; a variant's voxels hold its number.
fn series_of(folder: &Path, variants: &[&[Change]]) {
    for (i, changes) in variants.iter().enumerate() {
        for z in [0.0, 3.0] {
            let bytes = slice(z, [i as i16; 6], changes);
            save(folder, &format!("{i}-{z}"), &bytes);
        }
    }
}

#[test]
fn rule_1_what_a_volume_shares_makes_a_group() {
    let turned: &[u8] = b"0\\1\\0\\-1\\0\\0";
    for different in [
        (0x0020_000E, b"UI", &b"1.2.5"[..]),
        (0x0020_0052, b"UI", b"1.2.7"),
        (0x0020_0037, b"DS", turned),
        (0x0028_0030, b"DS", b"0.5\\0.26"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        series_of(folder.path(), &[&[], &[different]]);
        let list = list_series(folder.path()).unwrap().series;
        assert_eq!(list.len(), 2, "{:08X}", different.0);
        assert!(list.iter().all(|series| series.size == [3, 2, 2]));
        assert!(matches!(
            read_as::<u8>(folder.path()).unwrap_err(),
            Error::SeveralSeries { .. } | Error::SeveralVolumes { .. }
        ));
    }
    let folder = tempfile::tempdir().unwrap();
    let wide: &[Change] = &[(0x0028_0010, b"US", &[3, 0]), (0x0028_0011, b"US", &[2, 0])];
    series_of(folder.path(), &[&[], wide]);
    let sizes: Vec<_> = list_series(folder.path()).unwrap().series;
    assert_eq!(sizes.len(), 2);
}

#[test]
fn rule_1_copies_of_a_place_are_split_by_what_tells_them_apart() {
    let b_value = |b: f64| b.to_le_bytes();
    let (none, thousand) = (b_value(0.0), b_value(1000.0));
    let cases: [(Change, Change, &str, &str); 5] = [
        (
            (0x0020_0012, b"IS", b"1"),
            (0x0020_0012, b"IS", b"2"),
            "acquisition 2",
            "AcquisitionNumber 2",
        ),
        (
            (0x0020_0100, b"IS", b"1"),
            (0x0020_0100, b"IS", b"2"),
            "time 2",
            "TemporalPosition 2",
        ),
        (
            (0x0018_0081, b"DS", b"5.2"),
            (0x0018_0081, b"DS", b"9.1"),
            "echo 2",
            "EchoTime 9.1",
        ),
        (
            (0x0018_9087, b"FD", &none),
            (0x0018_9087, b"FD", &thousand),
            "b 1000",
            "DiffusionBValue 1000",
        ),
        (
            (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\M"),
            (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\P"),
            "type P",
            "ImageType ORIGINAL\\PRIMARY\\P",
        ),
    ];
    for (first, second, part, earlier) in cases {
        let folder = tempfile::tempdir().unwrap();
        series_of(folder.path(), &[&[first], &[second]]);
        let list = list_series(folder.path()).unwrap().series;
        assert_eq!(list.len(), 2, "{part}");
        assert_eq!(list[1].part.as_deref(), Some(part));
        // The keyword with its value is a name too, as before parts had short ones.
        for name in [part, earlier] {
            let options = ReadOptions {
                series: Some(format!("4/{name}")),
                ..ReadOptions::default()
            };
            let volume = read_as_with::<u8>(folder.path(), &options).unwrap();
            assert_eq!(volume.data(), [1; 12]);
        }
        // The number alone names both.
        let both = ReadOptions {
            series: Some("4".to_owned()),
            ..ReadOptions::default()
        };
        let error = read_as_with::<u8>(folder.path(), &both).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn rule_2_copies_that_nothing_tells_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    series_of(folder.path(), &[&[], &[]]);
    let error = read_as::<u8>(folder.path()).unwrap_err();
    let copies = |p: &SliceProblem| matches!(p, SliceProblem::Duplicates { count: 2 });
    assert!(
        matches!(&error, Error::Slices { problem, .. } if copies(problem)),
        "{error}"
    );
}

#[test]
fn rule_2_a_tilted_gantry_is_named_and_kept_on_request() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..3 {
        let position = format!("-10\\{}\\{}", -20.0 + f64::from(i), 3.0 * f64::from(i));
        let bytes = slice(
            0.0,
            [i as i16; 6],
            &[(0x0020_0032, b"DS", position.as_bytes())],
        );
        save(folder.path(), &i.to_string(), &bytes);
    }
    let error = read_as::<u8>(folder.path()).unwrap_err().to_string();
    assert!(
        error.contains("18.43°") && error.contains("Tilt::KeepShear"),
        "{error}"
    );
    let options = ReadOptions {
        dicom: DicomOptions {
            tilt: Tilt::KeepShear,
            ..DicomOptions::default()
        },
        ..ReadOptions::default()
    };
    let volume = read_as_with::<u8>(folder.path(), &options).unwrap();
    let rows = volume.geometry().affine().rows();
    assert_eq!([rows[0][2], rows[1][2], rows[2][2]], [0.0, -1.0, 3.0]);
}

#[test]
fn rule_3_stored_values_are_cut_extended_scaled_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    // Twelve bits below bit 13, with rubbish above and below: -1 and 5.
    let stored = |v: i16| (v << 2) | 1 | 0x4000;
    let values = [stored(-1), stored(5), stored(0), 0, 0, 0];
    let path = save(
        folder.path(),
        "a.dcm",
        &slice(
            0.0,
            values,
            &[
                (0x0028_0101, b"US", &[12, 0]),
                (0x0028_0102, b"US", &[13, 0]),
                (0x0028_0120, b"SS", &(-2000i16).to_le_bytes()),
                (0x0028_0004, b"CS", b"MONOCHROME1"),
                (0x0028_1052, b"DS", b"-1024"),
                (0x0028_1053, b"DS", b"2"),
            ],
        ),
    );
    let volume = read_as::<i16>(&path).unwrap();
    assert_eq!(volume.data()[..3], [-1026, -1014, -1024]);
    let info = probe(&path).unwrap();
    assert_eq!(info.metadata["PixelPaddingValue"], "-2000");
    assert_eq!(info.metadata["PhotometricInterpretation"], "MONOCHROME1");
}

#[test]
fn rule_3_the_type_holds_every_scaled_value() {
    let folder = tempfile::tempdir().unwrap();
    let unsigned: Change = (0x0028_0103, b"US", &[0, 0]);
    let twelve: Change = (0x0028_0101, b"US", &[12, 0]);
    let down: Change = (0x0028_1052, b"DS", b"-1024");
    let half: Change = (0x0028_1053, b"DS", b"0.5");
    let many: Change = (0x0028_1053, b"DS", b"100");
    for (changes, expected) in [
        (&[][..], VoxelType::I16),
        (&[unsigned], VoxelType::U16),
        (&[unsigned, twelve, down], VoxelType::I16),
        // 65,535 - 1024 does not fit i16.
        (&[unsigned, down], VoxelType::I32),
        (&[unsigned, twelve, many], VoxelType::U32),
        (&[half], VoxelType::F32),
    ] {
        let path = save(folder.path(), "a.dcm", &slice(0.0, [0; 6], changes));
        assert_eq!(probe(&path).unwrap().voxel_type, expected, "{changes:?}");
    }
}

#[test]
fn rules_4_and_5_columns_advance_by_the_second_spacing_in_ras() {
    let folder = tempfile::tempdir().unwrap();
    // Columns advance along y, rows along -x.
    let turned: Change = (0x0020_0037, b"DS", b"0\\1\\0\\-1\\0\\0");
    series_of(folder.path(), &[&[turned]]);
    let rows = read_as::<u8>(folder.path())
        .unwrap()
        .geometry()
        .affine()
        .rows();
    // PixelSpacing is 0.5 between rows and 0.25 between columns; the position is -10, -20 in LPS.
    assert_eq!(rows[0], [0.0, 0.5, 0.0, 10.0]);
    assert_eq!(rows[1], [-0.25, 0.0, 0.0, 20.0]);
    assert_eq!(rows[2], [0.0, 0.0, 3.0, 0.0]);
}

/// An enhanced file of two frames; the second's position, spacing and scaling overrule the shared.
fn enhanced(shared: bool, own: bool) -> Vec<u8> {
    let group = |tag: u32, elements: Vec<u8>| sequence(tag, &[elements]);
    let text = |tag: u32, value: &str| crate::dicom_writer::element(tag, b"DS", value.as_bytes());
    let plane = |z: f64| group(0x0020_9113, text(0x0020_0032, &format!("-10\\-20\\{z}")));
    let scaled = |slope: &str| {
        let both = [text(0x0028_1052, "-7"), text(0x0028_1053, slope)].concat();
        group(0x0028_9145, both)
    };
    let measures = [text(0x0018_0050, "3"), text(0x0028_0030, "0.5\\0.25")].concat();
    let common = [
        group(0x0020_9116, text(0x0020_0037, "1\\0\\0\\0\\1\\0")),
        group(0x0028_9110, measures),
        scaled("1"),
    ]
    .concat();
    // The frame that comes first lies above.
    let frames = [plane(4.0), [plane(1.0), scaled("2")].concat()];
    let item = |elements: Vec<u8>| {
        let mut bytes = vec![0xFE, 0xFF, 0, 0xE0];
        bytes.extend((elements.len() as u32).to_le_bytes());
        bytes.extend(elements);
        bytes
    };
    let shared_value = if shared { item(common) } else { Vec::new() };
    let own_value = if own {
        frames.map(item).concat()
    } else {
        Vec::new()
    };
    let pixels: Vec<u8> = (0..12i16).flat_map(i16::to_le_bytes).collect();
    slice(
        0.0,
        [0; 6],
        &[
            (0x0020_0032, b"DS", b""),
            (0x0020_0037, b"DS", b""),
            (0x0028_0030, b"DS", b""),
            (0x0018_0050, b"DS", b""),
            (0x0028_0008, b"IS", b"2"),
            (0x5200_9229, b"SQ", &shared_value),
            (0x5200_9230, b"SQ", &own_value),
            (0x7FE0_0010, b"OW", &pixels),
        ],
    )
}

#[test]
fn rule_6_frames_are_placed_by_their_functional_groups() {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "a.dcm", &enhanced(true, true));
    let volume = read_as::<i16>(&path).unwrap();
    assert_eq!(volume.geometry().size(), [3, 2, 2]);
    assert_eq!(volume.geometry().spacing(), [0.25, 0.5, 3.0]);
    assert_eq!(volume.geometry().origin(), [10.0, 20.0, 1.0]);
    // The lower frame is the second in the file and has a slope of its own.
    assert_eq!(volume.data()[..6], [5, 7, 9, 11, 13, 15]);
    assert_eq!(volume.data()[6..], [-7, -6, -5, -4, -3, -2]);
    for (shared, own, missing) in [
        (false, true, "ImageOrientationPatient"),
        (true, false, "ImagePositionPatient"),
        (false, false, "ImagePositionPatient"),
    ] {
        let path = save(folder.path(), "b.dcm", &enhanced(shared, own));
        let error = read_as::<i16>(&path).unwrap_err().to_string();
        assert!(error.contains(missing), "{shared} {own}: {error}");
    }
}

#[test]
fn rule_7_what_has_no_place_is_an_error_with_a_way_out() {
    for (tag, name) in [
        (0x0020_0032, "ImagePositionPatient"),
        (0x0020_0037, "ImageOrientationPatient"),
        (0x0028_0030, "PixelSpacing"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        series_of(folder.path(), &[&[(tag, b"DS", b"")]]);
        let error = read_as::<u8>(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains(name) && error.contains("assume_spacing"),
            "{error}"
        );
        let options = ReadOptions {
            assume_spacing: Some([1.0, 2.0, 3.0]),
            ..ReadOptions::default()
        };
        let volume = read_as_with::<u8>(folder.path(), &options).unwrap();
        assert_eq!(volume.geometry().spacing(), [1.0, 2.0, 3.0]);
    }
}

#[test]
fn a_dicomdir_lists_what_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let study = folder.path().join("STUDY");
    std::fs::create_dir(&study).unwrap();
    series_of(&study, &[&[], &[(0x0020_000E, b"UI", b"1.2.5")]]);
    let path = directory(
        folder.path(),
        &[b"STUDY\\0-0", b"STUDY\\0-3", b"STUDY\\1-0"],
    );
    let sizes: Vec<_> = list_series(&path)
        .unwrap()
        .series
        .iter()
        .map(|s| s.size)
        .collect();
    assert_eq!(sizes, [[3, 2, 2], [3, 2, 1]]);
    // The folder holds a file more than the directory names.
    assert_eq!(
        list_series(folder.path()).unwrap().series[1].size,
        [3, 2, 2]
    );
}
