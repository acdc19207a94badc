//! `vesalius auto analyze` and `auto plan`: what they write, and what they refuse.

mod common;

use common::{dataset, error, success};

fn json(path: &std::path::Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_dataset_is_measured_dealt_to_folds_and_planned() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    let text = success(
        folder,
        &[
            "auto", "analyze", "--data", ".", "--output", "work", "--folds", "3",
        ],
    );
    assert!(text.contains("6 cases, 6 readable; 0 errors"), "{text}");
    let report = json(&folder.join("work/dataset_report.json"));
    assert_eq!(report["facts"].as_array().unwrap().len(), 6);
    let splits = json(&folder.join("work/splits_final.json"));
    assert_eq!(splits.as_array().unwrap().len(), 3);
    let list = vesalius::planning::Datalist::read(folder.join("work/datalist.json")).unwrap();
    assert_eq!(list.folds(), [0, 1, 2]);
    for name in ["datastats.yaml", "datastats_by_case.yaml"] {
        let text = std::fs::read_to_string(folder.join("work").join(name)).unwrap();
        assert!(text.contains("stats_summary"), "{name}");
    }

    let write = |name: &str, channels: &str| {
        let text = format!(
            r#"{{"channel_names": {channels}, "labels": {{"background": 0, "a": 1, "b": 2}},
                 "numTraining": 6, "file_ending": ".nii.gz"}}"#
        );
        std::fs::write(folder.join(name), text).unwrap();
    };
    write("nnunet.json", r#"{"0": "MRI"}"#);
    write("two.json", r#"{"0": "MRI", "1": "CT"}"#);
    let plan = |dataset, planner| {
        let fingerprint = "work/dataset_fingerprint.json";
        let mut arguments = vec!["auto", "plan", "--fingerprint", fingerprint];
        arguments.extend(["--dataset", dataset, "--planner", planner]);
        arguments.extend(["--nnunet-plans", "plans.json"]);
        arguments
    };
    let text = success(folder, &plan("nnunet.json", "nnunet_resenc_m"));
    assert!(
        text.contains("3d_fullres") && text.contains("batch size"),
        "{text}"
    );
    let plans = json(&folder.join("plans.json"));
    assert_eq!(plans["plans_name"], "nnUNetResEncUNetMPlans");
    for (dataset, planner, word) in [
        ("two.json", "nnunet", "of two datasets"),
        ("nnunet.json", "nnunett", "nnunet_resenc_xl"),
        ("work/dataset_report.json", "nnunet", "dataset_report.json"),
    ] {
        let text = error(folder, &plan(dataset, planner));
        assert!(text.contains(word), "{text}");
    }
}

#[test]
fn errors_stop_unless_told_to_go_on() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    dataset(folder, 6);
    let images = folder.join("images");
    let mut files: Vec<_> = std::fs::read_dir(&images)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    std::fs::remove_file(&files[0]).unwrap();
    std::fs::write(&files[1], b"no image").unwrap();
    let arguments = ["auto", "analyze", "--data", ".", "--output", "work"];
    let text = error(folder, &arguments);
    assert!(text.contains("--keep-going"), "{text}");
    assert!(!folder.join("work/dataset_fingerprint.json").exists());
    let report = json(&folder.join("work/dataset_report.json"));
    let kinds: Vec<&str> = report["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["kind"].as_str().unwrap())
        .collect();
    assert!(
        kinds.contains(&"missing") && kinds.contains(&"unreadable"),
        "{kinds:?}"
    );
    success(folder, &[&arguments[..], &["--keep-going"]].concat());
    let fingerprint = json(&folder.join("work/dataset_fingerprint.json"));
    assert_eq!(fingerprint["spacings"].as_array().unwrap().len(), 4);
    let text = error(
        folder,
        &["auto", "analyze", "--data", "nowhere", "--output", "work"],
    );
    assert!(text.contains("nowhere"), "{text}");
    let text = error(
        folder,
        &[
            "auto",
            "analyze",
            "--data",
            ".",
            "--output",
            "work",
            "--keep-going",
            "--folds",
            "9",
        ],
    );
    assert!(text.contains("9 folds"), "{text}");
}
