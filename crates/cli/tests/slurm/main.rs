//! `vesalius auto` on a Slurm that the test starts: every stage by jobs, with an element that is told to stop and goes on. The
//! result is that of `auto run`, bit for bit.

#[path = "../common/mod.rs"]
mod common;
#[path = "../common/narrow.rs"]
mod narrow;

use common::{success, vesalius};
use narrow::{begun, weights};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Programs that a cluster consists of.
const PROGRAMS: [&str; 5] = ["slurmctld", "slurmd", "munged", "sbatch", "squeue"];

/// A running cluster, stopped at the end.
struct Cluster(PathBuf);

impl Cluster {
    /// `None` where Slurm is not installed, which is told.
    fn start(folder: &Path) -> Option<Self> {
        let is_there = |program: &&str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
        };
        if !PROGRAMS.iter().all(is_there) {
            assert!(
                std::env::var_os("VESALIUS_REQUIRE_SLURM").is_none(),
                "Slurm is not installed, and VESALIUS_REQUIRE_SLURM is set"
            );
            eprintln!("skipped: Slurm (slurm-wlm, munge) is not installed");
            return None;
        }
        let port = 20000 + std::process::id() % 20000;
        let started = Command::new(Self::script())
            .arg("start")
            .arg(folder)
            .arg(port.to_string())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&started.stderr).into_owned();
        assert!(started.status.success(), "{told}");
        Some(Self(folder.to_owned()))
    }

    fn script() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/slurm/cluster.sh")
    }

    fn run(&self, folder: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
        let output = Command::new(program)
            .current_dir(folder)
            .env("SLURM_CONF", self.0.join("slurm.conf"))
            .args(arguments)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    }

    fn auto(&self, folder: &Path, arguments: &[&str]) -> String {
        let arguments = [&["auto"], arguments].concat();
        let (done, said) = self.run(folder, env!("CARGO_BIN_EXE_vesalius"), &arguments);
        assert!(done, "{arguments:?}: {said}");
        said
    }

    fn status(&self, folder: &Path) -> Value {
        let said = self.auto(folder, &["status", "work", "--json"]);
        let json = &said[said.find('{').unwrap()..=said.rfind('}').unwrap()];
        serde_json::from_str(json).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = Command::new(Self::script())
            .arg("stop")
            .arg(&self.0)
            .status();
    }
}

/// Waits until something holds.
fn wait(what: &str, folder: &Path, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        if began.elapsed() > Duration::from_secs(300) {
            let logs = std::fs::read_dir(folder.join("work/slurm"))
                .into_iter()
                .flatten();
            for entry in logs.flatten() {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                eprintln!("--- {}\n{text}", entry.path().display());
            }
            panic!("{what}: not within five minutes");
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

#[test]
fn stages_as_jobs_end_as_they_do_in_one_process() {
    let place = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::start(&place.path().join("cluster")) else {
        return;
    };
    let (jobs, alone) = (begun(3000), begun(3000));
    let folder = jobs.path();
    let submitted = cluster.auto(folder, &["submit", "work", "--input", "input.yaml"]);
    assert!(submitted.contains("plan: job "), "{submitted}");
    let again = cluster.auto(folder, &["submit", "work", "--input", "input.yaml"]);
    assert!(again.contains("nothing was submitted"), "{again}");

    // One element is told to stop once it trains: it saves, is put into the queue again, and goes on.
    let log = folder.join("work/runs/narrow/fold_1/log.jsonl");
    let steps = || {
        std::fs::read_to_string(&log)
            .unwrap_or_default()
            .matches("\"step\"")
            .count()
    };
    wait("a run begins", folder, || steps() > 20);
    let text = std::fs::read_to_string(folder.join("work/slurm/jobs.json")).unwrap();
    let listed: Value = serde_json::from_str(&text).unwrap();
    let train = listed["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["stage"] == "train");
    let element = format!("{}_1", train.unwrap()["id"].as_str().unwrap());
    // A fast machine may have ended it meanwhile.
    let (told, _) = cluster.run(folder, "scancel", &["--signal=TERM", &element]);

    let is_done = || {
        let status = cluster.status(folder);
        let stages = status["stages"].as_array().unwrap();
        stages.iter().all(|stage| stage[1] == "done")
    };
    wait("everything is done", folder, is_done);
    let output = std::fs::read_dir(folder.join("work/slurm")).unwrap();
    let log = output.flatten().find(|entry| {
        let name = entry.file_name().into_string().unwrap();
        name.starts_with("train-") && name.ends_with("_1.log")
    });
    let log = std::fs::read_to_string(log.unwrap().path()).unwrap();
    if told && log.contains("stopped; run the same command again") {
        let begun = log.matches("fold 1").count();
        assert!(begun > 1, "it was not put into the queue again: {log}");
    }
    wait("the predictions are there", folder, || {
        folder.join("work/predictions/image_6.nii.gz").exists()
    });
    let nothing = cluster.auto(folder, &["submit", "work"]);
    assert!(nothing.contains("nothing is left to do"), "{nothing}");

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

    // Everything is taken out of the queue.
    std::fs::remove_file(folder.join("work/report.json")).unwrap();
    cluster.auto(folder, &["submit", "work"]);
    cluster.auto(folder, &["cancel", "work"]);
    let ended = vesalius(folder, &["auto", "status", "missing"]);
    assert!(!ended.status.success());
}
