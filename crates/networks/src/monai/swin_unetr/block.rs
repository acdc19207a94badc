//! A layer of the Swin transformer: attention within windows, then a perceptron; and the merging of
//! neighbouring tokens that ends a stage.

use super::Merging;
use super::windows::{Windows, distances, flat, raster};
use crate::monai::transformer::{Attention, Perceptron};
use burn::module::{Module, Param};
use burn::tensor::TensorData;
use std::sync::Arc;
use vesalius_tensor::{
    Device, Dropout, Int, LayerNorm, LayerNormConfig, Linear, LinearConfig, RowOrder, Scope,
    Tensor, reorder_rows, transpose_rows,
};

/// [`Windows`] on a device.
#[derive(Debug, Clone)]
pub(super) struct Cut {
    order: RowOrder,
    regions: Option<Arc<Vec<u32>>>,
    /// Rows of the table of biases, keys outermost.
    distances: Tensor<1, Int>,
    count: usize,
    places: usize,
}

impl Cut {
    /// A grid `[z, y, x]` cut into windows `[z, y, x]`.
    pub fn new(size: [usize; 3], window: [usize; 3], shifted: bool, device: &Device) -> Self {
        let Windows {
            take,
            regions,
            count,
            places,
        } = Windows::new(size, window, shifted);
        let rows = distances(window, places);
        let across = (0..places * places).map(|i| rows[i % places * places + i / places]);
        let rows = TensorData::new(across.collect::<Vec<i32>>(), [places * places]);
        Self {
            order: RowOrder::new(size.iter().product(), take),
            regions: regions.map(Arc::new),
            distances: Tensor::from_data(rows, device),
            count,
            places,
        }
    }

    /// `[N, tokens, C]` to `[N · windows, places, C]`, zero where there is no token.
    fn cut(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [n, _, c] = tokens.dims();
        reorder_rows(tokens, &self.order).reshape([n * self.count, self.places, c])
    }

    /// From windows to the grid; what is in the padding is dropped.
    fn join(&self, windows: Tensor<3>) -> Tensor<3> {
        let [all, places, c] = windows.dims();
        let samples = windows.reshape([all / self.count, self.count * places, c]);
        reorder_rows(samples, &self.order.back())
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
        let bias = Some(self.bias(cut));
        let attended = self.attention.forward(windows, bias, cut.regions.clone());
        let x = input + self.dropped(0, cut.join(attended));
        let widened = self.perceptron.forward(self.norms[1].forward(x.clone()));
        x + self.dropped(1, widened)
    }

    /// `[heads, keys, queries]`.
    fn bias(&self, cut: &Cut) -> Tensor<3> {
        let table = self.table.val();
        let (heads, places) = (table.dims()[1], cut.places);
        let rows = table.select(0, cut.distances.clone());
        let by_head = transpose_rows(rows.reshape([1, places * places, heads]));
        by_head.reshape([heads, places, places])
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
        let take = raster(half).flat_map(|at| {
            corners.iter().map(move |corner| {
                let from = std::array::from_fn(|a| at[a] * factor[a] + corner[a]);
                Some(flat(from, size))
            })
        });
        let order = RowOrder::new(size.iter().product(), take);
        let count = half.iter().product();
        let joined = reorder_rows(tokens, &order).reshape([n, count, corners.len() * c]);
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
