//! A network's pass looked at layer by layer: the first output that is not finite, or the size and cost of each. An
//! examined pass looks at every named layer's output, all others cost one look at a flag a layer.

use crate::{Tensor, all_finite};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

/// Shared by all layers of one network, as [`crate::StepCounter`] is.
#[derive(Debug, Clone, Default)]
pub struct Probe(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Whether any thread examines a pass.
    active: AtomicBool,
    /// Held while a pass is examined: one at a time.
    one: Mutex<()>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The thread whose pass is examined; those of others go by.
    thread: Option<ThreadId>,
    found: Option<String>,
    /// The outputs of the layers, recorded on request instead of the search for values that are not finite.
    outputs: Option<Vec<LayerOutput>>,
}

/// The output of one layer in a recorded pass.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerOutput {
    /// Its PyTorch name.
    pub name: String,
    /// The shape of its output.
    pub shape: Vec<usize>,
    /// Multiplications of a convolution or a product of matrices; 0 for other layers.
    pub multiplications: u64,
}

impl Probe {
    /// Runs a pass of the network on this thread and returns the name of the first layer whose output was
    /// not finite, if any.
    pub fn first_not_finite(&self, pass: impl FnOnce()) -> Option<String> {
        let _one = self.0.one.lock().unwrap_or_else(PoisonError::into_inner);
        self.examine(None, pass);
        self.state().found.take()
    }

    /// Runs a pass of the network on this thread and returns the outputs of its layers, in order.
    pub fn outputs(&self, pass: impl FnOnce()) -> Vec<LayerOutput> {
        let _one = self.0.one.lock().unwrap_or_else(PoisonError::into_inner);
        self.examine(Some(Vec::new()), pass);
        self.state().outputs.take().unwrap_or_default()
    }

    fn examine(&self, outputs: Option<Vec<LayerOutput>>, pass: impl FnOnce()) {
        *self.state() = State {
            thread: Some(std::thread::current().id()),
            found: None,
            outputs,
        };
        self.0.active.store(true, Ordering::Release);
        // Switched off again even where the pass panics.
        let _off = Off(self);
        pass();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Off<'a>(&'a Probe);

impl Drop for Off<'_> {
    fn drop(&mut self) {
        self.0.0.active.store(false, Ordering::Release);
        self.0.state().thread = None;
    }
}

/// A layer's place: its PyTorch name and the network's probe.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    name: Arc<str>,
    probe: Probe,
}

impl Place {
    pub fn new(name: &str, probe: &Probe) -> Self {
        Self {
            name: name.into(),
            probe: probe.clone(),
        }
    }

    /// Whether this thread's pass is examined.
    pub fn is_examined(&self) -> bool {
        self.probe.0.active.load(Ordering::Acquire)
            && self.probe.state().thread == Some(std::thread::current().id())
    }

    /// The layer's output, looked at where the pass is examined and no layer before it was found.
    pub fn seen<const D: usize>(&self, output: Tensor<D>) -> Tensor<D> {
        self.counted(output, |_| 0)
    }

    /// The same for a layer that multiplies: how often, by the shape of its output.
    pub fn counted<const D: usize>(
        &self,
        output: Tensor<D>,
        multiplications: impl FnOnce([usize; D]) -> u64,
    ) -> Tensor<D> {
        if !self.is_examined() {
            return output;
        }
        let mut state = self.probe.state();
        if let Some(outputs) = &mut state.outputs {
            outputs.push(LayerOutput {
                name: self.name.to_string(),
                shape: output.dims().to_vec(),
                multiplications: multiplications(output.dims()),
            });
            return output;
        }
        if state.found.is_some() {
            return output;
        }
        drop(state);
        let values = output.clone().try_into_vec_as::<f32>();
        if values.is_ok_and(|values| !all_finite(&values)) {
            self.probe.state().found = Some(self.name.to_string());
        }
        output
    }
}
