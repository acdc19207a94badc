//! `vesalius transform`: results, repetition, the inverse, the picture; and what is refused.

mod common;

use common::{advised, dataset, error, shared_case, success};
use vesalius::io::{read, read_labels};

const IMAGE: &str = "images/spheres_000.nii.gz";
const LABELS: &str = "labels/spheres_000.nii.gz";

const CHAIN: &str = "
- orient: {to: LPS}
- flip: {probability: 1}
- pad: {divisible_by: [8, 8, 8]}
- gaussian_noise: {probability: 1}
";

#[test]
fn samples_repeat_and_come_back_to_the_files_grid() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 1);
    std::fs::write(folder.join("chain.yaml"), CHAIN).unwrap();
    let run = |output: &str, seed: &str| {
        let arguments = [
            "transform",
            "chain.yaml",
            IMAGE,
            "--labels",
            LABELS,
            "--output",
            output,
            "--seed",
            seed,
            "--samples",
            "2",
            "--inverse",
        ];
        success(folder, &arguments)
    };
    let said = run("a", "3");
    assert!(
        said.contains("0 interpolations") && said.lines().count() == 2,
        "{said}"
    );
    run("b", "3");
    run("c", "4");
    let image = |output: &str, file: &str| read(folder.join(output).join(file)).unwrap();
    assert_eq!(image("a", "sample_1.nii.gz"), image("b", "sample_1.nii.gz"));
    assert_ne!(
        image("a", "sample_1.nii.gz").data(),
        image("a", "sample_0.nii.gz").data()
    );
    assert_ne!(
        image("a", "sample_1.nii.gz").data(),
        image("c", "sample_1.nii.gz").data()
    );
    let before = read_labels(folder.join(LABELS)).unwrap();
    let back = read_labels(folder.join("a/sample_0_inverse_labels.nii.gz")).unwrap();
    assert_eq!(back.data(), before.data());
    assert!(back.geometry().is_same(before.geometry()));
    let after = read_labels(folder.join("a/sample_0_labels.nii.gz")).unwrap();
    assert!(after.geometry().size().iter().all(|n| n % 8 == 0));
    let picture = std::fs::read(folder.join("a/montage.png")).unwrap();
    assert!(picture.starts_with(b"\x89PNG") && picture.len() > 2000);
    let trace = std::fs::read_to_string(folder.join("a/sample_0.json")).unwrap();
    assert!(trace.contains("gaussian_noise") && trace.contains("\"flip\""));
}

#[test]
fn several_files_become_channels() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 1);
    std::fs::write(
        folder.join("chain.yaml"),
        "- channel_arithmetic: {of: [1, 0], append: false}",
    )
    .unwrap();
    success(
        folder,
        &["transform", "chain.yaml", IMAGE, IMAGE, "--output", "out"],
    );
    let difference = read(folder.join("out/sample_0.nii.gz")).unwrap();
    assert!(difference.channels() == 1 && difference.data().iter().all(|v| *v == 0.0));
}

#[test]
fn mistakes_end_with_what_to_do() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 1);
    let run = |text: &str, image: &str, more: &[&str]| {
        std::fs::write(folder.join("chain.yaml"), text).unwrap();
        let mut arguments = vec!["transform", "chain.yaml", image, "--output", "out"];
        arguments.extend(more);
        error(folder, &arguments)
    };
    let said = run("- flipp: {}", IMAGE, &[]);
    assert!(
        said.contains("chain.yaml") && said.contains("did you mean `flip`"),
        "{said}"
    );
    let said = run("- gamma: {probabilty: 1}", IMAGE, &[]);
    assert!(said.contains("did you mean `probability`"), "{said}");
    let said = run("- gamma: {probability: 3}", IMAGE, &[]);
    assert!(said.contains("probability is 3"), "{said}");
    let said = run("- patch: {size: [0, 4, 4]}", IMAGE, &[]);
    assert!(said.contains("patch size [0, 4, 4]"), "{said}");
    let said = run(
        "- crop_region: {start: [0, 0, 0], size: [900, 4, 4]}",
        IMAGE,
        &[],
    );
    assert!(said.contains("pad"), "{said}");
    let said = run("- crop_foreground: {labels: true}", IMAGE, &[]);
    assert!(said.contains("no labels"), "{said}");
    let said = run("- light", IMAGE, &["--samples", "0"]);
    assert!(said.contains("1 or more"), "{said}");
    assert!(run("- light", "nowhere.nii.gz", &[]).contains("nowhere.nii.gz"));
    assert!(
        !folder.join("out").exists(),
        "nothing was written for a mistake"
    );
}

