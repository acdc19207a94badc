//! DICOM segmentations: every frame on its slice, whatever frames were left out.

use crate::dicom_writer::{element, save, sequence, slice};
use crate::shared::shared;
use std::path::PathBuf;
use vesalius_io::{Error, ReadOptions, list_series, probe, read_as, read_labels, read_labels_with};
use vesalius_volume::LabelMap;

/// Heights of the slices that hold a label, mm.
fn drawn(map: &LabelMap, label: u16) -> Vec<f64> {
    let [columns, rows, slices] = map.geometry().size();
    let holds = |z: &usize| map.data()[z * columns * rows..][..columns * rows].contains(&label);
    let height = |z: usize| map.geometry().affine().apply([0.0, 0.0, z as f64])[2];
    (0..slices).filter(holds).map(height).collect()
}

#[test]
fn frames_that_were_left_out_are_background() {
    for (name, size, heights) in [
        ("two_frames_gap1.dcm", 3, vec![2.5, 7.5]),
        ("every_other.dcm", 5, vec![2.5, 7.5, 12.5]),
        ("gap_uneven.dcm", 5, vec![2.5, 5.0, 12.5]),
        ("compact.dcm", 3, vec![2.5, 5.0, 7.5]),
        ("one_frame.dcm", 1, vec![7.5]),
    ] {
        let Some(path) = shared(&format!("cases/images/seg/{name}")) else {
            return;
        };
        let map = read_labels(&path).unwrap();
        assert_eq!(map.geometry().size(), [16, 12, size], "{name}");
        assert_eq!(map.geometry().spacing(), [1.0, 1.0, 2.5], "{name}");
        assert_eq!(drawn(&map, 1), heights, "{name}");
        assert!(map.warnings().is_empty(), "{name}: {:?}", map.warnings());
        let labels = probe(&path).unwrap().labels;
        assert_eq!(labels[0].name, "Läsion", "{name}");
    }
}

#[test]
fn segments_are_one_label_map_on_one_grid() {
    let Some(path) = shared("cases/images/seg/two_segments.dcm") else {
        return;
    };
    let map = read_labels(&path).unwrap();
    assert_eq!(map.geometry().size(), [16, 12, 5]);
    assert_eq!(drawn(&map, 1), [2.5, 5.0]);
    assert_eq!(drawn(&map, 2), [10.0, 12.5]);
    let info = probe(&path).unwrap();
    let names: Vec<_> = info.labels.iter().map(|l| (l.value, &l.name[..])).collect();
    assert_eq!(names, [(1, "Läsion"), (2, "Leber")]);
    let listed = &list_series(&path).unwrap().series;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].size, [16, 12, 5]);
    // One segment by name, on the grid of all.
    let options = ReadOptions {
        series: Some(format!("{}/SegmentNumber 2", listed[0].uid)),
        ..ReadOptions::default()
    };
    let one: LabelMap = read_labels_with(&path, &options).unwrap();
    assert_eq!(one.geometry(), map.geometry());
    assert_eq!(
        (drawn(&one, 1).len(), drawn(&one, 2)),
        (0, vec![10.0, 12.5])
    );
}

/// A segmentation of 3 × 2 voxels: each frame's height, segment and bytes of pixels.
fn made(kind: &str, bits: u16, segments: &[u16], frames: &[(f64, u16, &[u8])]) -> Vec<u8> {
    let word = |v: u16| v.to_le_bytes().to_vec();
    let value = |sequence: Vec<u8>| sequence[12..].to_vec();
    let listed: Vec<Vec<u8>> = segments
        .iter()
        .map(|&number| {
            let label = element(0x0062_0005, b"LO", format!("part {number}").as_bytes());
            [element(0x0062_0004, b"US", &word(number)), label].concat()
        })
        .collect();
    let groups: Vec<Vec<u8>> = frames
        .iter()
        .map(|(z, segment, _)| {
            let position = element(0x0020_0032, b"DS", format!("-10\\-20\\{z}").as_bytes());
            let shown = element(0x0062_000B, b"US", &word(*segment));
            let mut group = sequence(0x0020_9113, &[position]);
            if *segment > 0 {
                group.extend(sequence(0x0062_000A, &[shown]));
            }
            group
        })
        .collect();
    let measures = [
        element(0x0018_0050, b"DS", b"3"),
        element(0x0018_0088, b"DS", b"3"),
        element(0x0028_0030, b"DS", b"0.5\\0.25"),
    ];
    let orientation = element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0");
    let common = [
        sequence(0x0020_9116, &[orientation]),
        sequence(0x0028_9110, &[measures.concat()]),
    ];
    let shared = sequence(0x5200_9229, &[common.concat()]);
    let mut pixels: Vec<u8> = Vec::new();
    if bits == 1 {
        let all: Vec<u8> = frames.iter().flat_map(|frame| frame.2).copied().collect();
        let packed = all.chunks(8).map(|bits| {
            let bit = |(i, &bit): (usize, &u8)| bit << i;
            bits.iter().enumerate().map(bit).sum::<u8>()
        });
        pixels.extend(packed);
    } else {
        pixels.extend(frames.iter().flat_map(|frame| frame.2));
    }
    slice(
        0.0,
        [0; 6],
        &[
            (0x0008_0060, b"CS", b"SEG"),
            (0x0018_0050, b"DS", b""),
            (0x0020_0032, b"DS", b""),
            (0x0020_0037, b"DS", b""),
            (0x0028_0030, b"DS", b""),
            (0x0028_0008, b"IS", frames.len().to_string().as_bytes()),
            (0x0028_0100, b"US", &word(bits)),
            (0x0028_0101, b"US", &word(bits)),
            (0x0028_0102, b"US", &word(bits - 1)),
            (0x0028_0103, b"US", &word(0)),
            (0x0062_0001, b"CS", kind.as_bytes()),
            (0x0062_0002, b"SQ", &value(sequence(0x0062_0002, &listed))),
            (0x0062_000E, b"US", &word(200)),
            (0x5200_9229, b"SQ", &value(shared)),
            (0x5200_9230, b"SQ", &value(sequence(0x5200_9230, &groups))),
            (0x7FE0_0010, b"OB", &pixels),
        ],
    )
}

