//! The loss of batches and its gradients: in the chosen precision, on one device or on several that share the
//! batches of a step, or by a strategy of the program's own ([`crate::FitOptions::strategy`]).

use crate::config::bad;
use crate::{Batch, Error, Precision, Result};
use burn::module::{Module, ModuleMapper, Param};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{FloatDType, TensorData};
use vesalius_losses::{DeepSupervision, LossConfig};
use vesalius_networks::Network;
use vesalius_tensor::{Device, Logits, Tensor, tensor_from_values};
use vesalius_volume::LabelScheme;

/// What is minimised, and how it is computed.
#[derive(Debug, Clone, Copy)]
pub struct Objective<'a> {
    /// What the network's channels mean.
    pub labels: &'a LabelScheme,
    /// The loss of one head.
    pub loss: &'a LossConfig,
    /// How heads are weighed.
    pub deep_supervision: &'a DeepSupervision,
    /// What numbers are computed in.
    pub precision: Precision,
    /// The loss is multiplied by this before gradients are taken, and gradients carry it.
    pub loss_scale: f64,
}

/// The mean loss of some batches and the mean of its gradients.
#[derive(Debug)]
#[non_exhaustive]
pub struct Gradients {
    /// The loss, not scaled.
    pub loss: f32,
    /// By parameter, on the network's device; times the objective's `loss_scale`.
    pub gradients: GradientsParams,
}

/// How the gradients of a step's batches are computed. The strategies of this crate give the same numbers up to rounding,
/// and the same to the bit for the same number of devices.
///
/// ```
/// use vesalius_training::{Batch, FitOptions, GradientStrategy, Gradients, Network, Objective, Result};
/// use vesalius_tensor::Device;
/// use std::sync::Arc;
///
/// /// Every batch of a step on the same device, the last one first.
/// #[derive(Debug)]
/// struct Backwards(Device);
///
/// impl GradientStrategy for Backwards {
///     fn gradients(&self, network: &Network, batches: Vec<Batch>, objective: &Objective) -> Result<Gradients> {
///         let device = self.0.clone().autodiff();
///         let each = batches.into_iter().rev().map(|batch| objective.gradients(network, batch, &device));
///         Ok(Gradients::mean(network, each.collect::<Result<Vec<_>>>()?))
///     }
/// }
///
/// let options = FitOptions {
///     strategy: Some(Arc::new(Backwards(Device::flex()))),
///     ..FitOptions::default()
/// };
/// # let _ = options;
/// ```
pub trait GradientStrategy: std::fmt::Debug {
    /// The mean over batches of equal size.
    ///
    /// # Errors
    /// A batch that does not fit the network; a device that fails.
    fn gradients(
        &self,
        network: &Network,
        batches: Vec<Batch>,
        objective: &Objective,
    ) -> Result<Gradients>;
}

/// One batch after another on the network's own device, their gradients added up.
#[derive(Debug, Clone, Default)]
pub struct SingleDevice;

/// Batches distributed to several devices of one machine, each with a copy of the network and a thread of its own, which
/// waits for the device; gradients are summed on the first.
#[derive(Debug, Clone)]
pub struct SeveralDevices {
    /// The devices, at least one; the network is on the first.
    pub devices: Vec<Device>,
}

impl GradientStrategy for SingleDevice {
    fn gradients(
        &self,
        network: &Network,
        batches: Vec<Batch>,
        objective: &Objective,
    ) -> Result<Gradients> {
        let device = device_of(network);
        let mut sum = Sum::new(network);
        for batch in batches {
            sum.add(objective.gradients(network, batch, &device)?);
        }
        Ok(sum.mean())
    }
}

impl GradientStrategy for SeveralDevices {
    fn gradients(
        &self,
        network: &Network,
        batches: Vec<Batch>,
        objective: &Objective,
    ) -> Result<Gradients> {
        if self.devices.is_empty() {
            return bad("devices", "none", "at least one device");
        }
        let home = device_of(network);
        let mut shares: Vec<Vec<(usize, Batch)>> = vec![Vec::new(); self.devices.len()];
        let count = batches.len();
        for (number, batch) in batches.into_iter().enumerate() {
            shares[number % self.devices.len()].push((number, batch));
        }
        let work = |device: &Device, network: Network, share: Vec<(usize, Batch)>| {
            let device = device.clone().autodiff();
            let network = network.fork(&device);
            share
                .into_iter()
                .map(|(number, batch)| {
                    let mut result = objective.gradients(&network, batch, &device)?;
                    result.gradients = result.gradients.to_device(&home.clone().inner(), &network);
                    Ok((number, result))
                })
                .collect::<Result<Vec<_>>>()
        };
        let results = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .devices
                .iter()
                .zip(shares)
                .map(|(device, share)| {
                    let network = network.clone();
                    scope.spawn(move || work(device, network, share))
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|panic| {
                        Err(Error::of_device(vesalius_tensor::Error::of_panic(&*panic)))
                    })
                })
                .collect::<Result<Vec<_>>>()
        })?;
        // In the batches' order, so that the sum does not depend on which device finishes first.
        let mut results: Vec<(usize, Gradients)> = results.into_iter().flatten().collect();
        results.sort_by_key(|(number, _)| *number);
        debug_assert_eq!(results.len(), count);
        let results = results.into_iter().map(|(_, result)| result);
        Ok(Gradients::mean(network, results))
    }
}

