//! Several models, groups of cases, and advice.

use crate::common::{error, success, vesalius};
use crate::files;
use std::path::Path;

fn json(folder: &Path, name: &str) -> serde_json::Value {
    let text = std::fs::read_to_string(folder.join(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// The files of `files`, and `exact`, whose segmentations are the references.
fn models(folder: &Path) {
    files(folder);
    std::fs::create_dir(folder.join("exact")).unwrap();
    for case in ["good", "shifted", "empty"] {
        let from = folder.join(format!("references/{case}.nii.gz"));
        std::fs::copy(from, folder.join(format!("exact/{case}.nii.gz"))).unwrap();
    }
}

const BOTH: [&str; 7] = [
    "evaluate",
    "--prediction",
    "predictions",
    "--prediction",
    "exact",
    "--reference",
    "references",
];

#[test]
fn models_are_ranked_and_their_differences_tested() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    models(folder);
    let files = ["--csv", "out.csv", "--json", "out.json"];
    let text = success(folder, &[&BOTH[..], &files].concat());
    for word in ["predictions - exact", "p (Holm)", "exact", "first in"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json = json(folder, "out.json");
    assert_eq!(json["models"]["exact"]["mean"]["dice"], 1.0);
    let ranks = &json["comparisons"]["dice"]["1"]["ranks"];
    assert_eq!(
        (&ranks["exact"]["rank"], &ranks["predictions"]["rank"]),
        (&1.0.into(), &2.0.into())
    );
    let pair = &json["comparisons"]["dice"]["1"]["pairs"][0];
    // Differences of 0, 0.2 (four of five columns stay) and 1.
    let difference = pair["difference"].as_f64().unwrap();
    assert!((difference + 0.4).abs() < 1e-12, "{pair}");
    let csv = std::fs::read_to_string(folder.join("out.csv")).unwrap();
    assert_eq!(csv.lines().count(), 1 + 2 * 3 * 2);
    assert!(csv.starts_with("model,case,label,name,dice"), "{csv}");

    let worst = error(folder, &[&BOTH[..], &["--worst", "1"]].concat());
    assert!(worst.contains("one --prediction"), "{worst}");
    std::fs::remove_file(folder.join("exact/good.nii.gz")).unwrap();
    let lone = error(folder, &BOTH);
    assert!(
        lone.contains("good") && lone.contains("--allow-missing"),
        "{lone}"
    );
}

#[test]
fn a_label_that_one_model_found_counts_for_all() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    models(folder);
    // A label 3 in one file of one model.
    let path = folder.join("exact/good.nii.gz");
    let labels: vesalius::volume::LabelMap = vesalius::io::read_labels(&path).unwrap();
    let mut data = labels.data().to_vec();
    data[0] = 3;
    let changed = vesalius::volume::LabelMap::new(*labels.geometry(), data).unwrap();
    vesalius::io::write_labels(&path, &changed).unwrap();
    success(folder, &[&BOTH[..], &["--json", "out.json"]].concat());
    let json = json(folder, "out.json");
    for model in ["predictions", "exact"] {
        let labels = json["models"][model]["labels"].as_object().unwrap();
        assert!(labels.contains_key("3"), "{model}: {labels:?}");
    }
}

#[test]
fn groups_have_their_own_means_and_small_ones_are_named() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    models(folder);
    let groups = folder.join("groups.csv");
    std::fs::write(
        &groups,
        "case,site,sex\ngood,north,f\nshifted,north,\nempty,south,m\n",
    )
    .unwrap();
    let one = [
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    let with = ["--subgroups", "groups.csv", "--json", "out.json"];
    let run = vesalius(folder, &[&one[..], &with].concat());
    assert!(run.status.success());
    let told = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        told.contains("the group north of site has 2 cases"),
        "{told}"
    );
    assert!(told.contains("1 case has no sex"), "{told}");
    let json = json(folder, "out.json");
    let north = &json["subgroups"]["site"]["north"];
    assert_eq!(north["cases"], 2);
    assert!(
        (north["mean"]["dice"].as_f64().unwrap() - 0.9).abs() < 1e-12,
        "{north}"
    );
    assert_eq!(json["subgroups"]["site"]["south"]["mean"]["dice"], 0.0);
    assert_eq!(
        json["mean"]["dice"].as_f64().map(|mean| mean < 0.7),
        Some(true)
    );

    let all = success(
        folder,
        &[&BOTH[..], &["--subgroups", "groups.csv"]].concat(),
    );
    assert!(all.contains("north") && all.contains("property"), "{all}");

    for (text, expected) in [
        ("case,site\ngood,north\nother,south\n", "`other`"),
        ("name,site\ngood,north\n", "column `case`"),
        ("case\ngood\n", "no column but `case`"),
        ("case,site\ngood,north\ngood,south\n", "two rows"),
        ("case,site\ngood\n", "record"),
    ] {
        std::fs::write(&groups, text).unwrap();
        let told = error(folder, &[&one[..], &with[..2]].concat());
        assert!(
            told.contains(expected) && told.contains("groups.csv"),
            "{told}"
        );
    }
}

#[test]
fn advice_needs_references_alone() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let advise = ["evaluate", "--advise", "--reference", "references"];
    let text = success(folder, &[&advise[..], &["--json", "out.json"]].concat());
    for word in ["verdict", "dice", "3 cases"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let lines = json(folder, "out.json");
    let lines = lines.as_array().unwrap();
    let verdicts = ["report", "not alone", "misleads"];
    assert!(
        lines
            .iter()
            .all(|line| verdicts.contains(&line["verdict"].as_str().unwrap()))
    );
    let high = success(
        folder,
        &[&advise[..], &["--outlines", "high", "--tolerance", "1.5"]].concat(),
    );
    assert_ne!(high, text);
    let both = error(
        folder,
        &[&advise[..], &["--prediction", "predictions"]].concat(),
    );
    assert!(both.contains("--advise"), "{both}");
    let background = vesalius::volume::LabelMap::<u16>::background(
        vesalius::volume::Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap(),
    );
    vesalius::io::write_labels(folder.join("none.nii"), &background).unwrap();
    let none = error(folder, &["evaluate", "--advise", "--reference", "none.nii"]);
    assert!(none.contains("no label but 0"), "{none}");
    let neither = error(folder, &["evaluate", "--reference", "references"]);
    assert!(neither.contains("--prediction"), "{neither}");
}
