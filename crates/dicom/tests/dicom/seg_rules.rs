//! Labels that do not fit their source or their segments: refused by name, and nothing is written.

use crate::made::Made;
use crate::seg::{assert_same, labels, three};
use crate::series::image;
use vesalius_control::Control;
use vesalius_dicom::{EmptyRule, Error, GridRule, SegKind, SegWriter, Segment};
use vesalius_volume::{Geometry, LabelMap, Volume, Warning};

#[test]
fn labels_on_another_grid_are_refused_with_the_distance_or_brought_by_the_nearest() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let grid = *image(&series).geometry();
    let writer = SegWriter::new(&series).unwrap().segments(three());
    let [x, y, z] = grid.origin();
    let parts = |size: [usize; 3], spacing: [f64; 3]| {
        Geometry::from_parts(size, spacing, grid.origin(), grid.direction()).unwrap()
    };
    for (name, other, least, most) in [
        (
            "half a pixel aside",
            grid.with_origin([x + 0.4, y, z]).unwrap(),
            0.35,
            0.81,
        ),
        (
            "one slice too few",
            grid.region([0; 3], [7, 5, 5]).unwrap(),
            2.4,
            2.6,
        ),
        (
            "pixels of half the size",
            parts([14, 10, 6], [0.4, 0.35, 2.5]),
            0.1,
            0.3,
        ),
        (
            "pixels of twice the size",
            parts([4, 3, 6], [1.6, 1.4, 2.5]),
            0.2,
            1.0,
        ),
        (
            "far away",
            grid.with_origin([x + 500.0, y, z]).unwrap(),
            490.0,
            510.0,
        ),
    ] {
        let file = folder.path().join(name);
        let error = writer.write(&labels(other), &file).unwrap_err();
        let Error::OtherGrid { distance, .. } = error else {
            panic!("{name}: {error}")
        };
        assert!((least..most).contains(&distance), "{name}: {distance}");
        assert!(!file.exists());
    }
    // A hundredth of a voxel is rounding.
    let near = labels(grid.with_origin([x + 0.005, y, z]).unwrap());
    writer.write(&near, folder.path().join("near")).unwrap();
    // Each pixel takes the label in which it lies.
    let fine = LabelMap::<u16>::from_fn(parts([14, 10, 11], [0.4, 0.35, 1.25]), |[x, y, z]| {
        u16::from((x / 2 + y / 2 + z / 2) % 3 == 0)
    });
    let file = folder.path().join("nearest");
    let written = writer
        .clone()
        .grid(GridRule::Nearest)
        .write(&fine, &file)
        .unwrap();
    let told = |w: &Warning| matches!(w, Warning::LabelsToSource { .. });
    assert!(written.warnings.iter().any(told));
    let expected = LabelMap::from_fn(grid, |[x, y, z]| u16::from((x + y + z) % 3 == 0));
    assert_same(&expected, &file, "nearest");
}

#[test]
fn voxels_beyond_the_frames_of_the_source_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let gaps = Made {
        heights: vec![10.0, 12.5, 17.5, 20.0, 22.5],
        ..Made::default()
    };
    let series = gaps.series(folder.path());
    let whole = tempfile::tempdir().unwrap();
    let grid = *image(&Made::default().series(whole.path())).geometry();
    let writer = SegWriter::new(&series).unwrap().segments(three());
    let file = folder.path().join("seg");
    let full = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x < 2));
    let error = writer.write(&full, &file).unwrap_err();
    assert!(
        matches!(
            error,
            Error::OffSource {
                label: 1,
                voxels: 10
            }
        ),
        "{error}"
    );
    let without = LabelMap::<u16>::from_fn(grid, |[x, _, z]| u16::from(x < 2 && z != 2));
    writer.write(&without, &file).unwrap();
    let set = crate::seg::open(&file);
    assert_eq!(crate::seg::items(&set, 0x5200, 0x9230).len(), 5);
    let measures =
        &crate::seg::items(&crate::seg::items(&set, 0x5200, 0x9229)[0], 0x0028, 0x9110)[0];
    assert!(
        measures.get(dicom_core::Tag(0x0018, 0x0088)).is_none(),
        "unequal gaps have no step"
    );
}

