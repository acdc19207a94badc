//! A network of your own: a Burn module built of Vesalius' layers, registered by a name, trained by `fit` from YAML
//! and opened from its model folder.
//!
//! Run with `cargo run --release --example own_network`.

use burn::module::Module;
use vesalius::metrics::ConfusionMatrix;
use vesalius::networks::{BuiltNetwork, CustomNetwork, NetworkModule, RegisterNetwork};
use vesalius::prelude::*;
use vesalius::registry::Registry;
use vesalius::tensor::{
    ActivationConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct, ConvNormActConfig, NormConfig,
    Scope,
};
use vesalius::training::{Case, Event, MemoryCases, synthetic::Spheres};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// The options that YAML gives.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Dilated {
    width: usize,
}

/// Three convolutions of growing dilation, and one to the classes.
#[derive(Module, Debug)]
struct DilatedModule {
    blocks: Vec<ConvNormAct>,
    last: Conv3d,
}

impl CustomNetwork for Dilated {
    fn build(
        &self,
        in_channels: usize,
        out_channels: usize,
        scope: &Scope,
    ) -> vesalius::networks::Result<BuiltNetwork> {
        let follow = ConvNormActConfig {
            norm: Some(NormConfig::instance_affine()),
            activation: Some(ActivationConfig::Relu),
            ..ConvNormActConfig::default()
        };
        let block = |(i, dilation): (usize, usize)| {
            let from = if i == 0 { in_channels } else { self.width };
            let conv = Conv3dConfig {
                dilation: [dilation; 3],
                padding: [dilation; 3],
                ..Conv3dConfig::same(from, self.width, [3; 3])
            };
            follow.init(&conv, BlockNames::MONAI, scope.at("blocks").at(i))
        };
        let last = Conv3dConfig::same(self.width, out_channels, [1; 3]);
        Ok(BuiltNetwork::new(DilatedModule {
            blocks: [1, 2, 4].into_iter().enumerate().map(block).collect(),
            last: last.init(scope.at("last")),
        }))
    }
}

impl NetworkModule for DilatedModule {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let features = self.blocks.iter().fold(input, |x, block| block.forward(x));
        vec![self.last.forward(features)]
    }
}

const CONFIG: &str = "
name: own_network
preprocessing:
  - z_score: {}
patch: {size: [32, 32, 32]}
batch_size: 1
network:
  custom: {name: dilated, width: 8}
optimizer:
  adamw: {learning_rate: 0.01}
duration: {steps: 40}
";

fn main() -> Result<()> {
    let mut registry = Registry::default();
    registry.network::<Dilated>("dilated");
    let config = TrainingConfig::parse_with(CONFIG, &registry)?;
    let labels = LabelScheme::exclusive(&[("sphere", 1)])?;
    let spheres = Spheres::default();
    let case = |number| -> Result<Case> {
        let subject = spheres.subject(0, number)?;
        Ok(Case::new(subject, &labels, &config.preprocessing)?)
    };
    let data = TrainingData {
        dataset: "spheres".to_owned(),
        channels: vec!["made".to_owned()],
        labels: labels.clone(),
        training: MemoryCases::shared((0..8).map(case).collect::<Result<Vec<_>>>()?),
        validation: MemoryCases::shared([]),
        warnings: Vec::new(),
    };
    let options = FitOptions {
        output: "runs/own_network".into(),
        callbacks: vesalius::reports::all(),
        ..FitOptions::default()
    };
    if options.output.exists() {
        std::fs::remove_dir_all(&options.output)?;
    }
    fit(&config, &data, &options, &mut |event| {
        if let Event::Step { step, loss, .. } = event
            && step % 10 == 0
        {
            println!("  step {step}: loss {loss:.4}");
        }
    })?;

    let opened = OpenOptions::new().registry(registry);
    let segmenter = Segmenter::open_with(&options.output, &opened)?;
    let unseen = spheres.subject(0, 100)?;
    let found = segmenter.segment(unseen.image())?.into_labels()?;
    let reference = unseen.labels().ok_or("made volumes have labels")?;
    let confusion = ConfusionMatrix::count(reference, &found, &[1], None)?;
    let [hit, wrong, missed] = [(1, 1), (0, 1), (1, 0)].map(|(r, p)| confusion.get(r, p) as f64);
    let dice = 2.0 * hit / (2.0 * hit + wrong + missed);
    println!("an unseen volume: Dice {dice:.3}");
    Ok(())
}
