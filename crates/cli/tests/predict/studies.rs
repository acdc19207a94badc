//! Studies with several DICOM series: the model's rules, the names of its channels or `--series` choose.

use super::{TRAIN, predict, said, trained};
use crate::common::{dataset, error, success};
use crate::dicom_writer::{save, slice};
use std::path::Path;
use vesalius::volume::Volume;

/// A series of a study: its number, modality and description, the heights of its slices, the value of its first slice.
type Made<'a> = (&'a [u8], &'a [u8], &'a [u8], &'a [f64], i16);

fn study(folder: &Path, series: &[Made]) {
    std::fs::create_dir_all(folder).unwrap();
    for (number, modality, description, heights, value) in series {
        let uid = [b"1.2.3.".as_slice(), number].concat();
        for (z, &height) in heights.iter().enumerate() {
            let instance = format!("1.2.3.4.{}.{z}", String::from_utf8_lossy(number));
            let changes: [(u32, &[u8; 2], &[u8]); 5] = [
                (0x0008_0018, b"UI", instance.as_bytes()),
                (0x0008_0060, b"CS", modality),
                (0x0008_103E, b"LO", description),
                (0x0020_000E, b"UI", &uid),
                (0x0020_0011, b"IS", number),
            ];
            let file = format!("{}_{z}", String::from_utf8_lossy(number));
            let values = [value + z as i16; 6];
            save(folder, &file, &slice(height, values, &changes));
        }
    }
}

const T1: Made = (b"4", b"MR", b"t1", &[0.0, 3.0, 6.0], 10);
const POST: Made = (b"5", b"MR", b"T1 post GD", &[0.0, 3.0, 6.0, 9.0], 50);
const CT: Made = (b"6", b"CT", b"thorax", &[0.0, 1.5, 3.0, 4.5, 6.0], 100);

fn slices(folder: &Path, file: &str) -> usize {
    let labels = vesalius::io::read_labels(folder.join(file)).unwrap();
    labels.geometry().size()[2]
}

#[test]
fn the_models_inputs_choose_a_series_of_a_study() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    study(&folder.join("patient"), &[T1, POST, CT]);
    let text = error(folder, &predict("patient", "out", &[]));
    assert!(text.contains("`t1`") && text.contains("`thorax`"), "{text}");
    success(folder, &predict("patient", "named", &["--series", "5"]));
    assert_eq!(slices(folder, "named/patient.nii.gz"), 4);

    let path = folder.join("model/model.yaml");
    let model = std::fs::read_to_string(&path).unwrap();
    let with =
        |inputs: &str| std::fs::write(&path, format!("{model}\ninputs: {inputs}\n")).unwrap();
    with("[{modality: MR, description: \"*post*\"}]");
    let text = said(folder, &predict("patient", "chosen", &[]));
    assert!(text.contains("is read from series number 5"), "{text}");
    assert_eq!(slices(folder, "chosen/patient.nii.gz"), 4);
    // A name on the command line goes before the rule.
    success(folder, &predict("patient", "other", &["--series", "t1"]));
    assert_eq!(slices(folder, "other/patient.nii.gz"), 3);
    // Into the same folder: the result of another series is replaced, that of the same one stays.
    success(folder, &predict("patient", "other", &["--series", "5"]));
    assert_eq!(slices(folder, "other/patient.nii.gz"), 4);
    let text = said(folder, &predict("patient", "other", &["--series", "5"]));
    assert!(text.contains("there already"), "{text}");
    // Two series fit, or none.
    with("[{modality: MR}]");
    let text = error(folder, &predict("patient", "two", &[]));
    assert!(
        text.contains("channel made (MR)") && text.contains("--series"),
        "{text}"
    );
    assert!(
        text.contains("`t1`") && !text.contains("`thorax`"),
        "{text}"
    );
    with("[{modality: PT}]");
    let text = error(folder, &predict("patient", "none", &[]));
    assert!(
        text.contains("channel made (PT)") && text.contains("`thorax`"),
        "{text}"
    );
    // One rule for each channel.
    with("[{modality: MR}, {modality: CT}]");
    let text = error(folder, &predict("patient", "rules", &[]));
    assert!(text.contains("2 `inputs` for 1 channel"), "{text}");
    with("[{modalty: MR}]");
    let text = error(folder, &predict("patient", "misspelt", &[]));
    assert!(
        text.contains("modalty") && text.contains("modality"),
        "{text}"
    );
}