fn saved(folder: &tempfile::TempDir, bytes: &[u8]) -> PathBuf {
    save(folder.path(), "s.dcm", bytes)
}

#[test]
fn a_map_of_labels_keeps_their_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let frames: [(f64, u16, &[u8]); 2] = [(9.0, 0, &[0, 7, 0, 2, 0, 0]), (0.0, 0, &[2; 6])];
    let path = saved(&folder, &made("LABELMAP", 8, &[2, 7], &frames));
    let map = read_labels(&path).unwrap();
    assert_eq!(map.geometry().size(), [3, 2, 4]);
    assert_eq!((map.get([1, 0, 3]), map.get([0, 1, 3])), (7, 2));
    assert_eq!(drawn(&map, 2), [0.0, 9.0]);
    let names: Vec<_> = probe(&path).unwrap().labels;
    assert_eq!(names[1].name, "part 7");
}

#[test]
fn fractions_are_probabilities_of_one_segment_each() {
    let folder = tempfile::tempdir().unwrap();
    let frames: [(f64, u16, &[u8]); 3] = [
        (0.0, 1, &[0, 50, 100, 150, 200, 0]),
        (6.0, 1, &[200; 6]),
        (3.0, 2, &[20; 6]),
    ];
    let path = saved(&folder, &made("FRACTIONAL", 8, &[1, 2], &frames));
    assert!(matches!(
        read_as::<f32>(&path).unwrap_err(),
        Error::SeveralVolumes { .. }
    ));
    let segment = |number: u16| {
        let options = ReadOptions {
            series: Some(format!("4/SegmentNumber {number}")),
            ..ReadOptions::default()
        };
        vesalius_io::read_as_with::<f32>(&path, &options).unwrap()
    };
    let (one, two) = (segment(1), segment(2));
    assert_eq!(one.geometry().size(), [3, 2, 3]);
    assert_eq!(one.geometry(), two.geometry());
    assert_eq!(one.data()[..6], [0.0, 0.25, 0.5, 0.75, 1.0, 0.0]);
    assert_eq!(one.data()[6..12], [0.0; 6]);
    assert_eq!(two.data()[6..12], [0.1; 6]);
}

#[test]
fn segments_that_overlap_are_refused_and_read_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    let frames: [(f64, u16, &[u8]); 2] =
        [(0.0, 1, &[1, 1, 0, 0, 0, 0]), (0.0, 2, &[0, 1, 1, 0, 0, 0])];
    let path = saved(&folder, &made("BINARY", 1, &[1, 2], &frames));
    let text = read_labels(&path).unwrap_err().to_string();
    assert!(
        text.contains("overlap") && text.contains("4/SegmentNumber 2"),
        "{text}"
    );
    let options = ReadOptions {
        series: Some("4/SegmentNumber 2".to_owned()),
        ..ReadOptions::default()
    };
    let map: LabelMap = read_labels_with(&path, &options).unwrap();
    assert_eq!(map.data(), [0, 2, 2, 0, 0, 0]);
}

#[test]
fn segmentations_that_contradict_themselves_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let full: &[u8] = &[1; 6];
    let error = |kind: &str, segments: &[u16], frames: &[(f64, u16, &[u8])]| {
        let path = saved(&folder, &made(kind, 1, segments, frames));
        read_labels(&path).unwrap_err().to_string()
    };
    let text = error("BINARY", &[1], &[(0.0, 1, full), (3.0, 9, full)]);
    assert!(
        text.contains("ReferencedSegmentNumber of frame 2"),
        "{text}"
    );
    let text = error("BINARY", &[1], &[(0.0, 1, full), (3.0, 0, full)]);
    assert!(text.contains("missing"), "{text}");
    let text = error("BINARY", &[1], &[(0.0, 1, full), (0.0, 1, full)]);
    assert!(
        text.contains("same place") || text.contains("lie at"),
        "{text}"
    );
    let text = error(
        "BINARY",
        &[1],
        &[(0.0, 1, full), (2.0, 1, full), (5.0, 1, full)],
    );
    assert!(text.contains("gap"), "{text}");
    let text = error("SHADED", &[1], &[(0.0, 1, full)]);
    assert!(text.contains("SegmentationType"), "{text}");
}
