//! Attention of every token to every token of its window, by several heads (Vaswani et al. 2017).

use crate::cpu::{self, AttentionOperation, Operand};
use crate::{Dropout, Tensor};
use burn::tensor::TensorData;
use burn::tensor::activation::softmax;
use std::sync::Arc;
use vesalius_kernels::AttentionShape;

/// What is added to the score of two tokens of different regions.
const APART: f32 = -100.0;

/// The parameters of an attention besides its tokens.
#[derive(Debug, Clone, Default)]
pub struct AttentionOptions {
    /// Heads that share a token.
    pub heads: usize,
    /// Added to the scores, `[heads, keys, queries]`.
    pub bias: Option<Tensor<3>>,
    /// The region of each token of each window of a sample, windows outermost: tokens of different
    /// regions have 100 taken from their score, as in a shifted window (Liu et al. 2021).
    pub regions: Option<Arc<Vec<u32>>>,
}

/// `softmax(query · keyᵀ / √depth + bias − 100 where regions differ) · value`, a window and head at a
/// time; `drop` sets some of the softmax to zero while it trains.
///
/// # Shapes
/// - input `[samples · windows, tokens, 3 · heads · depth]`: queries, keys and values side by side
/// - output `[samples · windows, tokens, heads · depth]`
///
/// # Panics
/// When sizes do not divide, as with every tensor operation.
pub fn attend(input: Tensor<3>, options: &AttentionOptions, drop: &Dropout) -> Tensor<3> {
    if !cpu::fits(&input) || drop.drops(&input) {
        return fallback(input, options, drop);
    }
    let [windows, tokens, width] = input.dims();
    let operation = AttentionOperation {
        shape: AttentionShape {
            windows,
            tokens,
            heads: options.heads,
            depth: width / 3 / options.heads,
        },
        regions: options.regions.clone(),
    };
    let bias = options.bias.clone().map(Operand::from);
    cpu::run(input, bias, operation)
}

pub(super) fn fallback(input: Tensor<3>, options: &AttentionOptions, drop: &Dropout) -> Tensor<3> {
    let [n, count, width] = input.dims();
    let (heads, device) = (options.heads, input.device());
    let each = width / 3 / heads;
    let qkv = input
        .reshape([n, count, 3, heads, each])
        .permute([2, 0, 3, 1, 4]);
    let shape = [n, heads, count, each];
    let part = |i| qkv.clone().narrow(0, i, 1).reshape(shape);
    let query: Tensor<4> = part(0) * (each as f64).powf(-0.5);
    let (key, value): (Tensor<4>, Tensor<4>) = (part(1), part(2));
    let mut scores = query.matmul(key.swap_dims(2, 3));
    if let Some(bias) = &options.bias {
        let bias = bias.clone().swap_dims(1, 2);
        scores = scores + bias.reshape([1, heads, count, count]);
    }
    if let Some(regions) = &options.regions {
        let windows = regions.len() / count;
        let regions: Vec<f32> = regions.iter().map(|&region| region as f32).collect();
        let data = TensorData::new(regions, [1, windows, 1, 1, count]);
        let across = Tensor::<5>::from_data(data, &device);
        let down = across.clone().swap_dims(3, 4);
        let apart = (across - down).abs().clamp_max(1.0) * APART;
        let split = [n / windows, windows, heads, count, count];
        scores = (scores.reshape(split) + apart).reshape([n, heads, count, count]);
    }
    let weights = drop.forward(softmax(scores, 3));
    let mixed = weights.matmul(value).swap_dims(1, 2);
    mixed.reshape([n, count, heads * each])
}
