//! Measures a dataset and prints how long it took, for a comparison with nnU-Net
//! (`tests/parity/analysis.py speed`).
//!
//! ```text
//! cargo run --release -p vesalius-planning --example analyze -- DATASET OUTPUT
//! ```

use std::path::Path;
use std::time::Instant;
use vesalius_control::Control;
use vesalius_planning::auto3dseg::{Components, DataStatistics};
use vesalius_planning::nnunet::Fingerprint;
use vesalius_planning::{Analysis, AnalysisOptions, Datalist};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, output] = &arguments[..] else {
        return Err("usage: analyze DATASET OUTPUT".into());
    };
    let (list, output) = (Datalist::read(Path::new(data))?, Path::new(output));
    let start = Instant::now();
    let fingerprint = Fingerprint::extract(&list)?;
    fingerprint.write(&output.join("dataset_fingerprint.json"))?;
    println!("fingerprint {:.3}", start.elapsed().as_secs_f64());
    let start = Instant::now();
    DataStatistics::extract(&list, Components::Counted)?.write(output)?;
    println!("statistics {:.3}", start.elapsed().as_secs_f64());
    let start = Instant::now();
    let scheme = list.label_scheme().ok();
    let options = AnalysisOptions::default();
    let analysis = Analysis::of(&list, scheme.as_ref(), &options, &Control::new(), || ())?;
    println!("all {:.3}", start.elapsed().as_secs_f64());
    print!("{}", analysis.report);
    Ok(())
}
