//! A deeply supervised network learns with all its heads, and segments with the first.

mod common;

use common::{config, data};
use vesalius::prelude::*;
use vesalius::training::Duration;

fn network(deep_supervision: bool) -> vesalius::networks::NetworkConfig {
    serde_json::from_value(serde_json::json!({"plain_conv_unet": {
        "features_per_stage": [4, 8, 8, 8], "strides": [1, 2, 2, 2], "kernel_sizes": 3,
        "n_conv_per_stage": 1, "n_conv_per_stage_decoder": 1, "deep_supervision": deep_supervision
    }}))
    .unwrap()
}

#[test]
fn heads_are_trained_and_the_model_segments_at_full_resolution() {
    let labels = LabelScheme::exclusive(&[("dark", 1), ("bright", 2)]).unwrap();
    let train = |deep: bool| {
        let mut config = config(7);
        config.network = network(deep);
        let data = data(&labels, &config, 3, 0);
        let folder = tempfile::tempdir().unwrap();
        let options = FitOptions {
            output: folder.path().join("model"),
            duration: Some(Duration::Steps(25)),
            ..FitOptions::default()
        };
        let losses = fit(&config, &data, &options, &mut |_| {}).unwrap().losses;
        let segmenter = Segmenter::open(&options.output).unwrap();
        let subject = common::spheres().subject(3, 9).unwrap();
        let found = segmenter
            .segment(subject.image())
            .unwrap()
            .into_labels()
            .unwrap();
        assert_eq!(found.geometry(), subject.image().geometry());
        losses
    };
    let (deep, plain) = (train(true), train(false));
    // The same batches and weights: what differs is what the middle head adds; the lowest counts nothing.
    assert_ne!(deep[0], plain[0]);
    for losses in [deep, plain] {
        let mean = |part: &[f32]| part.iter().sum::<f32>() / part.len() as f32;
        assert!(mean(&losses[20..]) < mean(&losses[..5]), "{losses:?}");
    }
}
