//! Folders that are continued: after other models, changed files, another process, a full disk.

use super::*;

#[test]
fn a_folder_is_gone_on_with_and_models_are_not_mixed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let first = said(folder, &predict("images", "out", &[]));
    assert!(
        first.contains("windows") && first.contains("[4/4]"),
        "{first}"
    );
    std::fs::remove_file(folder.join("out/spheres_002.nii.gz")).unwrap();
    let again = said(folder, &predict("images", "out", &[]));
    assert_eq!(again.matches("is there already").count(), 3, "{again}");
    let text = error(folder, &predict("images", "out", &["--step", "1"]));
    assert!(text.contains("other settings"), "{text}");
    let table = success(folder, &predict("images", "out", &["--overwrite"]));
    assert!(
        table.contains("dark (ml)") || table.contains("bright (ml)"),
        "{table}"
    );
    let json = success(folder, &predict("images", "out", &["--json"]));
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(lines[3]["was_there"], true);
}

#[test]
fn results_are_made_again_when_model_image_or_result_changed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    success(folder, &predict("images", "out", &[]));
    let first = bytes(folder, "out/spheres_000.nii.gz");
    // A copy has another time and the same content: nothing to do. Another image of the same name and
    // size, a result that was cut, and one that somebody worked on: each is made again.
    std::fs::copy(
        folder.join("images/spheres_003.nii.gz"),
        folder.join("copy"),
    )
    .unwrap();
    std::fs::rename(
        folder.join("copy"),
        folder.join("images/spheres_003.nii.gz"),
    )
    .unwrap();
    let other = vesalius::io::read(folder.join("images/spheres_001.nii.gz")).unwrap();
    vesalius::io::write(
        folder.join("images/spheres_001.nii.gz"),
        &other.map(|value| -value),
    )
    .unwrap();
    std::fs::write(
        folder.join("out/spheres_000.nii.gz"),
        &first[..first.len() / 2],
    )
    .unwrap();
    let grid = *vesalius::io::probe(folder.join("out/spheres_002.nii.gz"))
        .unwrap()
        .geometry
        .affine();
    let grid = Geometry::new([3; 3], grid).unwrap();
    let corrected = vesalius::volume::LabelMap::<u16>::background(grid);
    vesalius::io::write_labels(folder.join("out/spheres_002.nii.gz"), &corrected).unwrap();
    let json = success(folder, &predict("images", "out", &["--json"]));
    let lines: serde_json::Value = serde_json::from_str(&json).unwrap();
    let there: Vec<bool> = (0..4).map(|i| lines[i]["was_there"] == true).collect();
    assert_eq!(there, [false, false, false, true]);
    assert_eq!(bytes(folder, "out/spheres_000.nii.gz"), first);
    assert_eq!(lines[2]["warnings"][0]["kind"], "result_changed");
    let kept = folder.join("out/spheres_002.nii.gz.changed-1");
    assert!(kept.is_file(), "{:?}", listed(&folder.join("out")));
    // Other weights under the same description are another model.
    success(
        folder,
        &[
            "train",
            "config.yaml",
            "--output",
            "model_b",
            "--steps",
            "3",
        ],
    );
    let weights = "members/fold_0/weights.safetensors";
    std::fs::copy(
        folder.join("model_b").join(weights),
        folder.join("model").join(weights),
    )
    .unwrap();
    let description = folder.join("model/model.yaml");
    std::fs::copy(folder.join("model_b/model.yaml"), description).unwrap();
    let text = error(folder, &predict("images", "out", &[]));
    assert!(text.contains("the weights"), "{text}");
    let again = said(folder, &predict("images", "out", &["--overwrite"]));
    assert!(!again.contains("is there already"), "{again}");
    // A file that is no result of ours is never overwritten unasked.
    std::fs::create_dir(folder.join("mine")).unwrap();
    std::fs::write(folder.join("mine/spheres_000.nii.gz"), "mine").unwrap();
    let text = error(folder, &predict("images", "mine", &[]));
    assert!(text.contains("was not made by this command"), "{text}");
    assert_eq!(bytes(folder, "mine/spheres_000.nii.gz"), b"mine");
}

#[test]
fn a_folder_that_another_process_writes_is_refused_with_its_holder() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let held = vesalius::io::FolderLock::exclusive(folder.join("out")).unwrap();
    let text = error(folder, &predict("images", "out", &[]));
    let holder = format!("process {}", std::process::id());
    assert!(
        text.contains("is being written by") && text.contains(&holder),
        "{text}"
    );
    drop(held);
    success(folder, &predict("images", "out", &[]));
    assert!(!listed(&folder.join("out")).contains(&".vesalius.lock".to_owned()));
}

/// Disks of several sizes that fill up: finished cases stay, the file is named once, and the same command continues
/// once there is space.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run_and_the_same_command_goes_on() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    for form in ["npz", "slabs"] {
        let Some(disk) = common::disk::SmallDisk::mount("300k") else {
            return;
        };
        let output = disk.path().join("out").display().to_string();
        let more = ["--save-probabilities", form];
        let run = vesalius(folder, &predict("images", &output, &more));
        let text = String::from_utf8_lossy(&run.stderr).into_owned();
        assert_eq!(run.status.code(), Some(1), "{text}");
        assert!(
            text.contains("No space left") && text.contains("the run ends here"),
            "{text}"
        );
        assert!(text.contains("stopped after"), "{text}");
        assert!(
            !text.contains("panicked") && !text.contains("ZipWriter"),
            "{text}"
        );
        let left = listed(&disk.path().join("out"));
        assert!(left.iter().all(|name| !name.ends_with(".part")), "{left:?}");
        let done = left.iter().filter(|name| name.ends_with(".nii.gz")).count();
        disk.resize("20m");
        let again = said(folder, &predict("images", &output, &more));
        assert!(
            again.matches("is there already").count() >= done.saturating_sub(1),
            "{again}"
        );
        assert!(again.contains("[4/4]"), "{again}");
        disk.allow("ro");
        let text = error(folder, &predict("images", &output, &["--overwrite"]));
        assert!(text.contains("Read-only"), "{text}");
        disk.allow("rw");
    }
}