/// Labels given as the image: where the chain interpolates, the command fails with a question, and the commands that
/// it prints run.
#[test]
fn an_image_that_may_be_labels_is_asked_about() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 1);
    let chain = |text: &str| std::fs::write(folder.join("chain.yaml"), text).unwrap();
    chain("- flip: {probability: 1}");
    // Nothing is mixed by a flip.
    success(
        folder,
        &["transform", "chain.yaml", LABELS, "--output", "flipped"],
    );
    chain("- spacing: {to: [0.7, 0.7, 0.7]}");
    let text = error(
        folder,
        &["transform", "chain.yaml", LABELS, "--output", "alone"],
    );
    assert!(
        text.contains("whole numbers") && text.contains("--labels"),
        "{text}"
    );
    assert!(!folder.join("alone").exists());
    let two = [
        "transform",
        "chain.yaml",
        IMAGE,
        LABELS,
        "--output",
        "both",
        "--seed",
        "4",
    ];
    let text = error(folder, &two);
    let commands = advised(&text);
    assert_eq!(commands.len(), 2, "{text}");
    for command in commands {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        success(folder, &words);
        let labels = words.contains(&"--labels");
        let written = folder.join("both/sample_0_labels.nii.gz");
        assert_eq!(written.exists(), labels, "{words:?}");
        if labels {
            let found = read_labels(written).unwrap().counts();
            let before = read_labels(folder.join(LABELS)).unwrap().counts();
            assert!(found.keys().eq(before.keys()), "{found:?}");
        }
        std::fs::remove_dir_all(folder.join("both")).unwrap();
    }
}

/// `../shared/cases/limits`, row 4: a margin in mm takes the voxels that cover it, and no more.
#[test]
fn a_margin_on_an_oblique_grid_is_not_one_voxel_wider() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let Some(case) = shared_case("limits/crop_oblique.nii.gz") else {
        return;
    };
    let case = case.to_str().unwrap();
    let chain = "- crop_foreground: {labels: true, millimetres: [3, 3, 3]}";
    std::fs::write(folder.join("chain.yaml"), chain).unwrap();
    let words = [
        "transform",
        "chain.yaml",
        case,
        "--labels",
        case,
        "--output",
        "out",
    ];
    success(folder, &words);
    let size = read(folder.join("out/sample_0.nii.gz"))
        .unwrap()
        .geometry()
        .size();
    assert_eq!(size, [7, 7, 7]);
    let chain = "- drop_small: {volume: 10}";
    std::fs::write(folder.join("chain.yaml"), chain).unwrap();
    let Some(case) = shared_case("limits/keep_larger_oblique.nii.gz") else {
        return;
    };
    let case = case.to_str().unwrap();
    success(
        folder,
        &[
            "transform",
            "chain.yaml",
            case,
            "--labels",
            case,
            "--output",
            "small",
        ],
    );
    let kept = read_labels(folder.join("small/sample_0_labels.nii.gz")).unwrap();
    assert_eq!(kept.data().iter().filter(|&&label| label != 0).count(), 210);
}

#[test]
fn a_chain_without_a_transform_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 1);
    for text in ["", "[]", "# nothing yet\n"] {
        std::fs::write(folder.join("empty.yaml"), text).unwrap();
        let text = error(
            folder,
            &[
                "transform",
                "empty.yaml",
                "images/spheres_000.nii.gz",
                "--output",
                "out",
            ],
        );
        assert!(text.contains("empty.yaml"), "{text}");
        assert!(!folder.join("out").exists());
    }
}
