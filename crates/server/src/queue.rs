//! The jobs in memory and on disk: every change of a state is on disk before anything depends on it. Threads that do the
//! work are in `worker.rs`; bodies that are being received are in `upload.rs`.

use crate::disk::Room;
use crate::engine::{Engine, ModelInfo};
use crate::error::{Error, Refusal};
use crate::job::{Job, JobId, State, now};
use crate::limits::Limits;
use crate::spool::{Spool, size_of_folder};
use crate::totals::Totals;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use vesalius_control::{Control, Progress};

/// The queue of a server.
pub struct Queue {
    pub(crate) spool: Spool,
    pub(crate) limits: Limits,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) totals: Totals,
    models: Vec<ModelInfo>,
    /// Held while a record is changed on disk and then in memory; `inner` is locked only for moments, so that what
    /// only reads never waits for the disk.
    records: Mutex<()>,
    inner: Mutex<Inner>,
    /// Notified when a state changed.
    changed: Condvar,
    stopping: AtomicBool,
}

/// What is locked together.
pub(crate) struct Inner {
    jobs: BTreeMap<JobId, Entry>,
    next_number: u64,
    /// Bodies that are being received.
    receiving: usize,
}

/// A job with what only this process knows.
struct Entry {
    job: Job,
    /// Whether a thread works on it now.
    taken: bool,
    control: Control,
    progress: Option<Progress>,
}

/// A job as it is shown.
#[derive(Debug, Clone)]
pub struct JobView {
    /// What is on disk.
    pub job: Job,
    /// Its place in the queue, from 1, where it waits.
    pub place: Option<usize>,
    /// How far its run is.
    pub progress: Option<Progress>,
}

impl Queue {
    /// Takes the folder `spool` and the jobs in it. What ran when the last server ended runs again, unless its results
    /// exist.
    ///
    /// # Errors
    /// [`Error::Spool`]; [`Error::Locked`], where another server holds it; [`Error::NoModel`].
    pub fn open(spool: &Path, engine: Arc<dyn Engine>, limits: Limits) -> Result<Arc<Self>, Error> {
        let models = engine.models();
        if models.is_empty() || engine.devices() == 0 {
            return Err(Error::NoModel);
        }
        let (spool, found) = Spool::open(spool)?;
        let next_number = found.iter().map(|job| job.number + 1).max().unwrap_or(1);
        let queue = Self {
            spool,
            limits,
            engine,
            totals: Totals::default(),
            models,
            records: Mutex::new(()),
            inner: Mutex::new(Inner {
                jobs: BTreeMap::new(),
                next_number,
                receiving: 0,
            }),
            changed: Condvar::new(),
            stopping: AtomicBool::new(false),
        };
        for job in found {
            queue.recover(job)?;
        }
        Ok(Arc::new(queue))
    }

    /// Continues with a job that the last server left.
    fn recover(&self, mut job: Job) -> Result<(), Error> {
        let folder = self.spool.folder(&job);
        if job.deleted {
            self.spool.discard(&job).map_err(Error::spool(&folder))?;
            return self
                .spool
                .empty_trash(&job.id)
                .map_err(Error::spool(&folder));
        }
        if job.state == State::Running {
            self.recover_run(&mut job).map_err(Error::spool(&folder))?;
        }
        job.stored = size_of_folder(&self.spool.folder(&job));
        self.lock().jobs.insert(job.id.clone(), Entry::new(job));
        Ok(())
    }

    fn recover_run(&self, job: &mut Job) -> io::Result<()> {
        job.changed = now();
        if self.spool.results(job).exists() {
            job.state = State::Results;
            return self.spool.save(job);
        }
        if job.attempts >= self.limits.attempts {
            let times = job.attempts;
            job.reason = Some(format!(
                "the server ended {times} times while this job ran, perhaps because its memory was too small; it is not tried again"
            ));
            job.state = State::Failed;
            self.totals.failed.add(1);
            return self.spool.bury(job);
        }
        job.state = State::Ready;
        self.spool.save(job)
    }

    /// The models of the engine.
    pub fn models(&self) -> &[ModelInfo] {
        &self.models
    }

