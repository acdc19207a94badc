//! Times Vesalius on the cases of the Python speed script of MONAI, nnU-Net and SimpleITK: the same work on the same
//! files, so that both run one after the other on one machine.
//!
//! ```sh
//! cargo run --release --example peer_speed -- WORKDIR [CASE ...]   # prints case<TAB>vesalius<TAB>ms
//! cargo run --release --example peer_speed -- list
//! cargo run --release --example peer_speed -- memory CASE          # prints case, MiB at the peak, MiB when empty
//! cargo run --release --example peer_speed -- load ARCHITECTURE WEIGHTS   # the same of loading a file of weights
//! ```
//!
//! WORKDIR holds `v.nii.gz`, `seg.nii.gz` and `other.nii.gz`; cases on made numbers do not read it.
//! Inputs are in memory before the timing starts, except where the name has read or write. Two threads, or THREADS;
//! networks run on the device DEVICE (`cuda`, `vulkan`, …).

mod case;
mod filters;
mod images;
mod layers;
mod load;
mod networks;

use case::{Case, Result, Work};
use std::path::Path;
use std::time::Instant;

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
    start_threads()?;
    if work == "memory" {
        let name = arguments
            .next()
            .ok_or("`memory` wants the name of a case")?;
        return print_memory(find(&cases, &name)?);
    }
    if work == "load" {
        let (Some(architecture), Some(weights)) = (arguments.next(), arguments.next()) else {
            return Err(
                "`load` wants an architecture in a peer's words (JSON) and a file of weights"
                    .into(),
            );
        };
        return load::load(Path::new(&architecture), Path::new(&weights));
    }
    let wanted: Vec<String> = arguments.collect();
    for name in &wanted {
        find(&cases, name)?;
    }
    let chosen = |case: &&Case| wanted.is_empty() || wanted.contains(&case.name);
    for case in cases.iter().filter(chosen) {
        let mut work = (case.prepare)(Path::new(&work))?;
        let milliseconds = median_milliseconds(&mut work, case.runs);
        println!("{}\tvesalius\t{milliseconds:.2}", case.name);
    }
    Ok(())
}

fn find<'c>(cases: &'c [Case], name: &str) -> Result<&'c Case> {
    let found = cases.iter().find(|case| case.name == name);
    Ok(found.ok_or_else(|| format!("no case is called {name}; `list` names them"))?)
}

fn start_threads() -> Result<()> {
    let threads = std::env::var("THREADS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()?;
    Ok(())
}

/// The largest resident size of the process once the work was done, and its size before anything was prepared
/// (Linux).
fn print_memory(case: &Case) -> Result<()> {
    let empty = resident("VmRSS:")?;
    let mut work = (case.prepare)(Path::new("."))?;
    work();
    // A training step is whole, the optimiser's moments too, from the second on.
    work();
    let peak = resident("VmHWM:")?;
    println!("{}\tvesalius\t{peak:.0}\tempty\t{empty:.0}", case.name);
    Ok(())
}

fn resident(field: &str) -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let size = status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|size| size.trim().strip_suffix("kB")?.trim().parse::<f64>().ok())
        .ok_or("the system does not say the resident size")?;
    Ok(size / 1024.0)
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
