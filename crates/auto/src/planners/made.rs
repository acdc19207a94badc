//! Work folders on made cases, and networks small enough to be trained in a test.

use crate::{
    Analyzed, BrokenCases, History, Input, JobState, Plan, Result, TrainOptions, WorkFolder,
    analyze, train,
};
use serde_json::{Value, json};
use std::path::Path;
use vesalius_inferers::Inferer;
use vesalius_networks::{NetworkConfig, PerStage};
use vesalius_tensor::axes::PerAxis;
use vesalius_training::{TrainingConfig, ValidationOn};
use vesalius_volume::{LabelMap, Volume};

/// Writes the cases, the first in fold 0 and the others in fold 1, with a list of these further keys; opens the
/// work folder and looks the dataset over.
pub(super) fn work(
    folder: &Path,
    modality: &str,
    cases: &[(Volume<f32>, LabelMap)],
    mut list: Value,
) -> Result<(WorkFolder, Analyzed)> {
    let mut listed = Vec::new();
    for (number, (image, labels)) in cases.iter().enumerate() {
        let (image_file, label_file) = (format!("c{number}.nii"), format!("s{number}.nii"));
        vesalius_io::write(folder.join(&image_file), image).unwrap();
        vesalius_io::write_labels(folder.join(&label_file), labels).unwrap();
        let fold = usize::from(number > 0);
        listed.push(json!({"image": image_file, "label": label_file, "fold": fold}));
    }
    if list.get("training").is_none() {
        list["training"] = listed.into();
    }
    std::fs::write(folder.join("dataset.json"), list.to_string()).unwrap();
    let input = format!("modality: {modality}\ndatalist: dataset.json\n");
    std::fs::write(folder.join("input.yaml"), input).unwrap();
    let input = Input::read(folder.join("input.yaml"))?;
    let mut work = WorkFolder::open(folder.join("work"), input)?;
    let analyzed = analyze(&mut work, BrokenCases::Refuse, &Default::default())?;
    Ok((work, analyzed))
}

/// Makes the networks of these plans small, changes their training further, and trains each on fold 0: the
/// runs, which have all ended well.
pub(super) fn train_small(
    work: &WorkFolder,
    names: &[String],
    change: impl Fn(&mut TrainingConfig),
) -> History {
    let folder = work.plans_folder();
    for name in names {
        let mut plan = Plan::read(Plan::path(&folder, name)).unwrap();
        plan.training.network = small(plan.training.network);
        plan.training.validation.times = 1;
        if let ValidationOn::Patches(patches) = &mut plan.training.validation.on {
            *patches = 4;
        }
        if let Some(Inferer::SlidingWindow(window)) = &mut plan.training.inferer {
            window.overlap = window.overlap.min(0.25);
        }
        change(&mut plan.training);
        plan.write(&folder).unwrap();
    }
    let options = TrainOptions {
        folds: Some(vec![0]),
        retries: 0,
        // A few steps teach nothing.
        collapsed_below: -1.0,
        ..TrainOptions::default()
    };
    let history = train(work, &work.plans().unwrap(), &options, &mut |_| ()).unwrap();
    assert_eq!(history.jobs.len(), names.len());
    for job in &history.jobs {
        assert_eq!(job.state, JobState::Trained, "{}", job.algorithm);
    }
    history
}

/// The same topology with few channels and blocks.
fn small(mut network: NetworkConfig) -> NetworkConfig {
    let narrow = |features: &[usize]| -> Vec<usize> {
        features.iter().map(|n| (n / 16).clamp(2, 8)).collect()
    };
    match &mut network {
        NetworkConfig::PlainConvUNet(config) => {
            config.features_per_stage = narrow(&config.features_per_stage);
        }
        NetworkConfig::ResidualEncoderUNet(config) => {
            config.features_per_stage = narrow(&config.features_per_stage);
            config.n_blocks_per_stage = PerStage::Same(1);
        }
        NetworkConfig::UNet(config) => config.channels = narrow(&config.channels),
        NetworkConfig::SegResNetDS(config) => config.init_filters = 4,
        NetworkConfig::SwinUnetr(config) => {
            config.feature_size = 12;
            // As planned, it costs more than all other networks together.
            config.window_size = PerAxis::Same(3);
            config.depths = [1; 4];
        }
        _ => {}
    }
    network
}
