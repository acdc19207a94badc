//! Files of many frames beside CT and MR: gated nuclear medicine, ultrasound volumes, angiography, parametric maps.

use crate::dicom_writer::{element, save, sequence, slice};
use std::path::PathBuf;
use vesalius_io::{Error, ReadOptions, SliceProblem, list_series, read, read_as_with, read_with};
use vesalius_volume::Warning;

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

/// Frames of 3 × 2 voxels that hold 1, 2, 3 ….
fn saved(count: i16, changes: &[Change]) -> (tempfile::TempDir, PathBuf) {
    let pixels = (1..=count).flat_map(|v| [v; 6]).flat_map(i16::to_le_bytes);
    let pixels: Vec<u8> = pixels.collect();
    let number = count.to_string();
    let mut all: Vec<Change> = vec![
        (0x0028_0008, b"IS", number.as_bytes()),
        (0x7FE0_0010, b"OW", &pixels),
    ];
    all.extend_from_slice(changes);
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "a.dcm", &slice(10.0, [0; 6], &all));
    (folder, path)
}

fn words(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|n| n.to_le_bytes()).collect()
}

/// The value of a sequence, whose element the writer makes.
fn items(all: &[Vec<u8>]) -> Vec<u8> {
    sequence(0x0040_0000, all).split_off(12)
}

const ONE: [u16; 6] = [1; 6];

/// A gated reconstruction of two slots of three slices, the first of which lies highest in the file.
fn gated(changes: &[Change]) -> (tempfile::TempDir, PathBuf) {
    let place = [
        element(0x0020_0032, b"DS", b"-10\\-20\\10"),
        element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0"),
    ];
    let detector = items(&[place.concat()]);
    let pointer = words(&[0x54, 0x60, 0x54, 0x70, 0x54, 0x80]);
    let (slots, slices) = (words(&[1, 1, 1, 2, 2, 2]), words(&[1, 2, 3, 1, 2, 3]));
    let one = words(&ONE);
    let mut all: Vec<Change> = vec![
        (
            0x0008_0008,
            b"CS",
            b"ORIGINAL\\PRIMARY\\RECON GATED TOMO\\EMISSION",
        ),
        (0x0008_0060, b"CS", b"NM"),
        (0x0018_0088, b"DS", b"4"),
        (0x0020_0032, b"DS", b""),
        (0x0020_0037, b"DS", b""),
        (0x0028_0009, b"AT", &pointer),
        (0x0054_0022, b"SQ", &detector),
        (0x0054_0060, b"US", &one),
        (0x0054_0070, b"US", &slots),
        (0x0054_0080, b"US", &slices),
    ];
    for change in changes {
        all.retain(|(tag, ..)| *tag != change.0);
        all.push(*change);
    }
    saved(6, &all)
}

#[test]
fn slots_of_a_gated_reconstruction_are_volumes_at_one_place() {
    let (_folder, path) = gated(&[]);
    let list = list_series(&path).unwrap().series;
    let names: Vec<_> = list.iter().map(|part| part.part.clone().unwrap()).collect();
    assert_eq!(names, ["slot 1", "slot 2"]);
    for (number, name) in names.iter().enumerate() {
        let options = ReadOptions {
            volume: name.as_str().into(),
            ..ReadOptions::new()
        };
        let volume = read_with(&path, &options).unwrap();
        let first = 3.0 * number as f32;
        assert_eq!(
            [0, 1, 2].map(|z| volume.get(0, [0, 0, z])),
            [1.0, 2.0, 3.0].map(|v| v + first)
        );
        let rows = volume.geometry().affine().rows();
        assert_eq!(
            [rows[0][3], rows[1][3], rows[2][3], rows[2][2]],
            [10.0, 20.0, 10.0, 4.0]
        );
    }
}

