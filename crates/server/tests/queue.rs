//! The queue: limits, failures, deletion, time, retention, versions.

#[path = "../examples/toy/mod.rs"]
mod toy;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use vesalius_control::Control;
use vesalius_server::{
    Delivery, DeliveryError, Engine, EngineError, Job, JobId, JobView, Limits, ModelInfo,
    NoDelivery, Queue, Refusal, Request, State, Task, Upload, Workers,
};
use vesalius_volume::{Geometry, Volume};

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.free_bytes = 0;
    limits.full = 1.0;
    limits
}

fn scan() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii");
    let grid = Geometry::axis_aligned([16, 12, 8], [1.0, 1.0, 2.0]).unwrap();
    vesalius_io::write(&path, &Volume::from_fn(grid, |[x, ..]| x as i16)).unwrap();
    std::fs::read(path).unwrap()
}

fn request() -> Request {
    Request {
        model: "threshold".to_owned(),
        name: "scan of a patient".to_owned(),
        ..Request::default()
    }
}

fn send(queue: &Arc<Queue>, bytes: &[u8]) -> Result<JobId, Refusal> {
    let mut upload = Upload::begin(queue, request(), Some(bytes.len() as u64))?;
    upload.write(bytes)?;
    Ok(upload.finish()?.id)
}

fn wait(queue: &Queue, id: &JobId, until: impl Fn(&JobView) -> bool) -> JobView {
    let began = Instant::now();
    loop {
        let view = queue.get(id).unwrap();
        if until(&view) {
            return view;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{view:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn ended(view: &JobView) -> bool {
    view.job.state.is_final()
}

fn toy() -> Arc<dyn Engine> {
    Arc::new(toy::Toy::default())
}

/// Behaves as its first model's name says.
struct Odd(&'static str);

impl Engine for Odd {
    fn models(&self) -> Vec<ModelInfo> {
        toy::Toy::default().models()
    }

    fn run(&self, task: &Task) -> Result<(), EngineError> {
        match self.0 {
            "panics" => panic!("an index was wrong"),
            "writes nothing" => Ok(()),
            "fails" => Err("the image has two channels, and the model takes one".into()),
            // Until it is cancelled.
            _ => loop {
                task.control.check()?;
                std::thread::sleep(Duration::from_millis(2));
            },
        }
    }
}

#[test]
fn a_scan_becomes_labels_with_volumes() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), toy(), limits()).unwrap();
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    let id = send(&queue, &scan()).unwrap();
    let view = wait(&queue, &id, ended);
    assert_eq!(
        (view.job.state, view.place),
        (State::Done, None),
        "{:?}",
        view.job.reason
    );
    let volumes = &view.job.versions[0].volumes;
    // x from 0 to 15: labels from 6 to 10 and from 11 on, of 12 × 8 voxels of 2 mm³ each.
    let voxels: Vec<u64> = volumes.iter().map(|volume| volume.voxels).collect();
    assert_eq!(voxels, [5 * 96, 5 * 96]);
    assert!((volumes[0].millilitres - 0.96).abs() < 1e-9);
    workers.stop();
}

#[test]
fn what_is_no_image_fails_with_a_reason_and_lies_with_the_failed() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), toy(), limits()).unwrap();
    assert_eq!(send(&queue, &[7; 400]), Err(Refusal::UnknownFormat));
    let id = send(&queue, b"NRRD0004\nnot more\n").unwrap();
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    let view = wait(&queue, &id, ended);
    assert_eq!(view.job.state, State::Failed);
    let reason = view.job.reason.unwrap();
    assert!(
        !reason.contains(&folder.path().display().to_string()),
        "{reason}"
    );
    let failed = folder.path().join("failed").join(id.as_str());
    assert!(failed.join("reason.txt").exists() && failed.join("input.nrrd").exists());
    workers.stop();
    drop(queue);
    let queue = Queue::open(folder.path(), toy(), limits()).unwrap();
    assert_eq!(
        queue.get(&id).unwrap().job.state,
        State::Failed,
        "also after a restart"
    );
    assert!(queue.delete(&id).unwrap() && !failed.exists());
}

#[test]
fn an_engine_that_fails_in_any_way_fails_the_job_alone() {
    for (way, words) in [
        ("panics", "an index was wrong"),
        ("writes nothing", "wrote no labels.nii.gz"),
        ("fails", "the model takes one"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), Arc::new(Odd(way)), limits()).unwrap();
        let _workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
        for _ in 0..2 {
            let id = send(&queue, &scan()).unwrap();
            let reason = wait(&queue, &id, ended).job.reason.unwrap();
            assert!(reason.contains(words), "{reason}");
        }
    }
}

