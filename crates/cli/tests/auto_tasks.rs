//! Runs of `vesalius auto` by processes of their own, as a cluster starts them: side by side, stopped, given up and started
//! again; and what is submitted, by programs that stand for Slurm's.

mod common;
#[path = "common/narrow.rs"]
mod narrow;

use common::{error, success, vesalius};
use narrow::{begun, weights};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn started(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn wait(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "{what}: not within two minutes"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

const PLAN: [&str; 6] = ["auto", "task", "work", "plan", "--input", "input.yaml"];

fn train(number: &str) -> [&str; 5] {
    ["auto", "task", "work", "train", number]
}

#[test]
fn runs_side_by_side_are_those_of_one_process() {
    let (tasks, alone) = (begun(60), begun(60));
    let folder = tasks.path();
    // Cases that do not fit in memory are prepared on disk.
    let plan = folder.join("work/plans/narrow.yaml");
    let text = std::fs::read_to_string(&plan).unwrap();
    std::fs::write(&plan, text + "  cache: {memory: 1.0e-6}\n").unwrap();
    let planned = success(folder, &PLAN);
    assert!(planned.contains("2 runs"), "{planned}");
    let elsewhere = [&train("0")[..], &["--scratch", "disk"]].concat();
    let both = [started(folder, &elsewhere), started(folder, &train("1"))];
    for run in both {
        let ended = run.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(ended.status.success(), "{text}");
    }
    // The prepared cases of the first are on the disk that was named for it, those of the other in the work folder.
    assert!(folder.join("disk/vesalius-cache").is_dir() && folder.join("work/cache").is_dir());
    // Done is done.
    let before = weights(folder, 0);
    success(folder, &train("0"));
    assert!(weights(folder, 0) == before);
    let none = error(folder, &train("2"));
    assert!(none.contains("no run 2; there are 2"), "{none}");
    success(folder, &["auto", "task", "work", "ensemble"]);
    success(
        folder,
        &["auto", "task", "work", "predict", "0", "--parts", "1"],
    );
    success(
        alone.path(),
        &["auto", "run", "input.yaml", "--output", "work"],
    );
    for fold in [0, 1] {
        assert!(
            weights(folder, fold) == weights(alone.path(), fold),
            "fold {fold}"
        );
    }
    let name = "work/predictions/image_6.nii.gz";
    let read = |folder: &Path| vesalius::io::read_labels(folder.join(name)).unwrap();
    assert!(read(folder).data() == read(alone.path()).data());
    let dice = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("work/report.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["dice"].clone()
    };
    assert_eq!(dice(folder), dice(alone.path()));
    let shown = success(folder, &["auto", "status", "work"]);
    assert!(
        shown.matches("trained").count() == 2 && shown.contains("ensemble: done"),
        "{shown}"
    );
}

#[test]
fn a_process_that_was_given_up_writes_nothing_more() {
    let place = begun(100_000);
    let folder = place.path();
    success(folder, &PLAN);
    let run = started(folder, &train("0"));
    let checkpoint = folder.join("work/runs/narrow/fold_0/checkpoint.bin");
    let owner = folder.join("work/tasks/narrow/fold_0/owner.json");
    wait("a checkpoint", || checkpoint.exists() && owner.exists());
    // While it lives no other process makes the same run.
    let busy = error(folder, &train("0"));
    assert!(busy.contains("is being written by process"), "{busy}");
    // The cluster has lost sight of it and started the run elsewhere.
    let other = "{\"token\": \"other\", \"host\": \"n2\", \"process\": 7, \"job\": \"12_0\"}";
    std::fs::write(&owner, other).unwrap();
    let ended = run.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{text}");
    assert!(
        text.contains("process 7 of n2 (job 12_0) makes this run now"),
        "{text}"
    );
    assert_eq!(std::fs::read_to_string(&owner).unwrap(), other);
    assert!(!folder.join("work/runs/narrow/fold_0/result.json").exists());
}

#[test]
fn a_run_that_is_stopped_goes_on() {
    let place = begun(100_000);
    let folder = place.path();
    success(folder, &PLAN);
    let mut run = started(folder, &train("0"));
    let checkpoint = folder.join("work/runs/narrow/fold_0/checkpoint.bin");
    wait("a checkpoint", || checkpoint.exists());
    let id = run.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(75));
    let shown = success(folder, &["auto", "status", "work"]);
    assert!(
        shown.contains("begun") && shown.contains("not begun"),
        "{shown}"
    );
    // It goes on where it stopped.
    let log = folder.join("work/runs/narrow/fold_0/log.jsonl");
    let lines = || {
        std::fs::read_to_string(&log)
            .unwrap_or_default()
            .lines()
            .count()
    };
    let before = lines();
    let mut run = started(folder, &train("0"));
    wait("more steps", || lines() > before + 30);
    let id = run.id().to_string();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(75));
    let text = std::fs::read_to_string(&log).unwrap();
    let steps = text.lines().filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        (line["event"] == "step").then(|| line["step"].as_u64())?
    });
    let steps: Vec<u64> = steps.collect();
    assert!(
        steps.windows(2).all(|pair| pair[1] == pair[0] + 1),
        "a step is missing or twice"
    );
}

