//! Unions of models, labels by name, masks and statistics.

use super::*;
use serde_json::Value;

/// `union.yaml`: the trained model twice, the second time for a part of its labels around what the first found.
fn described(folder: &Path) {
    let names: Vec<String> = labels(folder, "model");
    let (first, second) = (&names[0], &names[1]);
    let text = format!(
        "members:\n  - {{name: all, model: model, labels: {{{first}: one, {second}: two}}}}\n  - {{name: part, model: model, labels: {{{first}: three}}, crop_to: {{member: all, margin: 4}}}}\n"
    );
    std::fs::write(folder.join("union.yaml"), text).unwrap();
}

/// The names of a model's labels but the background.
fn labels(folder: &Path, model: &str) -> Vec<String> {
    let model = vesalius::inferers::describe_model(folder.join(model)).unwrap();
    let labels = model.labels.labels().into_iter();
    labels
        .filter(|label| label.value != 0)
        .map(|label| label.name.to_owned())
        .collect()
}

#[test]
fn a_union_is_written_described_and_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    described(folder);
    let union = ["model", "union", "union.yaml", "--output", "joined"];
    success(folder, &union);
    let again = error(folder, &union);
    assert!(again.contains("holds a union already"), "{again}");
    assert_eq!(labels(folder, "joined"), ["one", "two", "three"]);
    let info = vesalius(folder, &["model", "info", "joined"]);
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    assert!(
        info.contains("3 three") && info.contains("part: "),
        "{info}"
    );

    let run = |output: &'static str, more: &[&'static str]| {
        let mut arguments = vec!["predict", "--model", "joined", "--input", "images"];
        arguments.extend(["--output", output]);
        arguments.extend_from_slice(more);
        arguments
    };
    success(
        folder,
        &run("out", &["--separate", "--statistics", "s.json"]),
    );
    let text = std::fs::read_to_string(folder.join("s.json")).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found.as_object().unwrap().len(), 4);
    for (case, statistics) in found.as_object().unwrap() {
        let map = vesalius::io::read_labels(folder.join(format!("out/{case}.nii.gz"))).unwrap();
        for (value, name) in [(1, "one"), (2, "two"), (3, "three")] {
            let count = map.data().iter().filter(|&&label| label == value).count();
            let mask = folder.join(format!("out/{case}/{name}.nii.gz"));
            let mask = vesalius::io::read_labels(mask).unwrap();
            let marked = mask.data().iter().filter(|&&label| label == 1).count();
            assert_eq!(marked, count, "{case} {name}");
            let told = statistics[name]["millilitres"].as_f64().unwrap_or(0.0);
            let expected = count as f64 * map.geometry().voxel_volume() / 1000.0;
            assert!((told - expected).abs() < 1e-9, "{case} {name}: {told}");
        }
    }
    // What is there is told again, as it was noted.
    let again = said(
        folder,
        &run("out", &["--separate", "--statistics", "t.json"]),
    );
    assert_eq!(again.matches("is there already").count(), 4, "{again}");
    let noted: Value = serde_json::from_slice(&bytes(folder, "t.json")).unwrap();
    for (case, labels) in found.as_object().unwrap() {
        for (name, label) in labels.as_object().unwrap() {
            let of = |key: &str, from: &Value| from[key].as_f64().unwrap();
            let again = &noted[case][name];
            let apart = of("millilitres", again) - of("millilitres", label);
            assert!(apart.abs() < 1e-9, "{case} {name}");
            assert_eq!(again["cut_off"], label["cut_off"]);
        }
    }
    // Other labels are another result.
    let other = error(folder, &run("out", &["--only", "three"]));
    assert!(other.contains("other settings"), "{other}");
    let unknown = error(folder, &run("out_2", &["--only", "four"]));
    assert!(
        unknown.contains("`four`") && unknown.contains("one, three, two"),
        "{unknown}"
    );
}

#[test]
fn labels_of_a_single_model_are_chosen_by_name() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let names = labels(folder, "model");
    success(folder, &predict("images", "all", &[]));
    success(folder, &predict("images", "one", &["--only", &names[0]]));
    for entry in std::fs::read_dir(folder.join("all")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".nii.gz") {
            continue;
        }
        let of = |output: &str| vesalius::io::read_labels(folder.join(output).join(&name)).unwrap();
        let (all, one) = (of("all"), of("one"));
        let pairs = all.data().iter().zip(one.data());
        assert!(
            pairs
                .into_iter()
                .all(|(all, one)| *one == if *all == 1 { 1 } else { 0 })
        );
    }
}

#[test]
fn a_union_that_cannot_be_is_refused_in_a_sentence() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let refused = |text: &str| {
        std::fs::write(folder.join("union.yaml"), text).unwrap();
        error(
            folder,
            &["model", "union", "union.yaml", "--output", "joined"],
        )
    };
    for (text, expected) in [
        ("members: [{name: a, model: nothing}]", "member `a`"),
        (
            "members: [{name: a, model: model}, {name: b, model: model}]",
            "both paint",
        ),
        (
            "members: [{name: a, model: model, labels: {skin: x}}]",
            "no label `skin`",
        ),
        ("members: 3", "union.yaml"),
    ] {
        let told = refused(text);
        assert!(told.contains(expected), "{text}: {told}");
        assert!(!folder.join("joined/union.yaml").exists());
    }
}
