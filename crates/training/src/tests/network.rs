//! A user-defined network, from the config to labels.

use super::{data, options, run, subject};
use crate::{Event, FitOptions, TrainingConfig, fit};
use burn::module::Module;
use serde::Deserialize;
use std::path::Path;
use vesalius_inferers::{ModelDescription, OpenOptions, Segmenter, weights_path};
use vesalius_networks::{
    BuiltNetwork, CustomNetwork, NetworkConfig, NetworkModule, RegisterNetwork, Weights,
};
use vesalius_registry::Registry;
use vesalius_tensor::{Conv3d, Conv3dConfig, Device, Fill, Scope, Tensor};
use vesalius_volume::ErrorKind;

/// Two convolutions, and a head of half the resolution.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tiny {
    width: usize,
}

#[derive(Module, Debug)]
struct TinyModule {
    first: Conv3d,
    full: Conv3d,
    half: Conv3d,
}

impl NetworkModule for TinyModule {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let features = burn::tensor::activation::relu(self.first.forward(input));
        vec![
            self.full.forward(features.clone()),
            self.half.forward(features),
        ]
    }
}

impl CustomNetwork for Tiny {
    fn build(
        &self,
        in_channels: usize,
        out_channels: usize,
        scope: &Scope,
    ) -> vesalius_networks::Result<BuiltNetwork> {
        let half = Conv3dConfig {
            stride: [2; 3],
            ..Conv3dConfig::same(self.width, out_channels, [3; 3])
        };
        Ok(BuiltNetwork::new(TinyModule {
            first: Conv3dConfig::same(in_channels, self.width, [3; 3]).init(scope.at("first")),
            full: Conv3dConfig::same(self.width, out_channels, [1; 3]).init(scope.at("full")),
            half: half.init(scope.at("half")),
        }))
    }

    fn divisor(&self) -> [usize; 3] {
        [2; 3]
    }

    fn check(&self, _: usize, _: usize) -> vesalius_networks::Result<()> {
        match self.width {
            0 => Err(vesalius_networks::Error::custom("`width` of `tiny` is 0")),
            _ => Ok(()),
        }
    }
}

fn registry() -> Registry {
    let mut registry = Registry::default();
    registry.network::<Tiny>("tiny");
    registry
}

fn text(network: &str) -> String {
    format!(
        "name: t\npatch: {{size: [8, 8, 8]}}\nbatch_size: 2\nduration: {{steps: 10}}\nvalidation: {{times: 1}}\n\
         weight_average: {{decay: 0.9}}\ndeep_supervision: {{weights: {{given: [1, 0.5]}}}}\n\
         checkpoints: {{every_steps: 4}}\nnetwork: {{custom: {network}}}\n"
    )
}

fn config() -> TrainingConfig {
    TrainingConfig::parse_with(&text("{name: tiny, width: 3}"), &registry()).unwrap()
}

/// The state of a run's folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_network_of_ones_own_is_trained_killed_resumed_exported_and_segments() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let options_of = |output: &Path, resume| FitOptions {
        output: output.to_owned(),
        resume,
        ..FitOptions::default()
    };
    // What a run that is killed after its sixth step leaves behind: a checkpoint of the fourth.
    let report = fit(
        &config(),
        &data(),
        &options_of(&whole, false),
        &mut |event| {
            if matches!(event, Event::Step { step: 6, .. }) {
                copy(&whole, &killed);
            }
        },
    )
    .unwrap();
    let losses = report.losses;
    assert!(report.finished && losses.len() == 10 && losses[9] < losses[0]);
    let resumed = fit(&config(), &data(), &options_of(&killed, true), &mut |_| ()).unwrap();
    assert!(resumed.finished && resumed.progress.best.is_some());
    assert_eq!(resumed.losses, losses[4..]);
    let weights = |folder: &Path| std::fs::read(weights_path(folder, "fold_0")).unwrap();
    assert_eq!(weights(&whole), weights(&killed));

    let stored = Weights::open(weights_path(&whole, "fold_0")).unwrap();
    let names: Vec<&str> = stored.names().collect();
    let expected = ["first", "full", "half"].map(|n| [format!("{n}.bias"), format!("{n}.weight")]);
    assert_eq!(names, expected.as_flattened());
    let written = std::fs::read_to_string(whole.join("model.yaml")).unwrap();
    assert!(written.contains("width: 3"), "{written}");
    let described = ModelDescription::read(&whole).unwrap();
    let architecture = described.network.architecture();
    assert_eq!(
        (architecture.in_channels(), architecture.out_channels()),
        (1, 2)
    );

    let refused = Segmenter::open(&whole).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::NotFound);
    let refused = refused.to_string();
    assert!(
        refused.contains("`tiny`") && refused.contains("add the type to the `Registry`"),
        "{refused}"
    );
    let opened = OpenOptions::new().registry(registry());
    let segmenter = Segmenter::open_with(&whole, &opened).unwrap();
    let case = subject("new", 1);
    let found = segmenter
        .segment(case.image())
        .unwrap()
        .into_labels()
        .unwrap();
    assert_eq!(found.geometry(), case.image().geometry());
}

