//! Segmentation in 2-D: a 2-D U-Net trained on slices of 3-D volumes, then whole volumes slice by slice.
//!
//! Slices across the chosen axis are drawn at random for training; for a whole volume each slice goes
//! through the network and the slices are stacked again. Volumes stay in memory here; `quickstart` works
//! with files.
//!
//! Run with `cargo run --release --example slices_2d -- [x|y|z]`.

use vesalius::inferers::{Inferer, Slice};
use vesalius::metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius::prelude::*;
use vesalius::training::{Case, Duration, Event, MemoryCases, synthetic::Spheres};
use vesalius::transforms::Axis;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let axis = match std::env::args().nth(1).as_deref() {
        None | Some("z") => Axis::Z,
        Some("y") => Axis::Y,
        Some("x") => Axis::X,
        Some(other) => return Err(format!("`{other}` is not an axis; expected x, y or z").into()),
    };
    let config = config(axis)?;
    let labels = LabelScheme::exclusive(&[("dark", 1), ("bright", 2)])?;
    let spheres = Spheres {
        classes: 2,
        ..Spheres::default()
    };
    let case = |number| -> Result<Case> {
        Ok(Case::new(
            spheres.subject(0, number)?,
            &labels,
            &config.preprocessing,
        )?)
    };
    let data = TrainingData {
        dataset: "spheres".to_owned(),
        channels: vec!["made".to_owned()],
        labels: labels.clone(),
        training: MemoryCases::shared((0..16).map(case).collect::<Result<Vec<_>>>()?),
        validation: MemoryCases::shared([]),
        warnings: Vec::new(),
    };
    let options = FitOptions {
        output: "runs/slices_2d".into(),
        duration: Some(Duration::Steps(200)),
        callbacks: vesalius::reports::all(),
        ..FitOptions::default()
    };
    if options.output.exists() {
        std::fs::remove_dir_all(&options.output)?;
    }
    println!("training a 2-D U-Net on slices across {axis:?}");
    fit(&config, &data, &options, &mut |event| {
        if let Event::Step { step, loss, .. } = event
            && step % 50 == 0
        {
            println!("  step {step}: loss {loss:.4}");
        }
    })?;

    let segmenter = Segmenter::open_with(
        &options.output,
        &OpenOptions::new().device(options.device.clone()),
    )?;
    let evaluator = Evaluator::new(Targets::of_scheme(&labels)?, vec![Measure::Dice]);
    let mut scores = Vec::new();
    for number in 100..104 {
        let subject = spheres.subject(0, number)?;
        let Some(reference) = subject.labels() else {
            continue;
        };
        scores.push(evaluator.case(
            subject.name(),
            reference,
            &segmenter.segment(subject.image())?.into_labels()?,
        )?);
    }
    let evaluation = Evaluation::new(scores)?;
    println!(
        "whole volumes, slice by slice: mean Dice {:.4}",
        evaluation.mean("dice").unwrap_or(0.0)
    );
    Ok(())
}

/// Patches of one voxel along the axis; whole slices in prediction.
fn config(axis: Axis) -> Result<TrainingConfig> {
    let mut size = [32; 3];
    size[axis.index()] = 1;
    let text = format!(
        "
name: slices_2d
preprocessing:
  - z_score: {{}}
augmentation:
  - flip: {{axes: [x, y]}}
patch:
  size: {size:?}
  slice_axis: {}
  sampling: {{positive: 2, negative: 1}}
batch_size: 16
network:
  unet: {{spatial_dims: 2, channels: [16, 32, 64], strides: [2, 2], num_res_units: 1}}
optimizer:
  adamw: {{learning_rate: 0.005}}
",
        format!("{axis:?}").to_lowercase()
    );
    let mut config = TrainingConfig::parse(&text)?;
    config.inferer = Some(Inferer::Slice(Slice {
        axis,
        ..Slice::default()
    }));
    Ok(config)
}
