//! The fingerprint and the statistics of the Decathlon's hippocampus cases compared with the numbers of other tools:
//! nnU-Net 2.8.1's file of all 208 cases, and MONAI 1.6.1's of the first six, stored by
//! `tests/parity/analysis.py`.

use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_planning::auto3dseg::{Components, DataStatistics};
use vesalius_planning::nnunet::Fingerprint;
use vesalius_planning::{Analysis, AnalysisOptions, Datalist};

/// A folder next to the repository, or a line with the reason why the test has nothing to do.
fn shared(path: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    if folder.exists() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
        "{} is required and absent",
        folder.display()
    );
    println!("skipped: hippocampus (../shared not found)");
    None
}

fn list() -> Option<Datalist> {
    Some(Datalist::read(shared("data/Task04_Hippocampus")?).unwrap())
}

#[test]
fn the_fingerprint_is_nnunets_to_the_last_digit() {
    let (Some(list), Some(golden)) = (list(), shared("golden/plans/hippocampus_208")) else {
        return;
    };
    let theirs = Fingerprint::read(golden.join("dataset_fingerprint.json")).unwrap();
    assert_eq!(Fingerprint::extract(&list).unwrap(), theirs);
}

/// Every key and number of theirs in ours; numbers within two steps of single precision.
fn compare(ours: &Value, theirs: &Value, at: &str) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            assert_eq!(a.len(), b.len(), "{at}: {:?} {:?}", a.keys(), b.keys());
            for (key, theirs) in b {
                let ours = a.get(key).unwrap_or_else(|| panic!("{at} has no {key}"));
                compare(ours, theirs, &format!("{at}.{key}"));
            }
        }
        (Value::Array(a), Value::Array(b)) => {
            assert_eq!(a.len(), b.len(), "{at}");
            for (i, (ours, theirs)) in a.iter().zip(b).enumerate() {
                compare(ours, theirs, &format!("{at}[{i}]"));
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            assert_eq!(a.is_i64(), b.is_i64(), "{at}: {a} {b}");
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!(
                (a - b).abs() <= 2.4e-7 * b.abs(),
                "{at}: {a} instead of {b}"
            );
        }
        _ => assert_eq!(ours, theirs, "{at}"),
    }
}

#[test]
fn the_statistics_are_monais() {
    let Some(mut list) = list() else { return };
    list.cases.truncate(6);
    let text = include_str!("data/hippocampus_datastats.json");
    let theirs: Value = serde_json::from_str(text).unwrap();
    let statistics = DataStatistics::extract(&list, Components::Counted).unwrap();
    let ours = serde_json::to_value(&statistics).unwrap();
    compare(
        &ours["stats_summary"],
        &theirs["stats_summary"],
        "stats_summary",
    );
    for (key, theirs) in theirs["first_case"].as_object().unwrap() {
        compare(&ours["stats_by_cases"][0][key], theirs, key);
    }
    let folder = tempfile::tempdir().unwrap();
    statistics.write(folder.path()).unwrap();
    let back = DataStatistics::read(folder.path().join("datastats_by_case.yaml")).unwrap();
    assert_eq!(back, statistics);
}

#[test]
fn the_real_dataset_has_no_error() {
    let Some(mut list) = list() else { return };
    list.cases.truncate(24);
    let scheme = list.label_scheme().unwrap();
    let analysis = Analysis::of(
        &list,
        Some(&scheme),
        &AnalysisOptions::default(),
        &Control::new(),
    )
    .unwrap();
    assert!(!analysis.report.has_errors(), "{}", analysis.report);
    assert_eq!(analysis.report.facts.len(), 24);
    assert_eq!(analysis.fold_cases(&list).len(), 24);
    assert_eq!(analysis.statistics.unwrap().stats_summary.n_cases, 24);
    assert_eq!(analysis.fingerprint.unwrap().spacings.len(), 24);
}
