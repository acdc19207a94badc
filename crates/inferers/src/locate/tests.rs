//! Paths to small made folders; the files are empty, as only their names count here.

use super::*;

/// Empty files below a temporary folder.
fn made(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    root
}

const NNUNET: [&str; 4] = [
    "T__P__3d/plans.json",
    "T__P__3d/dataset.json",
    "T__P__3d/fold_0/checkpoint_final.pth",
    "T__P__3d/fold_0/checkpoint_best.pth",
];

/// The folder's name, the fold and the checkpoint that a path means.
fn found(path: &Path) -> (String, Option<String>, Option<String>) {
    let located = Located::find(path).unwrap();
    (name_of(&located.folder), located.fold, located.checkpoint)
}

fn refused(path: &Path, words: &[&str]) {
    let text = Located::find(path).unwrap_err().to_string();
    assert!(text.contains(&*path.to_string_lossy()), "{text}");
    for word in words {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_model_of_nnunet_is_found_by_each_of_its_parts() {
    let root = made(&NNUNET);
    let folder = root.path().join("T__P__3d");
    let model = |fold: Option<&str>, checkpoint: Option<&str>| {
        let text = |name: Option<&str>| name.map(str::to_owned);
        ("T__P__3d".to_owned(), text(fold), text(checkpoint))
    };
    for whole in ["", "plans.json", "dataset.json"] {
        assert_eq!(found(&folder.join(whole)), model(None, None), "{whole}");
    }
    assert_eq!(found(root.path()), model(None, None));
    for slash in ["", "/", "/.", "//"] {
        let named = |part: &str| PathBuf::from(format!("{}{part}{slash}", folder.display()));
        assert_eq!(found(&named("")), model(None, None), "{slash}");
        assert_eq!(
            found(&named("/fold_0")),
            model(Some("fold_0"), None),
            "{slash}"
        );
    }
    let best = Some("checkpoint_best.pth");
    for (file, checkpoint) in [
        ("checkpoint_final.pth", None),
        ("checkpoint_best.pth", best),
    ] {
        let path = folder.join("fold_0").join(file);
        assert_eq!(found(&path), model(Some("fold_0"), checkpoint));
    }
}

#[test]
fn a_model_of_ours_is_found_by_each_of_its_parts() {
    let root = made(&[
        "run/model.yaml",
        "run/members/fold_1/weights.safetensors",
        "run/model_2/model.yaml",
        "work/history.json",
        "work/model/model.yaml",
        "work/runs/a/model.yaml",
        "work/runs/b/model.yaml",
    ]);
    let at = |path: &str| found(&root.path().join(path));
    let run = |fold: Option<&str>| ("run".to_owned(), fold.map(str::to_owned), None);
    for whole in ["run", "run/", "run/model.yaml", "run/members"] {
        assert_eq!(at(whole), run(None), "{whole}");
    }
    for member in [
        "run/members/fold_1",
        "run/members/fold_1/weights.safetensors",
    ] {
        assert_eq!(at(member), run(Some("fold_1")), "{member}");
    }
    assert_eq!(at("work"), ("model".to_owned(), None, None));
}

#[test]
fn a_folder_around_one_model_means_it_and_one_around_several_names_them() {
    let root = made(&NNUNET);
    let results = tempfile::tempdir().unwrap();
    let dataset = results.path().join("nnUNet_results/Dataset004_Made");
    std::fs::create_dir_all(&dataset).unwrap();
    std::fs::rename(root.path().join("T__P__3d"), dataset.join("T__P__3d")).unwrap();
    for path in [
        dataset.as_path(),
        &results.path().join("nnUNet_results"),
        results.path(),
    ] {
        assert_eq!(found(path), ("T__P__3d".to_owned(), None, None));
    }
    let other = dataset.join("T__P__2d");
    std::fs::create_dir_all(&other).unwrap();
    for file in ["plans.json", "dataset.json"] {
        std::fs::write(other.join(file), "").unwrap();
    }
    refused(
        &dataset,
        &["holds 2 models; name one of them: T__P__2d, T__P__3d"],
    );
    let above = results.path().join("nnUNet_results");
    refused(&above, &["Dataset004_Made/T__P__2d"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_may_stand_for_folds() {
    use std::os::unix::fs::symlink;
    let root = made(&NNUNET);
    let (folder, links) = (root.path().join("T__P__3d"), tempfile::tempdir().unwrap());
    let link = |name: &str, to: &Path| {
        let path = links.path().join(name);
        symlink(to, &path).unwrap();
        path
    };
    let fold = Some("fold_0".to_owned());
    assert_eq!(found(&link("latest", &folder)).0, "T__P__3d");
    assert_eq!(found(&link("best", &folder.join("fold_0"))).1, fold);
    let file = link("weights", &folder.join("fold_0/checkpoint_best.pth"));
    let best = Some("checkpoint_best.pth".to_owned());
    assert_eq!((found(&file).1, found(&file).2), (fold, best));
    // A fold and a checkpoint elsewhere, and a folder whose name alone contains the configuration.
    let elsewhere = made(&["stored/x.pth"]);
    let stored = elsewhere.path().join("stored");
    symlink(&stored, folder.join("fold_1")).unwrap();
    symlink(
        stored.join("x.pth"),
        folder.join("fold_0/checkpoint_latest.pth"),
    )
    .unwrap();
    assert_eq!(found(&folder.join("fold_1")).1.unwrap(), "fold_1");
    let latest = found(&folder.join("fold_0/checkpoint_latest.pth"));
    assert_eq!(latest.2.unwrap(), "checkpoint_latest.pth");
    let plain = root.path().join("plain");
    std::fs::rename(&folder, &plain).unwrap();
    assert_eq!(found(&link("T__P__2d", &plain)).0, "T__P__2d");
    refused(
        &link("broken", Path::new("/nowhere/at/all")),
        &["does not exist"],
    );
}

#[test]
fn what_is_no_model_is_told_with_what_was_looked_for_and_what_lies_there() {
    let looked = ["`model.yaml`", "`plans.json`", ".zip"];
    let says = |files: &[&str], path: &str, words: &[&str]| {
        refused(&made(files).path().join(path), words);
    };
    let looks = |files: &[&str], path: &str, words: &[&str]| {
        says(files, path, words);
        says(files, path, &looked);
    };
    looks(
        &["a/scan.nii.gz", "a/b/c"],
        "a",
        &["holds no model", "holds b/, scan.nii.gz"],
    );
    looks(
        &["a/scan.nii.gz"],
        "a/scan.nii.gz",
        &["no part of a model folder", "lies scan.nii.gz"],
    );
    looks(
        &["w.pth", "notes"],
        "w.pth",
        &["file of weights without a description", "lies notes, w.pth"],
    );
    looks(
        &["a/plans.json", "a/fold_0/x", "a/postprocessing.json"],
        "a",
        &["no `dataset.json`", "fold_0/"],
    );
    looks(
        &["a/dataset.json", "a/imagesTr/x"],
        "a",
        &["no `plans.json`", "imagesTr/"],
    );
    looks(&["a/training.yaml"], "a", &["`FitOptions::resume`"]);
    says(&["a/b"], "a/models", &["does not exist", "holds b"]);
    says(&["a/b"], "x/y/z", &["does not exist", "holds a/"]);
    let empty = tempfile::tempdir().unwrap();
    refused(empty.path(), &["holds no model", "it holds nothing"]);
    let many: Vec<String> = (0..40).map(|n| format!("a/{n:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    says(&many, "a", &["00, 01", "and 28 more"]);
}

#[test]
fn models_of_the_first_version_are_refused_by_that_name() {
    let trainer = "nnUNet/3d_fullres/Task004/nnUNetTrainerV2__nnUNetPlansv2.1";
    let files = [
        "plans.pkl",
        "fold_0/model_final_checkpoint.model",
        "fold_0/model_final_checkpoint.model.pkl",
    ];
    let files = files.map(|file| format!("{trainer}/{file}"));
    let root = made(&files.each_ref().map(String::as_str));
    for part in [
        "",
        "plans.pkl",
        "fold_0",
        "fold_0/model_final_checkpoint.model",
        "fold_0/model_final_checkpoint.model.pkl",
    ] {
        refused(
            &root
                .path()
                .join(trainer)
                .join(part)
                .components()
                .collect::<PathBuf>(),
            &["nnU-Net v1", "v2"],
        );
    }
    for above in ["nnUNet/3d_fullres/Task004", "nnUNet/3d_fullres", "nnUNet"] {
        refused(&root.path().join(above), &["nnU-Net v1"]);
    }
}
