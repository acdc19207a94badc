//! A tensor that knows its size alone, and the book that its life is written into.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use vesalius_tensor::{
    ActivationConfig, Conv3dConfig, ConvNormActConfig, ConvTranspose3dConfig, NormConfig,
};

/// Tensors of the output's size that the loss and its gradient hold at once (Dice and cross-entropy).
const LOSS_TENSORS: u64 = 8;

/// What is counted while a network is gone through.
#[derive(Debug, Default)]
pub(super) struct Book {
    training: bool,
    live: Cell<u64>,
    peak: Cell<u64>,
    parameters: Cell<u64>,
    multiplications: Cell<u64>,
    next: Cell<usize>,
    tape: RefCell<Vec<Step>>,
    training_peak: Cell<u64>,
}

/// An operation, for the way back.
#[derive(Debug)]
struct Step {
    /// Identities and bytes of the inputs that want a gradient.
    inputs: Vec<(usize, u64)>,
    output: (usize, u64),
    /// What is held until the gradient has passed.
    kept: Vec<Rc<Block>>,
    /// Whether the gradient of the output serves as that of the inputs.
    in_place: bool,
    /// Bytes of the gradients of its weights.
    weights: u64,
}

/// Memory; given back when the last holder goes.
#[derive(Debug)]
struct Block {
    book: Rc<Book>,
    id: usize,
    bytes: u64,
}

impl Drop for Block {
    fn drop(&mut self) {
        self.book.live.set(self.book.live.get() - self.bytes);
    }
}

impl Book {
    fn take(&self, bytes: u64) {
        self.live.set(self.live.get() + bytes);
        self.peak.set(self.peak.get().max(self.live.get()));
    }

    pub fn parameters(&self) -> u64 {
        self.parameters.get()
    }

    pub fn multiplications(&self) -> u64 {
        self.multiplications.get()
    }

    /// The most bytes of activations alive at once on the way forward.
    pub fn peak(&self) -> u64 {
        self.peak.get()
    }

    /// The most bytes of all that a training step holds at once.
    pub fn training_peak(&self) -> u64 {
        self.training_peak.get()
    }

    /// Goes the tape back: gradients come and go, what was kept is let go.
    fn go_back(&self, outputs: &[(usize, u64)]) {
        let weights = 4 * self.parameters.get();
        // The weights and AdamW's two moments.
        let held = 3 * weights;
        let mut gradients: HashMap<usize, u64> = HashMap::new();
        let loss: u64 = outputs.iter().map(|(_, bytes)| bytes * LOSS_TENSORS).sum();
        let mut flowing = 0;
        let mut of_weights = 0;
        let mut most = held + self.peak.get().max(self.live.get() + loss);
        for &(id, bytes) in outputs {
            gradients.insert(id, bytes);
            flowing += bytes;
        }
        loop {
            let Some(step) = self.tape.borrow_mut().pop() else {
                break;
            };
            let before = gradients.remove(&step.output.0).unwrap_or(0);
            if step.in_place {
                flowing -= before;
            }
            for (id, bytes) in step.inputs {
                if gradients.insert(id, bytes).is_none() {
                    flowing += bytes;
                }
            }
            of_weights += step.weights;
            most = most.max(held + self.live.get() + flowing + of_weights);
            if !step.in_place {
                flowing -= before;
            }
            drop(step.kept);
        }
        // The optimiser's step: all gradients, and the new values of what it is at.
        self.training_peak.set(most.max(held + weights));
    }
}

/// How far back a voxel sees: steps of the input between its neighbours, and voxels seen.
#[derive(Debug, Clone, Copy)]
struct Reach {
    jump: [f64; 3],
    field: [f64; 3],
}

/// A tensor's size and place in memory; dropping it frees that, as a tensor's buffer is freed.
#[derive(Debug, Clone)]
pub(super) struct Sketch {
    block: Rc<Block>,
    reach: Reach,
    pub batch: usize,
    pub channels: usize,
    /// `[x, y, z]`.
    pub size: [usize; 3],
}

/// Closes the book of some outputs, first one first: its receptive field.
pub(super) fn finish(outputs: Vec<Sketch>) -> Option<[u64; 3]> {
    let first = outputs.first()?;
    let (book, field) = (first.book(), first.reach.field);
    if book.training {
        let outputs: Vec<_> = outputs.iter().map(Sketch::identity).collect();
        book.go_back(&outputs);
    }
    let seen = field.iter().all(|f| f.is_finite());
    seen.then(|| field.map(|f| f.ceil() as u64))
}

impl Sketch {
    pub fn input(channels: usize, size: [usize; 3], batch: usize, training: bool) -> Self {
        let book = Rc::new(Book {
            training,
            ..Book::default()
        });
        let reach = Reach {
            jump: [1.0; 3],
            field: [1.0; 3],
        };
        Self::make(&book, batch, channels, size, reach)
    }

    pub fn book(&self) -> Rc<Book> {
        Rc::clone(&self.block.book)
    }

