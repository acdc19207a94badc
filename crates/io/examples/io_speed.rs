//! Times reading, writing and listing, one case a process so that its peak of memory is its own; `tests/parity/io_speed.py`
//! runs it beside SimpleITK and dcm2niix.
//!
//! ```sh
//! cargo run --release -p vesalius-io --example io_speed -- read PATH RUNS        # also: lean, list, describe, probe
//! cargo run --release -p vesalius-io --example io_speed -- write IN OUT RUNS
//! cargo run --release -p vesalius-io --example io_speed -- convert IN OUT MEGABYTES   # within so much memory
//! ```
//!
//! Prints each run's seconds, then the peak in MiB and the bytes of the volume. RAYON_NUM_THREADS sets the threads.

use std::path::Path;
use std::time::Instant;
use vesalius_io::{ConvertOptions, convert, describe, list_series, open, probe, read_as, write};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut bytes = 0;
    let runs = match words[..] {
        ["convert", ..] => 1,
        [_, _, runs] | [_, _, _, runs] => runs.parse()?,
        _ => return Err("see the head of this file for the arguments".into()),
    };
    let volume = match words[..] {
        ["write", input, _, _] => Some(read_as::<i16>(input)?),
        _ => None,
    };
    for _ in 0..runs {
        let start = Instant::now();
        match (&words[..], &volume) {
            (["read", path, _], _) => bytes = size_of_val(read_as::<i16>(path)?.data()),
            (["lean", path, _], _) => {
                bytes = size_of_val(open(path)?.read_lean::<i16>()?.data());
            }
            (["probe", path, _], _) => drop(probe(path)?),
            (["describe", path, _], _) => println!("{} found", describe(path)?.len()),
            (["list", path, _], _) => {
                let list = list_series(path)?;
                println!(
                    "{} series, {} unreadable",
                    list.series.len(),
                    list.unreadable.len()
                );
            }
            (["convert", input, out, megabytes], _) => {
                let options = ConvertOptions {
                    memory: Some(megabytes.parse::<u64>()? << 20),
                    ..ConvertOptions::default()
                };
                drop(convert(input, out, &options)?);
            }
            (["write", _, out, _], Some(volume)) => write(Path::new(out), volume)?,
            (other, _) => return Err(format!("{other:?} is no case").into()),
        }
        println!("{:.4}", start.elapsed().as_secs_f64());
    }
    println!("peak {} MiB, volume {} bytes", peak()?, bytes);
    Ok(())
}

/// The most memory that the process has held, in MiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    Ok(number.ok_or("no VmHWM")?.parse::<u64>()? / 1024)
}
