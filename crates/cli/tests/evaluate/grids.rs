//! Predictions on other grids than their references, and tolerances that equal a spacing.

use super::common::{shared_case, success, vesalius};
use vesalius::io::write_labels;
use vesalius::volume::{Geometry, LabelMap};

#[test]
fn every_command_that_a_message_about_grids_names_keeps_labels() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    // Half a voxel apart, labels 2 and 4 side by side: interpolated as numbers they would give 1 and 3.
    let map = |shift: f64| {
        let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let grid =
            Geometry::from_parts([24, 20, 16], [1.0; 3], [shift, 0.0, 0.0], identity).unwrap();
        LabelMap::from_fn(grid, |[x, y, z]| match (x, y, z) {
            (4..12, 4..14, 4..12) => 2u16,
            (12..20, 4..14, 4..12) => 4,
            _ => 0,
        })
    };
    for name in ["a folder", "references"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    write_labels(folder.join("a folder/case 1.nii.gz"), &map(0.5)).unwrap();
    write_labels(folder.join("references/case 1.nii.gz"), &map(0.0)).unwrap();
    for (prediction, reference) in [
        ("a folder/case 1.nii.gz", "references/case 1.nii.gz"),
        ("a folder", "references"),
    ] {
        let evaluate = |prediction: &str, more: &[&str]| {
            let words = [
                "evaluate",
                "--prediction",
                prediction,
                "--reference",
                reference,
                "--json",
            ];
            vesalius(folder, &[&words[..], more].concat())
        };
        let output = evaluate(prediction, &[]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(
            text.contains("do not share a grid") && text.contains("case 1"),
            "{text}"
        );
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| line.contains("vesalius "))
            .collect();
        assert_eq!(lines.len(), 2, "{text}");
        for line in lines {
            // As a shell runs it.
            let command = line.split_once("vesalius ").unwrap().1;
            let script = format!("\"$0\" {command}");
            let output = std::process::Command::new("sh")
                .args(["-c", &script, env!("CARGO_BIN_EXE_vesalius")])
                .current_dir(folder)
                .output()
                .unwrap();
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{command}: {errors}");
            let json = match command.starts_with("resample") {
                true => {
                    let name = "case 1_on_reference.nii.gz";
                    let made = [format!("a folder/{name}"), name.to_owned()];
                    let made = made
                        .iter()
                        .find(|path| folder.join(path).exists())
                        .unwrap()
                        .clone();
                    let reference = "references/case 1.nii.gz";
                    let words = [
                        "evaluate",
                        "--prediction",
                        &made,
                        "--reference",
                        reference,
                        "--json",
                    ];
                    let scored = success(folder, &words);
                    std::fs::remove_file(folder.join(made)).unwrap();
                    scored
                }
                false => {
                    assert!(errors.contains("nearest labels"), "{errors}");
                    String::from_utf8(output.stdout).unwrap()
                }
            };
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            let labels: Vec<&String> = json["labels"].as_object().unwrap().keys().collect();
            assert_eq!(labels, ["2", "4"]);
            // Halves are rounded up, so the blocks lie one voxel apart at most: 7 of 8 layers agree.
            assert!(json["mean"]["dice"].as_f64().unwrap() >= 0.875, "{json}");
        }
    }
}

/// `../shared/cases/limits`, row 1, and a straight grid of 0.6 mm written as NIfTI and as MetaImage.
#[test]
fn a_tolerance_that_equals_the_spacing_counts_on_any_grid() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let scored = |prediction: &str, reference: &str, tolerance: &str| -> serde_json::Value {
        let words = [
            "evaluate",
            "--prediction",
            prediction,
            "--reference",
            reference,
            "--metrics",
        ];
        let more = ["nsd,nsd_deepmind", "--tolerance", tolerance, "--json"];
        serde_json::from_str(&success(folder, &[&words[..], &more].concat())).unwrap()
    };
    let grid = Geometry::axis_aligned([30, 26, 22], [0.6; 3]).unwrap();
    let cube = |shift: usize| {
        LabelMap::from_fn(grid, |at| {
            u16::from(
                (5 + shift..15 + shift).contains(&at[0])
                    && at[1] > 5
                    && at[1] < 16
                    && at[2] > 5
                    && at[2] < 16,
            )
        })
    };
    let mut values = Vec::new();
    for ending in ["nii.gz", "mha", "nii"] {
        let name = |what: &str| format!("{what}.{ending}");
        write_labels(folder.join(name("p")), &cube(1)).unwrap();
        write_labels(folder.join(name("r")), &cube(0)).unwrap();
        let json = scored(&name("p"), &name("r"), "0.6");
        values.push((
            json["mean"]["nsd_0.6mm"].as_f64().unwrap(),
            json["mean"]["nsd_0.6mm_deepmind"].as_f64().unwrap(),
        ));
    }
    assert!(
        values.iter().all(|v| *v == values[0]) && values[0].0 == 1.0,
        "{values:?}"
    );
    let (Some(prediction), Some(reference)) = (
        shared_case("limits/nsd_pred_oblique.nii.gz"),
        shared_case("limits/nsd_ref_oblique.nii.gz"),
    ) else {
        return;
    };
    // MONAI 1.6.1 with spacing 1: compute_surface_dice(class_thresholds=[1]) of each label.
    let json = scored(
        prediction.to_str().unwrap(),
        reference.to_str().unwrap(),
        "1",
    );
    let found: Vec<f64> = json["labels"]
        .as_object()
        .unwrap()
        .values()
        .map(|l| l["nsd_1mm"].as_f64().unwrap())
        .collect();
    let expected = [0.9231, 0.9426];
    assert_eq!(found.len(), 2, "{json}");
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(f, e)| (f - e).abs() < 1e-4),
        "{found:?}"
    );
}
