//! Limits of memory, saved probabilities and their ensembles.

use super::*;

#[test]
fn a_limit_of_memory_changes_no_voxel() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let case = "images/spheres_001.nii.gz";
    success(folder, &predict(case, "free.nii", &[]));
    success(
        folder,
        &predict(case, "tight.nii", &["--max-memory", "200MiB"]),
    );
    assert_eq!(bytes(folder, "free.nii"), bytes(folder, "tight.nii"));
    let text = error(folder, &predict(case, "no.nii", &["--max-memory", "1MB"]));
    assert!(text.contains("the smallest that works is"), "{text}");
    let smallest = text
        .split("works is ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    let smallest = smallest.replace(' ', "");
    success(
        folder,
        &predict(case, "least.nii", &["--max-memory", &smallest]),
    );
    assert_eq!(bytes(folder, "free.nii"), bytes(folder, "least.nii"));
    assert!(!folder.join("no.nii").exists());
}

/// Probabilities of 49 MB that lie in a scratch file are saved as those in memory are, in every form.
#[test]
fn a_limit_of_memory_changes_no_saved_probability() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let large = image([160; 3], |[x, y, z]| {
        ((x * 7 + y * 13 + z * 29) % 37) as f32
    });
    vesalius::io::write(folder.join("large.nii"), &large).unwrap();
    let least = [
        "--max-memory",
        "1MB",
        "--step",
        "1",
        "--save-probabilities",
        "npz",
    ];
    let text = error(folder, &predict("large.nii", "no.nii", &least));
    let smallest = text.split("works is ").nth(1).unwrap();
    let smallest = smallest.lines().next().unwrap().replace(' ', "");
    for (form, files) in [
        ("npz", &["large.npz", "large.pkl"][..]),
        ("slabs", &["large.probabilities.zip"]),
        ("nifti", &["large_probabilities.nii.gz"]),
    ] {
        let (free, tight) = (format!("free_{form}"), format!("tight_{form}"));
        for name in [&free, &tight] {
            std::fs::create_dir(folder.join(name)).unwrap();
        }
        let more = ["--step", "1", "--save-probabilities", form];
        let output = format!("{free}/large.nii.gz");
        let told = said(folder, &predict("large.nii", &output, &more));
        assert!(
            !told.contains("scratch") && told.contains(" s by its first windows"),
            "{told}"
        );
        let limit = ["--max-memory", &smallest];
        let output = format!("{tight}/large.nii.gz");
        let told = said(
            folder,
            &predict("large.nii", &output, &[&more[..], &limit].concat()),
        );
        assert!(told.contains("probabilities in scratch files"), "{told}");
        for file in files.iter().chain(&["large.nii.gz"]) {
            let of = |folder_name: &str| bytes(folder, &format!("{folder_name}/{file}"));
            assert!(of(&free) == of(&tight), "{form}: {file}");
        }
    }
}

#[test]
fn saved_probabilities_become_an_ensemble() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let (npz, slabs) = (
        ["--save-probabilities", "npz"],
        ["--save-probabilities", "slabs"],
    );
    success(folder, &predict("images", "a", &npz));
    success(folder, &predict("images", "b", &slabs));
    assert!(folder.join("a/spheres_000.pkl").is_file());
    for by in ["probabilities", "logits", "vote"] {
        let output = format!("mean_{by}");
        success(
            folder,
            &["ensemble", "a", "b", "--output", &output, "--by", by],
        );
        let label = format!("{output}/spheres_003.nii.gz");
        assert_eq!(
            bytes(folder, &label),
            bytes(folder, "a/spheres_003.nii.gz"),
            "{by}"
        );
    }
    let weights = ["ensemble", "a", "b", "--output", "c", "--weights", "1"];
    assert!(error(folder, &weights).contains("1 weights for 2 folders"));
    std::fs::remove_file(folder.join("b/spheres_000.probabilities.zip")).unwrap();
    let text = error(folder, &["ensemble", "a", "b", "--output", "c"]);
    assert!(text.contains("spheres_000 is not in all"), "{text}");
    assert!(error(folder, &["ensemble", "a", "images", "--output", "c"]).contains("no saved"));
}

/// A case whose grid at the model's spacing no machine holds, among three good ones.
#[test]
fn one_case_that_is_too_large_does_not_take_the_others_along() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 3);
    let config = std::fs::read_to_string(folder.join("config.yaml")).unwrap();
    let config = config.replace(
        "preprocessing:\n",
        "preprocessing:\n  - spacing: {to: [1, 1, 1]}\n",
    );
    std::fs::write(folder.join("config.yaml"), config).unwrap();
    success(folder, &TRAIN);
    let grid = Geometry::axis_aligned([40, 40, 40], [1000.0; 3]).unwrap();
    let huge = Volume::filled(grid, 1.0f32);
    vesalius::io::write(folder.join("images/huge.nii.gz"), &huge).unwrap();
    let grid = Geometry::axis_aligned([40, 40, 40], [20.0; 3]).unwrap();
    vesalius::io::write(folder.join("large.nii.gz"), &Volume::filled(grid, 1.0f32)).unwrap();
    for more in [&[][..], &["--max-memory", "1GiB"]] {
        let output = format!("out{}", more.len());
        let text = error(folder, &predict("images", &output, more));
        assert!(
            text.contains("huge: error") && text.contains("[40000, 40000, 40000]"),
            "{text}"
        );
        assert!(
            text.contains("1 of 4 cases could not be segmented: huge"),
            "{text}"
        );
        assert!(folder.join(output).join("spheres_002.nii.gz").is_file());
    }
    // 800³ values of four bytes: under what the machine may have, above the limit.
    let text = error(
        folder,
        &predict("large.nii.gz", "l.nii", &["--max-memory", "1GiB"]),
    );
    assert!(
        text.contains("2048000000 bytes") && text.contains("the limit is"),
        "{text}"
    );
    let resampled = [
        "resample",
        "images/huge.nii.gz",
        "r.nii.gz",
        "--spacing",
        "1,1,1",
    ];
    let text = error(folder, &resampled);
    assert!(text.contains("the machine has left"), "{text}");
    // Training names the case instead of ending in an abort.
    let labels = vesalius::volume::LabelMap::<u16>::background(*huge.geometry());
    vesalius::io::write_labels(folder.join("labels/spheres_000.nii.gz"), &labels).unwrap();
    vesalius::io::write(folder.join("images/spheres_000.nii.gz"), &huge).unwrap();
    let train = ["train", "config.yaml", "--output", "m2", "--steps", "1"];
    let output = vesalius(folder, &train);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code().is_some_and(|code| code <= 1), "{text}");
    assert!(
        text.contains("spheres_000") && text.contains("the machine has left"),
        "{text}"
    );
}