#[test]
fn the_first_weights_follow_from_the_seed_and_a_given_weight_is_a_start() {
    let folder = tempfile::tempdir().unwrap();
    let first = |seed: u64, steps: u64| {
        let config = config().seed(seed).steps(steps);
        let name = format!("{seed}_{steps}");
        let output = folder.path().join(&name);
        run(&config, &options(&output)).0.unwrap().losses[0]
    };
    let one = first(1, 1);
    assert_eq!(one, first(1, 2));
    assert_ne!(one, first(2, 1));
    let trained = folder.path().join("1_1/model");
    let start = format!(
        "{}start_from: {{weights: '{}', freeze: [first.]}}\n",
        text("{name: tiny, width: 3}"),
        trained.display()
    );
    let mut config = TrainingConfig::parse_with(&start, &registry())
        .unwrap()
        .steps(3);
    // An average of equal numbers may differ from them in the last bit.
    config.weight_average = None;
    let output = folder.path().join("started");
    run(&config, &options(&output)).0.unwrap();
    let weight = |folder: &Path, name: &str| {
        let weights = Weights::open(weights_path(folder, "fold_0")).unwrap();
        weights.get(name).unwrap().values().unwrap()
    };
    let after = output.join("model");
    assert_eq!(
        weight(&trained, "first.weight"),
        weight(&after, "first.weight")
    );
    assert_ne!(
        weight(&trained, "full.weight"),
        weight(&after, "full.weight")
    );
}

#[test]
fn wrong_names_options_and_modules_are_refused_with_the_remedy() {
    for (network, expected) in [
        ("tinny", "did you mean `tiny`"),
        ("{name: tiny, widht: 3}", "widht"),
        ("{name: tiny, width: 3, in_channels: 0}", "in_channels"),
    ] {
        let refused = TrainingConfig::parse_with(&text(network), &registry());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}");
    }
    let unnamed = TrainingConfig::parse(&text("{name: tiny, width: 3}"));
    let unnamed = unnamed.unwrap_err().to_string();
    assert!(
        unnamed.contains("`tiny`") && unnamed.contains("`Registry`"),
        "{unnamed}"
    );
    let folder = tempfile::tempdir().unwrap();
    let zero = TrainingConfig::parse_with(&text("{name: tiny, width: 0}"), &registry()).unwrap();
    let refused = run(&zero, &options(folder.path())).0.unwrap_err();
    assert_eq!(refused.to_string(), "`width` of `tiny` is 0");
}

/// A network whose parameter has no name of the scope's.
struct Nameless;

#[derive(Module, Debug)]
struct NamelessModule {
    factor: burn::module::Param<Tensor<1>>,
}

impl NetworkModule for NamelessModule {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        vec![input]
    }
}

impl CustomNetwork for Nameless {
    fn build(&self, _: usize, _: usize, scope: &Scope) -> vesalius_networks::Result<BuiltNetwork> {
        let tensor = Tensor::ones([1], scope.device());
        Ok(BuiltNetwork::new(NamelessModule {
            factor: burn::module::Param::from_tensor(tensor),
        }))
    }
}

/// A network that returns its input.
struct Same;

impl CustomNetwork for Same {
    fn build(&self, _: usize, _: usize, scope: &Scope) -> vesalius_networks::Result<BuiltNetwork> {
        Ok(BuiltNetwork::new(NamelessModule {
            factor: scope.parameter("factor", [1], Fill::Constant(1.0)),
        }))
    }
}

#[test]
fn a_module_that_cannot_be_kept_or_puts_out_another_shape_is_refused() {
    let nameless = NetworkConfig::custom("nameless", Nameless).init(&Device::flex());
    let refused = nameless.unwrap_err().to_string();
    assert!(
        refused.contains("`factor`") && refused.contains("`Scope::parameter`"),
        "{refused}"
    );
    let folder = tempfile::tempdir().unwrap();
    let mut same = config();
    same.network = NetworkConfig::custom("same", Same);
    let refused = run(&same, &options(folder.path()))
        .0
        .unwrap_err()
        .to_string();
    assert!(refused.contains("[2, 1, 8, 8, 8]"), "{refused}");
}

#[test]
fn what_a_network_of_ones_own_costs_is_estimated_from_its_layers() {
    let network = config().network.with_channels(1, 2);
    let cost = network.profile([32, 32, 16], 2).unwrap();
    let voxels = 2 * 32 * 32 * 16;
    let parameters = (27 * 3 + 3) + (3 * 2 + 2) + (27 * 3 * 2 + 2);
    assert_eq!(cost.parameters, parameters);
    let multiplications = (27 * 3 + 3 * 2) * voxels + 27 * 3 * 2 * voxels / 8;
    assert_eq!(cost.flops, 2 * multiplications);
    assert!(cost.inference_activations >= 4 * 5 * voxels);
    assert!(cost.training_memory > cost.inference_memory);
}
