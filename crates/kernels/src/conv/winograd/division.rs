//! How the sums of the weights' gradient are divided into tasks, and where each is in a task's sums.

use super::super::plan::ConvLayout;
use super::super::tile::{Block, blocks};
use super::Taps;
use super::outer::INPUTS;
use super::plan::Plan;
use crate::simd::{Simd, Work};

/// Patches of a tile.
const POSITIONS: usize = 128;
/// Input channels of a task, and of one filling of its tile.
const TASK_INPUTS: usize = 64;
const FILLING: usize = 16;
/// Tasks aimed at.
const TASKS: usize = 16;
/// Values of all partial sums together, at most.
const PARTIALS: usize = 16 << 20;
/// Components of a patch.
pub(super) const COMPONENTS: usize = 16;

/// How the sums are divided into tasks.
pub(super) struct Division {
    pub plan: Plan,
    pub blocks: Vec<Block>,
    /// Parts that the tiles of all samples are summed in.
    pub chunks: usize,
    /// Parts of the output channels, and the channels of each: one vector or two.
    pub outs: usize,
    pub width: usize,
    /// Parts of the input channels, and the channels of each, a multiple of [`INPUTS`].
    pub ins: usize,
    pub inputs: usize,
    pub taps: usize,
    /// The offset in the tile of the first of each four of channels at each tap along z.
    pub offsets: Vec<usize>,
}

/// What a task computes.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub chunk: usize,
    pub group: usize,
    pub out: usize,
    pub input: usize,
}

pub(super) struct MakeDivision<'a> {
    pub gather: &'a ConvLayout,
    pub taps: &'a Taps,
}

impl Work for MakeDivision<'_> {
    type Output = Division;

    #[inline(always)]
    fn run<S: Simd>(self, _simd: S) -> Division {
        Division::new(self.gather, self.taps, S::LANES)
    }
}

impl Division {
    fn new(gather: &ConvLayout, taps: &Taps, lanes: usize) -> Self {
        let width = if gather.out_channels > lanes {
            2 * lanes
        } else {
            lanes
        };
        let outs = gather.out_channels.div_ceil(width);
        let ins = gather.in_channels.div_ceil(TASK_INPUTS);
        let inputs = gather.in_channels.div_ceil(ins).next_multiple_of(INPUTS);
        let ins = gather.in_channels.div_ceil(inputs);
        let fillings = inputs.div_ceil(FILLING);
        let filling = inputs.div_ceil(fillings).next_multiple_of(INPUTS);
        let plan = Plan::of_patches(gather, taps, lanes, POSITIONS, filling);
        let offsets = plan
            .offsets
            .chunks_exact(taps.z.len() * INPUTS)
            .flat_map(|four| &four[..taps.z.len()])
            .copied()
            .collect();
        let blocks = blocks([plan.grid[1], plan.grid[2]], plan.block);
        let tiles = blocks.len() * gather.batch;
        let whole = COMPONENTS * inputs * taps.z.len() * width * outs * ins * gather.groups;
        let chunks = TASKS
            .div_ceil(gather.groups * outs * ins)
            .min(PARTIALS / whole)
            .clamp(1, tiles.max(1));
        Self {
            plan,
            blocks,
            chunks,
            outs,
            width,
            ins,
            inputs,
            taps: taps.z.len(),
            offsets,
        }
    }

    pub fn tasks(&self, gather: &ConvLayout) -> usize {
        self.chunks * gather.groups * self.outs * self.ins
    }

    /// Tasks of one chunk are next to each other.
    pub fn place(&self, gather: &ConvLayout, task: usize) -> Place {
        let (input, task) = (task % self.ins, task / self.ins);
        let (out, task) = (task % self.outs, task / self.outs);
        let (group, chunk) = (task % gather.groups, task / gather.groups);
        Place {
            chunk,
            group,
            out,
            input,
        }
    }

    pub fn task(&self, gather: &ConvLayout, place: Place) -> usize {
        ((place.chunk * gather.groups + place.group) * self.outs + place.out) * self.ins
            + place.input
    }

    /// Fours of input channels of a task.
    pub fn quads(&self) -> usize {
        self.inputs / INPUTS
    }

    /// Values of a task's sums of one component: `[four inputs][z][input][output]`.
    pub fn component(&self) -> usize {
        self.inputs * self.taps * self.width
    }

    /// Values of one component of a tile's gradients; not a multiple of 4 KiB (see [`Plan`]).
    pub fn turned(&self) -> usize {
        self.plan.block[1] * self.plan.block[0] * self.plan.grid[0] * self.width + 16
    }

    pub fn partial(&self) -> usize {
        COMPONENTS * self.component()
    }
}
