//! `vesalius auto` on a small made dataset: all stages, a kill in the middle, runs that fail, and
//! mistakes.

mod common;

use common::{dataset, error, killed, success, vesalius};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

const INPUT: &str = "name: spheres\nmodality: MRI\ndatalist: dataset.json\n";

/// A plan that trains in seconds; `rate` decides whether it learns or breaks off.
fn plan(folder: &Path, name: &str, channels: &str, rate: &str, steps: u64) {
    std::fs::create_dir_all(folder.join("work/plans")).unwrap();
    let text = format!(
        "because: [it is small]
training:
  name: {name}
  preprocessing:
    - z_score: {{}}
  patch: {{size: [16, 16, 16], sampling: {{positive: 1, negative: 1}}}}
  network:
    unet: {{channels: {channels}, strides: [2], num_res_units: 1}}
  optimizer:
    adamw: {{learning_rate: {rate}}}
  duration: {{steps: {steps}}}
  validation: {{times: 2}}
"
    );
    std::fs::write(folder.join(format!("work/plans/{name}.yaml")), text).unwrap();
}

fn prepare(folder: &Path) {
    dataset(folder, 4);
    std::fs::write(folder.join("input.yaml"), INPUT).unwrap();
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

const RUN: [&str; 5] = ["auto", "run", "input.yaml", "--output", "work"];

#[test]
fn from_plans_to_a_model_that_segments() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    plan(folder, "narrow", "[4, 8]", "0.01", 100);
    plan(folder, "wide", "[8, 16]", "0.01", 100);
    let printed = success(folder, &RUN);
    assert!(
        printed.contains("taken:") && printed.contains(" + "),
        "{printed}"
    );
    let choice = json(&folder.join("work/ensemble.json"));
    let dice = |scored: &Value| scored["dice"].as_f64().unwrap();
    let tried = choice["tried"].as_array().unwrap();
    assert!(
        tried
            .iter()
            .all(|scored| dice(scored) <= dice(&choice["best"]))
    );
    assert!(choice["dice"].as_f64().unwrap() >= dice(&choice["best"]));
    let page = std::fs::read_to_string(folder.join("work/report.html")).unwrap();
    assert!(page.contains("it is small") && page.contains("Worst cases") && page.contains("<svg"));
    assert_eq!(
        json(&folder.join("work/report.json"))["runs"]
            .as_array()
            .unwrap()
            .len(),
        4
    );
    success(
        folder,
        &[
            "predict",
            "--model",
            "work/model",
            "--input",
            "images",
            "--output",
            "out",
        ],
    );
    let evaluated = success(
        folder,
        &[
            "evaluate",
            "--prediction",
            "out",
            "--reference",
            "labels",
            "--json",
        ],
    );
    let scores: Value = serde_json::from_str(&evaluated).unwrap();
    assert!(
        scores["mean"]["dice"].as_f64().unwrap() > 0.5,
        "{evaluated}"
    );
    // Done is done: nothing is trained again.
    let started = Instant::now();
    assert_eq!(success(folder, &RUN), printed);
    assert!(started.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_killed_run_ends_as_an_unbroken_one() {
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [whole.path(), broken.path()] {
        prepare(folder);
        plan(folder, "narrow", "[4, 8]", "0.01", 60);
    }
    success(whole.path(), &RUN);
    for kill in 0..4u64 {
        killed(broken.path(), &RUN, 300 + 700 * kill);
    }
    success(broken.path(), &RUN);
    let scores = |folder: &Path| -> Vec<Value> {
        let history = json(&folder.join("work/history.json"));
        history["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|job| job["dice"].clone())
            .collect()
    };
    assert_eq!(scores(whole.path()), scores(broken.path()));
    assert_eq!(
        json(&whole.path().join("work/ensemble.json")),
        json(&broken.path().join("work/ensemble.json"))
    );
}

#[test]
fn a_run_that_breaks_off_is_named_and_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    plan(folder, "good", "[4, 8]", "0.01", 40);
    plan(folder, "wild", "[4, 8]", "1e30", 10);
    let output = vesalius(folder, &RUN);
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        printed.contains("wild fold 0: FAILED") || printed.contains("wild fold 0: COLLAPSED"),
        "{printed}"
    );
    assert!(printed.contains("taken: good"), "{printed}");
    assert!(printed.contains("missing: wild on fold 1: "), "{printed}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("without 2 of the runs") && said.contains("--retry"),
        "{said}"
    );
    let wild = || {
        let history = json(&folder.join("work/history.json"));
        history["jobs"].as_array().unwrap()[2].clone()
    };
    assert_eq!(
        wild()["failures"].as_array().unwrap().len(),
        1,
        "{}",
        wild()
    );
    assert!(
        std::fs::read_to_string(folder.join("work/report.html"))
            .unwrap()
            .contains("left out")
    );
    let report = json(&folder.join("work/report.json"));
    assert_eq!(report["missing"].as_array().unwrap().len(), 2, "{report}");
    assert_eq!(report["algorithms"][1]["folds_trained"], 0, "{report}");
    assert!(report["algorithms"][0]["dice"].as_f64().unwrap() > 0.0);

    // Nothing has changed, so it is not tried again; with `--retry` it is.
    let before = wild();
    error(folder, &RUN);
    assert_eq!(wild(), before);
    let retry = [&RUN[..], &["--retry"]].concat();
    error(folder, &retry);
    assert_eq!(wild()["earlier"].as_array().unwrap().len(), 2, "{}", wild());
    let taken = [&RUN[..], &["--allow-missing"]].concat();
    assert!(success(folder, &taken).contains("missing: wild"));

    // Its plan is repaired: the same command tries it again, and nothing is missing.
    plan(folder, "wild", "[4, 8]", "0.01", 40);
    let printed = success(folder, &RUN);
    assert!(
        printed.contains("wild fold 0: mean Dice") && !printed.contains("missing"),
        "{printed}"
    );
    assert_eq!(
        json(&folder.join("work/report.json"))["missing"],
        Value::Array(vec![])
    );
}

#[test]
fn predictions_follow_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    let mut list = json(&folder.join("dataset.json"));
    list["testing"] = serde_json::json!([{"image": list["training"][0]["image"]}]);
    std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
    plan(folder, "narrow", "[4, 8]", "0.01", 20);
    success(folder, &RUN);
    let name = list["testing"][0]["image"].as_str().unwrap();
    let file = folder
        .join("work/predictions")
        .join(name.rsplit('/').next().unwrap());
    let made = std::fs::metadata(&file).unwrap().modified().unwrap();
    // The same model: what is there stays.
    success(folder, &RUN);
    assert_eq!(std::fs::metadata(&file).unwrap().modified().unwrap(), made);
    // Another plan joins, and with it the model changes.
    plan(folder, "wide", "[8, 16]", "0.02", 60);
    let output = vesalius(folder, &RUN);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 predictions are made again"), "{said}");
    assert!(std::fs::metadata(&file).unwrap().modified().unwrap() > made);
}

