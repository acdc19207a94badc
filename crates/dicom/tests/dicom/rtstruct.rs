//! Contours: filled by pixel centres they give the same labels, on any plane, with holes and touching corners.

use crate::made::{Made, orientations};
use crate::seg::{items, labels, open, text, three};
use crate::series::image;
use dicom_core::Tag;
use vesalius_dicom::{Error, HoleRule, RtStructWriter, Segment};
use vesalius_io::{StructureOptions, read_structures};
use vesalius_volume::LabelMap;

#[test]
fn random_labels_come_back_from_any_orientation() {
    for (name, made) in orientations() {
        let folder = tempfile::tempdir().unwrap();
        let series = Made {
            columns: 35,
            rows: 51,
            ..made
        }
        .series(folder.path());
        let labels = labels(*image(&series).geometry());
        for (file, rule) in [("keyhole", HoleRule::Keyhole), ("nested", HoleRule::Nested)] {
            let file = folder.path().join(file);
            let writer = RtStructWriter::new(&series)
                .unwrap()
                .segments(three())
                .holes(rule);
            let written = writer.write(&labels, &file).unwrap();
            let structures = read_structures(&file).unwrap();
            assert_eq!(structures.frame_of_reference, "1.2.3.9");
            let (back, names) = structures
                .label_map_on(&series, &StructureOptions::default())
                .unwrap();
            assert_eq!(back.data(), labels.data(), "{name}, {rule:?}");
            let names: Vec<&str> = names.iter().map(|name| name.name.as_str()).collect();
            assert_eq!(names, ["liver", "kidney_left", "something else"]);
            let counts: Vec<usize> = structures
                .structures
                .iter()
                .map(|s| s.contours.len())
                .collect();
            assert_eq!(
                counts,
                written
                    .contours
                    .iter()
                    .map(|(_, _, n)| *n)
                    .collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn each_contour_names_the_image_on_which_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        heights: vec![22.5, 10.0, 17.5, 12.5, 20.0, 15.0],
        ..Made::default()
    };
    let series = made.series(folder.path());
    let labels = LabelMap::<u16>::from_fn(*image(&series).geometry(), |[x, _, z]| {
        u16::from(x == 1 && z > 1)
    });
    let file = folder.path().join("rs");
    let segments = [
        Segment::named(1, "liver").colored([10, 20, 30]),
        Segment::named(2, "lung_tumor"),
    ];
    RtStructWriter::new(&series)
        .unwrap()
        .segments(segments)
        .write(&labels, &file)
        .unwrap();
    let set = open(&file);
    let structures = items(&set, 0x3006, 0x0039);
    assert_eq!(text(&structures[0], 0x3006, 0x002A), "10\\20\\30");
    assert!(
        structures[1].get(Tag(0x3006, 0x0040)).is_none(),
        "an empty structure is kept"
    );
    let contours = items(&structures[0], 0x3006, 0x0040);
    assert_eq!(contours.len(), 4);
    for contour in contours {
        let image = text(&items(contour, 0x3006, 0x0016)[0], 0x0008, 0x1155);
        let index = (0..6).find(|&i| Made::instance(i) == image).unwrap();
        let data = text(contour, 0x3006, 0x0050);
        let z: f64 = data.split('\\').nth(2).unwrap().parse().unwrap();
        let position: f64 = made
            .position(index)
            .split('\\')
            .nth(2)
            .unwrap()
            .parse()
            .unwrap();
        assert!((z - position).abs() < 1e-9);
        let points: usize = text(contour, 0x3006, 0x0046).parse().unwrap();
        assert_eq!((points, data.split('\\').count()), (4, 12));
    }
    let kinds: Vec<String> = items(&set, 0x3006, 0x0080)
        .iter()
        .map(|o| text(o, 0x3006, 0x00A4))
        .collect();
    assert_eq!(kinds, ["ORGAN", ""]);
}

#[test]
fn contours_without_a_place_or_a_voxel_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let flat = Made {
        modality: "CR",
        placed: false,
        heights: vec![0.0],
        ..Made::default()
    }
    .assumed(folder.path());
    assert!(matches!(
        RtStructWriter::new(&flat),
        Err(Error::Source { .. })
    ));
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let writer = RtStructWriter::new(&series).unwrap().segments(three());
    let file = folder.path().join("rs");
    let none = LabelMap::<u16>::background(*image(&series).geometry());
    assert!(matches!(
        writer.write(&none, &file),
        Err(Error::Segments(_))
    ));
    let full = labels(*image(&series).geometry());
    assert!(
        writer
            .clone()
            .label("x".repeat(17))
            .write(&full, &file)
            .is_err()
    );
    assert!(!file.exists());
}

#[test]
fn simplified_contours_have_fewer_points_and_tell_the_dice_that_a_reader_finds() {
    for (name, made) in orientations() {
        let folder = tempfile::tempdir().unwrap();
        let series = Made {
            columns: 64,
            rows: 48,
            ..made
        }
        .series(folder.path());
        let grid = *image(&series).geometry();
        let middle = grid.size().map(|n| n as f64 / 2.0);
        let spacing = grid.spacing();
        let labels = LabelMap::<u16>::from_fn(grid, |index| {
            let away = |i: usize| (index[i] as f64 - middle[i]) * spacing[i];
            let squared: f64 = (0..2).map(|i| away(i).powi(2)).sum();
            match squared {
                0.0..9.0 => 0,
                9.0..169.0 => 1,
                _ => 0,
            }
        });
        for rule in [HoleRule::Keyhole, HoleRule::Nested] {
            let file = folder.path().join(format!("{rule:?}"));
            let writer = RtStructWriter::new(&series)
                .unwrap()
                .segments(three())
                .holes(rule)
                .simplify(0.8);
            let written = writer.write(&labels, &file).unwrap();
            let change = written.simplified[0];
            assert!(
                change.points * 2 < change.points_before,
                "{name}: {change:?}"
            );
            assert!(
                change.dice > 0.95 && change.dice < 1.0,
                "{name}: {change:?}"
            );
            assert_eq!(written.simplified[1].dice, 1.0, "an empty structure");
            let structures = read_structures(&file).unwrap();
            let options = StructureOptions::default();
            let (back, _) = structures.label_map_on(&series, &options).unwrap();
            let count = |map: &LabelMap<u16>| map.data().iter().filter(|v| **v == 1).count();
            let both = back.data().iter().zip(labels.data());
            let both = both.filter(|(a, b)| **a == 1 && **b == 1).count();
            let dice = 2.0 * both as f64 / (count(&back) + count(&labels)) as f64;
            assert!(
                (dice - change.dice).abs() < 2e-3,
                "{name}: {dice} and {change:?}"
            );
        }
        let file = folder.path().join("refused");
        let writer = RtStructWriter::new(&series).unwrap().segments(three());
        for tolerance in [-1.0, f64::NAN, f64::INFINITY] {
            let refused = writer.clone().simplify(tolerance).write(&labels, &file);
            assert!(matches!(refused, Err(Error::Tolerance { .. })));
        }
    }
}
