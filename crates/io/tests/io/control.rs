//! Reading and writing are cancelled between their parts, leave nothing half written, and report their progress.

use crate::dicom_writer::{save, slice};
use std::path::Path;
use std::sync::{Arc, Mutex};
use vesalius_control::Control;
use vesalius_io::{
    Error, ReadOptions, WriteOptions, describe_with, list_series_with, open_with, probe_with,
    read_as_with, read_labels_with, read_with, write_labels_with, write_with,
};
use vesalius_volume::{ErrorKind, Geometry, LabelMap, Volume};

/// A handle that is cancelled as soon as a part of the stage is done.
fn cancelled_in(stage: &'static str) -> Control {
    let control = Control::new();
    control.on_progress({
        let control = control.clone();
        move |progress| {
            if &*progress.stage == stage && progress.done > 0 {
                control.cancel();
            }
        }
    });
    control
}

/// A handle that keeps how far each stage came.
type Told = Arc<Mutex<Vec<(String, u64, Option<u64>)>>>;
fn following() -> (Control, Told) {
    let (control, told) = (Control::new(), Told::default());
    control.on_progress({
        let told = told.clone();
        move |progress| {
            let stage = progress.stage.to_string();
            let mut told = told.lock().unwrap();
            told.retain(|(known, ..)| *known != stage);
            told.push((stage, progress.done, progress.total));
        }
    });
    (control, told)
}

fn image() -> Volume<u8> {
    // More than is read or packed at once.
    let grid = Geometry::axis_aligned([260, 260, 300], [1.0; 3]).unwrap();
    Volume::filled(grid, 7)
}

fn large_image() -> Volume<u8> {
    // More than is unpacked at once.
    let grid = Geometry::axis_aligned([1024, 1024, 257], [1.0; 3]).unwrap();
    Volume::filled(grid, 7)
}

fn cancelled<T: std::fmt::Debug>(result: Result<T, Error>, what: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled, "{what}: {error}");
}

#[test]
fn a_folder_of_dicom_is_left_between_two_files() {
    let folder = tempfile::tempdir().unwrap();
    for z in 0..60 {
        save(
            folder.path(),
            &format!("{z}"),
            &slice(f64::from(z), [1; 6], &[]),
        );
    }
    let at = folder.path();
    for stage in ["headers", "slices"] {
        let options = ReadOptions::new().control(cancelled_in(stage));
        cancelled(read_with(at, &options), stage);
    }
    let options = || ReadOptions::new().control(cancelled_in("headers"));
    cancelled(probe_with(at, &options()), "probe");
    cancelled(list_series_with(at, &options()), "list");
    cancelled(describe_with(at, &options()), "describe");
    let (control, told) = following();
    let options = ReadOptions::new().control(control);
    assert_eq!(
        read_with(at, &options).unwrap().geometry().size(),
        [3, 2, 60]
    );
    let expected = ["headers", "slices"].map(|stage| (stage.to_owned(), 60, Some(60)));
    assert_eq!(*told.lock().unwrap(), expected);
}

#[test]
fn large_files_are_left_while_they_are_read_and_unpacked() {
    let folder = tempfile::tempdir().unwrap();
    let (plain, large) = (image(), large_image());
    for (name, stage, compress) in [
        ("a.nii", "reading", false),
        ("a.nii.gz", "unpacking", true),
        ("a.mha", "unpacking", true),
        ("b.nrrd", "reading", false),
    ] {
        let path = folder.path().join(name);
        let image = if compress { &large } else { &plain };
        let bytes = image.data().len() as u64;
        let options = WriteOptions {
            compress,
            ..WriteOptions::new()
        };
        write_with(&path, image, &options).unwrap();
        let options = || ReadOptions::new().control(cancelled_in(stage));
        cancelled(read_as_with::<u8>(&path, &options()), name);
        cancelled(read_labels_with::<u16>(&path, &options()), name);
        let lean = || ReadOptions::new().control(cancelled_in("reading"));
        let opened = open_with(&path, &lean()).unwrap();
        cancelled(opened.read_lean::<u8>(), name);
        let (control, told) = following();
        let options = ReadOptions::new().control(control.clone());
        assert!(
            read_as_with::<u8>(&path, &options).unwrap() == *image,
            "{name}"
        );
        // The packed stream of a NIfTI file holds its header too.
        let told = told.lock().unwrap();
        let (_, done, total) = told.iter().find(|(known, ..)| known == stage).unwrap();
        assert!(Some(*done) == *total && *done >= bytes, "{name}: {told:?}");
        // Slabs that were begun end too.
        let opened = open_with(&path, &options).unwrap();
        let mut slabs = opened.slabs::<u8>(10).unwrap();
        assert!(slabs.next().unwrap().is_ok());
        control.cancel();
        cancelled(slabs.next().unwrap(), name);
        assert!(slabs.next().is_none());
    }
}

#[test]
fn what_is_cancelled_while_it_is_written_leaves_the_old_files_alone() {
    let image = image();
    let labels = LabelMap::from_fn(*image.geometry(), |_| 3u16);
    for (name, compress) in [
        ("a.nii", false),
        ("a.nii.gz", true),
        ("a.hdr", false),
        ("a.mha", true),
        ("a.mhd", false),
        ("a.nrrd", false),
        ("a.nhdr", true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, "old").unwrap();
        let stages: &[&str] = match name {
            "a.nii" | "a.nii.gz" | "a.hdr" => &["writing"],
            _ if !compress => &["writing"],
            // Its voxels are written while they are packed.
            "a.nhdr" => &["packing"],
            _ => &["packing", "writing"],
        };
        for stage in stages {
            let options = || WriteOptions {
                compress,
                ..WriteOptions::new().control(cancelled_in(stage))
            };
            cancelled(write_with(&path, &image, &options()), name);
            cancelled(write_labels_with(&path, &labels, &options()), name);
        }
        assert_eq!(names(folder.path()), [name], "{name}");
        assert_eq!(std::fs::read(&path).unwrap(), b"old", "{name}");
        let (control, told) = following();
        let options = WriteOptions {
            compress,
            ..WriteOptions::new().control(control)
        };
        write_with(&path, &image, &options).unwrap();
        for (stage, done, total) in &*told.lock().unwrap() {
            assert_eq!(Some(*done), *total, "{name}: {stage}");
        }
        assert_eq!(told.lock().unwrap().len(), stages.len(), "{name}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}
