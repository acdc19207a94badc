//! The threads that take jobs from state to state: one looks at inputs, one for each device runs the engine, one sends
//! results, one deletes what is older than the retention.

use crate::delivery::{Delivery, DeliveryError};
use crate::engine::{LABELS_FILE, Task};
use crate::error::Error;
use crate::input;
use crate::job::{Job, JobId, State, Version, now};
use crate::queue::Queue;
use crate::versions;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use vesalius_control::Control;

/// The pause after a disk that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How often old jobs are looked for.
const EXPIRY: Duration = Duration::from_secs(60);

/// The longest pause between two sendings.
const LONGEST: Duration = Duration::from_secs(300);

/// The threads of a queue.
pub struct Workers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts them.
    ///
    /// # Errors
    /// [`Error::System`], where the system gives no thread.
    pub fn start(queue: &Arc<Queue>, delivery: Arc<dyn Delivery>) -> Result<Self, Error> {
        let mut workers = Self {
            queue: queue.clone(),
            threads: Vec::new(),
        };
        workers.spawn("inputs", |queue| each(queue, State::Received, examine))?;
        for device in 0..queue.engine.devices() {
            workers.spawn("device", move |queue| {
                each(queue, State::Ready, |queue, job, control| {
                    run(queue, job, control, device)
                })
            })?;
        }
        workers.spawn("sender", move |queue| {
            let delivery = &*delivery;
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    each(queue, State::Results, |queue, job, _| {
                        conclude(queue, job, delivery)
                    })
                });
                each(queue, State::Sending, |queue, job, control| {
                    send(queue, job, control, delivery)
                });
            });
        })?;
        workers.spawn("retention", |queue| {
            let mut looked = Instant::now();
            while !queue.is_stopping() {
                queue.wait(PAUSE);
                if looked.elapsed() >= EXPIRY {
                    queue.expire();
                    looked = Instant::now();
                }
            }
        })?;
        Ok(workers)
    }

    fn spawn(
        &mut self,
        name: &str,
        work: impl FnOnce(&Arc<Queue>) + Send + 'static,
    ) -> Result<(), Error> {
        let queue = self.queue.clone();
        let thread = std::thread::Builder::new()
            .name(format!("vesalius-{name}"))
            .spawn(move || work(&queue))
            .map_err(Error::System)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Stops the queue and waits for the threads: runs end at their next check, and the next server begins them again.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.queue.stop();
        for thread in self.threads.drain(..) {
            // A thread that panicked has ended, too.
            let _ = thread.join();
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.end();
    }
}

/// Does `work` for each job that comes into `state`.
fn each(
    queue: &Arc<Queue>,
    state: State,
    work: impl Fn(&Arc<Queue>, &mut Job, &Control) -> io::Result<()>,
) {
    while let Some((mut job, control)) = queue.take(state) {
        let done = work(queue, &mut job, &control);
        if done.is_err() {
            tracing::error!(job = %job.id, state = state.name(), "the disk failed; the job is tried again");
            std::thread::sleep(PAUSE);
            queue.return_interrupted(&job.id);
        }
        queue.release(&job.id);
    }
}

fn fail(queue: &Queue, job: &mut Job, reason: String) -> io::Result<()> {
    job.reason = Some(reason);
    queue.put(job, State::Failed)?;
    queue.totals.failed.add(1);
    tracing::warn!(job = %job.id, "failed; the reason is with the job");
    Ok(())
}

/// Received → ready: what is no image fails at once, not after its turn in the queue.
fn examine(queue: &Arc<Queue>, job: &mut Job, control: &Control) -> io::Result<()> {
    let folder = queue.folder(job);
    let examined = caught(|| input::examine(&folder, job, &queue.limits, control));
    if queue.is_stopping() {
        return Ok(());
    }
    match examined {
        Ok(()) => queue.put(job, State::Ready),
        Err(reason) => fail(queue, job, reason),
    }
}

