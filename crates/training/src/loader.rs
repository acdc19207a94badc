//! Batches made ahead of the step that needs them, by several threads, handed out in order. What goes wrong in
//! a thread ends the waiting at once.

use crate::sampler::message_of;
use crate::{Batch, Error, PatchSampler, Result};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A loader that is dropped waits so long for threads in the middle of a batch; then they end on their own.
const LEAVING: Duration = Duration::from_millis(500);

/// How batches are made ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Patches a batch.
    pub batch_size: usize,
    /// The number of the first batch.
    pub first: u64,
    /// The number after that of the last batch, where it is known: none is made that nobody will take.
    pub end: Option<u64>,
    /// Batches that may wait to be taken; those who make them wait when so many do.
    pub ahead: usize,
    /// Threads.
    pub workers: usize,
}

/// Gives batches in the order of their numbers, whichever thread made them.
#[derive(Debug)]
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    waited: Duration,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// A batch was made, or a thread ended.
    made: Condvar,
    /// A batch was taken, or the loader is dropped.
    taken: Condvar,
    ahead: u64,
    end: u64,
}

#[derive(Debug)]
struct State {
    batches: BTreeMap<u64, Batch>,
    /// The first failure, whichever batch it was of: nothing after it is made.
    failure: Option<Error>,
    /// The number of the batch that somebody should make next.
    next_made: u64,
    /// The number of the batch that is handed out next.
    next_taken: u64,
    alive: usize,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the work with an error, unless it ended with one before.
    fn fail(&self, error: Error) {
        let mut state = self.lock();
        state.failure.get_or_insert(error);
        state.closed = true;
        drop(state);
        self.made.notify_all();
        self.taken.notify_all();
    }
}

impl Loader {
    /// Starts to make batches.
    pub fn start(sampler: &PatchSampler, options: LoaderOptions) -> Self {
        let workers = options.workers.max(1);
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                batches: BTreeMap::new(),
                failure: None,
                next_made: options.first,
                next_taken: options.first,
                alive: workers,
                closed: false,
            }),
            made: Condvar::new(),
            taken: Condvar::new(),
            ahead: options.ahead.max(1) as u64,
            end: options.end.unwrap_or(u64::MAX),
        });
        let mut loader = Self {
            workers: Vec::with_capacity(workers),
            shared,
            waited: Duration::ZERO,
        };
        for _ in 0..workers {
            let (shared, sampler) = (loader.shared.clone(), sampler.clone());
            let started = std::thread::Builder::new().spawn(move || {
                let leave = Leave(&shared);
                work(&shared, sampler, options.batch_size);
                drop(leave);
            });
            match started {
                Ok(worker) => loader.workers.push(worker),
                Err(e) => loader.not_started(&e),
            }
        }
        loader
    }

    /// A thread that the system refused: the others do its work, where there are any.
    fn not_started(&mut self, error: &std::io::Error) {
        let mut state = self.shared.lock();
        state.alive -= 1;
        let none = state.alive == 0;
        drop(state);
        if none {
            self.shared.fail(Error::Device(format!(
                "no thread that makes batches could be started: {error}"
            )));
        }
    }

    /// The next batch.
    ///
    /// # Errors
    /// What went wrong in any thread, at once, whether it was this batch or a later one. Every further call
    /// fails as well.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let started = Instant::now();
        let mut state = self.shared.lock();
        let batch = loop {
            if let Some(error) = state.failure.take() {
                return Err(error);
            }
            if state.closed {
                return Err(Error::Device(
                    "batches are no longer made, since one failed".to_owned(),
                ));
            }
            let number = state.next_taken;
            if let Some(batch) = state.batches.remove(&number) {
                state.next_taken += 1;
                break batch;
            }
            if state.alive == 0 {
                return Err(Error::Device(
                    "the threads that make batches have stopped".to_owned(),
                ));
            }
            state = self
                .shared
                .made
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        };
        drop(state);
        self.shared.taken.notify_all();
        self.waited += started.elapsed();
        Ok(batch)
    }

    /// How long [`Loader::next_batch`] made its callers wait since this was last asked.
    pub fn take_waited(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }
}

/// Says that a worker ended, however it did.
struct Leave<'a>(&'a Shared);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.lock().alive -= 1;
        self.0.made.notify_all();
    }
}

