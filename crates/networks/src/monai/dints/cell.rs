//! A path of the grid: a change of the resolution, then an operation.

use super::{Change, DiNTSConfig, Operation, Path};
use burn::module::Module;
use vesalius_tensor::{
    Activation, BlockNames, Conv3d, Conv3dConfig, ConvNormAct, Norm, ResizeMode, Scope, Tensor,
    concatenate, resize,
};

use crate::monai::parts::each_axis;

/// MONAI's `ActiConvNormBlock`.
pub(super) const NAMES: BlockNames = BlockNames {
    conv: "conv",
    norm: "norm",
    activation: "acti",
};

#[derive(Module, Debug)]
pub(super) struct Cell {
    pub from: usize,
    pub to: usize,
    doubles: bool,
    halve: Option<Halve>,
    /// Other channels, before or without a change of the size.
    align: Option<ConvNormAct>,
    /// The first of two convolutions.
    part: Option<Conv3d>,
    operation: Option<ConvNormAct>,
}

/// Every second voxel, and every second of those that lie one further along every axis: a half of the channels of each.
#[derive(Module, Debug)]
struct Halve {
    first: Conv3d,
    second: Conv3d,
    norm: Norm,
}

impl Cell {
    pub fn new(config: &DiNTSConfig, path: &Path, scope: &Scope) -> Self {
        let [from, to] = [path.from, path.to].map(|depth| config.width(depth));
        let place = scope.at("preprocess");
        let normed = config.normed(None);
        let change = path.change();
        let aligned = || normed.init(&config.conv(from, to, 1), NAMES, &place);
        let operation = scope.at("op.ops.0");
        let (part, conv) = match path.operation {
            Operation::Nothing => (None, None),
            Operation::Whole => (None, Some((config.conv(to, to, 3), NAMES))),
            Operation::Parted(axis) => {
                let [first, second] = Operation::kernels(axis).map(|kernel| Conv3dConfig {
                    bias: false,
                    ..Conv3dConfig::same(to, to, kernel)
                });
                let names = BlockNames {
                    conv: "conv_1",
                    ..NAMES
                };
                (
                    Some(first.init(operation.at("conv"))),
                    Some((second, names)),
                )
            }
        };
        Self {
            from: path.from,
            to: path.to,
            doubles: change == Change::Doubled,
            halve: (change == Change::Halved).then(|| Halve::new(config, [from, to], &place)),
            align: (change == Change::Doubled).then(aligned),
            part,
            operation: conv.map(|(conv, names)| normed.init(&conv, names, &operation)),
        }
    }

    /// From one depth's tensor to another's.
    pub fn forward(&self, x: Tensor<5>, activation: &Activation, factor: [usize; 3]) -> Tensor<5> {
        let mut x = x;
        if self.doubles {
            x = doubled(x, factor);
        }
        if let Some(halve) = &self.halve {
            x = halve.forward(activation.forward(x), factor);
        }
        if let Some(align) = &self.align {
            x = align.forward(activation.forward(x));
        }
        let Some(operation) = &self.operation else {
            return x;
        };
        x = activation.forward(x);
        if let Some(part) = &self.part {
            x = part.forward(x);
        }
        operation.forward(x)
    }
}

impl Halve {
    fn new(config: &DiNTSConfig, [from, to]: [usize; 2], scope: &Scope) -> Self {
        let conv = |channels: usize| Conv3dConfig {
            stride: each_axis(2, config.spatial_dims),
            ..config.conv(from, channels, 1)
        };
        Self {
            first: conv(to / 2).init(scope.at("conv_1")),
            second: conv(to - to / 2).init(scope.at("conv_2")),
            norm: config.norm.init(to, scope.at("norm")),
        }
    }

    fn forward(&self, x: Tensor<5>, [fx, fy, fz]: [usize; 3]) -> Tensor<5> {
        let [n, c, z, y, x_length] = x.dims();
        // In 2-D there is one slice, which stays.
        let further = x
            .clone()
            .slice([0..n, 0..c, fz - 1..z, fy - 1..y, fx - 1..x_length]);
        let both = concatenate(self.first.forward(x), self.second.forward(further));
        self.norm.forward(both)
    }
}

/// Twice as fine, corners in place.
pub(super) fn doubled(x: Tensor<5>, [fx, fy, fz]: [usize; 3]) -> Tensor<5> {
    let [_, _, z, y, width] = x.dims();
    resize(x, [width * fx, y * fy, z * fz], ResizeMode::LinearAligned)
}