/// Ready → running → results.
fn run(queue: &Arc<Queue>, job: &mut Job, control: &Control, device: usize) -> io::Result<()> {
    job.attempts += 1;
    queue.put(job, State::Running)?;
    tracing::info!(job = %job.id, attempt = job.attempts, "running");
    let work = queue.spool.work(job)?;
    let began = Instant::now();
    let ran = engine_run(queue, job, &work, control, device);
    let late = began.elapsed() >= queue.limits.run_time;
    if control.is_cancelled() && (queue.is_stopping() || queue.get(&job.id).is_none()) {
        // Deleted, or run again by the next server; that is no failed attempt.
        job.attempts -= 1;
        return queue.put(job, State::Ready);
    }
    let ran = ran.and_then(|()| match work.join(LABELS_FILE).is_file() {
        true => Ok(()),
        false => Err(format!(
            "the model wrote no {LABELS_FILE}; report this to who runs the server"
        )),
    });
    match ran {
        Ok(()) => {
            let seconds = began.elapsed();
            queue.spool.publish(job)?;
            job.seconds = Some(seconds.as_secs_f64());
            queue
                .totals
                .run_milliseconds
                .add(seconds.as_millis() as u64);
            queue.put(job, State::Results)
        }
        Err(_) if late => {
            let limit = queue.limits.run_time.as_secs();
            fail(
                queue,
                job,
                format!(
                    "the run took more than {limit} seconds, which is the limit of this server"
                ),
            )
        }
        Err(reason) => fail(queue, job, reason),
    }
}

fn engine_run(
    queue: &Arc<Queue>,
    job: &Job,
    work: &Path,
    control: &Control,
    device: usize,
) -> Result<(), String> {
    let limited = match Instant::now().checked_add(queue.limits.run_time) {
        Some(end) => control.until(end),
        None => control.child(),
    };
    let (shown, id): (_, JobId) = (Arc::downgrade(queue), job.id.clone());
    limited.on_progress(move |progress| {
        if let Some(queue) = shown.upgrade() {
            queue.set_progress(&id, progress);
        }
    });
    let input = input::input_path(&queue.folder(job), job);
    let task = Task {
        model: &job.model,
        input: &input,
        series: job.series.as_deref(),
        probabilities: job.probabilities,
        output: work,
        device,
        control: &limited,
    };
    caught(|| queue.engine.run(&task).map_err(|error| error.to_string()))
}

/// Results → sending or done: the volumes of the labels are counted.
fn conclude(queue: &Arc<Queue>, job: &mut Job, delivery: &dyn Delivery) -> io::Result<()> {
    let file = queue.spool.results(job).join(LABELS_FILE);
    let known = queue.model(&job.model).map(|model| model.labels.clone());
    let counted = caught(|| versions::volumes(&file, &known.unwrap_or_default()));
    match counted {
        Ok(volumes) => {
            job.versions = vec![Version {
                number: 1,
                created: now(),
                volumes,
            }];
            match delivery.wants(job) {
                true => queue.put(job, State::Sending),
                false => done(queue, job),
            }
        }
        Err(reason) => fail(queue, job, reason),
    }
}

fn done(queue: &Queue, job: &mut Job) -> io::Result<()> {
    queue.put(job, State::Done)?;
    queue.totals.done.add(1);
    tracing::info!(job = %job.id, seconds = job.seconds, "done");
    Ok(())
}

/// Sending → done.
fn send(
    queue: &Arc<Queue>,
    job: &mut Job,
    control: &Control,
    delivery: &dyn Delivery,
) -> io::Result<()> {
    let folder = queue.folder(job);
    let mut pause = PAUSE;
    for attempt in 1..=queue.limits.sendings.max(1) {
        let sent = caught(|| Ok(delivery.deliver(job, &folder, control)));
        match sent.unwrap_or_else(|reason| Err(DeliveryError::Never(reason))) {
            Ok(()) => return done(queue, job),
            Err(DeliveryError::Never(reason)) => return fail(queue, job, reason),
            Err(DeliveryError::Later(reason)) if attempt == queue.limits.sendings.max(1) => {
                return fail(
                    queue,
                    job,
                    format!("not delivered after {attempt} attempts: {reason}"),
                );
            }
            Err(DeliveryError::Later(_)) => {
                tracing::warn!(job = %job.id, attempt, "not delivered; tried again later");
            }
        }
        let until = Instant::now() + pause;
        while Instant::now() < until {
            if control.is_cancelled() || queue.is_stopping() {
                return Ok(());
            }
            queue.wait(Duration::from_millis(100));
        }
        pause = (pause * 2).min(LONGEST);
    }
    Ok(())
}

/// What `work` answers; a panic in it is a reason, too.
fn caught<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

fn panicked(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!(
        "the program failed on this input ({}); report this to who runs the server",
        text.unwrap_or("no message")
    )
}
