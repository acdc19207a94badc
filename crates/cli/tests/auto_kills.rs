//! `vesalius auto` killed (SIGKILL) at any time in any stage, or on a disk that is full or read-only: the same
//! command continues, and ends as one that was not interrupted.

mod common;
#[allow(dead_code)]
#[path = "common/narrow.rs"]
mod narrow;

use common::disk::SmallDisk;
use common::made::{MRI, input, plan_of};
use common::{killed, milliseconds, moments, success, vesalius};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// A plan that trains in a second, whose training is the same on every machine.
const PLAN: &str = "because: []
training:
  name: narrow
  preprocessing: [{z_score: {}}]
  patch: {size: [16, 16, 16], sampling: {positive: 1, negative: 1}}
  network: {unet: {channels: [4, 8], strides: [2], num_res_units: 1}}
  optimizer: {adamw: {learning_rate: 0.01}}
  duration: {steps: 60}
  validation: {times: 2}
";

/// A folder with a dataset, its input and the plan in a work folder.
fn begun() -> TempDir {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    MRI.write(folder);
    input(folder, "name: made\nmodality: MRI\nalgos: [narrow]\n");
    std::fs::create_dir_all(folder.join("work/plans")).unwrap();
    std::fs::write(folder.join("work/plans/narrow.yaml"), PLAN).unwrap();
    temporary
}

/// Two folders in which the same stages run: in the first to their ends, in the second killed meanwhile.
struct Stages<'a> {
    whole: &'a Path,
    broken: &'a Path,
    moments: Box<dyn Iterator<Item = f64>>,
}

impl<'a> Stages<'a> {
    fn new(whole: &'a TempDir, broken: &'a TempDir) -> Self {
        Self {
            whole: whole.path(),
            broken: broken.path(),
            moments: Box::new(moments()),
        }
    }

    /// Kills a stage so many times at random moments of its time, then lets it end; how many kills hit it
    /// while it ran.
    fn run(&mut self, line: &str, kills: usize) -> usize {
        let arguments: Vec<_> = line.split(' ').collect();
        let mut time = 0.8 * milliseconds(self.whole, &arguments);
        let mut hit = 0;
        for share in self.moments.by_ref().take(kills) {
            let ended = killed(self.broken, &arguments, (time * share) as u64);
            hit += usize::from(!ended);
            if hit == 0 {
                // The machine had more to do while the stage was timed.
                time /= 2.0;
            }
        }
        success(self.broken, &arguments);
        hit
    }
}

fn same(whole: &Path, broken: &Path, file: &str) {
    let read = |folder: &Path| std::fs::read(folder.join("work").join(file)).unwrap();
    assert!(read(whole) == read(broken), "{file} differs");
}

/// The scores of all runs, without the times, which differ.
fn scores(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("work/history.json")).unwrap();
    let history: Value = serde_json::from_str(&text).unwrap();
    let jobs = history["jobs"].as_array().unwrap();
    jobs.iter()
        .map(|job| serde_json::json!([job["fold"], job["state"], job["dice"], job["labels"]]))
        .collect()
}

#[test]
fn every_stage_killed_at_random_moments_ends_as_an_unbroken_one() {
    let (whole, broken) = (begun(), begun());
    let mut stages = Stages::new(&whole, &broken);
    let (whole, broken) = (whole.path(), broken.path());
    let mut hit = 0;
    hit += stages.run("auto analyze input.yaml --output work", 3);
    for file in ["dataset_fingerprint.json", "datastats.yaml"] {
        same(whole, broken, &format!("analysis/{file}"));
    }
    hit += stages.run("auto plan work --algorithms segresnet", 2);
    assert_eq!(plan_of(whole, "segresnet"), plan_of(broken, "segresnet"));
    hit += stages.run("auto train work", 4);
    assert_eq!(scores(whole), scores(broken));
    hit += stages.run("auto ensemble work", 3);
    same(whole, broken, "ensemble.json");
    hit += stages.run("auto predict work", 3);
    same(whole, broken, "predictions/image_6.nii.gz");
    hit += stages.run("auto report work", 2);
    for folder in [whole, broken] {
        let page = std::fs::read_to_string(folder.join("work/report.html")).unwrap();
        assert!(page.trim_end().ends_with("</html>"), "the report is cut");
    }
    assert!(hit > 0, "no kill hit a stage under way");
    println!("{hit} of 17 kills hit a stage under way");
}

