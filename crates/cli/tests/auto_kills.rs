//! `vesalius auto` killed (SIGKILL) at any moment of any stage: the same command goes on, and ends as one
//! that was never broken off.

mod common;

use common::made::{MRI, input, plan_of};
use common::{killed, success};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A plan that trains in a second, whose training is the same on every machine.
const PLAN: &str = "because: []
training:
  name: narrow
  preprocessing: [{z_score: {}}]
  patch: {size: [16, 16, 16], sampling: {positive: 1, negative: 1}}
  network: {unet: {channels: [4, 8], strides: [2], num_res_units: 1}}
  optimizer: {adamw: {learning_rate: 0.01}}
  duration: {steps: 60}
  validation: {times: 2}
";

/// A folder with a dataset, its input and the plan in a work folder.
fn begun() -> TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\nalgos: [narrow]\n");
    std::fs::create_dir_all(folder.join("work/plans")).unwrap();
    std::fs::write(folder.join("work/plans/narrow.yaml"), PLAN).unwrap();
    temporary
}

/// Kills a stage at several moments, then lets it end; in the other folder it is never broken off.
fn stage(whole: &Path, broken: &Path, line: &str, moments: &[u64]) {
    let arguments: Vec<_> = line.split(' ').collect();
    success(whole, &arguments);
    for &moment in moments {
        killed(broken, &arguments, moment);
    }
    success(broken, &arguments);
}

fn same(whole: &Path, broken: &Path, file: &str) {
    let read = |folder: &Path| std::fs::read(folder.join("work").join(file)).unwrap();
    assert!(read(whole) == read(broken), "{file} differs");
}

/// The scores of all runs, without the times, which differ.
fn scores(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("work/history.json")).unwrap();
    let history: Value = serde_json::from_str(&text).unwrap();
    let jobs = history["jobs"].as_array().unwrap();
    jobs.iter()
        .map(|job| serde_json::json!([job["fold"], job["state"], job["dice"], job["labels"]]))
        .collect()
}

#[test]
fn every_killed_stage_ends_as_an_unbroken_one() {
    let (whole, broken) = (begun(), begun());
    let (whole, broken) = (whole.path(), broken.path());
    let kill = |line: &str, moments: &[u64]| stage(whole, broken, line, moments);
    kill(
        "auto analyze input.yaml --output work",
        &[5, 20, 40, 80, 160],
    );
    for file in ["dataset_fingerprint.json", "datastats.yaml"] {
        same(whole, broken, &format!("analysis/{file}"));
    }
    kill("auto plan work --algorithms segresnet", &[10, 40, 100]);
    assert_eq!(plan_of(whole, "segresnet"), plan_of(broken, "segresnet"));
    kill("auto train work", &[50, 300, 900, 1500]);
    assert_eq!(scores(whole), scores(broken));
    kill("auto ensemble work", &[20, 100, 300, 600]);
    same(whole, broken, "ensemble.json");
    kill("auto predict work", &[20, 60, 120, 200]);
    same(whole, broken, "predictions/image_6.nii.gz");
    kill("auto report work", &[10, 50, 150]);
    for folder in [whole, broken] {
        let page = std::fs::read_to_string(folder.join("work/report.html")).unwrap();
        assert!(page.trim_end().ends_with("</html>"), "the report is cut");
    }
}

#[test]
fn a_killed_search_ends_as_an_unbroken_one() {
    let (whole, broken) = (begun(), begun());
    let (whole, broken) = (whole.path(), broken.path());
    stage(whole, broken, "auto analyze input.yaml --output work", &[]);
    let tune = "auto tune work --trials 3 --steps 40 --no-pruning --sampler random";
    stage(whole, broken, tune, &[200, 800, 1400, 2000]);
    // A search that has ended is gone on with as well: there is nothing left to do.
    success(whole, &tune.split(' ').collect::<Vec<_>>());
    let tuned = plan_of(whole, "narrow_tuned");
    assert!(tuned.contains("the best"), "{tuned}");
    assert_eq!(plan_of(broken, "narrow_tuned"), tuned);
}
