//! The paths by which the small folders that nnU-Net answered with are opened.

use super::made::{check, data, folds, open};
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_inferers::{OpenOptions, Segmenter};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// One fold of the base, as `nnUNet_results` has it.
fn results(root: &Path) -> PathBuf {
    let folder = root.join("nnUNet_results/Dataset900_Made/nnUNetTrainer__nnUNetPlans__3d_fullres");
    std::fs::create_dir_all(folder.join("fold_0")).unwrap();
    for file in ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"] {
        std::fs::copy(data("models/base").join(file), folder.join(file)).unwrap();
    }
    folder
}

/// The folder in an archive, its names below `top`.
fn zipped(folder: &Path, to: &Path, top: &str) {
    let mut writer = ZipWriter::new(std::fs::File::create(to).unwrap());
    for file in ["plans.json", "dataset.json", "fold_0/checkpoint_final.pth"] {
        let name = format!("{top}{file}");
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer
            .write_all(&std::fs::read(folder.join(file)).unwrap())
            .unwrap();
    }
    writer.finish().unwrap();
}

fn refused(path: &Path) -> String {
    Segmenter::open(path).unwrap_err().to_string()
}

#[test]
fn the_same_model_is_opened_by_every_path_to_it() {
    let root = tempfile::tempdir().unwrap();
    let folder = results(root.path());
    let mut paths = vec![
        folder.clone(),
        folder.join("fold_0"),
        folder.join("fold_0/checkpoint_final.pth"),
        folder.join("plans.json"),
        root.path().join("nnUNet_results/Dataset900_Made/"),
        root.path().join("nnUNet_results"),
    ];
    for (name, top) in [
        ("bare.zip", ""),
        ("top.zip", "a model/"),
        (
            "deep.zip",
            "Dataset900_Made/nnUNetTrainer__nnUNetPlans__3d_fullres/",
        ),
    ] {
        let path = root.path().join(name);
        zipped(&folder, &path, top);
        paths.push(path);
    }
    #[cfg(unix)]
    {
        let link = root.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        paths.push(link.join("fold_0"));
        paths.push(link);
    }
    let expected = open(&data("models/base"), &folds(&["0"]));
    for path in &paths {
        let segmenter = open(path, &OpenOptions::default());
        assert_eq!(segmenter.model(), expected.model(), "{}", path.display());
    }
    // The content of an archive is available for as long as it is used.
    let archived = open(&root.path().join("top.zip"), &OpenOptions::default());
    assert!(check(&archived, "thin", "default_thin") <= 1);
}

#[test]
fn paths_that_mean_no_model_or_several_are_refused() {
    let root = tempfile::tempdir().unwrap();
    let folder = results(root.path());
    let other = folder.with_file_name("nnUNetTrainer__nnUNetPlans__2d");
    std::fs::create_dir(&other).unwrap();
    for file in ["plans.json", "dataset.json"] {
        std::fs::copy(folder.join(file), other.join(file)).unwrap();
    }
    let several = refused(&root.path().join("nnUNet_results"));
    assert!(
        several.contains("nnUNetPlans__2d") && several.contains("nnUNetPlans__3d_fullres"),
        "{several}"
    );
    let finished = refused(&other);
    assert!(
        finished.contains("has no fold with a checkpoint_final.pth"),
        "{finished}"
    );
    let scan = refused(&data("images/thin_0000.nii.gz"));
    assert!(
        scan.contains("no part of a model folder") && scan.contains("thick_0000.nii.gz"),
        "{scan}"
    );
    let fold = OpenOptions::new().folds(vec!["1".to_owned()]);
    let text = Segmenter::open_with(folder.join("fold_0"), &fold);
    let text = text.unwrap_err().to_string();
    assert!(text.contains("is one fold, but 1 are asked for"), "{text}");
}

/// `file_ending` of `dataset.json` in each format that is written, and in those that are not.
#[test]
fn results_end_as_the_dataset_says_where_that_is_written() {
    let root = tempfile::tempdir().unwrap();
    let folder = results(root.path());
    let text = std::fs::read_to_string(folder.join("dataset.json")).unwrap();
    for (ending, expected) in [
        (".nii.gz", ".nii.gz"),
        (".nii", ".nii"),
        (".nrrd", ".nrrd"),
        (".mha", ".mha"),
        (".npy", ".nii.gz"),
        ("nii", ".nii.gz"),
        ("/../../x.nii", ".nii.gz"),
        ("", ".nii.gz"),
    ] {
        std::fs::write(folder.join("dataset.json"), text.replace(".nii.gz", ending)).unwrap();
        let segmenter = open(&folder, &OpenOptions::default());
        let pipeline = segmenter.model().nnunet.as_ref().unwrap();
        assert_eq!(pipeline.result_ending(), expected, "{ending}");
    }
}
