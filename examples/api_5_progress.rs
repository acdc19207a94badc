//! Progress while a scan is segmented, and a way to stop it:
//! `cargo run --release --example api_5_progress -- scan.nii.gz runs/hippocampus 60`, 60 being the seconds it may take.

use std::time::{Duration, Instant};
use vesalius::prelude::*;

fn main() -> vesalius::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [scan, model, seconds] = &arguments[..] else {
        eprintln!("usage: api_5_progress SCAN MODEL SECONDS");
        std::process::exit(2);
    };
    let limit = Duration::from_secs(seconds.parse().unwrap_or(60));
    let labels = segment(scan, model, limit, |text| eprintln!("{text}"))?;
    println!(
        "{} labels",
        labels.map_or(0, |labels| labels.counts().len())
    );
    Ok(())
}

/// The labels, or nothing where they took longer than the limit.
pub fn segment(
    scan: &str,
    model: &str,
    limit: Duration,
    mut draw: impl FnMut(&str),
) -> vesalius::Result<Option<LabelMap>> {
    let (segmenter, scan) = (Segmenter::open(model)?, vesalius::io::read(scan)?);
    let control = Control::new();
    let (updates, begun) = (control.subscribe(), Instant::now());
    let options = SegmentOptions::new().control(control.clone());
    let work = std::thread::spawn(move || segmenter.segment_with(&scan, &options));
    for progress in updates {
        draw(&progress.to_string());
        if begun.elapsed() >= limit {
            control.cancel();
        }
    }
    match work.join().expect("the segmentation does not panic") {
        Err(error) if error.kind() == ErrorKind::Cancelled => Ok(None),
        result => Ok(Some(result?.into_labels()?)),
    }
}
