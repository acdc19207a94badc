//! The decoder that both networks have: transposed convolutions, skips, and a head at every stage.

use super::stages::{Stages, he_normal, run};
use burn::module::Module;
use vesalius_tensor::{
    Conv3d, Conv3dConfig, ConvNormAct, ConvTranspose3d, ConvTranspose3dConfig, Fill, Scope, Tensor,
    concatenate,
};

/// Stages from the lowest resolution up, as in the state dict.
#[derive(Module, Debug)]
pub(super) struct Decoder {
    transposed: Vec<ConvTranspose3d>,
    stages: Vec<Vec<ConvNormAct>>,
    heads: Vec<Conv3d>,
}

impl Decoder {
    pub fn new(stages: &Stages, classes: usize, scope: &Scope) -> Self {
        let scope = scope.at("decoder");
        let last = stages.features.len() - 1;
        let mut decoder = Self {
            transposed: Vec::new(),
            stages: Vec::new(),
            heads: Vec::new(),
        };
        for j in 0..last {
            let (below, skip) = (stages.features[last - j], stages.features[last - j - 1]);
            let stride = stages.strides[last - j];
            let tiled = ConvTranspose3dConfig::tiled(below, skip, stride);
            let fan_in = skip * stride.iter().product::<usize>();
            let tiled = ConvTranspose3dConfig {
                bias: stages.bias,
                weight_fill: Some(Fill::he_normal(fan_in, 0.01)),
                bias_fill: Some(Fill::Constant(0.0)),
                ..tiled
            };
            let transposed = tiled.init(scope.at("transpconvs").at(j));
            decoder.transposed.push(transposed);
            decoder.stages.push(stages.stack(
                stages.decoder[j],
                [2 * skip, skip],
                stages.kernels[last - j - 1],
                [1; 3],
                &scope.at("stages").at(j),
            ));
            let head = he_normal(Conv3dConfig::same(skip, classes, [1; 3]));
            decoder.heads.push(head.init(scope.at("seg_layers").at(j)));
        }
        decoder
    }

    /// Outputs, full resolution first; only that one unless `all`. `skips` holds the encoder's
    /// outputs, top first, the bottleneck last.
    pub fn forward(&self, mut skips: Vec<Tensor<5>>, all: bool) -> Vec<Tensor<5>> {
        let mut outputs = Vec::new();
        // An encoder has two stages or more.
        let Some(mut x) = skips.pop() else {
            return outputs;
        };
        let parts = self.transposed.iter().zip(&self.stages).zip(&self.heads);
        for ((transposed, stage), head) in parts {
            x = transposed.forward(x);
            if let Some(skip) = skips.pop() {
                x = concatenate(x, skip);
            }
            x = run(stage, x);
            if all || skips.is_empty() {
                outputs.push(head.forward(x.clone()));
            }
        }
        outputs.reverse();
        outputs
    }
}