#[test]
fn channels_come_from_several_series_on_the_grid_of_the_first() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 4);
    for entry in std::fs::read_dir(folder.join("images")).unwrap() {
        let path = entry.unwrap().path();
        let image: Volume<f32> = vesalius::io::read(&path).unwrap();
        let both = Volume::stack(&[image.clone(), image]).unwrap();
        vesalius::io::write(&path, &both).unwrap();
    }
    let list = std::fs::read_to_string(folder.join("dataset.json")).unwrap();
    let list = list.replace(r#"{"0":"made"}"#, r#"{"0":"MRI","1":"CT"}"#);
    assert!(list.contains("MRI"));
    std::fs::write(folder.join("dataset.json"), list).unwrap();
    success(folder, &TRAIN);

    // The names of the channels are modalities, and one series has each.
    study(&folder.join("patient"), &[CT, T1]);
    let text = said(folder, &predict("patient", "out", &[]));
    assert!(
        text.contains("channel MRI") && text.contains("channel CT"),
        "{text}"
    );
    assert_eq!(slices(folder, "out/patient.nii.gz"), 3);
    success(
        folder,
        &predict("patient", "named", &["--series", "4", "--series", "6"]),
    );
    let labels = |name: &str| vesalius::io::read_labels(folder.join(name)).unwrap();
    assert_eq!(
        labels("named/patient.nii.gz").data(),
        labels("out/patient.nii.gz").data()
    );
    success(
        folder,
        &predict("patient", "turned", &["--series", "6", "--series", "4"]),
    );
    assert_eq!(slices(folder, "turned/patient.nii.gz"), 5);
    let three = ["--series", "4", "--series", "6", "--series", "4"];
    let text = error(folder, &predict("patient", "three", &three));
    assert!(
        text.contains("3 are named for 2 channels, MRI, CT"),
        "{text}"
    );
}

#[test]
fn an_archive_of_a_series_is_a_case_like_its_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    study(&folder.join("patient"), &[T1]);
    std::fs::create_dir(folder.join("scans")).unwrap();
    let file = std::fs::File::create(folder.join("scans/patient.zip")).unwrap();
    let mut archive = zip::ZipWriter::new(file);
    for entry in std::fs::read_dir(folder.join("patient")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let options = zip::write::SimpleFileOptions::default();
        archive
            .start_file(format!("export/{name}"), options)
            .unwrap();
        std::io::Write::write_all(&mut archive, &std::fs::read(&path).unwrap()).unwrap();
    }
    archive.finish().unwrap();
    success(folder, &predict("patient", "whole", &[]));
    success(folder, &predict("scans/patient.zip", "alone", &[]));
    success(folder, &predict("scans", "among", &[]));
    let labels = |name: &str| vesalius::io::read_labels(folder.join(name)).unwrap();
    let whole = labels("whole/patient.nii.gz");
    for name in ["alone", "among"] {
        let labels = labels(&format!("{name}/patient.nii.gz"));
        assert_eq!(labels.data(), whole.data(), "{name}");
        assert_eq!(labels.geometry(), whole.geometry(), "{name}");
    }
}

#[test]
fn dicom_objects_are_written_beside_the_labels_of_a_series() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let source = vesalius::dicom::example_series(folder, "MR", [12, 11, 10]).unwrap();
    std::fs::rename(source, folder.join("patient")).unwrap();
    // A report brings the segmentation that it refers to.
    let save = ["--save", "rtstruct,sr,picture"];
    let text = said(folder, &predict("patient", "out", &save));
    let labels = vesalius::io::read_labels(folder.join("out/patient.nii.gz")).unwrap();
    let objects = ["seg", "rtstruct", "sr", "picture"];
    let objects = objects.map(|object| format!("out/patient_{object}.dcm"));
    // A network of two steps may find nothing, which is told.
    match labels.data().iter().any(|&label| label > 0) {
        true => {
            let check = ["clinic", "check", "--source", "patient"];
            let files: Vec<&str> = objects.iter().map(String::as_str).collect();
            success(folder, &[&check[..], &files].concat());
        }
        false => {
            assert!(text.contains("no seg was written"), "{text}");
            assert!(text.contains("no sr was written"), "{text}");
            assert!(objects.iter().all(|file| !folder.join(file).exists()));
        }
    }
    let text = said(folder, &predict("patient", "out", &save));
    assert!(text.contains("there already"), "{text}");
    // Of an image of another format there is no series.
    let text = error(
        folder,
        &predict("images/spheres_000.nii.gz", "other", &save),
    );
    assert!(text.contains("leave the objects out"), "{text}");
    assert!(!folder.join("other/spheres_000.nii.gz").exists());
}
