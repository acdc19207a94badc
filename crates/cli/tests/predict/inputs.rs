//! What an input holds: DICOM folders, one slice of a series; and what outputs are called.

use super::{predict, trained};
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
    // In a folder of scans it is a case beside the others.
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
    let scores = success(
        folder,
        &["evaluate", "--prediction", "out", "--reference", "labels"],
    );
    assert!(
        scores.contains("dark") && !scores.contains("label 1"),
        "{scores}"
    );
}
