//! From nothing to a trained 3-D U-Net and its segmentations, on the CPU, in a minute or two.
//!
//! Makes small volumes of spheres in noise, writes them as NIfTI with a `dataset.json`, trains,
//! segments volumes that the network has not seen, and draws what came out.
//!
//! Run with `cargo run --release --example quickstart`.

use std::path::Path;
use std::time::Instant;
use vesalius::metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius::prelude::*;
use vesalius::training::{Duration, Event, synthetic::Spheres};
use vesalius::view::{Montage, Scene, label_names};

const CONFIG: &str = "
name: quickstart
seed: 1
augmentation:  # intensities are calibrated, as in CT, so they are left as they are
  - flip: {axes: [x, y, z], probability: 0.5}
  - gaussian_noise: {deviation: 0.05, probability: 0.2}
patch:
  size: [32, 32, 32]
  sampling: {positive: 1, negative: 1}
batch_size: 2
network:
  unet: {channels: [16, 32, 64], strides: [2, 2], num_res_units: 1}
loss: {dice_cross_entropy: {}}
optimizer:
  adamw: {learning_rate: 0.005}
validation: {fold: 0, times: 3}
";

const TRAINING_CASES: u64 = 16;
const HELD_OUT_CASES: u64 = 4;
const UNSEEN_CASES: u64 = 4;
const STEPS: u64 = 400;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let started = Instant::now();
    let folder = Path::new("runs/quickstart");
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::create_dir_all(folder.join("data"))?;

    println!(
        "1. making {} volumes of spheres in noise",
        TRAINING_CASES + HELD_OUT_CASES + UNSEEN_CASES
    );
    let unseen = make_dataset(&folder.join("data"))?;
    println!(
        "   {} (NIfTI images, labels, dataset.json)",
        folder.join("data").display()
    );

    println!("2. training a 3-D U-Net for {STEPS} steps on the CPU");
    let config = TrainingConfig::parse(CONFIG)?;
    let data = load_dataset(&config, folder.join("data"))?;
    let options = FitOptions {
        output: folder.join("model"),
        duration: Some(Duration::Steps(STEPS)),
        callbacks: vesalius::reports::all(),
        ..FitOptions::default()
    };
    fit(&config, &data, &options, &mut show)?;
    println!(
        "   {} (model.yaml, weights, checkpoint, log)",
        options.output.display()
    );

    println!(
        "3. segmenting {} unseen volumes by sliding window",
        unseen.len()
    );
    let evaluation = segment(folder, &unseen)?;

    println!("4. Dice on the unseen volumes");
    for target in evaluation.targets().map(Targets::list).unwrap_or_default() {
        let dice = evaluation
            .summary(&target.key, "dice")
            .and_then(|summary| summary.mean);
        println!("   {:<8} {:.4}", target.name, dice.unwrap_or(0.0));
    }
    println!(
        "   {:<8} {:.4}",
        "mean",
        evaluation.mean("dice").unwrap_or(0.0)
    );
    println!("done in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Writes the volumes as NIfTI and a datalist with two folds; returns those that are in no fold.
fn make_dataset(folder: &Path) -> Result<Vec<Subject>> {
    let spheres = Spheres::default();
    let mut cases = Vec::new();
    let mut unseen = Vec::new();
    for number in 0..TRAINING_CASES + HELD_OUT_CASES + UNSEEN_CASES {
        let subject = spheres.subject(0, number)?;
        let (image, label) = (
            format!("{}.nii.gz", subject.name()),
            format!("{}_labels.nii.gz", subject.name()),
        );
        vesalius::io::write(folder.join(&image), subject.image())?;
        if let Some(labels) = subject.labels() {
            vesalius::io::write_labels(folder.join(&label), labels)?;
        }
        if number < TRAINING_CASES + HELD_OUT_CASES {
            let fold = usize::from(number < TRAINING_CASES);
            cases.push(serde_json::json!({"image": image, "label": label, "fold": fold}));
        } else {
            unseen.push(subject);
        }
    }
    let list = serde_json::json!({
        "name": "spheres",
        "modality": {"0": "made"},
        "labels": {"0": "background", "1": "dark", "2": "middle", "3": "bright"},
        "training": cases,
    });
    vesalius::io::write_bytes_atomically(folder.join("dataset.json"), list.to_string().as_bytes())?;
    Ok(unseen)
}

fn show(event: &Event) {
    match event {
        Event::Step { step, loss, .. } if step % 50 == 0 => {
            println!("   step {step}: loss {loss:.4}")
        }
        Event::Validated { step, dice, .. } => {
            println!("   step {step}: mean Dice {dice:.4} on held-out volumes")
        }
        _ => {}
    }
}

/// Segments, writes label maps, and draws the first volume.
fn segment(folder: &Path, unseen: &[Subject]) -> Result<Evaluation> {
    let segmenter = Segmenter::open(folder.join("model"))?;
    let scheme = &segmenter.model().labels;
    let evaluator = Evaluator::new(Targets::of_scheme(scheme)?, vec![Measure::Dice]);
    std::fs::create_dir_all(folder.join("predictions"))?;
    let mut scores = Vec::new();
    for (number, subject) in unseen.iter().enumerate() {
        let Some(reference) = subject.labels() else {
            continue;
        };
        let prediction = segmenter.segment(subject.image())?.into_labels()?;
        let path = folder
            .join("predictions")
            .join(format!("{}.nii.gz", subject.name()));
        vesalius::io::write_labels(&path, &prediction)?;
        scores.push(evaluator.case(subject.name(), reference, &prediction)?);
        if number == 0 {
            let scene = Scene {
                reference: Some(reference),
                prediction: Some(&prediction),
                names: label_names(scheme),
                ..Scene::of(subject.image())
            };
            let picture = Montage::default().draw(&scene)?.png()?;
            vesalius::io::write_bytes_atomically(folder.join("montage.png"), &picture)?;
        }
    }
    println!("   {} (NIfTI labels)", folder.join("predictions").display());
    println!(
        "   {} (image, reference, prediction side by side)",
        folder.join("montage.png").display()
    );
    Ok(Evaluation::new(scores)?)
}
