//! `vesalius evaluate`: measures by name, regions, intervals, CSV, worst cases first, missing files.

#[path = "../common/mod.rs"]
mod common;
mod grids;
mod several;

use common::{advised, error, success, vesalius};
use std::path::Path;
use vesalius::io::write_labels;
use vesalius::volume::{Geometry, LabelMap};

/// References of three cases with labels 1 and 2, and predictions that are right, shifted and empty.
fn files(folder: &Path) {
    let grid = Geometry::axis_aligned([20, 16, 10], [1.0, 1.0, 2.0]).unwrap();
    let map = |shift: usize| {
        LabelMap::from_fn(grid, move |[x, y, z]| {
            let inside = |low: usize, high: usize| {
                (low + shift..high + shift).contains(&x)
                    && (3..9).contains(&y)
                    && (2..7).contains(&z)
            };
            u16::from(inside(2, 7)) + 2 * u16::from(inside(9, 14))
        })
    };
    for name in ["references", "predictions"] {
        std::fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (name, prediction) in [
        ("good", map(0)),
        ("shifted", map(1)),
        ("empty", LabelMap::background(grid)),
    ] {
        let file = format!("{name}.nii.gz");
        write_labels(folder.join("references").join(&file), &map(0)).unwrap();
        write_labels(folder.join("predictions").join(&file), &prediction).unwrap();
    }
}

fn run(folder: &Path, words: &str) -> String {
    let mut arguments = vec![
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    arguments.extend(words.split(' ').filter(|word| !word.is_empty()));
    success(folder, &arguments)
}

#[test]
fn measures_regions_intervals_and_files() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let table = run(
        folder,
        "--metrics dice,hd95,nsd,nsd_deepmind,object_f1,dice --tolerance 1.5 \
         --labels 1,both=1+2 --csv out.csv --json out.json",
    );
    let place = |word: &str| {
        table
            .find(word)
            .unwrap_or_else(|| panic!("no {word}: {table}"))
    };
    assert!(place("empty") < place("shifted") && place("shifted") < place("good"));
    for word in [
        "worst first by dice",
        "nsd_1.5mm",
        "object_f1",
        "missed",
        "both",
        "95 %",
    ] {
        place(word);
    }
    let json = std::fs::read_to_string(folder.join("out.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    // Four of five columns of each block stay.
    let mean = json["mean"]["dice"].as_f64().unwrap();
    assert!((mean - (1.0 + 0.8 + 0.0) / 3.0).abs() < 1e-12, "{mean}");
    assert_eq!(json["labels"]["1"]["missed"], 1);
    assert_eq!(
        json["labels"]["1"]["nsd_1.5mm"].as_f64().unwrap(),
        2.0 / 3.0
    );
    assert_eq!(json["cases"][0]["case"], "empty");
    assert_eq!(json["cases"][2]["labels"]["both"]["hd95"], 1.0);
    let interval = &json["intervals"]["labels"]["both"]["dice"];
    let ends = [0, 1].map(|i| interval[i].as_f64().unwrap());
    assert!(ends[0] <= mean && mean <= ends[1], "{ends:?}");
    assert_eq!(json["intervals"]["level"], 0.95);

    let csv = std::fs::read_to_string(folder.join("out.csv")).unwrap();
    assert!(csv.starts_with("case,label,name,dice,hd95,nsd_1.5mm,nsd_1.5mm_deepmind,object_f1"));
    assert_eq!(csv.lines().count(), 1 + 3 * 2);
    assert!(csv.contains("empty,1,label 1,0,"), "{csv}");

    let worst = run(folder, "--metrics hd95 --worst 1 --resamples 0");
    assert!(worst.contains("1 of 3 cases, worst first by hd95") && worst.contains("empty"));
    assert!(
        !worst.contains("shifted") && !worst.contains('['),
        "{worst}"
    );

    // JSON alone on stdout.
    let json: serde_json::Value = serde_json::from_str(&run(folder, "--json")).unwrap();
    assert_eq!(json["labels"].as_object().unwrap().len(), 2);
    let ignored: serde_json::Value =
        serde_json::from_str(&run(folder, "--ignore 2 --json")).unwrap();
    assert_eq!(ignored["labels"].as_object().unwrap().len(), 1);
}

#[test]
fn a_case_without_a_prediction_is_an_error_or_missed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    std::fs::remove_file(folder.join("predictions/good.nii.gz")).unwrap();
    let arguments = [
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    let text = error(folder, &arguments);
    assert!(
        text.contains("good") && text.contains("--allow-missing"),
        "{text}"
    );
    let json: serde_json::Value =
        serde_json::from_str(&run(folder, "--allow-missing --metrics hd95 --json")).unwrap();
    assert_eq!(json["labels"]["2"]["missed"], 2);
    // The largest distance there is, not a hole in the mean: 19, 15 and 18 mm apart.
    let diagonal = (19.0f64.powi(2) + 15.0f64.powi(2) + 18.0f64.powi(2)).sqrt();
    let mean = json["labels"]["2"]["hd95"].as_f64().unwrap();
    assert!((mean - (2.0 * diagonal + 1.0) / 3.0).abs() < 1e-9, "{mean}");
}

#[test]
fn nonsense_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    for (words, expected) in [
        ("--metrics dise", "did you mean `dice`"),
        ("--metrics zebra", "panoptic_quality"),
        ("--metrics nsd --tolerance -1", "tolerance"),
        ("--labels 0", "`0`"),
        ("--labels 1,1", "twice"),
        ("--labels core=", "core=2+3"),
        ("--labels 1 --ignore 1", "ignored"),
        ("--confidence 95", "0 to less than 1"),
        ("--resamples -1", "--resamples"),
        ("--model gone", "gone"),
        ("--csv references", "references"),
    ] {
        let mut arguments = vec![
            "evaluate",
            "--prediction",
            "predictions",
            "--reference",
            "references",
        ];
        arguments.extend(words.split(' '));
        let text = error(folder, &arguments);
        assert!(text.contains(expected), "{words}: {text}");
    }
}

#[test]
fn what_has_no_counterpart_is_named_and_counted() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let moved = |from: &str, to: &str| std::fs::rename(folder.join(from), folder.join(to)).unwrap();
    moved("predictions/good.nii.gz", "predictions/Good.nii.gz");
    moved("predictions/empty.nii.gz", "predictions/other.nii.gz");
    let arguments = [
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    let output = vesalius(folder, &arguments);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    for word in [
        "2 references without a prediction (empty, good)",
        "2 predictions without a reference (Good, other)",
        "good and Good differ only in upper and lower case",
    ] {
        assert!(text.contains(word), "{word}: {text}");
    }
    // The command that the message names runs, reports what it left out, and scores what is missing as 0.
    let command = advised(&text).remove(0);
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let output = vesalius(folder, &[&words[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("case good has a reference and no prediction"),
        "{told}"
    );
    assert!(
        told.contains("case other has a prediction and no reference"),
        "{told}"
    );
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["labels"]["1"]["counted"], 3);
    assert_eq!(json["labels"]["1"]["missed"], 2);
    let mean = json["mean"]["dice"].as_f64().unwrap();
    assert!((mean - 0.8 / 3.0).abs() < 1e-12, "{mean}");
    let kinds: Vec<&str> = json["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| w["kind"].as_str().unwrap())
        .collect();
    let missed = "reference_without_prediction";
    let surplus = "prediction_without_reference";
    assert_eq!(kinds, [missed, missed, surplus, surplus]);
}

#[test]
fn a_label_or_a_measure_without_a_value_is_told() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let words = [
        "evaluate",
        "--prediction",
        "references",
        "--reference",
        "predictions",
        "--labels",
        "1,9",
    ];
    let output = vesalius(
        folder,
        &[
            &words[..],
            &["--metrics", "relative_volume_difference", "--json"],
        ]
        .concat(),
    );
    assert_eq!(output.status.code(), Some(0));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let warnings = json["warnings"].as_array().unwrap();
    // The empty reference gives no relative difference, and nothing has the label 9.
    assert_eq!(warnings[0]["kind"], "left_out_of_mean");
    assert_eq!(warnings[0]["measure"], "relative_volume_difference");
    assert_eq!(warnings[0]["cases"], 1);
    assert_eq!(
        (&warnings[1]["kind"], &warnings[1]["label"]),
        (&"nothing_to_score".into(), &"9".into())
    );
}

#[test]
fn labels_that_occur_nowhere_and_images_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    let evaluate = [
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    let text = error(folder, &[&evaluate[..], &["--labels", "7"]].concat());
    assert!(text.contains("--labels"), "{text}");
    // One that occurs is scored, and the other is reported.
    success(folder, &[&evaluate[..], &["--labels", "1,7"]].concat());
    let grid = Geometry::axis_aligned([20, 16, 10], [1.0, 1.0, 2.0]).unwrap();
    let image = vesalius::volume::Volume::filled(grid, 132.46f32);
    vesalius::io::write(folder.join("scan.nii"), &image).unwrap();
    let text = error(
        folder,
        &[
            "evaluate",
            "--prediction",
            "scan.nii",
            "--reference",
            "references/good.nii.gz",
        ],
    );
    assert!(text.contains("looks like an image"), "{text}");
}

#[cfg(unix)]
#[test]
fn a_reference_that_is_a_link_to_nowhere_is_not_passed_over() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    files(folder);
    std::os::unix::fs::symlink("gone.nii", folder.join("references/lost.nii")).unwrap();
    let evaluate = [
        "evaluate",
        "--prediction",
        "predictions",
        "--reference",
        "references",
    ];
    let text = error(folder, &evaluate);
    assert!(
        text.contains("lost.nii") && text.contains("leads nowhere"),
        "{text}"
    );
    let text = error(folder, &["info", "references"]);
    assert!(text.contains("1 of 4"), "{text}");
}