    /// Whether a backward pass will follow.
    pub fn training(&self) -> bool {
        self.block.book.training
    }

    fn identity(&self) -> (usize, u64) {
        (self.block.id, self.block.bytes)
    }

    fn make(
        book: &Rc<Book>,
        batch: usize,
        channels: usize,
        size: [usize; 3],
        reach: Reach,
    ) -> Self {
        let bytes = 4 * (batch * channels * size.iter().product::<usize>()) as u64;
        book.take(bytes);
        let id = book.next.replace(book.next.get() + 1);
        let block = Block {
            book: Rc::clone(book),
            id,
            bytes,
        };
        Self {
            block: Rc::new(block),
            reach,
            batch,
            channels,
            size,
        }
    }

    fn voxels(&self) -> u64 {
        (self.batch * self.size.iter().product::<usize>()) as u64
    }

    /// A new tensor computed from this one; `keep` says whether this one is needed on the way back.
    fn next(&self, channels: usize, size: [usize; 3], keep: bool, weights: u64) -> Self {
        let book = self.book();
        let output = Self::make(&book, self.batch, channels, size, self.reach);
        book.parameters.set(book.parameters.get() + weights);
        if book.training {
            book.tape.borrow_mut().push(Step {
                inputs: vec![self.identity()],
                output: output.identity(),
                kept: if keep {
                    vec![Rc::clone(&self.block)]
                } else {
                    Vec::new()
                },
                in_place: false,
                weights: 4 * weights,
            });
        }
        output
    }

    /// Parameters that no tensor of the way is computed with alone.
    pub fn with_parameters(self, count: usize) -> Self {
        let book = &self.block.book;
        book.parameters.set(book.parameters.get() + count as u64);
        self
    }

    /// Multiplications beside those of the layers here.
    pub fn with_multiplications(self, count: u64) -> Self {
        let book = &self.block.book;
        book.multiplications.set(book.multiplications.get() + count);
        self
    }

    /// The same tensor, seeing that many neighbours more along `[x, y, z]`; all for infinity.
    pub fn seeing(mut self, neighbours: [f64; 3]) -> Self {
        for (axis, more) in neighbours.into_iter().enumerate() {
            self.reach.field[axis] += more * self.reach.jump[axis];
        }
        self
    }

    pub fn conv(self, conv: &Conv3dConfig) -> Self {
        let size = std::array::from_fn(|a| {
            let reach = conv.dilation[a] * (conv.kernel[a] - 1) + 1;
            (self.size[a] + 2 * conv.padding[a] - reach) / conv.stride[a] + 1
        });
        let taps = conv.in_channels / conv.groups * conv.kernel.iter().product::<usize>();
        let bias = if conv.bias { conv.out_channels } else { 0 };
        let weights = (conv.out_channels * taps + bias) as u64;
        let wider = std::array::from_fn(|a| (conv.dilation[a] * (conv.kernel[a] - 1)) as f64);
        let mut output = self
            .next(conv.out_channels, size, true, weights)
            .seeing(wider);
        for axis in 0..3 {
            output.reach.jump[axis] *= conv.stride[axis] as f64;
        }
        let count = output.voxels() * (conv.out_channels * taps) as u64;
        output.with_multiplications(count)
    }

    pub fn conv_transposed(self, conv: &ConvTranspose3dConfig) -> Self {
        let size = std::array::from_fn(|a| {
            (self.size[a] - 1) * conv.stride[a]
                + conv.dilation[a] * (conv.kernel[a] - 1)
                + conv.output_padding[a]
                + 1
                - 2 * conv.padding[a]
        });
        let taps = conv.out_channels / conv.groups * conv.kernel.iter().product::<usize>();
        let bias = if conv.bias { conv.out_channels } else { 0 };
        let weights = (conv.in_channels * taps + bias) as u64;
        let wider = std::array::from_fn(|a| (conv.kernel[a].div_ceil(conv.stride[a]) - 1) as f64);
        let mut output = self
            .next(conv.out_channels, size, true, weights)
            .seeing(wider);
        for axis in 0..3 {
            output.reach.jump[axis] /= conv.stride[axis] as f64;
        }
        let count = self.voxels() * (conv.in_channels * taps) as u64;
        output.with_multiplications(count)
    }

    /// A convolution and what follows it, in one where the CPU's inference does so.
    pub fn block(self, conv: &Conv3dConfig, follow: &ConvNormActConfig) -> Self {
        let norm = matches!(follow.norm, None | Some(NormConfig::Instance(_)));
        let fused = !self.training() && norm && follow.activation.is_none_or(simple);
        self.conv(conv).followed(follow, fused)
    }

    /// The same around a transposed convolution.
    pub fn block_transposed(
        self,
        conv: &ConvTranspose3dConfig,
        follow: &ConvNormActConfig,
    ) -> Self {
        let fused =
            !self.training() && follow.norm.is_none() && follow.activation.is_none_or(simple);
        self.conv_transposed(conv).followed(follow, fused)
    }

