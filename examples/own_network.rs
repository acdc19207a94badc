//! A network of your own: a Burn module built of Vesalius' layers, one trait, a training loop of a few
//! lines, and whole volumes through sliding windows. The built-in networks are trained by `fit` instead.
//!
//! Run with `cargo run --release --example own_network`.

use burn::module::Module;
use burn::optim::{AdamWConfig, GradientsParams};
use vesalius::inferers::{OwnNetwork, SlidingWindow};
use vesalius::losses::LossConfig;
use vesalius::metrics::Confusion;
use vesalius::networks::NetworkConfig;
use vesalius::prelude::*;
use vesalius::tensor::{
    ActivationConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct, ConvNormActConfig, Int,
    NormConfig, Scope, label_tensor, tensor_from_volume,
};
use vesalius::training::synthetic::Spheres;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Three convolutions of growing dilation, and one to the classes.
#[derive(Module, Debug)]
struct Dilated {
    blocks: Vec<ConvNormAct>,
    last: Conv3d,
}

impl Dilated {
    fn new(channels: usize, classes: usize, device: &Device) -> Self {
        let scope = Scope::new(device, 1);
        let follow = ConvNormActConfig {
            norm: Some(NormConfig::instance_affine()),
            activation: Some(ActivationConfig::Relu),
            ..ConvNormActConfig::default()
        };
        let block = |(i, dilation): (usize, usize)| {
            let from = if i == 0 { 1 } else { channels };
            let conv = Conv3dConfig {
                dilation: [dilation; 3],
                padding: [dilation; 3],
                ..Conv3dConfig::same(from, channels, [3; 3])
            };
            follow.init(&conv, BlockNames::MONAI, scope.at("blocks").at(i))
        };
        Self {
            blocks: [1, 2, 4].into_iter().enumerate().map(block).collect(),
            last: Conv3dConfig::same(channels, classes, [1; 3]).init(scope.at("last")),
        }
    }
}

impl OwnNetwork for Dilated {
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        let features = self.blocks.iter().fold(input, |x, block| block.forward(x));
        vec![self.last.forward(features)]
    }
}

fn main() -> Result<()> {
    let labels = LabelScheme::exclusive(&[("sphere", 1)])?;
    let spheres = Spheres::default();
    let device = parse_device("cpu")?.autodiff();
    let mut network = Dilated::new(8, labels.channels(), &device);
    let (loss, mut optimizer) = (LossConfig::default(), AdamWConfig::new().init());
    println!("training a network of {} parameters", network.num_params());
    for step in 0..40 {
        let subject = spheres.subject(0, step % 8)?;
        let reference = subject.labels().ok_or("made volumes have labels")?;
        let image = tensor_from_volume(subject.image(), &device);
        let output = network.forward(image).swap_remove(0);
        let target: Tensor<5, Int> = label_tensor(reference, &device);
        let value = loss.forward(&Logits::new(output, &labels)?, &target)?;
        if step % 10 == 9 {
            println!(
                "  step {}: loss {:.4}",
                step + 1,
                value.clone().into_scalar::<f32>()
            );
        }
        let gradients = GradientsParams::from_grads(value.backward(), &network);
        network = optimizer.step(0.01, network, gradients);
    }

    let windows = SlidingWindow {
        patch_size: [32; 3],
        ..SlidingWindow::default()
    };
    // The network described stands in for the one of our own, which is not built from it.
    let described = NetworkConfig::default().with_channels(1, labels.channels());
    let model = ModelDescription::builder(labels, described)
        .inferer(Inferer::SlidingWindow(windows))
        .build()?;
    let segmenter = Segmenter::with_networks(model, vec![network.ready()], &parse_device("cpu")?)?;
    let unseen = spheres.subject(0, 100)?;
    let found = segmenter.segment(unseen.image())?.into_labels()?;
    let reference = unseen.labels().ok_or("made volumes have labels")?;
    let confusion = Confusion::count(reference, &found, &[1], None)?;
    let [hit, wrong, missed] = [(1, 1), (0, 1), (1, 0)].map(|(r, p)| confusion.get(r, p) as f64);
    let dice = 2.0 * hit / (2.0 * hit + wrong + missed);
    println!("an unseen volume: Dice {dice:.3}");
    Ok(())
}