#[test]
fn labels_and_segments_that_do_not_fit_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let grid = *image(&series).geometry();
    let map = labels(grid);
    let file = folder.path().join("seg");
    let writer = || SegWriter::new(&series).unwrap();
    let refused = |writer: SegWriter, word: &str| {
        let message = writer.write(&map, &file).unwrap_err().to_string();
        assert!(message.contains(word), "{message}");
    };
    let called = |name: &str| [1, 2, 3].map(|label| Segment::named(label, name));
    refused(writer(), "no segments");
    refused(
        writer().segments([Segment::named(1, "liver"), Segment::named(2, "spleen")]),
        "label 3 (",
    );
    refused(
        writer().segments(three().into_iter().chain([Segment::named(0, "x")])),
        "label 0",
    );
    refused(
        writer().segments(three().into_iter().chain([Segment::named(1, "twice")])),
        "`twice`",
    );
    refused(
        writer().segments([Segment::named(1, "liver").in_layer(1)]),
        "layer 1",
    );
    refused(
        writer().segments(three()).kind(SegKind::Fractional),
        "write_fractions",
    );
    refused(writer().segments(called(&"n".repeat(65))), "SegmentLabel");
    refused(writer().segments(called("\u{809d}")), "ISO_IR 100");
    let control = Control::new();
    let cancelled = SegWriter::with_control(&series, control.clone())
        .unwrap()
        .segments(three());
    control.cancel();
    assert!(matches!(
        cancelled.write(&map, &file),
        Err(Error::Cancelled)
    ));
    let wide = LabelMap::<u32>::from_fn(grid, |[x, ..]| if x == 0 { 70_000 } else { 0 });
    let many = writer()
        .segments([Segment::named(70_000, "liver")])
        .kind(SegKind::LabelMap);
    assert!(
        many.write(&wide, &file)
            .unwrap_err()
            .to_string()
            .contains("65535")
    );
    let logits = Volume::filled(grid, 1.5f32);
    let one = writer().segments([Segment::named(1, "liver")]);
    assert!(
        one.write_fractions(&logits, &file)
            .unwrap_err()
            .to_string()
            .contains("probabilities")
    );
    assert!(
        writer()
            .segments(three())
            .write_fractions(&logits, &file)
            .unwrap_err()
            .to_string()
            .contains("1 channels")
    );
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is written"
    );
}

#[test]
fn nothing_to_write_is_an_error_unless_it_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let none = LabelMap::<u16>::background(*image(&series).geometry());
    let file = folder.path().join("seg");
    let writer = SegWriter::new(&series).unwrap().segments(three());
    assert!(matches!(
        writer.write(&none, &file),
        Err(Error::Segments(_))
    ));
    assert!(!file.exists());
    assert_eq!(
        writer
            .empty(EmptyRule::Write)
            .write(&none, &file)
            .unwrap()
            .frames,
        3
    );
}

#[test]
fn a_file_that_exists_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let file = folder.path().join("seg");
    std::fs::write(&file, "mine").unwrap();
    let writer = SegWriter::new(&series).unwrap().segments(three());
    let error = writer
        .write(&labels(*image(&series).geometry()), &file)
        .unwrap_err();
    assert!(matches!(error, Error::Exists { .. }), "{error}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}

#[test]
fn a_segmentation_is_no_source() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let file = folder.path().join("seg");
    let labels = labels(*image(&series).geometry());
    SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&labels, &file)
        .unwrap();
    let again = &vesalius_io::list_series(&file).unwrap().series[0];
    assert!(matches!(SegWriter::new(again), Err(Error::Source { .. })));
}

#[test]
fn a_private_code_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let labels = labels(*image(&series).geometry());
    let written = SegWriter::new(&series)
        .unwrap()
        .segments(three())
        .write(&labels, folder.path().join("seg"))
        .unwrap();
    let [Warning::PrivateCode { name, .. }] = &written.warnings[..] else {
        panic!("{:?}", written.warnings)
    };
    assert_eq!(name, "something else");
}
