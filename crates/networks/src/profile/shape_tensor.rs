//! A tensor of a size without values, and the layers without weights; those with weights are in `layers`.

use super::memory_tracker::{Block, MemoryTracker, Step};
use std::rc::Rc;

/// The receptive field of a voxel: steps of the input between its neighbours, and input voxels that it depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReceptiveField {
    pub jump: [f64; 3],
    pub field: [f64; 3],
}

/// A tensor's size and place in memory; dropping it frees that, as a tensor's buffer is freed.
#[derive(Debug, Clone)]
pub(super) struct ShapeTensor {
    block: Rc<Block>,
    pub(super) reach: ReceptiveField,
    pub batch: usize,
    pub channels: usize,
    /// `[x, y, z]`.
    pub size: [usize; 3],
}

/// Closes the book of some outputs, first one first: its receptive field.
pub(super) fn finish(outputs: Vec<ShapeTensor>) -> Option<[u64; 3]> {
    let first = outputs.first()?;
    let (tracker, field) = (first.tracker(), first.reach.field);
    if tracker.training() {
        let outputs: Vec<_> = outputs.iter().map(ShapeTensor::identity).collect();
        tracker.go_back(&outputs);
    }
    let seen = field.iter().all(|f| f.is_finite());
    seen.then(|| field.map(|f| f.ceil() as u64))
}

impl ShapeTensor {
    pub fn input(channels: usize, size: [usize; 3], batch: usize, training: bool) -> Self {
        let tracker = Rc::new(MemoryTracker::new(training));
        let reach = ReceptiveField {
            jump: [1.0; 3],
            field: [1.0; 3],
        };
        Self::make(&tracker, batch, channels, size, reach)
    }

    pub fn tracker(&self) -> Rc<MemoryTracker> {
        self.block.tracker()
    }

    /// Whether a backward pass will follow.
    pub fn training(&self) -> bool {
        self.tracker().training()
    }

    fn identity(&self) -> (usize, u64) {
        self.block.identity()
    }

    fn make(
        tracker: &Rc<MemoryTracker>,
        batch: usize,
        channels: usize,
        size: [usize; 3],
        reach: ReceptiveField,
    ) -> Self {
        let bytes = 4 * (batch * channels * size.iter().product::<usize>()) as u64;
        Self {
            block: Rc::new(MemoryTracker::take(tracker, bytes)),
            reach,
            batch,
            channels,
            size,
        }
    }

    pub(super) fn voxels(&self) -> u64 {
        (self.batch * self.size.iter().product::<usize>()) as u64
    }

    /// A new tensor computed from this one; `keep` is true when the backward pass needs this one.
    pub(super) fn next(&self, channels: usize, size: [usize; 3], keep: bool, weights: u64) -> Self {
        let tracker = self.tracker();
        let output = Self::make(&tracker, self.batch, channels, size, self.reach);
        tracker.add_parameters(weights);
        if tracker.training() {
            tracker.record(Step {
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

    /// Parameters of no single tensor of the pass.
    pub fn with_parameters(self, count: usize) -> Self {
        let tracker = self.tracker();
        tracker.add_parameters(count as u64);
        self
    }

    /// Multiplications besides those of the layers here.
    pub fn with_multiplications(self, count: u64) -> Self {
        let tracker = self.tracker();
        tracker.add_multiplications(count);
        self
    }

    /// The same tensor, seeing that many neighbours more along `[x, y, z]`; all for infinity.
    pub fn seeing(mut self, neighbours: [f64; 3]) -> Self {
        for (axis, more) in neighbours.into_iter().enumerate() {
            self.reach.field[axis] += more * self.reach.jump[axis];
        }
        self
    }

    /// A new tensor of the same size, computed value by value from this one, which is kept.
    pub fn pointwise(self, weights: u64) -> Self {
        self.next(self.channels, self.size, true, weights)
    }

    /// A copy in another order; nothing is kept.
    pub fn copied(self) -> Self {
        self.next(self.channels, self.size, false, 0)
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
    pub fn plus(self, other: ShapeTensor) -> Self {
        let channels = self.channels;
        self.with(other, channels, [false; 2], true)
    }

    /// The product of two, the second broadcast if smaller.
    pub fn times(self, other: ShapeTensor) -> Self {
        let channels = self.channels;
        self.with(other, channels, [true; 2], false)
    }

    /// Some channels computed from both, which are kept.
    pub fn joined_with(self, other: ShapeTensor, channels: usize) -> Self {
        self.with(other, channels, [true; 2], false)
    }

    /// The channels of both.
    pub fn concatenated(self, other: ShapeTensor) -> Self {
        let channels = self.channels + other.channels;
        self.with(other, channels, [false; 2], false)
    }

    fn with(self, other: ShapeTensor, channels: usize, keep: [bool; 2], in_place: bool) -> Self {
        let tracker = self.tracker();
        let mut output = Self::make(&tracker, self.batch, channels, self.size, self.reach);
        for axis in 0..3 {
            let (mine, theirs) = (self.reach.field[axis], other.reach.field[axis]);
            output.reach.field[axis] = mine.max(theirs);
        }
        if tracker.training() {
            let kept = [&self, &other].into_iter().zip(keep);
            let kept = kept.filter(|(_, keep)| *keep);
            tracker.record(Step {
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
