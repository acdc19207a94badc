//! How long training waits for its data when they are ten times larger than the memory that it may
//! use for them: made volumes, preprocessed once to disk and mapped, patches cut ahead by threads.
//!
//! `cargo run --release --example loader_wait -- [side of the volumes] [how many] [steps]`

use std::path::Path;
use vesalius::prelude::*;
use vesalius::training::synthetic::Spheres;
use vesalius::training::{Duration, Event, load_dataset_cached};

type AnyResult<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> AnyResult<()> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut next = |default| numbers.next().unwrap_or(Ok(default));
    let (side, count, steps) = (next(128)?, next(20)?, next(100)?);
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    make_dataset(folder, side as usize, count)?;
    // Image and labels take six bytes a voxel.
    let bytes = side.pow(3) * count * 6;
    let gibibytes = bytes as f64 / f64::from(1 << 30);
    let config = TrainingConfig::parse(&format!(
        "name: loader_wait
preprocessing:
  - z_score: {{}}
augmentation:
  - flip: {{}}
  - scale_intensity: {{factor: 0.25, probability: 0.5}}
  - gaussian_noise: {{deviation: 0.1, probability: 0.2}}
patch: {{size: [64, 64, 64], sampling: {{positive: 1, negative: 1}}}}
batch_size: 2
network:
  unet: {{channels: [16, 32, 64, 128], strides: [2, 2, 2], num_res_units: 2}}
cache: {{memory: {}}}
",
        gibibytes / 10.0
    ))?;
    let data = load_dataset_cached(&config, folder, folder.join("cache"), &Default::default())?;
    let options = FitOptions {
        output: folder.join("model"),
        duration: Some(Duration::Steps(steps)),
        ..FitOptions::default()
    };
    let mut last = (0.0, 0.0, None);
    fit(&config, &data, &options, &mut |event| {
        if let Event::Step {
            seconds,
            waited,
            memory,
            ..
        } = event
        {
            last = (*seconds, *waited, *memory);
        }
    })?;
    let (seconds, waited, memory) = last;
    println!(
        "{count} volumes of {side}³ ({gibibytes:.2} GiB), memory for a tenth: {steps} steps in {seconds:.1} s, {waited:.2} s ({:.1} %) of them waiting; the process holds {:.2} GiB",
        100.0 * waited / seconds,
        memory.unwrap_or(0) as f64 / f64::from(1 << 30)
    );
    Ok(())
}

fn make_dataset(folder: &Path, side: usize, count: u64) -> AnyResult<()> {
    let spheres = Spheres {
        size: [side, side],
        classes: 2,
        radius: [side as f64 / 12.0, side as f64 / 6.0],
        ..Spheres::default()
    };
    let cases = (0..count)
        .map(|number| {
            let subject = spheres.subject(0, number)?;
            let name = subject.name().to_owned();
            let (image, label) = (format!("{name}.nii"), format!("{name}_labels.nii"));
            vesalius::io::write(folder.join(&image), subject.image())?;
            if let Some(labels) = subject.labels() {
                vesalius::io::write_labels(folder.join(&label), labels)?;
            }
            Ok(serde_json::json!({"image": image, "label": label, "fold": u64::from(number > 0)}))
        })
        .collect::<AnyResult<Vec<_>>>()?;
    let list = serde_json::json!({
        "modality": {"0": "made"},
        "labels": {"0": "background", "1": "dark", "2": "bright"},
        "training": cases,
    });
    std::fs::write(folder.join("dataset.json"), list.to_string())?;
    Ok(())
}
