//! MONAI's `DiNTS`: a grid of blocks and resolutions whose paths and operations a search has chosen. The search is not built
//! here; an architecture that one found is.

mod cell;
mod codes;

use super::parts::{bad, check_common, check_no_slope, each_axis};
use crate::{Architecture, Result};
use burn::module::Module;
use cell::Cell;
use serde::{Deserialize, Serialize};
use vesalius_tensor::{
    Activation, ActivationConfig, BlockNames, Conv3d, Conv3dConfig, ConvNormAct, ConvNormActConfig,
    Device, NormConfig, ResizeMode, Scope, Tensor, resize,
};

pub(crate) use codes::{Change, Operation, Path};

/// Channels at any depth, at most.
const MOST_CHANNELS: usize = 65_536;

/// Configuration of a [`DiNTS`]; defaults are those of MONAI 1.6, whose `DiNTS` and `TopologyInstance` it joins.
///
/// Between two blocks there are `3 · num_depths - 2` paths, in the order of the depth they lead to, and for each first from the
/// depth above, then from the same, then from the one below. So for four depths they lead from 0, 1, 0, 1, 2, 1, 2, 3, 2, 3 to
/// 0, 0, 1, 1, 1, 2, 2, 2, 3, 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DiNTSConfig {
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels in.
    pub in_channels: usize,
    /// Channels out.
    pub out_channels: usize,
    /// Factor of the numbers of channels, which are 32 at the first depth and twice as many at each further one.
    pub channel_mul: f64,
    /// Blocks, one after another.
    pub num_blocks: usize,
    /// Resolutions: 1, ½, ¼ and so on of the first.
    pub num_depths: usize,
    /// Whether the first resolution is half of the image's.
    pub use_downsample: bool,
    /// For each block and path 1 where it is there, otherwise 0.
    pub arch_code_a: Vec<Vec<u8>>,
    /// For each block and path its operation: 0 nothing, 1 a convolution of 3×3×3, 2 to 4 a convolution of 3 along two axes and
    /// then one of 3 along the axis that is left, which is x, y or z; in 2-D 0 nothing, 1 a convolution of 3×3.
    pub arch_code_c: Vec<Vec<u8>>,
    /// For the image and each block, and each depth, 1 where it is used; all where none are given.
    pub node_a: Vec<Vec<u8>>,
    /// The activation before each convolution.
    pub activation: ActivationConfig,
    /// The norm after each convolution.
    pub norm: NormConfig,
}

impl Default for DiNTSConfig {
    fn default() -> Self {
        Self {
            spatial_dims: 3,
            in_channels: 1,
            out_channels: 2,
            channel_mul: 1.0,
            num_blocks: 6,
            num_depths: 3,
            use_downsample: true,
            arch_code_a: vec![vec![1; 7]; 6],
            arch_code_c: vec![vec![1; 7]; 6],
            node_a: Vec::new(),
            activation: ActivationConfig::Relu,
            norm: NormConfig::instance_affine(),
        }
    }
}

impl Architecture for DiNTSConfig {
    fn name(&self) -> &'static str {
        "dints"
    }

    fn check(&self) -> Result<()> {
        let name = self.name();
        let channels = [self.in_channels, self.out_channels];
        check_common(name, self.spatial_dims, &channels, self.activation, 0.0)?;
        check_no_slope(name, self.activation)?;
        self.check_codes().or_else(|problem| bad(name, problem))?;
        for depth in 0..=self.num_depths {
            let channels = self.filters(depth);
            if !(2..=MOST_CHANNELS).contains(&channels) {
                return bad(
                    name,
                    format!(
                        "`channel_mul` {} gives {channels} channels at depth {depth}; 2 to {MOST_CHANNELS} are expected",
                        self.channel_mul
                    ),
                );
            }
            self.norm.check(channels)?;
        }
        Ok(())
    }

    crate::standard_channels!();

    fn divisor(&self) -> [usize; 3] {
        let halvings = self.num_depths - 1 + usize::from(self.use_downsample);
        each_axis(1 << halvings, self.spatial_dims)
    }
}

impl DiNTSConfig {
    /// The network with first weights of seed 0.
    ///
    /// # Errors
    /// As [`Architecture::check`].
    pub fn init(&self, device: &Device) -> Result<DiNTS> {
        self.check()?;
        Ok(self.build(&Scope::new(device, 0).with_spatial_dims(self.spatial_dims)))
    }

    /// Channels at a depth of the stems: those of the image's resolution first.
    pub(crate) fn filters(&self, depth: usize) -> usize {
        (f64::from(32u32 << depth) * self.channel_mul) as usize
    }

    /// Channels at a depth of the grid.
    pub(crate) fn width(&self, depth: usize) -> usize {
        self.filters(depth + usize::from(self.use_downsample))
    }

    /// A convolution without bias that keeps the size.
    pub(crate) fn conv(&self, from: usize, to: usize, kernel: usize) -> Conv3dConfig {
        Conv3dConfig {
            bias: false,
            ..Conv3dConfig::same(from, to, each_axis(kernel, self.spatial_dims))
        }
    }

    /// What follows the convolutions.
    pub(crate) fn normed(&self, activation: Option<ActivationConfig>) -> ConvNormActConfig {
        ConvNormActConfig {
            norm: Some(self.norm),
            activation,
            ..ConvNormActConfig::default()
        }
    }

    /// The second convolution of a stem, which halves.
    pub(crate) fn halving(&self, depth: usize) -> Conv3dConfig {
        Conv3dConfig {
            stride: each_axis(2, self.spatial_dims),
            ..self.conv(self.filters(depth), self.filters(depth + 1), 3)
        }
    }