    /// The model of this name.
    ///
    /// # Errors
    /// [`Refusal::UnknownModel`].
    pub fn model(&self, name: &str) -> Result<&ModelInfo, Refusal> {
        let found = self.models.iter().find(|model| model.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.models.iter().map(|model| &*model.name).collect();
            Refusal::UnknownModel {
                name: name.to_owned(),
                known: names.join(", "),
            }
        })
    }

    /// All jobs, in the order of their numbers.
    pub fn list(&self) -> Vec<JobView> {
        let inner = self.lock();
        let shown = inner.jobs.values().filter(|entry| !entry.job.deleted);
        let mut views: Vec<JobView> = shown.map(|entry| inner.view(entry)).collect();
        views.sort_by_key(|view| view.job.number);
        views
    }

    /// One job.
    pub fn get(&self, id: &JobId) -> Option<JobView> {
        let inner = self.lock();
        let entry = inner.jobs.get(id).filter(|entry| !entry.job.deleted)?;
        Some(inner.view(entry))
    }

    /// The folder of a job.
    pub fn folder(&self, job: &Job) -> PathBuf {
        self.spool.folder(job)
    }

    /// How many jobs are in each state.
    pub fn counts(&self) -> BTreeMap<State, usize> {
        let mut counts: BTreeMap<State, usize> = State::ALL.map(|state| (state, 0)).into();
        for entry in self.lock().jobs.values() {
            *counts.entry(entry.job.state).or_default() += 1;
        }
        counts
    }

    /// The room on the disk of the spool.
    pub fn room(&self) -> Option<Room> {
        Room::at(self.spool.root())
    }

    /// Whether work of `bytes` more would be taken.
    ///
    /// # Errors
    /// What speaks against it.
    pub fn check_room(&self, bytes: u64) -> Result<(), Refusal> {
        if self.is_stopping() {
            return Err(Refusal::Stopping);
        }
        if bytes > self.limits.upload_bytes {
            let limit = self.limits.upload_bytes;
            return Err(Refusal::TooLarge { limit });
        }
        let used: u64 = self
            .lock()
            .jobs
            .values()
            .map(|entry| entry.job.stored)
            .sum();
        let limit = self.limits.spool_bytes;
        if used.saturating_add(bytes) > limit {
            return Err(Refusal::SpoolFull { used, limit });
        }
        match self.room() {
            Some(room) if !room.allows(bytes, self.limits.free_bytes, self.limits.full) => {
                Err(Refusal::DiskFull { free: room.free })
            }
            _ => Ok(()),
        }
    }

    /// Takes a place for a body that is being received.
    pub(crate) fn begin_receiving(&self) -> Result<(), Refusal> {
        let mut inner = self.lock();
        let open = |entry: &&Entry| !entry.job.state.is_final();
        let waiting = inner.jobs.values().filter(open).count() + inner.receiving;
        if waiting >= self.limits.queue {
            return Err(Refusal::QueueFull { waiting });
        }
        let kept = inner.jobs.len() + inner.receiving;
        if kept >= self.limits.jobs {
            return Err(Refusal::TooManyJobs { kept });
        }
        inner.receiving += 1;
        Ok(())
    }

    pub(crate) fn end_receiving(&self) {
        let mut inner = self.lock();
        inner.receiving = inner.receiving.saturating_sub(1);
    }

    /// Makes a received body a job. When this answers, the job survives a crash.
    pub(crate) fn admit(&self, incoming: &Path, mut job: Job) -> io::Result<Job> {
        {
            let mut inner = self.lock();
            job.number = inner.next_number;
            inner.next_number += 1;
        }
        self.spool.admit(incoming, &job)?;
        self.lock()
            .jobs
            .insert(job.id.clone(), Entry::new(job.clone()));
        self.totals.received.add(1);
        self.totals.received_bytes.add(job.bytes);
        self.changed.notify_all();
        Ok(job)
    }

    /// Waits for the oldest job in `state` that no thread works on and takes it; `None` once the server stops.
    pub(crate) fn take(&self, state: State) -> Option<(Job, Control)> {
        let mut inner = self.lock();
        loop {
            if self.is_stopping() {
                return None;
            }
            let fits =
                |entry: &&mut Entry| entry.job.state == state && !entry.taken && !entry.job.deleted;
            let oldest = inner
                .jobs
                .values_mut()
                .filter(fits)
                .min_by_key(|entry| entry.job.number);
            if let Some(entry) = oldest {
                entry.taken = true;
                entry.control = Control::new();
                entry.progress = None;
                return Some((entry.job.clone(), entry.control.clone()));
            }
            let waited = self.changed.wait_timeout(inner, Duration::from_secs(1));
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes a changed job, to disk before memory.
    pub(crate) fn put(&self, job: &mut Job, state: State) -> io::Result<()> {
        let _records = self.lock_records();
        job.state = state;
        job.changed = now();
        job.deleted = self
            .lock()
            .jobs
            .get(&job.id)
            .is_some_and(|entry| entry.job.deleted);
        match state {
            State::Failed => self.spool.bury(job)?,
            _ => self.spool.save(job)?,
        }
        if let Some(entry) = self.lock().jobs.get_mut(&job.id) {
            entry.job = job.clone();
        }
        self.changed.notify_all();
        Ok(())
    }

    /// Ends the work of a thread on a job; it is removed now if it was deleted meanwhile.
    pub(crate) fn release(&self, id: &JobId) {
        let _records = self.lock_records();
        let Some(job) = self.lock().jobs.get(id).map(|entry| entry.job.clone()) else {
            return;
        };
        if job.deleted {
            self.lock().jobs.remove(id);
            self.remove(&job);
        } else {
            let stored = size_of_folder(&self.spool.folder(&job));
            if let Some(entry) = self.lock().jobs.get_mut(id) {
                entry.taken = false;
                entry.progress = None;
                entry.job.stored = stored;
            }
        }
        self.changed.notify_all();
    }

    /// After a disk that failed during a run: the job has its results, or waits again. On disk it is still running, from
    /// where the next server would find the same.
    pub(crate) fn return_interrupted(&self, id: &JobId) {
        if let Some(entry) = self.lock().jobs.get_mut(id)
            && entry.job.state == State::Running
        {
            entry.job.state = match self.spool.results(&entry.job).exists() {
                true => State::Results,
                false => State::Ready,
            };
        }
    }

    pub(crate) fn set_progress(&self, id: &JobId, progress: &Progress) {
        if let Some(entry) = self.lock().jobs.get_mut(id) {
            entry.progress = Some(progress.clone());
        }
    }

    /// Deletes a job with its files; one that runs is stopped first. Answers whether there was one.
    ///
    /// # Errors
    /// A folder that could not be moved.
    pub fn delete(&self, id: &JobId) -> io::Result<bool> {
        let records = self.lock_records();
        let found = self
            .lock()
            .jobs
            .get(id)
            .map(|entry| (entry.job.clone(), entry.taken));
        let Some((mut job, taken)) = found.filter(|(job, _)| !job.deleted) else {
            return Ok(false);
        };
        if taken {
            job.deleted = true;
            // Read at the next start, if the server ends before the run does.
            self.spool.save(&job)?;
            if let Some(entry) = self.lock().jobs.get_mut(id) {
                entry.job.deleted = true;
                entry.control.cancel();
            }
        } else {
            self.spool.discard(&job)?;
            self.lock().jobs.remove(id);
        }
        drop(records);
        if !taken {
            self.spool.empty_trash(id)?;
        }
        self.totals.deleted.add(1);
        self.changed.notify_all();
        Ok(true)
    }

    fn remove(&self, job: &Job) {
        let removed = self
            .spool
            .discard(job)
            .and_then(|()| self.spool.empty_trash(&job.id));
        if removed.is_err() {
            tracing::error!(job = %job.id, "the folder of a deleted job could not be removed");
        }
    }

    /// Changes a job that no thread works on, such as by a new version of its labels; `None` where there is none, or
    /// it is being worked on.
    pub(crate) fn change<T>(
        &self,
        id: &JobId,
        change: impl FnOnce(&mut Job) -> io::Result<T>,
    ) -> Option<io::Result<T>> {
        let _records = self.lock_records();
        let found = self
            .lock()
            .jobs
            .get(id)
            .map(|entry| (entry.job.clone(), entry.taken));
        let (mut job, _) = found.filter(|(job, taken)| !taken && !job.deleted)?;
        let changed = change(&mut job).and_then(|value| {
            job.stored = size_of_folder(&self.spool.folder(&job));
            self.spool.save(&job)?;
            Ok(value)
        });
        if let (true, Some(entry)) = (changed.is_ok(), self.lock().jobs.get_mut(id)) {
            entry.job = job;
        }
        self.changed.notify_all();
        Some(changed)
    }

    /// Deletes finished jobs that are older than the retention.
    pub(crate) fn expire(&self) {
        let Some(kept) = self.limits.retention else {
            return;
        };
        let oldest = now().saturating_sub(kept.as_millis() as u64);
        let expired = |view: &JobView| view.job.state.is_final() && view.job.changed < oldest;
        for view in self.list().into_iter().filter(expired) {
            match self.delete(&view.job.id) {
                Ok(_) => tracing::info!(job = %view.job.id, "deleted after its retention"),
                Err(_) => tracing::error!(job = %view.job.id, "could not be deleted"),
            }
        }
    }

    /// Ends all threads and runs; what ran is run again by the next server.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        for entry in self.lock().jobs.values() {
            entry.control.cancel();
        }
        self.changed.notify_all();
    }

    /// Whether [`Queue::stop`] was called.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// A folder for a body that becomes no job; removed when it is dropped, or at the next start.
    pub(crate) fn temporary(&self) -> io::Result<tempfile::TempDir> {
        tempfile::tempdir_in(self.spool.root().join("incoming"))
    }

    /// Waits at most `time` for a change.
    pub(crate) fn wait(&self, time: Duration) {
        let inner = self.lock();
        drop(self.changed.wait_timeout(inner, time));
    }

    fn lock_records(&self) -> MutexGuard<'_, ()> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every change under the lock is complete, so a panic elsewhere leaves a valid state.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn view(&self, entry: &Entry) -> JobView {
        let waits = |job: &Job| matches!(job.state, State::Received | State::Ready);
        let before = |other: &&Entry| waits(&other.job) && other.job.number < entry.job.number;
        let place = waits(&entry.job).then(|| self.jobs.values().filter(before).count() + 1);
        JobView {
            job: entry.job.clone(),
            place,
            progress: entry.progress.clone(),
        }
    }
}

impl Entry {
    fn new(job: Job) -> Self {
        Self {
            job,
            taken: false,
            control: Control::new(),
            progress: None,
        }
    }
}
