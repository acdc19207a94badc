//! What Vesalius takes for the cases that the peers' speed script measures: the same work on the same
//! files, so that both run one after the other on one machine.
//!
//! ```sh
//! cargo run --release --example peer_speed -- WORKDIR [CASE ...]   # prints case<TAB>vesalius<TAB>ms
//! cargo run --release --example peer_speed -- list
//! ```
//!
//! WORKDIR holds `v.nii.gz`, `seg.nii.gz` and `other.nii.gz`; cases on made numbers do not read it.
//! Inputs are in memory before the clock starts, except where the name says read or write. Two threads,
//! or as many as THREADS says.

mod filters;
mod images;
mod layers;
mod networks;

use std::path::Path;
use std::time::Instant;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Work that is timed.
type Work = Box<dyn FnMut()>;

/// Makes the work ready, from the folder of files.
type Prepare = Box<dyn Fn(&Path) -> Result<Work>>;

/// A case: its name, how often it is timed, and what makes the work ready.
struct Case {
    name: String,
    runs: usize,
    prepare: Prepare,
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let cases: Vec<Case> = images::cases()
        .into_iter()
        .chain(filters::cases())
        .chain(layers::cases())
        .chain(networks::cases())
        .collect();
    let Some(work) = arguments.next().filter(|first| first != "list") else {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    };
    let threads = std::env::var("THREADS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    let wanted: Vec<String> = arguments.collect();
    if let Some(unknown) = wanted
        .iter()
        .find(|name| cases.iter().all(|case| case.name != **name))
    {
        return Err(format!("no case is called {unknown}; `list` names them").into());
    }
    for case in cases
        .iter()
        .filter(|case| wanted.is_empty() || wanted.contains(&case.name))
    {
        let mut work = (case.prepare)(Path::new(&work))?;
        println!(
            "{}\tvesalius\t{:.2}",
            case.name,
            median_milliseconds(&mut work, case.runs)
        );
    }
    Ok(())
}

/// The median of `runs` timings after one that is not counted.
fn median_milliseconds(work: &mut dyn FnMut(), runs: usize) -> f64 {
    work();
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let started = Instant::now();
            work();
            started.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[runs / 2]
}
