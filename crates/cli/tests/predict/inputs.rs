//! What an input holds: DICOM folders, one slice of a series; and what outputs are called.

use super::{bytes, predict, trained};
use crate::common::{error, success};
use crate::dicom_writer::{save, slice};
use std::path::Path;

/// A series of three slices, whose files have no ending.
fn study(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (number, height) in [0.0, 3.0, 6.0].into_iter().enumerate() {
        let values = [number as i16 * 10 + 1; 6];
        save(folder, &format!("IM{number}"), &slice(height, values, &[]));
    }
}

#[test]
fn dicom_folders_are_segmented_and_one_slice_of_them_is_not() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    study(&folder.join("patient"));
    success(folder, &predict("patient", "alone", &[]));
    let alone = vesalius::io::read_labels(folder.join("alone/patient.nii.gz")).unwrap();
    assert_eq!(alone.geometry().size()[2], 3);
    // In a folder of scans it is a case like the others.
    std::fs::create_dir(folder.join("scans")).unwrap();
    std::fs::copy(
        folder.join("images/spheres_000.nii.gz"),
        folder.join("scans/a.nii.gz"),
    )
    .unwrap();
    study(&folder.join("scans/b"));
    success(folder, &predict("scans", "both", &[]));
    let both = vesalius::io::read_labels(folder.join("both/b.nii.gz")).unwrap();
    assert_eq!(both.data(), alone.data());
    assert!(folder.join("both/a.nii.gz").exists());
    // A folder of nothing but such folders.
    study(&folder.join("studies/one"));
    study(&folder.join("studies/two"));
    success(folder, &predict("studies", "several", &[]));
    assert!(folder.join("several/one.nii.gz").exists());
    assert!(folder.join("several/two.nii.gz").exists());
    let text = error(folder, &predict("patient/IM1", "slice", &[]));
    assert!(text.contains("one slice of a DICOM series"), "{text}");
    assert!(!folder.join("slice").exists());
}

#[test]
fn an_output_that_is_called_as_no_image_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let image = "images/spheres_000.nii.gz";
    let text = error(folder, &predict(image, "out.xyz", &[]));
    assert!(
        text.contains("out.xyz") && text.contains(".nii.gz"),
        "{text}"
    );
    let text = error(folder, &predict("images", "out.nii.gz", &[]));
    assert!(text.contains("4 cases"), "{text}");
    assert!(!folder.join("out.xyz").exists() && !folder.join("out.nii.gz").exists());
    success(folder, &predict(image, "out.v2", &[]));
    success(folder, &predict(image, "named.folder/", &[]));
    assert!(folder.join("named.folder/spheres_000.nii.gz").exists());
}

#[test]
fn names_of_labels_go_from_the_model_to_the_file_and_to_the_scores() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    success(folder, &predict("images/spheres_000.nii.gz", "a.nrrd", &[]));
    let names = vesalius::io::probe(folder.join("a.nrrd")).unwrap().labels;
    let names: Vec<&str> = names.iter().map(|label| label.name.as_str()).collect();
    assert_eq!(names, ["dark", "bright"]);
    success(folder, &predict("images", "out", &[]));
    // The names are in the files themselves, where no record is.
    std::fs::create_dir(folder.join("moved")).unwrap();
    for entry in std::fs::read_dir(folder.join("out")).unwrap() {
        let from = entry.unwrap().path();
        if from.extension().is_some_and(|ending| ending == "gz") {
            let name = from.file_name().unwrap();
            std::fs::copy(&from, folder.join("moved").join(name)).unwrap();
        }
    }
    std::fs::rename(folder.join("dataset.json"), folder.join("list.json")).unwrap();
    for out in ["out", "moved"] {
        let scores = success(
            folder,
            &["evaluate", "--prediction", out, "--reference", "labels"],
        );
        assert!(
            scores.contains("dark") && !scores.contains("label 1"),
            "{scores}"
        );
    }
    let predicted = "moved/spheres_000.nii.gz";
    let facts = success(folder, &["info", predicted]);
    assert!(facts.contains("1 dark, 2 bright"), "{facts}");
    // The legend of a picture shows them as if they were given.
    let picture = |labels: &str, more: &[&str], output: &str| {
        let scan = "images/spheres_000.nii.gz";
        let view = ["view", scan, "--labels", labels, "--output", output];
        success(folder, &[&view, more].concat());
        bytes(folder, output)
    };
    success(folder, &["convert", predicted, "a.label.mha", "--labels"]);
    let named = picture(predicted, &[], "named.png");
    assert_eq!(
        picture(predicted, &["--names", "a.nrrd"], "given.png"),
        named
    );
    std::fs::rename(folder.join("a.label.mha"), folder.join("b.mha")).unwrap();
    assert_ne!(picture("b.mha", &[], "bare.png"), named);
}