#[test]
fn projections_and_vectors_that_lie_are_refused() {
    let (_folder, path) = gated(&[(
        0x0008_0008,
        b"CS",
        b"ORIGINAL\\PRIMARY\\GATED TOMO\\EMISSION",
    )]);
    let error = read(path).unwrap_err();
    assert!(
        matches!(
            &error,
            Error::Slices {
                problem: SliceProblem::NoGeometry { .. },
                ..
            }
        ),
        "{error}"
    );
    let (_folder, path) = gated(&[(0x0054_0080, b"US", b"")]);
    assert!(read(path).is_err(), "slots without numbers of slices");
    let short = words(&[1, 1]);
    let (_folder, path) = gated(&[(0x0054_0070, b"US", &short)]);
    let error = read(path).unwrap_err().to_string();
    assert!(
        error.contains("TimeSlotVector") && error.contains("2 numbers"),
        "{error}"
    );
}

#[test]
fn an_ultrasound_volume_has_the_places_of_its_transducer_and_says_so() {
    let groups: Vec<Vec<u8>> = [3.0, 4.5, 6.0]
        .iter()
        .map(|z| {
            let position = element(0x0020_9301, b"FD", &doubles(&[1.0, 2.0, *z]));
            let orientation = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
            let orientation = element(0x0020_9302, b"FD", &doubles(&orientation));
            [
                sequence(0x0020_930E, &[position]),
                sequence(0x0020_930F, &[orientation]),
            ]
            .concat()
        })
        .collect();
    let groups = items(&groups);
    let (_folder, path) = saved(
        3,
        &[
            (0x0008_0060, b"CS", b"US"),
            (0x0020_0032, b"DS", b""),
            (0x0020_0037, b"DS", b""),
            (0x5200_9230, b"SQ", &groups),
        ],
    );
    let volume = read(&path).unwrap();
    let rows = volume.geometry().affine().rows();
    assert_eq!(rows[0], [-0.25, 0.0, 0.0, -1.0]);
    assert_eq!(rows[1], [0.0, -0.5, 0.0, -2.0]);
    assert_eq!(rows[2], [0.0, 0.0, 1.5, 3.0]);
    assert!(
        matches!(volume.warnings(), [Warning::PositionAssumed { taken, .. }] if taken.contains("transducer")),
        "{:?}",
        volume.warnings()
    );
}

#[test]
fn a_reconstruction_of_angiography_is_a_volume_and_its_projections_are_refused() {
    let groups: Vec<Vec<u8>> = ["3", "4.5", "6"]
        .iter()
        .map(|z| {
            let position = element(0x0020_0032, b"DS", format!("1\\2\\{z}").as_bytes());
            sequence(0x0020_9113, &[position])
        })
        .collect();
    let groups = items(&groups);
    let orientation = element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0");
    let shared = items(&[sequence(0x0020_9116, &[orientation])]);
    let none: [Change; 3] = [
        (0x0008_0060, b"CS", b"XA"),
        (0x0020_0032, b"DS", b""),
        (0x0020_0037, b"DS", b""),
    ];
    let mut changes = none.to_vec();
    changes.extend([
        (0x5200_9229, b"SQ", &shared[..]),
        (0x5200_9230, b"SQ", &groups[..]),
    ]);
    let (_folder, path) = saved(3, &changes);
    let volume = read(path).unwrap();
    assert_eq!(volume.geometry().affine().rows()[2], [0.0, 0.0, 1.5, 3.0]);
    // Frames in time, each of which is a projection.
    let mut changes = none.to_vec();
    let pointer = words(&[0x18, 0x1063]);
    changes.extend([
        (0x0018_1063, b"DS", &b"66"[..]),
        (0x0028_0009, b"AT", &pointer[..]),
    ]);
    let (_folder, path) = saved(3, &changes);
    let error = read(path).unwrap_err().to_string();
    assert!(error.contains("ImagePositionPatient"), "{error}");
}

const PARAMETRIC_MAP: &[u8] = b"1.2.840.10008.5.1.4.1.1.30";

