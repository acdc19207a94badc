//! `vesalius auto`, stage by stage from scans to predictions, on datasets made for what they have:
//! Hounsfield units in thick slices, two channels, regions, broken files.

mod common;

use common::made::{MRI, Made, input, plan_of};
use common::{error, success, vesalius};
use std::path::Path;
use vesalius::prelude::LabelMap;

/// Runs a command with minutes to its end: where a slow machine left something out, the same command continues, as
/// its message advises. Returns the output of the last call.
fn to_the_end(folder: &Path, arguments: &[&str]) -> String {
    for _ in 0..5 {
        let ended = vesalius(folder, arguments);
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        if ended.status.success() {
            return String::from_utf8_lossy(&ended.stdout).into_owned() + &text;
        }
        let told = ["not finished", "the same call goes on"];
        assert!(told.iter().any(|told| text.contains(told)), "{text}");
    }
    panic!("{arguments:?} does not come to its end");
}

#[test]
fn every_stage_alone_leads_to_predictions() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\n");
    let auto = |arguments: &[&str]| success(folder, &[&["auto"], arguments].concat());
    let printed = auto(&["analyze", "input.yaml", "--output", "work"]);
    assert!(printed.contains("6 cases, 6 readable"), "{printed}");
    let printed = auto(&["plan", "work", "--minutes", "0.1"]);
    assert!(
        printed.contains("plan vesalius") && printed.contains("a step of 2 patches takes"),
        "{printed}"
    );
    assert!(
        printed.contains("only left and right are mirrored"),
        "{printed}"
    );
    let plan = plan_of(folder, "vesalius");
    assert!(plan.contains("unet") && plan.contains("minutes"), "{plan}");
    // Planned is planned: a second time changes nothing, and nothing is measured again.
    auto(&["plan", "work"]);
    assert_eq!(plan_of(folder, "vesalius"), plan);

    std::fs::write(
        folder.join("space.yaml"),
        "optimizer.adamw.learning_rate: {float: {low: 0.001, high: 0.01, log: true}}\n",
    )
    .unwrap();
    let tune = [
        "tune",
        "work",
        "--space",
        "space.yaml",
        "--trials",
        "2",
        "--steps",
        "6",
    ];
    let printed = auto(&tune);
    assert!(
        printed.contains("trial 1:") && printed.contains("learning_rate = "),
        "{printed}"
    );
    let tuned = plan_of(folder, "vesalius_tuned");
    assert!(tuned.contains("the best"), "{tuned}");
    std::fs::remove_file(folder.join("work/plans/vesalius.yaml")).unwrap();

    let train = ["auto", "train", "work", "--minutes", "0.2", "--algorithms"];
    let unknown = error(folder, &[&train[..], &["vesalius"]].concat());
    assert!(
        unknown.contains("no plan is called vesalius; there are vesalius_tuned"),
        "{unknown}"
    );
    to_the_end(folder, &[&train[..], &["vesalius_tuned"]].concat());
    auto(&["ensemble", "work"]);
    let printed = auto(&["predict", "work"]);
    assert!(printed.contains("1 of 1 cases"), "{printed}");
    assert!(folder.join("work/predictions/image_6.nii.gz").exists());
    auto(&["report", "work"]);
    let page = std::fs::read_to_string(folder.join("work/report.html")).unwrap();
    for part in [
        "the best",
        "Worst cases",
        "Volume of each label",
        "Mean intensity",
    ] {
        assert!(page.contains(part), "the report lacks {part}");
    }
    // The memory a run held, in MiB or GiB by how much the machine's kernels take.
    assert!(
        page.contains(" GiB") || page.contains(" MiB"),
        "the report lacks the memory of the runs"
    );
}

