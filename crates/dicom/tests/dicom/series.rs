//! Derived series: what is read back is what was given, where it was, under the source's patient.

use crate::made::{Made, orientations};
use dicom_core::Tag;
use dicom_object::{InMemDicomObject, OpenFileOptions};
use vesalius_dicom::SeriesWriter;
use vesalius_io::{ReadOptions, Series, list_series, read_series};
use vesalius_volume::{Volume, Warning};

pub fn image(series: &Series) -> Volume<f32> {
    read_series(series, &ReadOptions::default()).unwrap()
}

fn open(path: &std::path::Path) -> InMemDicomObject {
    OpenFileOptions::new().open_file(path).unwrap().into_inner()
}

/// The largest difference of two volumes at the same places of the world, and of those places in voxels.
fn apart(a: &Volume<f32>, b: &Volume<f32>) -> (f32, f64) {
    assert_eq!(a.data().len(), b.data().len());
    let (mut values, mut places) = (0f32, 0f64);
    for offset in 0..a.data().len() {
        let index = a.geometry().index(offset);
        let world = a.geometry().index_to_world(index.map(|v| v as f64));
        let other = b.geometry().world_to_index(world);
        let near = other.map(f64::round);
        places = (0..3)
            .map(|i| (other[i] - near[i]).abs())
            .fold(places, f64::max);
        let value = b.get(0, near.map(|v| v as usize));
        values = values.max((value - a.data()[offset]).abs());
    }
    (values, places)
}

#[test]
fn floats_come_back_at_their_places_within_the_error_that_is_told() {
    for (name, made) in orientations() {
        let folder = tempfile::tempdir().unwrap();
        let series = made.series(folder.path());
        let volume = image(&series).map(|v| (v * 0.371).sin() * 40.0);
        let output = folder.path().join("out");
        let written = SeriesWriter::new(&series)
            .unwrap()
            .write(&volume, &output)
            .unwrap();
        assert!(
            written.largest_error > 0.0 && written.largest_error < 80.0 / 65_535.0,
            "{name}"
        );
        let told = |w: &Warning| matches!(w, Warning::ValuesRounded { .. });
        assert!(written.warnings.iter().any(told), "{name}");
        let list = list_series(&output).unwrap();
        assert_eq!((list.series.len(), list.unreadable.len()), (1, 0), "{name}");
        let (values, places) = apart(&volume, &image(&list.series[0]));
        assert!(
            f64::from(values) <= written.largest_error + 1e-5 && places < 1e-4,
            "{name}: {values} {places}"
        );
        assert_eq!(list.series[0].frame_of_reference, series.frame_of_reference);
        assert_eq!(list.series[0].uid, written.series_uid);
        assert_ne!(list.series[0].uid, series.uid);
    }
}

#[test]
fn whole_numbers_are_exact_and_an_mr_image_needs_no_slope() {
    for modality in ["MR", "CT", "PT", "CR"] {
        let folder = tempfile::tempdir().unwrap();
        let series = Made {
            modality,
            ..Made::default()
        }
        .series(folder.path());
        let volume = image(&series).map(|v| (v * 3.0) as i32);
        let output = folder.path().join("out");
        let written = SeriesWriter::new(&series)
            .unwrap()
            .write(&volume, &output)
            .unwrap();
        assert_eq!(
            (
                written.largest_error,
                written.scaling.slope,
                written.scaling.intercept
            ),
            (0.0, 1.0, 0.0)
        );
        let back = image(&list_series(&output).unwrap().series[0]);
        assert_eq!(back.data(), volume.map(|v| v as f32).data(), "{modality}");
        let slope = open(&written.files[0]).get(Tag(0x0028, 0x1053)).is_some();
        assert_eq!(slope, modality != "MR");
    }
}

#[test]
fn axes_in_any_order_and_direction_become_slices_of_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let image = image(&series);
    for (number, (order, turned)) in [
        ([2, 0, 1], [true, false, true]),
        ([1, 0, 2], [false, true, true]),
        ([0, 2, 1], [true, true, true]),
    ]
    .into_iter()
    .enumerate()
    {
        let grid = image.geometry().permuted(order).flipped(turned);
        let volume = Volume::from_fn(grid, |index| {
            let world = grid.index_to_world(index.map(|v| v as f64));
            image.get(
                0,
                image
                    .geometry()
                    .world_to_index(world)
                    .map(|v| v.round() as usize),
            )
        });
        let output = folder.path().join(format!("out{number}"));
        let written = SeriesWriter::new(&series)
            .unwrap()
            .write(&volume, &output)
            .unwrap();
        let again = &list_series(&output).unwrap().series[0];
        assert_eq!(again.size, series.size);
        assert_eq!(
            apart(
                &volume,
                &read_series(again, &ReadOptions::default()).unwrap()
            )
            .0,
            0.0
        );
        // Each slice lies on one of the source and names it alone.
        for (slice, file) in written.files.iter().enumerate() {
            let set = open(file);
            let sources = set.get(Tag(0x0008, 0x2112)).unwrap().items().unwrap();
            let uid = sources[0]
                .get(Tag(0x0008, 0x1155))
                .unwrap()
                .to_str()
                .unwrap();
            assert_eq!((sources.len(), &*uid), (1, Made::instance(slice).as_str()));
        }
    }
}

#[test]
fn a_finer_grid_and_a_part_of_the_source_are_written_too() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let image = image(&series);
    let part = image.geometry().region([2, 1, 1], [4, 3, 2]).unwrap();
    let fine = vesalius_volume::Geometry::from_parts(
        [14, 10, 15],
        [0.4, 0.35, 1.0],
        image.geometry().origin(),
        image.geometry().direction(),
    )
    .unwrap();
    for (name, grid) in [("part", part), ("fine", fine)] {
        let volume = Volume::from_fn(grid, |[x, y, z]| (x + 20 * y + 300 * z) as f32);
        let output = folder.path().join(name);
        SeriesWriter::new(&series)
            .unwrap()
            .write(&volume, &output)
            .unwrap();
        let again = &list_series(&output).unwrap().series[0];
        let (values, places) = apart(
            &volume,
            &read_series(again, &ReadOptions::default()).unwrap(),
        );
        assert!(values == 0.0 && places < 1e-4, "{name}: {values} {places}");
    }
}

#[test]
fn texts_of_the_patient_are_copied_byte_for_byte() {
    let japanese: &[u8] =
        b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B";
    for (charset, name) in [
        (&b"ISO_IR 100"[..], &b"M\xfcller^J\xf6rg"[..]),
        (b"\\ISO 2022 IR 87", japanese),
        (b"GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab"),
        (b"ISO_IR 192", "Łukasz^Żak".as_bytes()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let series = Made {
            charset,
            name,
            ..Made::default()
        }
        .series(folder.path());
        let output = folder.path().join("out");
        let written = SeriesWriter::new(&series)
            .unwrap()
            .write(&image(&series), &output)
            .unwrap();
        let bytes = std::fs::read(&written.files[0]).unwrap();
        let holds = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
        assert!(holds(name) && holds(charset) && holds(b"A17") && holds(b"20240229"));
        let again = &list_series(&output).unwrap().series[0];
        assert_eq!(
            again.metadata.get("PatientName"),
            series.metadata.get("PatientName")
        );
    }
}
