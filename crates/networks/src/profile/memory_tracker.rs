//! The life of tensors in bytes: what is alive at once in the forward pass, and what a training step keeps for the
//! backward pass.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

/// Tensors of the output's size that the loss and its gradient hold at once (Dice and cross-entropy).
const LOSS_TENSORS: u64 = 8;

/// The most working memory that the CPU's kernels keep from one layer to the next.
const KEPT_ROOM: u64 = 64 << 20;

/// What is counted during a network's pass.
#[derive(Debug, Default)]
pub(super) struct MemoryTracker {
    training: bool,
    live: Cell<u64>,
    peak: Cell<u64>,
    parameters: Cell<u64>,
    multiplications: Cell<u64>,
    next: Cell<usize>,
    tape: RefCell<Vec<Step>>,
    training_peak: Cell<u64>,
    /// Working memory that kernels keep.
    kept_room: RefCell<Vec<u64>>,
}

/// An operation, for the backward pass.
#[derive(Debug)]
pub(super) struct Step {
    /// Identities and bytes of the inputs that need a gradient.
    pub inputs: Vec<(usize, u64)>,
    pub output: (usize, u64),
    /// What is held until the gradient has passed.
    pub kept: Vec<Rc<Block>>,
    /// Whether the gradient of the output serves as that of the inputs.
    pub in_place: bool,
    /// Bytes of the gradients of its weights.
    pub weights: u64,
}

/// Memory, released when its last owner is dropped.
#[derive(Debug)]
pub(super) struct Block {
    tracker: Rc<MemoryTracker>,
    id: usize,
    bytes: u64,
}

impl Block {
    pub fn tracker(&self) -> Rc<MemoryTracker> {
        Rc::clone(&self.tracker)
    }

    /// A number of its own, and its bytes.
    pub fn identity(&self) -> (usize, u64) {
        (self.id, self.bytes)
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.tracker.live.set(self.tracker.live.get() - self.bytes);
    }
}

impl MemoryTracker {
    pub fn new(training: bool) -> Self {
        Self {
            training,
            ..Self::default()
        }
    }

    /// Memory for a tensor.
    pub fn take(tracker: &Rc<Self>, bytes: u64) -> Block {
        tracker.live.set(tracker.live.get() + bytes);
        tracker.peak.set(tracker.peak.get().max(tracker.live.get()));
        let id = tracker.next.replace(tracker.next.get() + 1);
        let tracker = Rc::clone(tracker);
        Block { tracker, id, bytes }
    }

    /// Working memory of a layer, such as for weights in the order of its innermost loop. It is kept for the next
    /// layer that needs no more, as long as it is not too large.
    pub fn work(&self, bytes: u64) {
        let mut kept = self.kept_room.borrow_mut();
        if kept.iter().any(|&room| room >= bytes) {
            return;
        }
        self.live.set(self.live.get() + bytes);
        self.peak.set(self.peak.get().max(self.live.get()));
        if kept.iter().sum::<u64>() + bytes <= KEPT_ROOM {
            kept.push(bytes);
        } else {
            self.live.set(self.live.get() - bytes);
        }
    }

    /// Whether a backward pass will follow.
    pub fn training(&self) -> bool {
        self.training
    }

    pub fn record(&self, step: Step) {
        self.tape.borrow_mut().push(step);
    }

    pub fn add_parameters(&self, count: u64) {
        self.parameters.set(self.parameters.get() + count);
    }

    pub fn add_multiplications(&self, count: u64) {
        self.multiplications.set(self.multiplications.get() + count);
    }

    pub fn parameters(&self) -> u64 {
        self.parameters.get()
    }

    pub fn multiplications(&self) -> u64 {
        self.multiplications.get()
    }

    /// The most bytes of activations alive at once in the forward pass.
    pub fn peak(&self) -> u64 {
        self.peak.get()
    }

    /// The most bytes of all that a training step holds at once.
    pub fn training_peak(&self) -> u64 {
        self.training_peak.get()
    }

    /// The backward pass: gradients are made and dropped, and kept tensors are released.
    pub fn go_back(&self, outputs: &[(usize, u64)]) {
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
