//! Reports of what is measured here: numbers, their units, and the places of diameters on the images.

use crate::made::{Made, orientations};
use crate::report::all;
use crate::seg::{items, labels, open, text, three};
use crate::series::image;
use dicom_core::Tag;
use dicom_object::InMemDicomObject;
use vesalius_dicom::{Error, ReportClass, ReportWriter, SegWriter, Segment, WrittenSeg};
use vesalius_io::{Series, Suv};
use vesalius_volume::{LabelMap, Warning};

fn seg(series: &Series, labels: &LabelMap<u16>, folder: &std::path::Path) -> WrittenSeg {
    let mut segments = three().to_vec();
    segments.push(Segment::named(9, "pancreas"));
    let writer = SegWriter::new(series).unwrap().segments(segments);
    writer.write(labels, folder.join("seg")).unwrap()
}

fn value(item: &InMemDicomObject) -> f64 {
    let measured = &items(item, 0x0040, 0xA300)[0];
    text(measured, 0x0040, 0xA30A).parse().unwrap()
}

fn unit(item: &InMemDicomObject) -> String {
    let measured = &items(item, 0x0040, 0xA300)[0];
    let unit = &items(measured, 0x0040, 0x08EA)[0];
    // A code of more than 16 characters is a long one.
    let is_short = unit.get(Tag(0x0008, 0x0100)).is_some();
    text(unit, 0x0008, if is_short { 0x0100 } else { 0x0119 })
}

fn places(item: &InMemDicomObject) -> Vec<f64> {
    let data = item.get(Tag(0x0070, 0x0022)).unwrap();
    data.to_multi_float32()
        .unwrap()
        .into_iter()
        .map(f64::from)
        .collect()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).powi(2))
        .sum::<f64>()
        .sqrt()
}

#[test]
fn diameters_have_their_ends_on_an_image_and_in_space_whatever_the_axes() {
    for (name, made) in orientations() {
        let folder = tempfile::tempdir().unwrap();
        let series = made.series(folder.path());
        let grid = *image(&series).geometry();
        for (number, order) in [[0, 1, 2], [2, 0, 1], [1, 2, 0]].into_iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let labels = labels(grid.permuted(order).flipped([number == 1, false, true]));
            let seg = seg(&series, &labels, folder.path());
            let writer = ReportWriter::new(&series, &seg)
                .unwrap()
                .class(ReportClass::Comprehensive3d);
            let measured = writer.measure::<_, f32>(&labels, None).unwrap();
            let file = folder.path().join("sr");
            let written = writer.write(&measured, &file).unwrap();
            let empty = Warning::MeasurementLeftOut {
                what: "segment 4".to_owned(),
                reason: "nothing of it was measured, as of one without a voxel".to_owned(),
            };
            assert!(written.warnings.contains(&empty));
            let set = open(&file);
            let measured: Vec<_> = measured.iter().filter(|m| m.volume.is_some()).collect();
            let (flat, space) = (all(&set, "81827009"), all(&set, "L0JK"));
            assert_eq!((flat.len(), space.len()), (measured.len(), measured.len()));
            for ((flat, space), measured) in flat.iter().zip(&space).zip(measured) {
                assert!((value(flat) - measured.slice_diameter.unwrap().length).abs() < 1e-6);
                let line = items(flat, 0x0040, 0xA730);
                let line = line
                    .iter()
                    .find(|i| text(i, 0x0040, 0xA040) == "SCOORD")
                    .unwrap();
                let scaled: Vec<f64> = places(line)
                    .chunks(2)
                    .flat_map(|p| [p[0] * made.spacing[1], p[1] * made.spacing[0]])
                    .collect();
                let apart = distance(&scaled[..2], &scaled[2..]);
                assert!(
                    (apart - value(flat)).abs() < 1e-4,
                    "{name}, {order:?}: {apart}"
                );
                // The voxels at both ends have the label.
                let from = &items(line, 0x0040, 0xA730)[0];
                let instance = text(&items(from, 0x0008, 0x1199)[0], 0x0008, 0x1155);
                assert!((0..made.heights.len()).any(|i| Made::instance(i) == instance));
                let line = &items(space, 0x0040, 0xA730)[0];
                let ends = places(line);
                assert!((distance(&ends[..3], &ends[3..]) - value(space)).abs() < 1e-4);
                assert_eq!(text(line, 0x3006, 0x0024), "1.2.3.9");
            }
        }
    }
}

