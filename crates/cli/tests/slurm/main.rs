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
use std::sync::atomic::{AtomicU32, Ordering};
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
        // Clusters of tests that run at one time have ports of their own.
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let port = 20000 + std::process::id() % 19000 + 10 * number;
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

    /// Declares the node lost on which an element runs, so that it is started on another one. `None` if it has ended.
    fn lose_node_of(&self, folder: &Path, element: &str) -> Option<String> {
        let asked = [
            "--noheader",
            "--states=RUNNING",
            "--format=%N",
            "--jobs",
            element,
        ];
        let (_, node) = self.run(folder, "squeue", &asked);
        let node = node.trim().to_owned();
        if !["n1", "n2", "n3"].contains(&node.as_str()) {
            return None;
        }
        let name = format!("NodeName={node}");
        let (done, said) = self.run(
            folder,
            "scontrol",
            &["update", &name, "State=DOWN", "Reason=test"],
        );
        assert!(done, "{said}");
        Some(node)
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
    let array = train.unwrap()["id"].as_str().unwrap().to_owned();
    let element = format!("{array}_1");
    // A fast machine may have ended it meanwhile.
    let (told, _) = cluster.run(folder, "scancel", &["--signal=TERM", &element]);
    let lost = cluster.lose_node_of(folder, &format!("{array}_0"));

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
    if let Some(node) = lost {
        let log = folder.join(format!("work/slurm/train-{array}_0.log"));
        let log = std::fs::read_to_string(log).unwrap();
        assert!(
            log.matches("fold 0").count() > 1,
            "not moved from {node}: {log}"
        );
        cluster.run(
            folder,
            "scontrol",
            &["update", &format!("NodeName={node}"), "State=RESUME"],
        );
    }
    wait("the predictions are there", folder, || {
        folder.join("work/predictions/image_6.nii.gz").exists()
    });
    let queue = || cluster.run(folder, "squeue", &["--noheader"]).1;
    wait("the queue is empty", folder, || queue().trim().is_empty());
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

#[test]
fn an_element_that_fails_is_named_and_what_depends_on_it_is_taken_out() {
    let place = tempfile::tempdir().unwrap();
    let Some(cluster) = Cluster::start(&place.path().join("cluster")) else {
        return;
    };
    let work = begun(30);
    let folder = work.path();
    let input = std::fs::read_to_string(folder.join("input.yaml")).unwrap();
    let both = input.replace("[narrow]", "[narrow, steep]");
    std::fs::write(folder.join("input.yaml"), both).unwrap();
    let plan = std::fs::read_to_string(folder.join("work/plans/narrow.yaml")).unwrap();
    let steep = plan
        .replace("0.01", "1.0e+30")
        .replace("name: narrow", "name: steep");
    std::fs::write(folder.join("work/plans/steep.yaml"), steep).unwrap();
    cluster.auto(folder, &["submit", "work", "--input", "input.yaml"]);
    let state = |status: &Value, number: usize| {
        status["tasks"][number]["state"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let mut status = Value::Null;
    wait("all runs have ended", folder, || {
        status = cluster.status(folder);
        (0..4).all(|number| {
            let state = state(&status, number);
            state == "trained" || state.starts_with("failed")
        })
    });
    for number in 0..4 {
        let algorithm = status["tasks"][number]["algorithm"].as_str().unwrap();
        let state = state(&status, number);
        match algorithm {
            "narrow" => assert_eq!(state, "trained"),
            _ => assert!(state.contains("finite"), "{state}"),
        }
    }
    // The ensemble waits for all runs; with one that failed it never begins.
    wait("the queue is empty", folder, || {
        cluster
            .run(folder, "squeue", &["--noheader"])
            .1
            .trim()
            .is_empty()
    });
    assert!(!folder.join("work/report.json").exists());
    // What was trained is used when it is asked for.
    let report = cluster.auto(folder, &["report", "work"]);
    let page = std::fs::read_to_string(folder.join("work/report.html")).unwrap();
    assert!(page.contains("finite"), "{report}");
}
