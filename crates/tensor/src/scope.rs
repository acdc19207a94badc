//! What a layer is created with: the device, the seed, the PyTorch name of its place, and the list of parameters so far.
//!
//! A parameter's first value depends on the seed and its name alone, and so does its identity, so
//! that two runs agree whatever the order of construction, and an optimiser's state finds its
//! parameters again after a restart. Burn's own CPU seed, one global lock, is never used.

use crate::probe::Place;
use crate::{Device, Probe};
use burn::module::{Param, ParamId, RunningState};
use burn::tensor::{Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal, Uniform};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What a parameter holds before training.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Fill {
    /// The same number everywhere.
    Constant(f32),
    /// Uniform between `-bound` and `bound`.
    Uniform(f64),
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Normal with mean 0 and this standard deviation, drawn again beyond two absolute units, as
    /// PyTorch's `trunc_normal_` with its default limits.
    TruncatedNormal(f64),
}

impl Fill {
    /// PyTorch's default of linear and convolution layers: uniform within `1 / √fan_in`
    /// (`kaiming_uniform_` with a = √5), for the weight and the bias alike.
    pub fn pytorch(fan_in: usize) -> Self {
        Self::Uniform(1.0 / (fan_in.max(1) as f64).sqrt())
    }

    /// He's normal initialisation for a leaky ReLU of that slope, over the inputs of a neuron:
    /// standard deviation `√(2 / (1 + slope²) / fan_in)` (He et al. 2015).
    pub fn he_normal(fan_in: usize, slope: f64) -> Self {
        Self::Normal((2.0 / (1.0 + slope * slope) / fan_in.max(1) as f64).sqrt())
    }

    fn values(self, count: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
        match self {
            Self::Constant(value) => vec![value; count],
            Self::Uniform(bound) => match Uniform::new_inclusive(-bound, bound) {
                Ok(uniform) => (0..count).map(|_| uniform.sample(rng) as f32).collect(),
                Err(_) => vec![0.0; count],
            },
            Self::Normal(deviation) => (0..count)
                .map(|_| (deviation * normal(rng)) as f32)
                .collect(),
            Self::TruncatedNormal(deviation) => (0..count)
                .map(|_| {
                    loop {
                        let value = deviation * normal(rng);
                        if value.abs() <= 2.0 {
                            return value as f32;
                        }
                    }
                })
                .collect(),
        }
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// A parameter or buffer by its PyTorch name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its name in a PyTorch state dict.
    pub name: String,
    /// Its identity in the Burn module.
    pub id: ParamId,
    /// Its shape in a PyTorch state dict; a 2-D network's kernels have no Z axis there.
    pub shape: Vec<usize>,
    /// A running statistic: stored, never trained.
    pub buffer: bool,
}

/// The running number of the optimiser's step, which keys every dropout mask of one network.
#[derive(Debug, Clone, Default)]
pub struct StepCounter(Arc<AtomicU64>);

impl StepCounter {
    /// The number of the step that masks are drawn for.
    pub fn step(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the number of the step, before its forward pass.
    pub fn set_step(&self, step: u64) {
        self.0.store(step, Ordering::Relaxed);
    }
}

/// A place in a network under construction.
///
/// ```
/// use vesalius_tensor::{Conv3dConfig, Device, Scope};
///
/// let root = Scope::new(&Device::flex(), 42);
/// Conv3dConfig::same(1, 2, [3; 3]).init(root.at("encoder").at("first"));
/// let named: Vec<String> = root.parameters().into_iter().map(|parameter| parameter.name).collect();
/// assert_eq!(named, ["encoder.first.weight", "encoder.first.bias"]);
/// ```
#[derive(Debug, Clone)]
pub struct Scope {
    device: Device,
    seed: u64,
    name: String,
    spatial_dims: usize,
    values: bool,
    step_counter: StepCounter,
    probe: Probe,
    made: Arc<Mutex<Vec<ParameterInfo>>>,
}

impl From<&Device> for Scope {
    fn from(device: &Device) -> Self {
        Self::new(device, 0)
    }
}

impl From<&Scope> for Scope {
    fn from(scope: &Scope) -> Self {
        scope.clone()
    }
}

impl Scope {
    /// The root of a 3-D network whose first weights are keyed by `seed`.
    pub fn new(device: &Device, seed: u64) -> Self {
        Self {
            device: device.clone(),
            seed,
            name: String::new(),
            spatial_dims: 3,
            values: true,
            step_counter: StepCounter::default(),
            probe: Probe::default(),
            made: Arc::default(),
        }
    }

    /// The same for a network of 2 or 3 spatial dimensions: kernels of a 2-D one have no Z axis in
    /// a state dict.
    pub fn with_spatial_dims(mut self, spatial_dims: usize) -> Self {
        self.spatial_dims = spatial_dims;
        self
    }

    /// The same where parameters have a name and a shape and no memory of their own: for networks whose
    /// weights all come from a file.
    pub fn without_values(mut self) -> Self {
        self.values = false;
        self
    }

