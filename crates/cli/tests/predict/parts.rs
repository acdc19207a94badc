//! Cases in parts, each by a process of its own, as the elements of a job array do it.

use super::*;

fn part(folder: &Path, output: &str, part: &str) -> std::process::Child {
    Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(predict("images", output, &["--part", part]))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".nii.gz"))
        .collect();
    names.sort();
    names
}

#[test]
fn parts_at_the_same_time_are_the_whole_and_are_not_made_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    success(folder, &predict("images", "whole", &[]));
    // One more part than there are cases.
    let running: Vec<_> = (0..5)
        .map(|i| part(folder, "parts", &format!("{i}/5")))
        .collect();
    for run in running {
        let output = run.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
    }
    assert_eq!(names(&folder.join("parts")), names(&folder.join("whole")));
    assert_eq!(names(&folder.join("parts")).len(), 4);
    for name in names(&folder.join("whole")) {
        let of = |output: &str| bytes(folder, &format!("{output}/{name}"));
        assert!(of("parts") == of("whole"), "{name}");
    }
    let again = said(folder, &predict("images", "parts", &["--part", "1/2"]));
    assert_eq!(again.matches("is there already").count(), 2, "{again}");
    let other = error(
        folder,
        &predict("images", "parts", &["--part", "0/2", "--step", "1"]),
    );
    assert!(other.contains("other settings"), "{other}");
    let all = said(folder, &predict("images", "parts", &[]));
    assert_eq!(all.matches("is there already").count(), 4, "{all}");
}

#[test]
fn a_job_array_names_the_part_and_what_is_none_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    trained(folder);
    let output = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(predict("images", "out", &["--part", "auto/4"]))
        .env("JOB_COMPLETION_INDEX", "2")
        .output()
        .unwrap();
    assert!(output.status.success());
    assert_eq!(names(&folder.join("out")), ["spheres_002.nii.gz"]);
    for (part, word) in [
        ("4/4", "counted from 0"),
        ("2", "I/N"),
        ("auto", "SLURM_ARRAY_TASK_ID"),
    ] {
        let refused = vesalius(folder, &predict("images", "out", &["--part", part]));
        assert_eq!(refused.status.code(), Some(2), "{part}");
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(text.contains(word), "{part}: {text}");
    }
}
