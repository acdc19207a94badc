//! Each type of this crate does its work in training, inference and evaluation, by name where files can name it.

use outside::{callback::StopAtLoss, inference::Threshold, registry, source::MadeCases};
use std::sync::{Arc, Mutex};
use vesalius::inferers::{Inferer, Patches, PatchMerger, PostprocessingStep};
use vesalius::metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius::networks::NetworkConfig;
use vesalius::prelude::*;
use vesalius::training::Callbacks;

const CONFIG: &str = "
name: outside
augmentation:
  - flip: {}
  - metal_streaks: {strength: 0.1}
patch: {size: [16, 16, 16]}
batch_size: 1
network:
  unet: {channels: [4, 8], strides: [2]}
loss: {custom: brier}
schedule: {custom: {name: halving, every: 2}}
optimizer: {custom: {name: plain_descent, rate: 0.5}}
";

fn labels() -> LabelScheme {
    LabelScheme::exclusive(&[("sphere", 1)]).unwrap()
}

#[test]
fn a_config_names_a_loss_a_transform_a_schedule_and_an_optimiser_and_a_callback_listens() {
    let config = TrainingConfig::parse_with(CONFIG, &registry()).unwrap().steps(6);
    let data = TrainingData {
        dataset: "made".to_owned(),
        channels: vec!["made".to_owned()],
        labels: labels(),
        training: MadeCases::new(3, labels()),
        validation: MadeCases::new(0, labels()),
        warnings: Vec::new(),
    };
    let listener = Arc::new(Mutex::new(StopAtLoss::default()));
    let folder = tempfile::tempdir().unwrap();
    let options = FitOptions {
        output: folder.path().join("model"),
        callbacks: Callbacks::default().with_shared(listener.clone()),
        ..FitOptions::default()
    };
    let report = fit(&config, &data, &options, &mut |_| {}).unwrap();
    let heard = listener.lock().unwrap().heard.clone();
    assert_eq!((heard.len(), &heard), (6, &report.losses));
    assert!(heard[5] < heard[0], "{heard:?}");
}

/// A bright cube of 4 voxels a side in the dark, and one bright voxel.
fn scan() -> Volume<f32> {
    let grid = Geometry::axis_aligned([12, 10, 8], [1.0; 3]).unwrap();
    let inside = |p: [usize; 3]| p.iter().all(|&p| (2..6).contains(&p)) || p == [10, 8, 6];
    let mut scan = Volume::filled(grid, 0.0);
    for (at, value) in scan.data_mut().iter_mut().enumerate() {
        let place = [at % 12, at / 12 % 10, at / 120];
        *value = f32::from(u8::from(inside(place)));
    }
    scan
}

fn segmented(inferer: Inferer) -> LabelMap {
    let mut step: PostprocessingStep =
        serde_json::from_str(r#"{"custom": {"name": "without_small", "voxels": 2}}"#).unwrap();
    step.resolve(&registry()).unwrap();
    let described = NetworkConfig::default().with_channels(1, 2);
    let model = ModelDescription::builder(labels(), described)
        .inferer(inferer)
        .postprocessing([step])
        .build()
        .unwrap();
    let device = parse_device("cpu").unwrap();
    let segmenter = Segmenter::with_networks(model, vec![Box::new(Threshold(0.5))], &device);
    let result = segmenter.unwrap().segment(&scan()).unwrap();
    result.into_labels().unwrap()
}

#[test]
fn a_runtime_an_inferer_a_merger_and_a_postprocessing_step_make_labels() {
    let mut whole: Inferer = serde_json::from_str(r#"{"custom": "tiles"}"#).unwrap();
    whole.resolve(&registry()).unwrap();
    let mut merger: PatchMerger = serde_json::from_str(r#"{"custom": "latest"}"#).unwrap();
    merger.resolve(&registry()).unwrap();
    let patches = Inferer::Patches(Patches {
        patch_size: [8, 8, 8],
        merger,
        ..Patches::default()
    });
    for inferer in [whole, patches] {
        let labels = segmented(inferer.clone());
        assert_eq!(labels.counts()[&1], 64, "{inferer:?}");
    }
}

#[test]
fn a_measure_is_scored_beside_dice() {
    let reference = segmented(Inferer::default());
    let mut prediction = reference.clone();
    prediction.data_mut()[0] = 1;
    let surplus = Measure::registered("surplus", 1.0, &registry()).unwrap();
    let evaluator = Evaluator::new(Targets::of_values(&[1]).unwrap(), vec![surplus]);
    let case = evaluator.case("made", &reference, &prediction).unwrap();
    let evaluation = Evaluation::new(vec![case]).unwrap();
    assert_eq!(evaluation.mean("surplus"), Some(1.0));
    assert_eq!(evaluation.mean("dice"), Some(128.0 / 129.0));
}

#[test]
fn misspelt_names_and_options_are_refused() {
    for (wrong, right, expected) in [
        ("brier", "briar", "did you mean `brier`"),
        ("halving, every", "halving, evry", "evry"),
        ("rate: 0.5", "rate: fast", "plain_descent"),
        ("every: 2", "every: 0", "`every` must be positive"),
    ] {
        let text = CONFIG.replace(wrong, right);
        let message = TrainingConfig::parse_with(&text, &registry()).unwrap_err();
        assert!(message.to_string().contains(expected), "{message}");
    }
}
