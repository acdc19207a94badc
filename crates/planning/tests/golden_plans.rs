//! Whole plans compared with those that nnU-Net 2.8.1 wrote from the same fingerprints, key by key.

use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_planning::nnunet::{DatasetJson, Fingerprint, PlanOptions, Planner};

/// The folder of golden plans, or a line with the reason why the test has nothing to do.
fn golden() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let folder = root.join("shared/golden/plans");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
        "{} is required and absent",
        folder.display()
    );
    println!("skipped: golden plans (../shared not found)");
    None
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The places where two values differ, for a message.
fn differences(ours: &Value, theirs: &Value, at: &str, out: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|k| !a.contains_key(*k)));
            for key in keys {
                let get = |map: &serde_json::Map<String, Value>| {
                    map.get(key).cloned().unwrap_or("absent".into())
                };
                differences(&get(a), &get(b), &format!("{at}.{key}"), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                differences(a, b, &format!("{at}[{i}]"), out);
            }
        }
        _ if ours != theirs => out.push(format!("{at}: {ours} instead of {theirs}")),
        _ => {}
    }
}

#[test]
fn every_golden_plan_is_equal() {
    let Some(folder) = golden() else { return };
    let mut compared = 0;
    let mut wrong = vec![];
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    for folder in folders.iter().filter(|f| f.is_dir()) {
        let fingerprint = Fingerprint::read(folder.join("dataset_fingerprint.json")).unwrap();
        let dataset = DatasetJson::read(folder.join("dataset.json")).unwrap();
        for (name, planner) in Planner::ALL {
            let file = folder.join(format!("{}.json", planner.plans_name()));
            if !file.is_file() {
                continue;
            }
            let theirs = json(&file);
            let options = PlanOptions {
                dataset_name: theirs["dataset_name"].as_str().unwrap().to_owned(),
                ..Default::default()
            };
            let planned = planner.plan(&fingerprint, &dataset, &options).unwrap();
            let ours: Value = serde_json::from_str(&planned.plans.to_json().unwrap()).unwrap();
            let label = format!("{} {name}", folder.file_name().unwrap().to_string_lossy());
            differences(&ours, &theirs, &label, &mut wrong);
            for name in planned.plans.configurations.names().chain(["dataset"]) {
                assert!(!planned.reasons.get(name).unwrap().is_empty());
            }
            compared += 1;
        }
    }
    println!("{compared} plans compared");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 33, "only {compared} golden plans were found");
}