    /// The place called `name` within this one; names are joined by dots.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let mut inner = self.clone();
        if !inner.name.is_empty() {
            inner.name.push('.');
        }
        inner.name.push_str(&name.to_string());
        inner
    }

    /// The device that parameters are made on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The step counter that all dropout layers of this network share.
    pub fn step_counter(&self) -> &StepCounter {
        &self.step_counter
    }

    /// The probe that all layers of this network share.
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// This place, through which a layer reports its output to the probe.
    pub(crate) fn place(&self) -> Place {
        Place::new(&self.name, &self.probe)
    }

    /// Every parameter and buffer made under this root so far, in order.
    pub fn parameters(&self) -> Vec<ParameterInfo> {
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A trainable parameter `name` of this place.
    pub fn parameter<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        fill: Fill,
    ) -> Param<Tensor<D>> {
        let (id, tensor) = self.make(name, shape, fill, false);
        Param::initialized(id, tensor).set_require_grad(true)
    }

    /// A running statistic `name` of this place.
    pub fn buffer(&self, name: &str, length: usize, value: f32) -> RunningState<Tensor<1>> {
        let (id, tensor) = self.make(name, [length], Fill::Constant(value), true);
        RunningState::with_id(id, tensor)
    }

    /// A key for random numbers that belong to this place, such as dropout's masks.
    pub fn key(&self) -> [u64; 2] {
        [self.seed, fnv1a(&self.name)]
    }

    fn make<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        fill: Fill,
        buffer: bool,
    ) -> (ParamId, Tensor<D>) {
        let full = self.at(name).name;
        let key = fnv1a(&full);
        let tensor = match self.values {
            true => {
                let mut rng = keyed_rng([self.seed, key], 0);
                let values = fill.values(shape.iter().product(), &mut rng);
                Tensor::from_data(TensorData::new(values, shape), &self.device)
            }
            // One number, seen everywhere.
            false => Tensor::<D>::zeros([1; D], &self.device).expand::<D, _>(shape),
        };
        let mut stored = shape.to_vec();
        if D == 5 && self.spatial_dims == 2 {
            stored.remove(2);
        }
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(ParameterInfo {
                name: full,
                id: ParamId::from(key),
                shape: stored,
                buffer,
            });
        (ParamId::from(key), tensor)
    }
}

/// The generator of a key and a draw.
pub(crate) fn keyed_rng(key: [u64; 2], draw: u64) -> ChaCha8Rng {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&key[0].to_le_bytes());
    seed[8..16].copy_from_slice(&key[1].to_le_bytes());
    seed[16..24].copy_from_slice(&draw.to_le_bytes());
    ChaCha8Rng::from_seed(seed)
}

/// FNV-1a in 64 bits: a stable hash, so that identities survive a new compiler.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_depend_on_seed_and_name_alone() {
        let device = Device::flex();
        let draw = |seed, place: &str, name| {
            Scope::new(&device, seed)
                .at(place)
                .parameter(name, [2, 3], Fill::Normal(1.0))
                .val()
                .into_data()
        };
        assert_eq!(draw(1, "a.0", "weight"), draw(1, "a.0", "weight"));
        assert_ne!(draw(1, "a.0", "weight"), draw(2, "a.0", "weight"));
        assert_ne!(draw(1, "a.0", "weight"), draw(1, "a.1", "weight"));
    }

    #[test]
    fn names_and_shapes_are_pytorchs() {
        let root = Scope::new(&Device::flex(), 0).with_spatial_dims(2);
        let conv = root.at("model").at(0);
        let weight = conv.parameter("weight", [4, 2, 1, 3, 3], Fill::pytorch(18));
        let made = root.parameters();
        assert_eq!(made[0].name, "model.0.weight");
        assert_eq!(made[0].shape, [4, 2, 3, 3]);
        assert_eq!(made[0].id, weight.id);
    }

    #[test]
    fn fills_have_the_spread_they_promise() {
        let mut rng = keyed_rng([3, 4], 0);
        let spread = |fill: Fill, rng: &mut ChaCha8Rng| {
            let values = fill.values(20_000, rng);
            let mean = values.iter().sum::<f32>() / 20_000.0;
            let square = values.iter().map(|v| v * v).sum::<f32>() / 20_000.0;
            assert!(mean.abs() < 0.03, "{fill:?} has mean {mean}");
            square.sqrt()
        };
        assert!((spread(Fill::Normal(0.5), &mut rng) - 0.5).abs() < 0.02);
        assert!((spread(Fill::Uniform(3.0), &mut rng) - 3f32.sqrt()).abs() < 0.05);
        assert!((spread(Fill::he_normal(50, 0.0), &mut rng) - 0.2).abs() < 0.01);
        let cut = Fill::TruncatedNormal(2.0).values(5_000, &mut rng);
        assert!(cut.iter().all(|v| v.abs() <= 2.0));
    }
}