#[test]
fn a_line_on_an_image_ends_on_the_outline_of_the_label() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made::default();
    let series = made.series(folder.path());
    // Columns 2 to 4 of row 1 in the third slice.
    let labels = LabelMap::<u16>::from_fn(*image(&series).geometry(), |[x, y, z]| {
        u16::from((2..5).contains(&x) && y == 1 && z == 2)
    });
    let writer = SegWriter::new(&series).unwrap().segments(three());
    let seg = writer.write(&labels, folder.path().join("seg")).unwrap();
    let writer = ReportWriter::new(&series, &seg).unwrap();
    let image = image(&series);
    let measured = writer.measure(&labels, Some(&image)).unwrap();
    let file = folder.path().join("sr");
    writer.write(&measured, &file).unwrap();
    let set = open(&file);
    let flat = all(&set, "81827009");
    assert!(
        (value(flat[0]) - 2.4).abs() < 1e-9,
        "three columns of 0.8 mm"
    );
    let line = items(flat[0], 0x0040, 0xA730);
    let line = line
        .iter()
        .find(|i| text(i, 0x0040, 0xA040) == "SCOORD")
        .unwrap();
    let mut ends = places(line);
    if ends[0] > ends[2] {
        ends.rotate_left(2);
    }
    // Zero is the upper left corner of the first pixel.
    assert!(distance(&ends, &[2.0, 1.5, 5.0, 1.5]) < 1e-5, "{ends:?}");
    let from = &items(line, 0x0040, 0xA730)[0];
    let instance = text(&items(from, 0x0008, 0x1199)[0], 0x0008, 0x1155);
    assert_eq!(instance, Made::instance(2));
    // Pixels count from -20, 35 a slice, 7 a row.
    let mean = measured[0].intensity.unwrap().mean;
    assert_eq!(mean, f64::from(2 * 35 + 7 + 3 - 20));
    assert!(
        all(&set, "L0JK")[0].get(Tag(0x0040, 0xA730)).is_none(),
        "no line in space"
    );
}

#[test]
fn uptake_values_have_the_unit_that_the_image_was_read_in() {
    let folder = tempfile::tempdir().unwrap();
    let made = Made {
        modality: "PT",
        ..Made::default()
    };
    let series = made.series(folder.path());
    let image = image(&series);
    let labels = labels(*image.geometry());
    let seg = seg(&series, &labels, folder.path());
    for (suv, code, wanted) in [
        (Suv::BodyWeight, "126401", "g/ml{SUVbw}"),
        (
            Suv::LeanBodyMassJanmahasatian,
            "126402",
            "g/ml{SUVlbm(Janma)}",
        ),
        (Suv::BodySurfaceArea, "126403", "cm2/ml{SUVbsa}"),
    ] {
        let writer = ReportWriter::new(&series, &seg).unwrap().suv(suv);
        let measured = writer.measure(&labels, Some(&image)).unwrap();
        let file = folder.path().join(code);
        writer.write(&measured, &file).unwrap();
        let set = open(&file);
        let found = all(&set, code);
        assert_eq!(found.len(), 15, "five numbers of three segments");
        assert!(found.iter().all(|item| unit(item) == wanted));
    }
}

#[test]
fn labels_that_are_no_segments_and_other_grids_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let image = image(&series);
    let map = labels(*image.geometry());
    let seg = seg(&series, &map, folder.path());
    let writer = ReportWriter::new(&series, &seg).unwrap();
    let other = map.map(|label| label * 2);
    let refused = writer.measure(&other, Some(&image));
    assert!(matches!(refused, Err(Error::Segments(what)) if what.contains("label 4")));
    let moved = image.geometry().flipped([true, false, false]);
    let moved = LabelMap::<u16>::from_fn(moved, |_| 1);
    assert!(matches!(
        writer.measure(&moved, Some(&image)),
        Err(Error::Volume(_))
    ));
}