    fn followed(self, follow: &ConvNormActConfig, fused: bool) -> Self {
        let slope = matches!(follow.activation, Some(ActivationConfig::Prelu { .. }));
        let mut weights = u64::from(slope);
        let mut passes = usize::from(follow.activation.is_some());
        if let Some(norm) = &follow.norm {
            weights += norm_weights(norm, self.channels);
            let joined =
                !matches!(norm, NormConfig::Batch(_)) && follow.activation.is_none_or(simple);
            passes = if joined { 1 } else { passes + 1 };
        }
        if fused || passes == 0 {
            return self.with_parameters(weights as usize);
        }
        let output = self.pointwise(weights);
        (1..passes).fold(output, |x, _| x.pointwise(0))
    }

    /// A norm and then an activation, if any.
    pub fn norm(self, norm: &NormConfig, activation: Option<ActivationConfig>) -> Self {
        let follow = ConvNormActConfig {
            norm: Some(*norm),
            activation,
            ..ConvNormActConfig::default()
        };
        self.followed(&follow, false)
    }

    /// A new tensor of the same size, computed value by value from this one, which is kept.
    pub fn pointwise(self, weights: u64) -> Self {
        self.next(self.channels, self.size, true, weights)
    }

    /// A copy in another order; nothing is kept.
    pub fn copied(self) -> Self {
        self.next(self.channels, self.size, false, 0)
    }

    /// A linear layer on the channels of every voxel.
    pub fn linear(self, to: usize, bias: bool) -> Self {
        let from = self.channels;
        let weights = (from * to + if bias { to } else { 0 }) as u64;
        let output = self.next(to, self.size, true, weights);
        let count = output.voxels() * (from * to) as u64;
        output.with_multiplications(count)
    }

    /// The largest or mean value of boxes that lie side by side.
    pub fn pooled(self, factor: [usize; 3]) -> Self {
        let size = std::array::from_fn(|a| self.size[a] / factor[a]);
        let wider = factor.map(|f| (f - 1) as f64);
        self.next(self.channels, size, false, 0)
            .seeing(wider)
            .coarser(factor)
    }

    /// Interpolation to a finer grid.
    pub fn upsampled(self, factor: [usize; 3]) -> Self {
        let size = std::array::from_fn(|a| self.size[a] * factor[a]);
        let wider = factor.map(|f| if f > 1 { 1.0 } else { 0.0 });
        let mut output = self.next(self.channels, size, false, 0).seeing(wider);
        for (jump, factor) in output.reach.jump.iter_mut().zip(factor) {
            *jump /= factor as f64;
        }
        output
    }

    /// Of other channels and size, in a new order of the same values or some of them.
    pub fn rearranged(self, channels: usize, size: [usize; 3]) -> Self {
        self.next(channels, size, false, 0)
    }

    /// The same tensor as seen from a grid that many times coarser.
    pub fn coarser(mut self, factor: [usize; 3]) -> Self {
        for (jump, factor) in self.reach.jump.iter_mut().zip(factor) {
            *jump *= factor as f64;
        }
        self
    }

    /// The sum of two tensors of one size.
    pub fn plus(self, other: Sketch) -> Self {
        self.with(other, 0, [false; 2], true)
    }

    /// The product of two, the second broadcast if smaller.
    pub fn times(self, other: Sketch) -> Self {
        self.with(other, 0, [true; 2], false)
    }

    /// The channels of both.
    pub fn concatenated(self, other: Sketch) -> Self {
        let more = other.channels;
        self.with(other, more, [false; 2], false)
    }

    fn with(self, other: Sketch, more: usize, keep: [bool; 2], in_place: bool) -> Self {
        let book = self.book();
        let mut output = Self::make(
            &book,
            self.batch,
            self.channels + more,
            self.size,
            self.reach,
        );
        for axis in 0..3 {
            let (mine, theirs) = (self.reach.field[axis], other.reach.field[axis]);
            output.reach.field[axis] = mine.max(theirs);
        }
        if book.training {
            let kept = [&self, &other].into_iter().zip(keep);
            let kept = kept.filter(|(_, keep)| *keep);
            book.tape.borrow_mut().push(Step {
                inputs: vec![self.identity(), other.identity()],
                output: output.identity(),
                kept: kept.map(|(x, _)| Rc::clone(&x.block)).collect(),
                in_place,
                weights: 0,
            });
        }
        output
    }
}

/// Whether the CPU's kernels join the activation with what comes before it.
fn simple(activation: ActivationConfig) -> bool {
    !matches!(
        activation,
        ActivationConfig::Gelu | ActivationConfig::Elu { .. }
    )
}

fn norm_weights(norm: &NormConfig, channels: usize) -> u64 {
    let affine = match norm {
        NormConfig::Instance(config) => config.affine,
        NormConfig::Batch(config) => config.affine,
        NormConfig::Group(config) => config.affine,
    };
    if affine { 2 * channels as u64 } else { 0 }
}
