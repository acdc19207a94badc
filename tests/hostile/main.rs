//! Any config, model folder or call is refused or works: values changed at random go through the public functions that
//! take them, and none panics.
//!
//! Each test tries a fixed number of changes. `VESALIUS_HOSTILE_SECONDS=600 cargo test --test hostile` tries others for
//! so long; `VESALIUS_HOSTILE_TRACE=1` prints each before it runs.

mod calls;
#[path = "../common/mod.rs"]
mod common;
mod files;
mod mutation;
mod subjects;

use mutation::Mutation;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

/// Tries `once` with one seed after another; a panic is a failure that names the seed and what was tried.
fn tried(rounds: u64, what: &str, mut once: impl FnMut(&mut Mutation) -> Tried) {
    let seconds = std::env::var("VESALIUS_HOSTILE_SECONDS").ok();
    let long = seconds.map(|text| Duration::from_secs(text.parse().expect("seconds")));
    let (began, first) = (Instant::now(), if long.is_some() { 1 << 32 } else { 0 });
    let (mut seed, mut accepted) = (first, 0u64);
    let mut slowest = (Duration::ZERO, String::new());
    while long.map_or(seed < rounds, |long| began.elapsed() < long) {
        let mut mutation = Mutation::new(seed);
        let mut trace = String::new();
        let start = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let tried = once(&mut mutation);
            trace.clone_from(&tried.text);
            if std::env::var_os("VESALIUS_HOSTILE_TRACE").is_some() {
                eprintln!("{what}, seed {seed}: {trace}");
            }
            (tried.run)()
        }));
        match outcome {
            Ok(done) => accepted += u64::from(done),
            Err(panic) => panic!("{what}, seed {seed}: {trace}\n{}", message(&*panic)),
        }
        if start.elapsed() > slowest.0 {
            slowest = (start.elapsed(), trace);
        }
        seed += 1;
    }
    let all = seed - first;
    println!(
        "{what}: {all} tried, {accepted} accepted; the slowest took {:.1?}: {}",
        slowest.0, slowest.1
    );
    // Changes that are all refused would try the readers alone.
    assert!(accepted > 0, "{what}: none of {all} was accepted");
}

/// One change of a seed: its text for the report of a failure, and the work, which returns whether it was accepted.
struct Tried {
    text: String,
    run: Box<dyn FnOnce() -> bool>,
}

impl Tried {
    fn new(text: impl Into<String>, run: impl FnOnce() -> bool + 'static) -> Self {
        Self {
            text: text.into(),
            run: Box::new(run),
        }
    }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()))
        .unwrap_or_default()
}