/// Programs that note how they are called and answer as Slurm's do.
fn stand_ins(folder: &Path, queue: &str) {
    let programs = folder.join("programs");
    std::fs::create_dir_all(&programs).unwrap();
    let sbatch = "#!/bin/sh\necho \"sbatch $*\" >>\"$(dirname \"$0\")/calls\"\ngrep -c sbatch \"$(dirname \"$0\")/calls\"\n";
    let scancel = "#!/bin/sh\necho \"scancel $*\" >>\"$(dirname \"$0\")/calls\"\n";
    for (name, text) in [
        ("sbatch", sbatch.to_owned()),
        ("squeue", format!("#!/bin/sh\nprintf '{queue}'\n")),
        ("scancel", scancel.to_owned()),
    ] {
        let path = programs.join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

fn with_stand_ins(folder: &Path, arguments: &[&str]) -> String {
    let programs = folder.join("programs");
    let path = std::env::join_paths(
        std::iter::once(programs).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let output = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(arguments)
        .env("PATH", path.unwrap())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn what_is_missing_is_submitted_in_its_order() {
    let place = begun(20);
    let folder = place.path();
    stand_ins(folder, "");
    let submit = [
        "auto",
        "submit",
        "work",
        "--input",
        "input.yaml",
        "--minutes",
        "1",
    ];
    let said = with_stand_ins(folder, &submit);
    assert!(said.contains("plan: job 1"), "{said}");
    let script = std::fs::read_to_string(folder.join("work/slurm/plan.sbatch")).unwrap();
    assert!(
        script.contains(" plan --input ") && script.contains("--submit"),
        "{script}"
    );
    success(folder, &PLAN);
    success(folder, &train("0"));
    let said = with_stand_ins(folder, &["auto", "submit", "work"]);
    assert!(said.contains("train: job 2 of 1 elements"), "{said}");
    assert!(
        said.contains("ensemble: job 3") && said.contains("predict: job 4"),
        "{said}"
    );
    let script = std::fs::read_to_string(folder.join("work/slurm/train.sbatch")).unwrap();
    assert!(script.contains("#SBATCH --array=1\n"), "{script}");
    let calls = std::fs::read_to_string(folder.join("programs/calls")).unwrap();
    let lines: Vec<&str> = calls.lines().collect();
    assert!(!lines[1].contains("--dependency"), "{calls}");
    assert!(
        lines[2].contains("--dependency=afterok:2 --kill-on-invalid-dep=yes"),
        "{calls}"
    );
    assert!(lines[3].contains("--dependency=afterok:3"), "{calls}");
    // What is in the queue is not submitted twice, and can be cancelled.
    stand_ins(folder, "2_1|RUNNING|None|n1\\n3|PENDING|Dependency|\\n");
    let said = with_stand_ins(folder, &["auto", "submit", "work"]);
    assert!(said.contains("nothing was submitted"), "{said}");
    let said = with_stand_ins(folder, &["auto", "status", "work"]);
    assert!(
        said.contains("running on n1") && said.contains("waiting (Dependency)"),
        "{said}"
    );
    let said = with_stand_ins(folder, &["auto", "cancel", "work"]);
    assert!(said.contains("2 jobs cancelled"), "{said}");
    let calls = std::fs::read_to_string(folder.join("programs/calls")).unwrap();
    assert!(calls.contains("scancel 2 3"), "{calls}");
    // Scripts alone, and manifests.
    let said = success(folder, &["auto", "submit", "work", "--dry-run"]);
    assert!(
        said.contains("train.sbatch") && said.contains("predict.sbatch"),
        "{said}"
    );
    let kubernetes = ["auto", "submit", "work", "--executor", "kubernetes"];
    let refused = error(folder, &kubernetes);
    assert!(refused.contains("--dry-run"), "{refused}");
    success(folder, &[&kubernetes[..], &["--dry-run"]].concat());
    let manifest = std::fs::read_to_string(folder.join("work/kubernetes/train.yaml")).unwrap();
    assert!(manifest.contains("completionMode: Indexed"), "{manifest}");
}

#[test]
fn a_machine_without_slurm_and_settings_that_make_no_sense_are_told() {
    let place = begun(20);
    let folder = place.path();
    let ended = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .current_dir(folder)
        .args(["auto", "submit", "work", "--input", "input.yaml"])
        .env("PATH", folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        !ended.status.success() && text.contains("`sbatch` cannot be started"),
        "{text}"
    );
    let input = std::fs::read_to_string(folder.join("input.yaml")).unwrap();
    let with = |slurm: &str| {
        std::fs::write(
            folder.join("input.yaml"),
            format!("{input}slurm: {slurm}\n"),
        )
        .unwrap();
        error(
            folder,
            &[
                "auto",
                "submit",
                "work",
                "--input",
                "input.yaml",
                "--dry-run",
            ],
        )
    };
    assert!(with("{partition: a b}").contains("slurm.partition"));
    assert!(with("{partitoin: a}").contains("did you mean `partition`"));
    assert!(with("{sbatch: [a]}").contains("slurm.sbatch"));
    let ended = vesalius(folder, &["auto", "status", "nothing"]);
    assert!(String::from_utf8_lossy(&ended.stderr).contains("is no work folder"));
}
