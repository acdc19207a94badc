//! What is refused, what is told, and that nothing half written stays.

use crate::made::Made;
use crate::series::image;
use std::path::Path;
use vesalius_control::Control;
use vesalius_dicom::{Error, SeriesWriter};
use vesalius_volume::{Affine, Geometry, Volume, Warning};

fn entries(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_volume_that_cannot_be_slices_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let writer = SeriesWriter::new(&series).unwrap();
    let output = folder.path().join("out");
    let good = image(&series);
    let grid = *good.geometry();

    let mut holes = good.clone();
    holes.data_mut()[7] = f32::NAN;
    holes.data_mut()[8] = f32::INFINITY;
    let error = writer.write(&holes, &output).unwrap_err();
    assert!(
        matches!(error, Error::NotFinite { count: 2, .. }),
        "{error}"
    );

    let two = Volume::stack(&[good.clone(), good.clone()]).unwrap();
    assert!(matches!(
        writer.write(&two, &output),
        Err(Error::Channels { channels: 2 })
    ));
    assert!(matches!(
        writer.clone().channel(2).write(&two, &output),
        Err(Error::Channels { channels: 2 })
    ));

    let linear = grid.affine().linear();
    let sheared = std::array::from_fn(|i| {
        [
            linear[i][0],
            linear[i][1] + 0.2 * linear[i][0],
            linear[i][2],
        ]
    });
    let sheared = Geometry::new(
        grid.size(),
        Affine::from_linear(sheared, grid.origin()).unwrap(),
    )
    .unwrap();
    let error = writer
        .write(&good.clone().with_geometry(sheared).unwrap(), &output)
        .unwrap_err();
    assert!(
        matches!(error, Error::Sheared { degrees } if degrees > 5.0),
        "{error}"
    );

    let away = grid.with_origin([1000.0, 0.0, 0.0]).unwrap();
    let error = writer
        .write(&good.clone().with_geometry(away).unwrap(), &output)
        .unwrap_err();
    assert!(
        matches!(error, Error::Elsewhere { distance } if distance > 900.0),
        "{error}"
    );

    let error = writer
        .clone()
        .description("肝臓")
        .write(&good, &output)
        .unwrap_err();
    assert!(
        matches!(error, Error::Text { .. }),
        "ISO_IR 100 lacks it: {error}"
    );
    assert!(
        writer
            .clone()
            .description("x".repeat(65))
            .write(&good, &output)
            .is_err()
    );

    let control = Control::new();
    control.cancel();
    assert!(matches!(
        writer.clone().control(control).write(&good, &output),
        Err(Error::Cancelled)
    ));
    assert_eq!(entries(folder.path()), ["made"], "nothing half written");
}

#[test]
fn a_folder_that_holds_something_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let output = folder.path().join("out");
    std::fs::create_dir(&output).unwrap();
    std::fs::write(output.join("mine"), "x").unwrap();
    let writer = SeriesWriter::new(&series).unwrap();
    assert!(matches!(
        writer.write(&image(&series), &output),
        Err(Error::Exists { .. })
    ));
    assert_eq!(entries(&output), ["mine"]);
    std::fs::remove_file(output.join("mine")).unwrap();
    writer.write(&image(&series), &output).unwrap();
    assert_eq!(entries(&output).len(), 6);
    let missing = folder.path().join("no/such/folder/out");
    assert!(matches!(
        writer.write(&image(&series), &missing),
        Err(Error::Io(_))
    ));
}

#[test]
fn voxels_that_are_not_finite_take_the_value_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let mut volume = image(&series);
    volume.data_mut()[3] = f32::NAN;
    let output = folder.path().join("out");
    SeriesWriter::new(&series)
        .unwrap()
        .not_finite(-5.0)
        .write(&volume, &output)
        .unwrap();
    let back = image(&vesalius_io::list_series(&output).unwrap().series[0]);
    assert_eq!((back.data()[3], back.data()[4]), (-5.0, volume.data()[4]));
}

#[test]
fn a_volume_beside_the_source_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let grid = image(&series)
        .geometry()
        .with_origin([26.7, -12.9, 14.3])
        .unwrap();
    let volume = Volume::filled(grid, 1.0f32);
    let written = SeriesWriter::new(&series)
        .unwrap()
        .write(&volume, folder.path().join("out"))
        .unwrap();
    let told = |w: &Warning| matches!(w, Warning::MostlyElsewhere { .. });
    assert!(written.warnings.iter().any(told), "{:?}", written.warnings);
}

#[test]
fn what_the_source_does_not_say_is_assumed_and_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let written = SeriesWriter::new(&series)
        .unwrap()
        .write(&image(&series), folder.path().join("out"))
        .unwrap();
    let assumed = |attribute: &str, value: &str| Warning::AttributeAssumed {
        attribute: attribute.into(),
        value: value.into(),
    };
    assert_eq!(
        written.warnings,
        [
            assumed("ScanningSequence", "RM"),
            assumed("SequenceVariant", "NONE")
        ]
    );
}

#[test]
fn an_own_text_makes_an_ascii_source_utf_8() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made {
        name: b"Made^Up",
        ..Made::default()
    }
    .series(folder.path());
    let output = folder.path().join("out");
    SeriesWriter::new(&series)
        .unwrap()
        .description("肝臓")
        .write(&image(&series), &output)
        .unwrap();
    assert_eq!(
        vesalius_io::list_series(&output).unwrap().series[0].description,
        "肝臓"
    );
}

#[test]
fn files_of_two_patients_or_frames_of_reference_are_no_source() {
    let two: Made = Made {
        patient_of: |i| if i == 4 { "P2" } else { "P1" },
        ..Made::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let listed = vesalius_io::list_series(two.save(folder.path()))
        .unwrap()
        .series;
    let mixed = listed.iter().map(SeriesWriter::new).any(|made| match made {
        Err(Error::MixedSource { attribute, .. }) => attribute == "PatientID",
        _ => false,
    });
    assert!(
        mixed || listed.len() == 2,
        "two patients are never one source"
    );
    let folder = tempfile::tempdir().unwrap();
    let unplaced = Made {
        placed: false,
        ..Made::default()
    }
    .assumed(folder.path());
    assert!(matches!(
        SeriesWriter::new(&unplaced),
        Err(Error::Source { .. })
    ));
}
