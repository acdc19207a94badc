//! Small runs with what a program gives them besides config and data: types of its own, callbacks, a control.

mod callbacks;
mod cases;
mod controlled;
mod minutes;
mod network;
mod registered;
mod sampling;
mod strategy;
mod written;

use crate::{Case, Event, FitOptions, FitReport, MemoryCases, Result, TrainingConfig};
use crate::{TrainingData, fit};
use std::path::Path;
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

/// A run of four steps on patches of 8 voxels; `more` are further keys.
const CONFIG: &str = "name: t\npatch: {size: [8, 8, 8]}\nbatch_size: 2\nduration: {steps: 4}\nvalidation: {times: 1}\nnetwork:\n  unet: {channels: [2, 4], strides: [2]}\n";

fn config(more: &str) -> TrainingConfig {
    TrainingConfig::parse(&format!("{CONFIG}{more}")).unwrap()
}

fn subject(name: &str, shift: usize) -> Subject {
    let grid = Geometry::axis_aligned([10, 9, 8], [1.0; 3]).unwrap();
    let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 3 + shift));
    let image = Volume::from_fn(grid, |[x, y, z]| {
        ((x * 5 + y * 3 + z + shift) % 11) as f32 / 11.0
    });
    Subject::new(name, image, Some(labels)).unwrap()
}

/// Two cases to train on and two held out.
fn data() -> TrainingData {
    let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
    let case = |name, shift| Case::new(subject(name, shift), &labels, &Default::default());
    let two = |[a, b]: [(&'static str, usize); 2]| {
        MemoryCases::shared([case(a.0, a.1).unwrap(), case(b.0, b.1).unwrap()])
    };
    TrainingData {
        dataset: "made".to_owned(),
        channels: vec!["CT".to_owned()],
        training: two([("a", 0), ("b", 1)]),
        validation: two([("c", 2), ("d", 0)]),
        labels,
        warnings: Vec::new(),
    }
}

fn options(folder: &Path) -> FitOptions {
    FitOptions {
        output: folder.join("model"),
        resume: folder.join("model").exists(),
        ..FitOptions::default()
    }
}

/// The report, and the learning rates of the steps.
fn run(config: &TrainingConfig, options: &FitOptions) -> (Result<FitReport>, Vec<f64>) {
    let mut rates = Vec::new();
    let report = fit(config, &data(), options, &mut |event| {
        if let Event::Step { learning_rate, .. } = event {
            rates.push(*learning_rate);
        }
    });
    (report, rates)
}
