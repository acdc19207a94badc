//! YAML into a config, with the nearest known name where one is unknown.

use crate::{Error, Result};
use serde::de::DeserializeOwned;

/// Reads a value from YAML text.
///
/// # Errors
/// [`Error::Yaml`] with the line and the key.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    vesalius_planning::parse_yaml(text).map_err(Error::Yaml)
}

#[cfg(test)]
mod tests {
    use crate::TrainingConfig;

    const GOOD: &str = "name: test\npatch: {size: [16, 16, 16]}\nnetwork:\n  unet: {channels: [4, 8], strides: [2]}\n";

    #[test]
    fn an_unknown_name_is_placed_and_its_neighbour_named() {
        TrainingConfig::parse(GOOD).unwrap();
        let message = |more: &str| {
            TrainingConfig::parse(&format!("{GOOD}{more}"))
                .unwrap_err()
                .to_string()
        };
        for (text, meant) in [
            ("augmentations: []\n", "augmentation"),
            ("augmentation:\n  - flipp: {}\n", "flip"),
            ("schedule: {polly: {power: 0.9}}\n", "poly"),
            ("optimizer: {sdg: {}}\n", "sgd"),
            ("optimizer: {adamw: {learning_rat: 1}}\n", "learning_rate"),
            ("validation: {time: 2}\n", "times"),
        ] {
            let message = message(text);
            assert!(
                message.contains(&format!("did you mean `{meant}`")),
                "{message}"
            );
            assert!(message.contains("line"), "{message}");
        }
        let message = message("zebra: 1\n");
        assert!(
            message.contains("zebra") && !message.contains("did you mean"),
            "{message}"
        );
    }

    #[test]
    fn every_value_out_of_range_is_named() {
        for (text, key) in [
            ("batch_size: 0", "batch_size"),
            ("gradient_accumulation: 0", "gradient_accumulation"),
            (
                "batch_size: 4294967296\ngradient_accumulation: 4294967296",
                "batch_size × gradient_accumulation",
            ),
            ("clip_norm: -1", "clip_norm"),
            ("optimizer: {sgd: {momentum: 1}}", "optimizer.sgd.momentum"),
            ("optimizer: {adam: {betas: [1, 0]}}", "optimizer.adam.betas"),
            ("optimizer: {adamw: {weight_decay: -1}}", "weight_decay"),
            ("schedule: {poly: {power: -1}}", "schedule.poly.power"),
            (
                "schedule: {plateau: {factor: 2}}",
                "schedule.plateau.factor",
            ),
            ("warm_up: {steps: 5, start: 2}", "warm_up.start"),
            ("weight_average: {decay: 1}", "weight_average.decay"),
            ("duration: {epochs: 0}", "duration.epochs"),
            ("duration: {minutes: -3}", "duration.minutes"),
            ("validation: {on: {patches: 0}}", "validation.on.patches"),
            ("validation: {smoothing: 1}", "validation.smoothing"),
            ("early_stopping: {patience: 0}", "early_stopping.patience"),
            ("checkpoints: {every_steps: 0}", "checkpoints.every_steps"),
            ("cache: {memory: -1}", "cache.memory"),
            ("cache: {workers: 0}", "cache.workers"),
            ("cache: {workers: 100000}", "cache.workers"),
            (
                "cache: {batches_ahead: 18446744073709551615}",
                "cache.batches_ahead",
            ),
            (
                "cache: {patches_per_case: 17592186044416}",
                "cache.patches_per_case",
            ),
            (
                "cache: {shuffle_buffer: 17592186044416}",
                "cache.shuffle_buffer",
            ),
        ] {
            let message = TrainingConfig::parse(&format!("{GOOD}{text}\n"))
                .unwrap_err()
                .to_string();
            assert!(message.contains(key), "{text}: {message}");
        }
    }
}
