//! Siemens mosaics: sheets of tiles are volumes, in place.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use vesalius_io::{ReadOptions, list_series, probe, read_as, read_as_with};
use vesalius_volume::Warning;

type Change = (u32, &'static [u8; 2], Vec<u8>);

/// A CSA header (form SV10) with one entry.
fn csa(name: &str, values: &[&str]) -> Vec<u8> {
    let mut bytes = b"SV10\x04\x03\x02\x01\x01\0\0\0\x4D\0\0\0".to_vec();
    let mut field = name.as_bytes().to_vec();
    field.resize(64, 0);
    bytes.extend(field);
    bytes.extend([0; 12]);
    for word in [values.len() as u32, 77] {
        bytes.extend(word.to_le_bytes());
    }
    for value in values {
        for word in [value.len() as u32; 4] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(value.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

/// A sheet of 2 × 2 tiles of 3 × 2 voxels: the voxel at [x, y] of tile t holds 100 t + 10 y + x.
fn sheet(changes: &[Change]) -> Vec<u8> {
    let value = |column: usize, row: usize| {
        let tile = row / 2 * 2 + column / 3;
        (100 * tile + 10 * (row % 2) + column % 3) as i16
    };
    let pixels = (0..4).flat_map(|row| (0..6).map(move |column| value(column, row)));
    let pixels: Vec<u8> = pixels.flat_map(i16::to_le_bytes).collect();
    let mut all: Vec<Change> = vec![
        (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\M\\MOSAIC".to_vec()),
        (0x0018_0088, b"DS", b"4".to_vec()),
        (0x0019_0010, b"LO", b"SIEMENS MR HEADER".to_vec()),
        (0x0019_100A, b"US", vec![3, 0]),
        (0x0028_0010, b"US", vec![4, 0]),
        (0x0028_0011, b"US", vec![6, 0]),
        (0x0029_0010, b"LO", b"SIEMENS CSA HEADER".to_vec()),
        (
            0x0029_1010,
            b"OB",
            csa("SliceNormalVector", &["0", "0", "1"]),
        ),
        (0x7FE0_0010, b"OW", pixels),
    ];
    for change in changes {
        all.retain(|(tag, ..)| *tag != change.0);
        all.push(change.clone());
    }
    let borrowed: Vec<(u32, &[u8; 2], &[u8])> = all
        .iter()
        .map(|(tag, kind, value)| (*tag, *kind, &value[..]))
        .collect();
    slice(0.0, [0; 6], &borrowed)
}

fn read(changes: &[Change]) -> vesalius_volume::Volume<i16> {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "m.dcm", &sheet(changes));
    read_as(&path).unwrap()
}

#[test]
fn a_sheet_of_tiles_is_a_volume_in_place() {
    let volume = read(&[]);
    assert_eq!(volume.geometry().size(), [3, 2, 3]);
    for (place, value) in [
        ([0, 0, 0], 0),
        ([2, 1, 0], 12),
        ([1, 1, 1], 111),
        ([2, 0, 2], 202),
    ] {
        assert_eq!(volume.get(0, place), value, "{place:?}");
    }
    // The sheet's corner is at LPS [-10, -20, 0]; a tile's is half a tile further: 1.5 × 0.25 and 1 × 0.5 mm.
    let rows = volume.geometry().affine().rows();
    assert_eq!(rows[0], [-0.25, 0.0, 0.0, 10.0 - 0.375]);
    assert_eq!(rows[1], [0.0, -0.5, 0.0, 20.0 - 0.5]);
    assert_eq!(rows[2], [0.0, 0.0, 4.0, 0.0]);
    assert!(volume.warnings().is_empty(), "{:?}", volume.warnings());
}

#[test]
fn slices_against_the_normal_lie_below_the_first() {
    let down = csa("SliceNormalVector", &["0", "0", "-1"]);
    let volume = read(&[(0x0029_1010, b"OB", down)]);
    // The third tile is the lowest slice.
    assert_eq!(volume.get(0, [0, 0, 0]), 200);
    assert_eq!(volume.geometry().affine().rows()[2], [0.0, 0.0, 4.0, -8.0]);
}

#[test]
fn the_number_of_slices_comes_from_any_of_its_places_and_any_block() {
    let none: Change = (0x0019_100A, b"US", vec![]);
    let moved: [Change; 4] = [
        (0x0019_0010, b"LO", b"ANOTHER".to_vec()),
        none.clone(),
        (0x0019_0011, b"LO", b"SIEMENS MR HEADER ".to_vec()),
        (0x0019_110A, b"US", vec![3, 0]),
    ];
    assert_eq!(read(&moved).geometry().size(), [3, 2, 3]);
    let times: Vec<u8> = [0.0f64, 10.0, 20.0]
        .iter()
        .flat_map(|t| t.to_le_bytes())
        .collect();
    let times = [none.clone(), (0x0019_1029, b"FD", times)];
    assert_eq!(read(&times).geometry().size(), [3, 2, 3]);
    let stated = csa("NumberOfImagesInMosaic", &["  3"]);
    let volume = read(&[none, (0x0029_1010, b"OB", stated)]);
    assert_eq!(volume.geometry().size(), [3, 2, 3]);
    // That header has no normal.
    let told = volume.warnings();
    assert!(
        matches!(told, [Warning::PositionAssumed { .. }]),
        "{told:?}"
    );
}

#[test]
fn a_mosaic_that_does_not_say_its_slices_or_lies_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let error = |changes: &[Change]| {
        let path = save(folder.path(), "m.dcm", &sheet(changes));
        read_as::<i16>(&path).unwrap_err().to_string()
    };
    let text = error(&[(0x0019_100A, b"US", vec![])]);
    assert!(
        text.contains("mosaic") && text.contains("(0019,100A)"),
        "{text}"
    );
    for lie in [0u16, 5, 9, 200, u16::MAX] {
        let text = error(&[(0x0019_100A, b"US", lie.to_le_bytes().to_vec())]);
        let named = text.contains("NumberOfImagesInMosaic") && text.contains("6 × 4");
        assert!(named, "{lie}: {text}");
    }
}

#[test]
fn sheets_of_a_series_are_volumes_one_by_one() {
    let folder = tempfile::tempdir().unwrap();
    for acquisition in ["1", "2"] {
        let changes: [Change; 1] = [(0x0020_0012, b"IS", acquisition.into())];
        save(folder.path(), acquisition, &sheet(&changes));
    }
    let list = list_series(folder.path()).unwrap().series;
    assert_eq!(list.len(), 2);
    for series in &list {
        assert_eq!(series.size, [3, 2, 3]);
        assert_eq!(series.geometry.unwrap().size(), [3, 2, 3]);
    }
    let named = ReadOptions {
        series: Some("4/AcquisitionNumber 2".to_owned()),
        ..ReadOptions::default()
    };
    let volume = read_as_with::<i16>(folder.path(), &named).unwrap();
    assert_eq!(volume.get(0, [1, 0, 2]), 201);
}

#[test]
fn a_real_mosaic_is_what_dcm2niix_makes_of_it() {
    let Some(folder) = shared("cases/images/dicom") else {
        return;
    };
    // Two volumes along a fourth axis, rows in the other order.
    let channels = ReadOptions {
        fourth_axis: vesalius_io::FourthAxis::Channels,
        ..ReadOptions::default()
    };
    let expected = folder.join("mosaic_expected.nii");
    let expected = read_as_with::<i16>(&expected, &channels).unwrap();
    for (channel, name) in ["1/AcquisitionNumber 1", "1/AcquisitionNumber 2"]
        .iter()
        .enumerate()
    {
        let list = list_series(folder.join("mosaic")).unwrap().series;
        let series = &list[channel];
        let number = series.number.clone().unwrap();
        let part = series.part.clone().unwrap();
        let options = ReadOptions {
            series: Some(format!("{number}/{part}")),
            ..ReadOptions::default()
        };
        let found = read_as_with::<i16>(folder.join("mosaic"), &options).unwrap();
        let (ours, theirs) = (found.geometry(), expected.geometry());
        assert_eq!(ours.size(), theirs.size(), "{name}");
        let [columns, rows, slices] = ours.size();
        for z in 0..slices {
            for y in 0..rows {
                for x in 0..columns {
                    let world = ours.affine().apply([x, y, z].map(|i| i as f64));
                    let there = theirs.affine().inverse().apply(world);
                    let nearest = there.map(|v| v.round() as usize);
                    assert!((0..3).all(|a| (there[a] - nearest[a] as f64).abs() < 1e-4));
                    assert_eq!(found.get(0, [x, y, z]), expected.get(channel, nearest));
                }
            }
        }
    }
    assert!(
        probe(folder.join("mosaic")).is_err(),
        "two volumes, none was named"
    );
}
