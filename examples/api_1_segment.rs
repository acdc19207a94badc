//! A scan (a file, or a folder of a DICOM series) through a model folder, ours or nnU-Net's, to a label map:
//! `cargo run --release --example api_1_segment -- scan/ Dataset004/nnUNetTrainer__nnUNetPlans__3d_fullres labels.nii.gz`

use vesalius::prelude::*;

fn main() -> vesalius::Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [scan, model, output] = &paths[..] else {
        eprintln!("usage: api_1_segment SCAN MODEL OUTPUT");
        std::process::exit(2);
    };
    segment(scan, model, output)
}

/// Names and colours of the labels go along.
pub fn segment(scan: &str, model: &str, output: &str) -> vesalius::Result<()> {
    let scan = vesalius::io::read(scan)?;
    // On the CPU, with all folds; `open_with` has options.
    let segmenter = Segmenter::open(model)?;
    let result = segmenter.segment(&scan)?;
    for warning in &result.warnings {
        eprintln!("{warning}");
    }
    println!("took about {} MiB", result.memory() >> 20);
    Ok(result.write(output)?)
}
