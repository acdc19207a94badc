//! Faults of cases and threads, and the end of the batches.

use super::*;
use crate::source::{CaseHandle, CaseSource, MemoryCases};
use crate::synthetic::Spheres;
use crate::{Case, TrainingConfig};
use std::sync::mpsc;
use vesalius_volume::{ErrorKind, LabelScheme};

const CONFIG: &str = "name: t\npatch: {size: [8, 8, 8]}\nnetwork:\n  unet: {}\n";

/// How one case misbehaves.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    Fails,
    Panics,
    /// Never returns, as a read from a server that is gone.
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

    fn get(&self, index: usize) -> Result<CaseHandle> {
        if index + 1 < self.names().len() {
            return self.cases.get(index);
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
        // The threads have ended; requesting another batch is an error.
        let error = loader.next_batch().unwrap_err();
        assert!(matches!(error, Error::NoBatch { number: 3, .. }), "{error}");
        assert_eq!(error.kind(), ErrorKind::BadInput);
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

#[test]
fn threads_that_the_system_refuses_are_no_failure_of_the_device() {
    let none = LoaderOptions {
        end: Some(0),
        ..options(1)
    };
    let mut loader = Loader::start(&sampler(Fault::Fails, true), none);
    while loader.shared.lock().alive > 0 {
        std::thread::yield_now();
    }
    // As if the only thread had been refused.
    loader.shared.lock().alive = 1;
    loader.not_started(std::io::ErrorKind::WouldBlock.into());
    let error = loader.next_batch().unwrap_err();
    assert!(error.to_string().contains("cache.workers"), "{error}");
    assert_eq!(error.kind(), ErrorKind::System);
    let error = loader.next_batch().unwrap_err();
    assert!(matches!(error, Error::NoBatch { number: 0, .. }), "{error}");
}
