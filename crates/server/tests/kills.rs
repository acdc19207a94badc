//! A server that is killed at random moments loses no job that it acknowledged and runs none to two results.

#[path = "../examples/toy/mod.rs"]
mod toy;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use vesalius_server::{JobId, Limits, NoDelivery, Queue, Request, State, Upload, Workers};
use vesalius_volume::{Geometry, Volume};

const KILLS: usize = 24;
const SPOOL: &str = "VESALIUS_SERVER_TEST_SPOOL";
const SENDS: &str = "VESALIUS_SERVER_TEST_SENDS";

fn queue(spool: &Path) -> Arc<Queue> {
    let mut limits = Limits::default();
    limits.attempts = u32::MAX;
    limits.free_bytes = 0;
    limits.full = 1.0;
    let engine = toy::Toy {
        pause: Duration::from_millis(1),
    };
    Queue::open(spool, Arc::new(engine), limits).unwrap()
}

fn scan() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii");
    let grid = Geometry::axis_aligned([16, 12, 8], [1.0, 1.0, 2.0]).unwrap();
    vesalius_io::write(
        &path,
        &Volume::from_fn(grid, |[x, y, z]| (x + y + z) as i16),
    )
    .unwrap();
    std::fs::read(path).unwrap()
}

/// The process that is killed: it sends itself jobs, and notes each once it is acknowledged.
#[test]
fn child() {
    let Some(spool) = std::env::var_os(SPOOL).map(PathBuf::from) else {
        return;
    };
    let queue = queue(&spool);
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    if std::env::var_os(SENDS).is_some() {
        let noted = spool.with_extension("acknowledged");
        let mut noted = OpenOptions::new()
            .create(true)
            .append(true)
            .open(noted)
            .unwrap();
        let scan = scan();
        loop {
            let request = Request {
                model: "threshold".to_owned(),
                ..Request::default()
            };
            if let Ok(mut upload) = Upload::begin(&queue, request, None) {
                upload.write(&scan).unwrap();
                let job = upload.finish().unwrap();
                writeln!(noted, "{}", job.id).unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    let began = Instant::now();
    while queue.list().iter().any(|view| !view.job.state.is_final()) {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{:?}",
            queue.counts()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    workers.stop();
}

fn start(spool: &Path, sends: bool) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child"]).env(SPOOL, spool);
    if sends {
        command.env(SENDS, "yes");
    }
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The number of the run of each job that has results.
fn runs(spool: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(spool.join("jobs"))
        .into_iter()
        .flatten()
        .flatten();
    let runs = entries.filter_map(|entry| {
        let run = std::fs::read_to_string(entry.path().join("results/run.txt")).ok()?;
        Some((entry.file_name().into_string().ok()?, run))
    });
    runs.collect()
}

/// Pauses that are different each time, with a fixed seed.
fn pause(kill: usize) -> Duration {
    let mixed = (kill as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    Duration::from_millis(30 + mixed % 220)
}

#[test]
fn killed_servers_lose_no_acknowledged_job_and_run_none_to_two_results() {
    let folder = tempfile::tempdir().unwrap();
    let spool = folder.path().join("spool");
    let mut seen = BTreeMap::new();
    for kill in 0..KILLS {
        let mut child = start(&spool, true);
        std::thread::sleep(pause(kill));
        child.kill().unwrap();
        child.wait().unwrap();
        let now = runs(&spool);
        for (id, run) in &seen {
            assert_eq!(
                now.get(id),
                Some(run),
                "the results of a job changed after kill {kill}"
            );
        }
        seen = now;
    }
    let ended = start(&spool, false).wait().unwrap();
    assert!(
        ended.success(),
        "the last server did not finish what was left"
    );

    let queue = queue(&spool);
    let noted = std::fs::read_to_string(spool.with_extension("acknowledged")).unwrap();
    // The last line may have been cut by the kill.
    let ids: Vec<JobId> = noted.lines().filter_map(JobId::parse).collect();
    assert!(
        ids.len() > KILLS,
        "only {} jobs were acknowledged",
        ids.len()
    );
    let after = runs(&spool);
    for id in &ids {
        let view = queue.get(id).unwrap_or_else(|| panic!("job {id} was lost"));
        assert_eq!(view.job.state, State::Done, "{:?}", view.job.reason);
        assert_eq!(view.job.versions.len(), 1);
        File::open(queue.folder(&view.job).join("results/labels.nii.gz")).unwrap();
    }
    for (id, run) in &seen {
        assert_eq!(after.get(id), Some(run), "a job with results was run again");
    }
    println!("{} jobs acknowledged over {KILLS} kills", ids.len());
}