#[test]
fn tasks_killed_twenty_times_end_as_unbroken_ones() {
    let (whole, broken) = (begun(), begun());
    let mut stages = Stages::new(&whole, &broken);
    let (whole, broken) = (whole.path(), broken.path());
    let mut hit = 0;
    hit += stages.run("auto task work plan --input input.yaml", 5);
    hit += stages.run("auto task work train 0", 5);
    hit += stages.run("auto task work train 1", 5);
    hit += stages.run("auto task work ensemble", 3);
    hit += stages.run("auto task work predict 0 --parts 1", 2);
    for file in [
        "analysis/dataset_fingerprint.json",
        "tasks.json",
        "ensemble.json",
        "model/model.yaml",
        "predictions/image_6.nii.gz",
    ] {
        same(whole, broken, file);
    }
    for fold in [0, 1] {
        let weights = |folder: &Path| narrow::weights(folder, fold);
        assert!(weights(whole) == weights(broken), "fold {fold}");
    }
    assert!(hit > 0, "no kill hit a task under way");
    println!("{hit} of 20 kills hit a task under way");
}

#[test]
fn a_search_killed_at_random_moments_ends_as_an_unbroken_one() {
    let (whole, broken) = (begun(), begun());
    let mut stages = Stages::new(&whole, &broken);
    let (whole, broken) = (whole.path(), broken.path());
    stages.run("auto analyze input.yaml --output work", 0);
    let tune = "auto tune work --trials 3 --steps 40 --no-pruning --sampler random";
    let hit = stages.run(tune, 4);
    assert!(hit > 0, "no kill hit the search under way");
    // A finished search can be resumed as well: there is nothing left to do.
    success(whole, &tune.split(' ').collect::<Vec<_>>());
    let tuned = plan_of(whole, "narrow_tuned");
    assert!(tuned.contains("the best"), "{tuned}");
    assert_eq!(plan_of(broken, "narrow_tuned"), tuned);
}

/// Runs on a disk that grows from `kibibytes` by half each time, until it succeeds: how often it did not. Nothing
/// but the command may be called failed.
fn on_a_growing_disk(folder: &Path, disk: &SmallDisk, kibibytes: f64, command: &[&str]) -> usize {
    for failed in 0..14 {
        disk.resize(&format!("{}k", (kibibytes * 1.5f64.powi(failed)) as u64));
        let output = vesalius(folder, command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned()
            + &String::from_utf8_lossy(&output.stdout);
        assert!(!said.contains("FAILED"), "{said}");
        if output.status.success() {
            return failed as usize;
        }
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("No space left"), "{said}");
    }
    panic!("{command:?} does not end on any disk");
}

/// The work folder of `begun` on a small disk; `None` without the right to mount one.
fn begun_on_disk(size: &str) -> Option<(TempDir, SmallDisk)> {
    let folder = begun();
    let disk = SmallDisk::mount(size)?;
    let work = folder.path().join("work");
    std::fs::create_dir_all(disk.path().join("plans")).unwrap();
    std::fs::copy(
        work.join("plans/narrow.yaml"),
        disk.path().join("plans/narrow.yaml"),
    )
    .unwrap();
    std::fs::remove_dir_all(&work).unwrap();
    std::os::unix::fs::symlink(disk.path(), &work).unwrap();
    Some((folder, disk))
}

const RUN: [&str; 5] = ["auto", "run", "input.yaml", "--output", "work"];

#[test]
fn a_full_disk_stops_the_work_which_then_goes_on() {
    let whole = begun();
    let Some((broken, disk)) = begun_on_disk("32k") else {
        return;
    };
    let (whole, broken) = (whole.path(), broken.path());
    success(whole, &RUN);
    let failed = on_a_growing_disk(broken, &disk, 32.0, &RUN);
    assert!(failed >= 3, "the disk was full {failed} times");
    // A file is written next to the one that it replaces.
    disk.resize("8m");
    assert_eq!(scores(whole), scores(broken));
    for file in ["ensemble.json", "model/model.yaml"] {
        same(whole, broken, file);
    }
    // Nothing is left to do; a disk that became read-only is reported, and no run is called failed.
    disk.allow("ro");
    let output = vesalius(broken, &RUN);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only"), "{said}");
    disk.allow("rw");
    success(broken, &RUN);
    assert_eq!(scores(whole), scores(broken));
}

#[test]
fn a_full_disk_costs_a_search_no_trial() {
    let whole = begun();
    let Some((broken, disk)) = begun_on_disk("1m") else {
        return;
    };
    let (whole, broken) = (whole.path(), broken.path());
    let tune = "auto tune work --trials 3 --steps 10 --no-pruning --sampler random";
    let tune: Vec<&str> = tune.split(' ').collect();
    for folder in [whole, broken] {
        success(
            folder,
            &["auto", "analyze", "input.yaml", "--output", "work"],
        );
    }
    success(whole, &tune);
    let failed = on_a_growing_disk(broken, &disk, 96.0, &tune);
    assert!(failed >= 1, "the disk was full {failed} times");
    same(whole, broken, "plans/narrow_tuned.yaml");
    let record = broken.join("work/tune/narrow/study/trials.jsonl");
    let record = std::fs::read_to_string(record).unwrap();
    assert!(!record.contains("failed"), "{record}");
}