    /// Channels of what a depth's last stem gives.
    pub(crate) fn enlarged(&self, depth: usize) -> usize {
        match self.use_downsample {
            true => self.filters(depth),
            false => self.filters(depth.saturating_sub(1)),
        }
    }

    pub(crate) fn build(&self, scope: &Scope) -> DiNTS {
        let blocks = (0..self.num_blocks).map(|block| {
            let place = scope.at("dints_space.cell_tree");
            let paths = self.paths(block).into_iter().map(|path| {
                let place = place.at(format!("({block}, {})", path.number));
                Cell::new(self, &path, &place)
            });
            Block {
                cells: paths.collect(),
            }
        });
        let blocks = blocks.collect();
        let end = scope.at("stem_finals");
        let first = self.filters(0);
        let last = Conv3dConfig::same(first, self.out_channels, [1; 3]);
        let names = |conv, norm, activation| BlockNames {
            conv,
            norm,
            activation,
        };
        let before = (0..self.num_depths).map(|depth| {
            let place = scope.at("stem_down").at(depth).at("mod");
            let conv = self.conv(self.in_channels, self.filters(depth), 3);
            let follow = self.normed(self.use_downsample.then_some(self.activation));
            Before {
                first: follow.init(&conv, names("1", "2", "3"), &place),
                halve: self.use_downsample.then(|| {
                    let follow = self.normed(None);
                    follow.init(&self.halving(depth), names("4", "5", "6"), &place)
                }),
                is_used: self.is_used(0, depth),
            }
        });
        let after = (0..self.num_depths).map(|depth| {
            let place = scope.at("stem_up").at(depth).at("mod");
            let conv = self.conv(self.width(depth), self.enlarged(depth), 3);
            let follow = self.normed(None);
            After {
                conv: follow.init(&conv, names("1", "2", "3"), &place),
                enlarges: self.use_downsample || depth > 0,
            }
        });
        DiNTS {
            before: before.collect(),
            blocks,
            after: after.collect(),
            deepest: self.deepest().unwrap_or(0),
            merge: self
                .normed(None)
                .init(&self.conv(first, first, 3), cell::NAMES, end.at(0)),
            last: last.init(end.at(1)),
            activation: self.activation.init(scope.at("act")),
            factor: each_axis(2, self.spatial_dims),
        }
    }
}

/// The network of an architecture that a search found (He et al. 2021), as MONAI 1.6 builds it.
#[derive(Module, Debug)]
pub struct DiNTS {
    before: Vec<Before>,
    blocks: Vec<Block>,
    after: Vec<After>,
    /// The depth from which enlarging begins.
    deepest: usize,
    merge: ConvNormAct,
    last: Conv3d,
    activation: Activation,
    /// Of one depth to the next, `[x, y, z]`.
    factor: [usize; 3],
}

/// From the image to a depth.
#[derive(Module, Debug)]
struct Before {
    first: ConvNormAct,
    halve: Option<ConvNormAct>,
    is_used: bool,
}

/// From a depth to the one above it.
#[derive(Module, Debug)]
struct After {
    conv: ConvNormAct,
    enlarges: bool,
}

#[derive(Module, Debug)]
struct Block {
    cells: Vec<Cell>,
}

impl DiNTS {
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`, each axis divisible by [`Architecture::divisor`]
    /// - output `[N, out_channels, Z, Y, X]`
    pub fn forward(&self, input: Tensor<5>) -> Tensor<5> {
        let mut depths: Vec<Option<Tensor<5>>> = self.stems(&input);
        for block in &self.blocks {
            let mut next: Vec<Option<Tensor<5>>> = vec![None; depths.len()];
            for cell in &block.cells {
                let Some(x) = &depths[cell.from] else {
                    continue;
                };
                let y = cell.forward(x.clone(), &self.activation, self.factor);
                let sum = &mut next[cell.to];
                *sum = Some(match sum.take() {
                    Some(sum) => sum + y,
                    None => y,
                });
            }
            depths = next;
        }
        let mut x: Option<Tensor<5>> = None;
        for (depth, after) in self.after.iter().enumerate().take(self.deepest + 1).rev() {
            let sum = match (depths[depth].take(), x) {
                (Some(own), Some(below)) => Some(own + below),
                (own, below) => own.or(below),
            };
            x = sum.map(|sum| self.enlarged(sum, after));
        }
        // The config's check leaves none without.
        let x = x.unwrap_or(input);
        self.last
            .forward(self.merge.forward(self.activation.forward(x)))
    }

    /// The image at each depth; zeros where a depth does not take it.
    fn stems(&self, input: &Tensor<5>) -> Vec<Option<Tensor<5>>> {
        let [_, _, z, y, x] = input.dims();
        let at = |(depth, stem): (usize, &Before)| {
            let smaller = |length: usize, factor: usize| (length / factor.pow(depth as u32)).max(1);
            let [fx, fy, fz] = self.factor;
            let size = [smaller(x, fx), smaller(y, fy), smaller(z, fz)];
            let image = match depth {
                0 => input.clone(),
                _ => resize(input.clone(), size, ResizeMode::LinearAligned),
            };
            let first = stem.first.forward(image);
            let x = match &stem.halve {
                Some(halve) => halve.forward(first),
                None => first,
            };
            Some(match stem.is_used {
                true => x,
                false => x.zeros_like(),
            })
        };
        self.before.iter().enumerate().map(at).collect()
    }

    fn enlarged(&self, x: Tensor<5>, after: &After) -> Tensor<5> {
        let x = after.conv.forward(self.activation.forward(x));
        match after.enlarges {
            true => cell::doubled(x, self.factor),
            false => x,
        }
    }
}