fn work(shared: &Shared, mut sampler: PatchSampler, batch_size: usize) {
    loop {
        let mut state = shared.lock();
        while !state.closed
            && state.next_made < shared.end
            && state.next_made >= state.next_taken + shared.ahead
        {
            state = shared
                .taken
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed || state.next_made >= shared.end {
            return;
        }
        let number = state.next_made;
        state.next_made += 1;
        drop(state);
        // Panics in a case or a transform are errors already; this is for whatever else may panic.
        let batch = catch_unwind(AssertUnwindSafe(|| sampler.batch(number, batch_size)));
        let batch = batch.unwrap_or_else(|panic| {
            Err(Error::Worker {
                case: format!("in batch {number}"),
                message: message_of(&*panic),
            })
        });
        match batch {
            Ok(batch) => {
                shared.lock().batches.insert(number, batch);
                shared.made.notify_all();
            }
            Err(error) => return shared.fail(error),
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        self.shared.taken.notify_all();
        let until = Instant::now() + LEAVING;
        while state.alive > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                // A file that hangs must not keep a run from ending: the thread ends after its batch.
                return;
            }
            (state, _) = self
                .shared
                .made
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{CaseSource, Lent, MemoryCases};
    use crate::synthetic::Spheres;
    use crate::{Case, TrainingConfig};
    use std::sync::mpsc;
    use vesalius_volume::LabelScheme;

    const CONFIG: &str = "name: t\npatch: {size: [8, 8, 8]}\nnetwork:\n  unet: {}\n";

    /// How one case misbehaves.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Fault {
        Fails,
        Panics,
        /// Never comes back, as a file on a server that is gone.
        Hangs,
    }

    /// Cases of which the last has a fault.
    #[derive(Debug)]
    struct Faulty {
        cases: MemoryCases,
        fault: Fault,
    }

    impl CaseSource for Faulty {
        fn names(&self) -> &[String] {
            self.cases.names()
        }

        fn lend(&self, index: usize) -> Result<Lent> {
            if index + 1 < self.names().len() {
                return self.cases.lend(index);
            }
            match self.fault {
                Fault::Fails => Err(Error::Case {
                    case: self.names()[index].clone(),
                    reason: "is gone".to_owned(),
                }),
                Fault::Panics => panic!("index out of bounds: the case is {index}"),
                Fault::Hangs => loop {
                    std::thread::park();
                },
            }
        }
    }

    fn sampler(fault: Fault, skip: bool) -> PatchSampler {
        let scheme = LabelScheme::exclusive(&[("a", 1)]).unwrap();
        let spheres = Spheres {
            size: [12, 14],
            classes: 1,
            radius: [2.0, 3.0],
            ..Spheres::default()
        };
        let cases = (0..4).map(|number| {
            let subject = spheres.subject(1, number).unwrap();
            Case::new(subject, &scheme, &Default::default()).unwrap()
        });
        let cases = MemoryCases::new(cases);
        let bad_case = if skip { "bad_case: skip\n" } else { "" };
        let config = TrainingConfig::parse(&format!("{CONFIG}{bad_case}")).unwrap();
        PatchSampler::new(Arc::new(Faulty { cases, fault }), &config, &scheme).unwrap()
    }

    fn options(workers: usize) -> LoaderOptions {
        LoaderOptions {
            batch_size: 2,
            first: 0,
            end: None,
            ahead: 4,
            workers,
        }
    }

    /// Takes batches until one fails, in a thread of its own: a loader that hangs fails the test.
    fn first_error(fault: Fault, skip: bool, workers: usize) -> String {
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let mut loader = Loader::start(&sampler(fault, skip), options(workers));
            let error = (0..100).find_map(|_| loader.next_batch().err());
            let again = loader.next_batch().is_err();
            drop(loader);
            tell.send((error.map(|e| e.to_string()), again))
        });
        let (error, again) = told
            .recv_timeout(Duration::from_secs(60))
            .expect("it hangs");
        assert!(again, "a loader that failed goes on");
        error.expect("no batch failed")
    }

    #[test]
    fn a_case_that_fails_or_panics_ends_the_waiting_with_its_name() {
        for workers in [1, 3] {
            let text = first_error(Fault::Fails, false, workers);
            assert!(
                text.contains("spheres_003") && text.contains("is gone"),
                "{text}"
            );
            for skip in [false, true] {
                let text = first_error(Fault::Panics, skip, workers);
                assert!(text.contains("spheres_003"), "{text}");
                assert!(
                    text.contains("index out of bounds: the case is 3"),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn a_failure_is_told_though_an_earlier_batch_never_comes() {
        // One thread hangs in the batch that is waited for, the other fails in a later one.
        let sampler = sampler(Fault::Hangs, false);
        let mut loader = Loader::start(&sampler, options(2));
        let shared = loader.shared.clone();
        std::thread::spawn(move || {
            shared.fail(Error::Case {
                case: "spheres_001".to_owned(),
                reason: "is gone".to_owned(),
            });
        });
        let error = (0..100).find_map(|_| loader.next_batch().err()).unwrap();
        assert!(error.to_string().contains("spheres_001"), "{error}");
        // Neither does dropping it wait for the thread that hangs.
        drop(loader);
    }

    #[test]
    fn no_batch_is_made_after_the_last() {
        let sampler = sampler(Fault::Fails, true);
        let end = Some(3);
        for workers in [1, 2] {
            let mut loader = Loader::start(
                &sampler,
                LoaderOptions {
                    end,
                    ..options(workers)
                },
            );
            for _ in 0..3 {
                loader.next_batch().unwrap();
            }
            // The threads have ended by themselves, which is an error only for who asks for more.
            assert!(loader.next_batch().is_err());
            assert_eq!(loader.shared.lock().next_made, 3);
        }
    }

    #[test]
    fn cases_that_fail_are_skipped_where_the_config_says_so() {
        let sampler = sampler(Fault::Fails, true);
        let mut loader = Loader::start(&sampler, options(2));
        let batches: Vec<Batch> = (0..8).map(|_| loader.next_batch().unwrap()).collect();
        let mut cases = batches.iter().flat_map(|batch| &batch.cases);
        assert!(cases.all(|case| case != "spheres_003"));
        assert_eq!(sampler.skipped().list().len(), 1);
    }
}
