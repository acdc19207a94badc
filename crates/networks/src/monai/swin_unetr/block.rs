//! A layer of the Swin transformer: attention within windows, then a perceptron; and the merging of
//! neighbouring tokens that ends a stage.

use super::Merging;
use super::windows::{Windows, distances, flat, raster};
use crate::monai::transformer::{Attention, Perceptron};
use burn::module::{Module, Param};
use burn::tensor::TensorData;
use vesalius_tensor::{
    Device, Dropout, Int, LayerNorm, LayerNormConfig, Linear, LinearConfig, Scope, Tensor,
};

/// What a shifted window subtracts from the attention of what is no neighbour.
const APART: f32 = -100.0;

fn indices(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}

/// [`Windows`] on a device.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    take: Tensor<1, Int>,
    put: Tensor<1, Int>,
    /// `[1, windows, 1, places, places]`.
    apart: Option<Tensor<5>>,
    count: usize,
    places: usize,
    padded: bool,
}

impl Cut {
    /// A grid `[z, y, x]` cut into windows `[z, y, x]`.
    pub fn new(size: [usize; 3], window: [usize; 3], shifted: bool, device: &Device) -> Self {
        let windows = Windows::new(size, window, shifted);
        let (count, places) = (windows.count, windows.places);
        let apart = windows.regions.map(|regions| {
            let regions: Vec<f32> = regions.into_iter().map(|region| region as f32).collect();
            let data = TensorData::new(regions, [1, count, 1, 1, places]);
            let across = Tensor::<5>::from_data(data, device);
            let down = across.clone().swap_dims(3, 4);
            (across - down).abs().clamp_max(1.0) * APART
        });
        Self {
            take: indices(windows.take, device),
            put: indices(windows.put, device),
            apart,
            count,
            places,
            padded: windows.padded,
        }
    }

    /// `[N, tokens, C]` to `[N · windows, places, C]`, zero where there is no token.
    fn cut(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [n, _, c] = tokens.dims();
        let tokens = match self.padded {
            true => {
                let zero = Tensor::zeros([n, 1, c], &tokens.device());
                Tensor::cat(vec![tokens, zero], 1)
            }
            false => tokens,
        };
        let places = tokens.select(1, self.take.clone());
        places.reshape([n * self.count, self.places, c])
    }

    /// The way back; what stands in padding is dropped.
    fn join(&self, windows: Tensor<3>) -> Tensor<3> {
        let [all, places, c] = windows.dims();
        let samples = windows.reshape([all / self.count, self.count * places, c]);
        samples.select(1, self.put.clone())
    }
}

/// A layer of a stage.
#[derive(Module, Debug)]
pub(super) struct Block {
    pub norms: Vec<LayerNorm>,
    pub attention: Attention,
    /// A row a distance, a column a head.
    pub table: Param<Tensor<2>>,
    pub perceptron: Perceptron,
    /// Drops the whole of a branch, a sample at a time (Huang et al. 2016).
    pub drop_paths: Vec<Dropout>,
    /// `[z, y, x]`.
    pub window: [usize; 3],
}

impl Block {
    /// `[N, tokens, C]` in and out.
    pub fn forward(&self, input: Tensor<3>, cut: &Cut) -> Tensor<3> {
        let windows = cut.cut(self.norms[0].forward(input.clone()));
        let bias = self.bias(cut.places, &input.device());
        let attended = self.attention.forward(windows, |scores| {
            let scores = scores + bias;
            let Some(apart) = &cut.apart else {
                return scores;
            };
            let shape @ [all, heads, places, _] = scores.dims();
            let each = [all / cut.count, cut.count, heads, places, places];
            (scores.reshape(each) + apart.clone()).reshape(shape)
        });
        let x = input + self.dropped(0, cut.join(attended));
        let widened = self.perceptron.forward(self.norms[1].forward(x.clone()));
        x + self.dropped(1, widened)
    }

    /// `[1, heads, places, places]`.
    fn bias(&self, places: usize, device: &Device) -> Tensor<4> {
        let table = self.table.val();
        let heads = table.dims()[1];
        let rows = table.select(0, indices(distances(self.window, places), device));
        rows.reshape([1, places, places, heads])
            .permute([0, 3, 1, 2])
    }

    fn dropped(&self, branch: usize, x: Tensor<3>) -> Tensor<3> {
        let ones = Tensor::ones([x.dims()[0], 1, 1], &x.device());
        match self.drop_paths.get(branch) {
            Some(drop) => x * drop.forward(ones),
            None => x,
        }
    }
}

/// Two neighbours along each axis become one token of twice the channels.
#[derive(Module, Debug)]
pub(super) struct Merge {
    norm: LayerNorm,
    reduction: Linear,
    #[module(skip)]
    kind: Merging,
    flat: bool,
}

impl Merge {
    pub fn new(channels: usize, kind: Merging, spatial_dims: usize, scope: &Scope) -> Self {
        let joined = channels << spatial_dims;
        let config = LinearConfig {
            bias: false,
            ..LinearConfig::new(joined, 2 * channels)
        };
        Self {
            norm: LayerNormConfig::default().init(joined, scope.at("norm")),
            reduction: config.init(scope.at("reduction")),
            kind,
            flat: spatial_dims == 2,
        }
    }

    /// `[N, tokens, C]` of a grid `[z, y, x]` of even size to half of it, and that size.
    pub fn forward(&self, tokens: Tensor<3>, size: [usize; 3]) -> (Tensor<3>, [usize; 3]) {
        let [n, _, c] = tokens.dims();
        let factor = if self.flat { [1, 2, 2] } else { [2; 3] };
        let half: [usize; 3] = std::array::from_fn(|a| size[a] / factor[a]);
        let corners = self.corners();
        let mut take = Vec::with_capacity(size.iter().product());
        for at in raster(half) {
            for corner in corners {
                let from = std::array::from_fn(|a| at[a] * factor[a] + corner[a]);
                take.push(flat(from, size) as i32);
            }
        }
        let count = half.iter().product();
        let joined = tokens
            .clone()
            .select(1, indices(take, &tokens.device()))
            .reshape([n, count, corners.len() * c]);
        (self.reduction.forward(self.norm.forward(joined)), half)
    }

    /// The order in which neighbours are joined, which weights depend on.
    fn corners(&self) -> &'static [[usize; 3]] {
        match (self.flat, self.kind) {
            (true, _) => &[[0, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1]],
            (false, Merging::Merging) => &[
                [0, 0, 0],
                [1, 0, 0],
                [0, 1, 0],
                [0, 0, 1],
                [1, 1, 0],
                [1, 0, 1],
                [0, 1, 1],
                [1, 1, 1],
            ],
            (false, Merging::MergingV2) => &[
                [0, 0, 0],
                [0, 0, 1],
                [0, 1, 0],
                [0, 1, 1],
                [1, 0, 0],
                [1, 0, 1],
                [1, 1, 0],
                [1, 1, 1],
            ],
        }
    }
}