#[test]
fn the_peers_algorithms_are_planned_with_reasons() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\n");
    success(
        folder,
        &["auto", "analyze", "input.yaml", "--output", "work"],
    );
    let names =
        "segresnet,segresnet2d,swinunetr,nnunet_3d_fullres,nnunet_2d,nnunet_resenc_m_3d_fullres";
    success(folder, &["auto", "plan", "work", "--algorithms", names]);
    for (name, expected) in [
        ("segresnet", ["segresnet_ds", "0.0002"]),
        ("segresnet2d", ["slice_axis", "segresnet_ds"]),
        ("swinunetr", ["swin_unetr", "0.0004"]),
        ("nnunet_3d_fullres", ["plain_conv_unet", "250000"]),
        ("nnunet_2d", ["slice_axis", "nnunet_2d"]),
        (
            "nnunet_resenc_m_3d_fullres",
            ["residual_encoder_unet", "nesterov"],
        ),
    ] {
        let plan = plan_of(folder, name);
        for word in expected {
            assert!(plan.contains(word), "{name} lacks {word}: {plan}");
        }
    }
    let message = error(
        folder,
        &["auto", "plan", "work", "--algorithms", "segresnt"],
    );
    assert!(message.contains("did you mean `segresnet`"), "{message}");
    let message = error(folder, &["auto", "plan", "work", "--algorithms", "dints"]);
    assert!(message.contains("DiNTS"), "{message}");
    let message = error(
        folder,
        &["auto", "plan", "work", "--algorithms", "nnunet_3d_lowres"],
    );
    assert!(message.contains("3d_lowres"), "{message}");
    let message = error(
        folder,
        &["auto", "tune", "work", "--algorithm", "segresnet9"],
    );
    assert!(message.contains("segresnet2d"), "{message}");
    std::fs::write(
        folder.join("space.yaml"),
        "optimizer.adam.learning_rate: {float: {low: 1, high: 2}}\n",
    )
    .unwrap();
    let message = error(
        folder,
        &[
            "auto",
            "tune",
            "work",
            "--algorithm",
            "segresnet",
            "--space",
            "space.yaml",
        ],
    );
    assert!(
        message.contains("optimizer.adamw.learning_rate"),
        "{message}"
    );
}

#[test]
fn thick_slices_in_hounsfield_units_run_to_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let made = Made {
        cases: 12,
        size: [32, 30, 8],
        spacing: [0.8, 0.8, 5.0],
        channels: 1,
        intensities: [-80.0, 40.0, 120.0],
        noise: 20.0,
    };
    made.write(folder);
    input(folder, "name: made\nmodality: CT\n");
    let run = [
        "auto",
        "run",
        "input.yaml",
        "--output",
        "work",
        "--minutes",
        "0.3",
    ];
    let printed = to_the_end(folder, &run);
    assert!(
        printed.contains("CTNormalization") && printed.contains("taken:"),
        "{printed}"
    );
    let plan = plan_of(folder, "vesalius");
    assert!(plan.contains("standard_deviation"), "{plan}");
    let segmented =
        vesalius::io::read_labels(folder.join("work/predictions/image_12.nii.gz")).unwrap();
    let segmented: LabelMap = segmented;
    assert_eq!(segmented.geometry().size(), [32, 30, 8]);
}

#[test]
fn two_channels_and_regions_run_to_the_end() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    Made { channels: 2, ..MRI }.write(folder);
    let regions = "class_names:\n  - {name: whole, index: [1, 2]}\n  - {name: inner, index: [2]}\n";
    input(
        folder,
        &format!("name: made\nmodality: MRI\nsigmoid: true\n{regions}"),
    );
    let run = [
        "auto",
        "run",
        "input.yaml",
        "--output",
        "work",
        "--minutes",
        "0.3",
    ];
    let printed = to_the_end(folder, &run);
    assert!(printed.contains("taken:"), "{printed}");
    let report: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("work/report.json")).unwrap()).unwrap();
    assert!(
        report["ensemble"]["dice"].as_f64().unwrap() > 0.0,
        "{report}"
    );
}

#[test]
fn broken_cases_stop_the_work_or_are_left_out_by_name() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\n");
    std::fs::write(folder.join("image_2.nii.gz"), b"no image").unwrap();
    let run = [
        "auto",
        "run",
        "input.yaml",
        "--output",
        "work",
        "--minutes",
        "0.2",
    ];
    let message = error(folder, &run);
    assert!(
        message.contains("image_2") && message.contains("--keep-going"),
        "{message}"
    );
    to_the_end(folder, &[&run[..], &["--keep-going"]].concat());
    let left_out = std::fs::read_to_string(folder.join("work/left_out.json")).unwrap();
    assert!(
        left_out.contains("image_2") && !left_out.contains("image_1"),
        "{left_out}"
    );
    // Later stages go on without it, unasked.
    success(folder, &["auto", "report", "work"]);
}

#[test]
fn datasets_that_cannot_be_learnt_from_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    Made { cases: 1, ..MRI }.write(folder);
    input(folder, "name: made\nmodality: MRI\n");
    let run = ["auto", "run", "input.yaml", "--output", "one"];
    let message = error(folder, &run);
    assert!(message.contains("case"), "{message}");

    Made { cases: 4, ..MRI }.write(folder);
    for number in 0..4 {
        let path = folder.join(format!("label_{number}.nii.gz"));
        let labels: LabelMap = vesalius::io::read_labels(&path).unwrap();
        vesalius::io::write_labels(&path, &LabelMap::<u16>::background(*labels.geometry()))
            .unwrap();
    }
    let message = error(folder, &["auto", "run", "input.yaml", "--output", "empty"]);
    assert!(message.contains("label"), "{message}");
}