#[test]
fn repaired_cases_are_looked_at_again_and_edited_plans_told() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    plan(folder, "narrow", "[4, 8]", "0.01", 20);
    let images = folder.join("images");
    let first = std::fs::read_dir(&images)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = std::fs::read(&first).unwrap();
    std::fs::write(&first, &whole[..whole.len() / 2]).unwrap();
    let name = first
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .split('.')
        .next()
        .unwrap();
    assert!(error(folder, &RUN).contains(name));
    std::fs::write(&first, &whole).unwrap();
    success(folder, &RUN);
    let path = folder.join("work/plans/narrow.yaml");
    let edited = std::fs::read_to_string(&path)
        .unwrap()
        .replace("0.01", "0.02");
    std::fs::write(&path, edited).unwrap();
    let output = vesalius(folder, &RUN);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("narrow on fold 0 was trained before its plan changed"),
        "{said}"
    );
}

#[test]
fn models_are_carried_from_one_machine_to_another() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for folder in [here.path(), there.path()] {
        prepare(folder);
    }
    plan(here.path(), "narrow", "[4, 8]", "0.01", 20);
    plan(there.path(), "wide", "[8, 16]", "0.01", 20);
    success(here.path(), &RUN);
    success(there.path(), &RUN);
    let carried = there.path().join("carried");
    let carried = carried.to_str().unwrap();
    success(
        here.path(),
        &["auto", "export", "work", carried, "--only-trained"],
    );
    let printed = success(there.path(), &["auto", "import", "work", carried]);
    assert!(printed.contains("2 runs taken"), "{printed}");
    let printed = success(there.path(), &["auto", "ensemble", "work"]);
    assert!(printed.contains(" + "), "{printed}");
    assert!(error(here.path(), &["auto", "export", "work", carried]).contains("not empty"));
    assert!(error(here.path(), &["auto", "import", "work", "images"]).contains("export"));
}

#[test]
fn mistakes_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    prepare(folder);
    plan(folder, "narrow", "[4, 8]", "0.01", 2);
    std::fs::write(
        folder.join("slip.yaml"),
        "modality: MRI\ndatalst: dataset.json\n",
    )
    .unwrap();
    let message = error(folder, &["auto", "run", "slip.yaml", "--output", "other"]);
    assert!(
        message.contains("line 2") && message.contains("did you mean `datalist`"),
        "{message}"
    );
    let message = error(folder, &["auto", "train", "nowhere"]);
    assert!(message.contains("auto run"), "{message}");
    let absent = format!("{INPUT}algos: [giant]\n");
    std::fs::write(folder.join("giant.yaml"), absent).unwrap();
    let message = error(folder, &["auto", "run", "giant.yaml", "--output", "work"]);
    assert!(
        message.contains("giant") && message.contains("narrow"),
        "{message}"
    );
    // The folder now belongs to that input.
    let message = error(folder, &RUN);
    assert!(message.contains("another input"), "{message}");
    let output = vesalius(folder, &["auto", "train", "work", "--folds", "9"]);
    assert!(!output.status.success());
}
