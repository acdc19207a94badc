//! Work folders on made cases, and networks small enough to be trained in a test.

use crate::{Analyzed, Input, Result, Work, analyze};
use serde_json::{Value, json};
use std::path::Path;
use vesalius_networks::{NetworkConfig, PerStage};
use vesalius_volume::{LabelMap, Volume};

/// Writes the cases, the first in fold 0 and the others in fold 1, with a list of these further keys; opens the
/// work folder and looks the dataset over.
pub(super) fn work(
    folder: &Path,
    modality: &str,
    cases: &[(Volume<f32>, LabelMap)],
    mut list: Value,
) -> Result<(Work, Analyzed)> {
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
    let input = Input::read(&folder.join("input.yaml"))?;
    let mut work = Work::open(&folder.join("work"), input)?;
    let analyzed = analyze(&mut work, false, || ())?;
    Ok((work, analyzed))
}

/// The same topology with few channels and blocks.
pub(super) fn small(mut network: NetworkConfig) -> NetworkConfig {
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
        NetworkConfig::SwinUnetr(config) => config.feature_size = 12,
        _ => {}
    }
    network
}
