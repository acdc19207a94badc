//! nnU-Net's plans and dataset.json, read and written again: the same keys in the same order.

use std::path::{Path, PathBuf};
use vesalius_planning::nnunet::{DatasetJson, Plans};

/// The stored plans next to the checkout, or nothing and a printed line.
fn stored() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden/plans");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
        "{} is missing",
        folder.display()
    );
    println!("skipped: nnU-Net's stored plans (../shared not found)");
    None
}

/// Keys in order and values, numbers compared as numbers.
fn same(a: &serde_json::Value, b: &serde_json::Value, path: &str) {
    use serde_json::Value::{Array, Number, Object};
    match (a, b) {
        (Object(a), Object(b)) => {
            let keys = |map: &serde_json::Map<_, _>| map.keys().cloned().collect::<Vec<String>>();
            assert_eq!(keys(a), keys(b), "{path}");
            a.iter()
                .for_each(|(key, value)| same(value, &b[key], &format!("{path}.{key}")));
        }
        (Array(a), Array(b)) => {
            assert_eq!(a.len(), b.len(), "{path}");
            a.iter().zip(b).for_each(|(a, b)| same(a, b, path));
        }
        (Number(a), Number(b)) => assert_eq!(a.as_f64(), b.as_f64(), "{path}"),
        _ => assert_eq!(a, b, "{path}"),
    }
}

#[test]
fn plans_come_back_with_the_same_keys_in_the_same_order() {
    let Some(folder) = stored() else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        for file in std::fs::read_dir(entry.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let before = std::fs::read_to_string(&path).unwrap();
            let after = match name.as_str() {
                "dataset.json" => DatasetJson::read(&path).unwrap().to_json().unwrap(),
                "dataset_fingerprint.json" => continue,
                _ => {
                    let plans = Plans::read(&path).unwrap();
                    for name in plans.configurations.names() {
                        let whole = plans.configuration(name).unwrap();
                        assert!(whole.architecture.is_some() && whole.patch_size.is_some());
                    }
                    plans.to_json().unwrap()
                }
            };
            same(
                &serde_json::from_str(&before).unwrap(),
                &serde_json::from_str(&after).unwrap(),
                &path.display().to_string(),
            );
            count += 1;
        }
    }
    assert!(count > 30, "{count}");
}
