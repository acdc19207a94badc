//! Small made datasets and configs that the tests of this folder share.

use vesalius::prelude::*;
use vesalius::training::{Case, MemoryCases, synthetic::Spheres};

/// Small spheres of two classes, learnt in seconds.
pub fn spheres() -> Spheres {
    Spheres {
        size: [20, 28],
        classes: 2,
        count: [1, 2],
        radius: [4.0, 6.0],
        noise: 0.15,
    }
}

/// A config for [`spheres`].
pub fn config(seed: u64) -> TrainingConfig {
    TrainingConfig::parse(&format!(
        "
name: test
seed: {seed}
augmentation:
  - flip: {{}}
  - gaussian_noise: {{deviation: 0.05}}
patch:
  size: [16, 16, 16]
  sampling: {{positive: 2, negative: 1}}
batch_size: 2
network:
  unet: {{channels: [8, 16], strides: [2], num_res_units: 1}}
optimizer:
  adamw: {{learning_rate: 0.01}}
validation: {{times: 2}}
"
    ))
    .unwrap()
}

/// Cases in memory: `training` to learn from, then `held_out`.
#[allow(dead_code)]
pub fn data(
    labels: &LabelScheme,
    config: &TrainingConfig,
    training: u64,
    held_out: u64,
) -> TrainingData {
    let case = |number| {
        Case::new(
            spheres().subject(3, number).unwrap(),
            labels,
            &config.preprocessing,
        )
        .unwrap()
    };
    TrainingData {
        dataset: "spheres".to_owned(),
        channels: vec!["made".to_owned()],
        labels: labels.clone(),
        training: MemoryCases::shared((0..training).map(case)),
        validation: MemoryCases::shared((training..training + held_out).map(case)),
        warnings: Vec::new(),
    }
}
