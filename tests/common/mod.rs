//! Small made datasets and configs that the tests of this folder share.

use vesalius::prelude::*;
use vesalius::training::{Case, MemoryCases, synthetic::Spheres};

/// Small spheres of two classes, learnt in seconds.
#[allow(dead_code)]
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
#[allow(dead_code)]
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

/// Three cases of 18 voxels a side, the label where the image is bright.
#[allow(dead_code)]
pub fn small_dataset(folder: &std::path::Path) {
    let grid = Geometry::axis_aligned([18; 3], [1.0; 3]).unwrap();
    let bright = |case: usize| move |[x, y, z]: [usize; 3]| x > 9 + case && y > 4 && z > 4;
    let mut training = Vec::new();
    for case in 0..3 {
        let inside = bright(case);
        let image = Volume::from_fn(grid, |at| f32::from(u8::from(inside(at))));
        let labels = LabelMap::from_fn(grid, |at| u16::from(inside(at)));
        let (images, truth) = (folder.join("imagesTr"), folder.join("labelsTr"));
        std::fs::create_dir_all(&images).unwrap();
        std::fs::create_dir_all(&truth).unwrap();
        let name = format!("case_{case}.nii.gz");
        vesalius::io::write(images.join(&name), &image).unwrap();
        vesalius::io::write_labels(truth.join(&name), &labels).unwrap();
        training.push(serde_json::json!({
            "image": format!("imagesTr/{name}"), "label": format!("labelsTr/{name}"), "fold": case
        }));
    }
    let list = serde_json::json!({
        "name": "small", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "block"},
        "training": training, "test": []
    });
    std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
}