#[test]
fn a_run_beyond_its_time_fails_and_a_deleted_one_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut short = limits();
    short.run_time = Duration::from_millis(50);
    let queue = Queue::open(folder.path(), Arc::new(Odd("never ends")), short).unwrap();
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    let id = send(&queue, &scan()).unwrap();
    let reason = wait(&queue, &id, ended).job.reason.unwrap();
    assert!(reason.contains("took more than"), "{reason}");
    workers.stop();
    drop(queue);

    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), Arc::new(Odd("never ends")), limits()).unwrap();
    let workers = Workers::start(&queue, Arc::new(NoDelivery)).unwrap();
    let (first, second) = (
        send(&queue, &scan()).unwrap(),
        send(&queue, &scan()).unwrap(),
    );
    wait(&queue, &first, |view| view.job.state == State::Running);
    assert!(wait(&queue, &second, |view| view.job.state == State::Ready).place == Some(1));
    assert!(queue.delete(&first).unwrap());
    assert!(queue.get(&first).is_none() && !queue.delete(&first).unwrap());
    wait(&queue, &second, |view| view.job.state == State::Running);
    assert!(!folder.path().join("jobs").join(first.as_str()).exists());
    workers.stop();
    drop(queue);
    // What ran waits again, and the attempt does not count.
    let queue = Queue::open(folder.path(), toy(), limits()).unwrap();
    let view = queue.get(&second).unwrap();
    assert_eq!((view.job.state, view.job.attempts), (State::Ready, 0));
}

#[test]
fn limits_refuse_with_their_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut small = limits();
    (small.queue, small.upload_bytes) = (2, 10_000);
    let queue = Queue::open(folder.path(), toy(), small.clone()).unwrap();
    let scan = scan();
    let announced = Upload::begin(&queue, request(), Some(10_001)).err();
    assert_eq!(announced, Some(Refusal::TooLarge { limit: 10_000 }));
    let mut upload = Upload::begin(&queue, request(), None).unwrap();
    upload.write(&scan).unwrap();
    assert_eq!(
        upload.write(&[0; 10_000]),
        Err(Refusal::TooLarge { limit: 10_000 })
    );
    drop(upload);
    assert_eq!(
        std::fs::read_dir(folder.path().join("incoming"))
            .unwrap()
            .count(),
        0
    );
    for _ in 0..2 {
        send(&queue, &scan).unwrap();
    }
    assert_eq!(send(&queue, &scan), Err(Refusal::QueueFull { waiting: 2 }));
    let other = Request {
        model: "liver".to_owned(),
        ..request()
    };
    let error = Upload::begin(&queue, other, None)
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("liver") && error.contains("threshold, high-threshold"),
        "{error}"
    );
    drop(queue);

    let mut full = limits();
    full.free_bytes = u64::MAX;
    let queue = Queue::open(folder.path(), toy(), full).unwrap();
    if queue.room().is_some() {
        assert!(matches!(send(&queue, &scan), Err(Refusal::DiskFull { .. })));
    }
    drop(queue);
    let mut used = limits();
    used.spool_bytes = 100;
    let queue = Queue::open(folder.path(), toy(), used).unwrap();
    assert!(matches!(
        send(&queue, &scan),
        Err(Refusal::SpoolFull { limit: 100, .. })
    ));
}

/// Delivers at the third attempt.
#[derive(Default)]
struct Third(AtomicUsize);

impl Delivery for Third {
    fn wants(&self, _: &Job) -> bool {
        true
    }

    fn deliver(&self, _: &Job, folder: &Path, _: &Control) -> Result<(), DeliveryError> {
        assert!(folder.join("results/labels.nii.gz").exists());
        match self.0.fetch_add(1, Ordering::Relaxed) {
            0 => Err(DeliveryError::Later("no connection".to_owned())),
            _ => Ok(()),
        }
    }
}

#[test]
fn results_are_sent_again_until_they_arrive() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(folder.path(), toy(), limits()).unwrap();
    let _workers = Workers::start(&queue, Arc::new(Third::default())).unwrap();
    let id = send(&queue, &scan()).unwrap();
    assert_eq!(wait(&queue, &id, ended).job.state, State::Done);
}

#[test]
fn two_servers_do_not_share_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Queue::open(folder.path(), toy(), limits()).unwrap();
    let second = Queue::open(folder.path(), toy(), limits()).err().unwrap();
    assert!(
        second
            .to_string()
            .contains("give each server a folder of its own")
    );
}