fn mapped(slope: f64, intercept: f64) -> Vec<u8> {
    [
        element(0x0040_9224, b"FD", &doubles(&[intercept])),
        element(0x0040_9225, b"FD", &doubles(&[slope])),
    ]
    .concat()
}

/// Three frames with a mapping in each group.
fn map(class: &[u8], mappings: [Vec<Vec<u8>>; 3]) -> (tempfile::TempDir, PathBuf) {
    let groups: Vec<Vec<u8>> = mappings
        .iter()
        .zip(["3", "4.5", "6"])
        .map(|(mappings, z)| {
            let position = element(0x0020_0032, b"DS", format!("1\\2\\{z}").as_bytes());
            [
                sequence(0x0020_9113, &[position]),
                sequence(0x0040_9096, mappings),
            ]
            .concat()
        })
        .collect();
    let groups = items(&groups);
    saved(
        3,
        &[
            (0x0008_0016, b"UI", class),
            (0x0020_0032, b"DS", b""),
            (0x5200_9230, b"SQ", &groups),
        ],
    )
}

#[test]
fn a_parametric_map_of_whole_numbers_has_its_real_world_values() {
    let each = || {
        [
            vec![mapped(0.5, 10.0)],
            vec![mapped(1.0, 0.0)],
            vec![mapped(2.0, -1.0)],
        ]
    };
    let (_folder, path) = map(PARAMETRIC_MAP, each());
    let volume = read_as_with::<f64>(&path, &ReadOptions::new()).unwrap();
    assert_eq!(
        [0, 1, 2].map(|z| volume.get(0, [1, 1, z])),
        [10.5, 2.0, 5.0]
    );
    // Beside the rescaling of another image they are not applied.
    let (_folder, path) = map(b"1.2.840.10008.5.1.4.1.1.4.1", each());
    let volume = read(&path).unwrap();
    assert_eq!([0, 1, 2].map(|z| volume.get(0, [1, 1, z])), [1.0, 2.0, 3.0]);
}

#[test]
fn a_parametric_map_with_several_mappings_or_a_table_is_refused_by_name() {
    let one = || vec![mapped(1.0, 0.0)];
    let (_folder, path) = map(
        PARAMETRIC_MAP,
        [one(), vec![mapped(1.0, 0.0), mapped(2.0, 0.0)], one()],
    );
    let error = read(path).unwrap_err().to_string();
    assert!(error.contains("(0040,9096)"), "{error}");
    let table = element(0x0040_9212, b"FD", &doubles(&[1.0, 2.0]));
    let (_folder, path) = map(PARAMETRIC_MAP, [one(), one(), vec![table]]);
    let error = read(path).unwrap_err().to_string();
    assert!(error.contains("(0040,9212)"), "{error}");
}

#[test]
fn numbers_of_a_palette_are_told_to_be_no_brightness() {
    let (_folder, path) = saved(1, &[(0x0028_0004, b"CS", b"PALETTE COLOR")]);
    let volume = read(path).unwrap();
    let told = |warning: &Warning| matches!(warning, Warning::FieldIgnored { value, .. } if value == "PALETTE COLOR");
    assert!(
        volume.warnings().iter().any(told),
        "{:?}",
        volume.warnings()
    );
}

#[test]
fn tiles_of_a_whole_slide_are_refused_by_name_also_as_a_segmentation_and_with_a_spacing() {
    let groups = sequence(0x0048_021A, &[element(0x0040_072A, b"DS", b"1")]);
    let groups = items(&vec![groups; 3]);
    let total = 600u32.to_le_bytes();
    let slide: [Change; 2] = [(0x0048_0006, b"UL", &total), (0x5200_9230, b"SQ", &groups)];
    for change in slide {
        let (_folder, path) = saved(3, &[(0x0020_0032, b"DS", b""), change]);
        let options = ReadOptions {
            assume_spacing: Some([1.0; 3]),
            ..ReadOptions::new()
        };
        let error = read_with(path, &options).unwrap_err();
        assert!(matches!(&error, Error::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains("whole-slide"), "{error}");
    }
}