impl Gradients {
    /// The mean of the gradients of batches of equal size; a loss of 0 and no gradients for no batch.
    pub fn mean(network: &Network, of_batches: impl IntoIterator<Item = Self>) -> Self {
        let mut sum = Sum::new(network);
        of_batches.into_iter().for_each(|one| sum.add(one));
        sum.mean()
    }
}

impl Objective<'_> {
    /// The loss and gradients of one batch on one device, which has the network's parameters and an autodiff graph.
    ///
    /// # Errors
    /// A batch with more or fewer values than its shape has, or that does not fit the network; a device that fails.
    pub fn gradients(&self, network: &Network, batch: Batch, device: &Device) -> Result<Gradients> {
        batch.check()?;
        let [n, c, z, y, x] = batch.shape;
        let images = tensor_from_values(batch.images, n, c, [x, y, z], device)?;
        let grid = [n, 1, z, y, x];
        let labels = Tensor::from_data(TensorData::new(batch.labels, grid), device);
        let outputs = match self.kind() {
            None => network.try_forward(images)?,
            Some(kind) => {
                let outputs = cast(network, kind).try_forward(images.cast(kind))?;
                let full = |output: Tensor<5>| output.cast(FloatDType::F32);
                outputs.into_iter().map(full).collect()
            }
        };
        let heads: Vec<Logits> = outputs
            .into_iter()
            .map(|output| Logits::new(output, self.labels))
            .collect::<std::result::Result<_, _>>()?;
        let mut loss = self.deep_supervision.forward(self.loss, &heads, &labels)?;
        if let Some(mixed_target) = batch.mixed_target {
            let labels = Tensor::from_data(TensorData::new(mixed_target.labels, grid), device);
            let other = self.deep_supervision.forward(self.loss, &heads, &labels)?;
            loss =
                loss.mul_scalar(1.0 - mixed_target.weight) + other.mul_scalar(mixed_target.weight);
        }
        let value = loss.clone().try_into_scalar::<f32>();
        let value = value
            .map_err(|e| Error::of_device(vesalius_tensor::Error::of_device(&e.to_string())))?;
        let scaled = match self.loss_scale {
            1.0 => loss,
            scale => loss.mul_scalar(scale),
        };
        Ok(Gradients {
            loss: value,
            gradients: GradientsParams::from_grads(scaled.backward(), network),
        })
    }

    fn kind(&self) -> Option<FloatDType> {
        match self.precision {
            Precision::F32 => None,
            Precision::Bf16 => Some(FloatDType::BF16),
            Precision::F16 => Some(FloatDType::F16),
        }
    }
}

/// The network with parameters of another type, which carry gradients back to the network's own.
fn cast(network: &Network, kind: FloatDType) -> Network {
    struct Caster(FloatDType);
    impl ModuleMapper for Caster {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| tensor.cast(self.0))
        }
    }
    network.clone().map(&mut Caster(kind))
}

/// The device of a network's parameters.
pub(crate) fn device_of(network: &Network) -> Device {
    // Every network has parameters; one without would compute anywhere.
    let first = network.devices().into_iter().next();
    first.unwrap_or_else(|| Device::flex().autodiff())
}

struct Sum<'a> {
    network: &'a Network,
    accumulated: GradientsAccumulator<Network>,
    loss: f64,
    count: usize,
}

impl<'a> Sum<'a> {
    fn new(network: &'a Network) -> Self {
        Self {
            network,
            accumulated: GradientsAccumulator::new(),
            loss: 0.0,
            count: 0,
        }
    }

    fn add(&mut self, result: Gradients) {
        self.accumulated.accumulate(self.network, result.gradients);
        self.loss += f64::from(result.loss);
        self.count += 1;
    }

    fn mean(mut self) -> Gradients {
        let count = self.count.max(1) as f64;
        let gradients = self.accumulated.grads();
        Gradients {
            loss: (self.loss / count) as f32,
            gradients: crate::gradients::scaled(self.network, gradients, 1.0 / count),
        }
    }
}

/// Does work on a device; see [`vesalius_tensor::on_device`].
///
/// # Errors
/// Those of the work, and [`Error::OutOfMemory`] or [`Error::Device`].
pub(crate) fn catch_device_panic<T>(
    device: &Device,
    work: impl FnOnce() -> Result<T>,
) -> Result<T> {
    match vesalius_tensor::on_device(device, work) {
        Ok(done) => done.map_err(Error::named_as_device),
        Err(failed) => Err(Error::of_device(failed)),
    }
}

#[cfg(test)]
mod tests;
