//! A network of any kind: what it computes, its parameters by name, and how they are replaced.

use crate::{
    Architecture, AttentionUnet, BasicUNet, BuiltNetwork, DiNTS, DynUNet, Error, MedNeXt, Mismatch,
    NetworkConfig, PatchNetwork, PlainConvUNet, ResidualEncoderUNet, Result, SegResNet,
    SegResNetDS, SwinUnetr, UNet, Unetr, VNet, Weights, Wrapping,
};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::TensorData;
use std::collections::HashMap;
use vesalius_tensor::{LayerOutput, ParameterInfo, Probe, Scope, StepCounter, Tensor, all_finite};

/// One of the networks.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)]
pub enum AnyNetwork {
    /// See [`UNet`].
    UNet(UNet),
    /// See [`BasicUNet`].
    BasicUNet(BasicUNet),
    /// See [`DiNTS`].
    DiNTS(DiNTS),
    /// See [`DynUNet`].
    DynUNet(DynUNet),
    /// See [`SegResNet`].
    SegResNet(SegResNet),
    /// See [`SegResNetDS`].
    SegResNetDS(SegResNetDS),
    /// See [`AttentionUnet`].
    AttentionUnet(AttentionUnet),
    /// See [`VNet`].
    VNet(VNet),
    /// See [`MedNeXt`].
    MedNeXt(MedNeXt),
    /// See [`Unetr`].
    Unetr(Unetr),
    /// See [`SwinUnetr`].
    SwinUnetr(SwinUnetr),
    /// See [`PlainConvUNet`].
    PlainConvUNet(PlainConvUNet),
    /// See [`ResidualEncoderUNet`].
    ResidualEncoderUNet(ResidualEncoderUNet),
    /// A user-defined network.
    Custom(BuiltNetwork),
}

/// A network with its config, a Burn module.
#[derive(Module, Debug)]
pub struct Network {
    model: AnyNetwork,
    #[module(skip)]
    config: NetworkConfig,
    #[module(skip)]
    parameters: Vec<ParameterInfo>,
    #[module(skip)]
    step_counter: StepCounter,
    #[module(skip)]
    probe: Probe,
}

impl Network {
    pub(crate) fn new(model: AnyNetwork, config: NetworkConfig, scope: &Scope) -> Self {
        Self {
            model,
            config,
            parameters: scope.parameters(),
            step_counter: scope.step_counter().clone(),
            probe: scope.probe().clone(),
        }
    }

    /// What it was built from.
    pub fn config(&self) -> &NetworkConfig {
        &self.config
    }

    /// What the config describes: channels, divisor, dimensions.
    pub fn architecture(&self) -> &dyn Architecture {
        self.config.architecture()
    }

    /// Its parameters and running statistics by their PyTorch names, in order of construction.
    pub fn parameters(&self) -> &[ParameterInfo] {
        &self.parameters
    }

    /// Number of trainable numbers.
    pub fn parameter_count(&self) -> usize {
        let trained = self.parameters.iter().filter(|named| !named.buffer);
        trained
            .map(|named| named.shape.iter().product::<usize>())
            .sum()
    }

    /// Keys the masks of dropout by the optimiser's step; call it before each training step.
    pub fn set_step(&self, step: u64) {
        self.step_counter.set_step(step);
    }

    /// The outputs: full resolution first, then the deep-supervision heads, if any.
    ///
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`
    /// - outputs `[N, out_channels, Z, Y, X]`, smaller for each head
    ///
    /// # Panics
    /// On an input that [`NetworkConfig::check_input`] refuses.
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        match &self.model {
            AnyNetwork::UNet(network) => vec![network.forward(input)],
            AnyNetwork::BasicUNet(network) => vec![network.forward(input)],
            AnyNetwork::DiNTS(network) => vec![network.forward(input)],
            AnyNetwork::DynUNet(network) => network.forward(input),
            AnyNetwork::SegResNet(network) => vec![network.forward(input)],
            AnyNetwork::SegResNetDS(network) => network.forward(input),
            AnyNetwork::AttentionUnet(network) => vec![network.forward(input)],
            AnyNetwork::VNet(network) => vec![network.forward(input)],
            AnyNetwork::MedNeXt(network) => network.forward(input),
            AnyNetwork::Unetr(network) => vec![network.forward(input)],
            AnyNetwork::SwinUnetr(network) => vec![network.forward(input)],
            AnyNetwork::PlainConvUNet(network) => network.forward(input),
            AnyNetwork::ResidualEncoderUNet(network) => network.forward(input),
            AnyNetwork::Custom(network) => network.forward(input),
        }
    }

    /// [`Network::forward`] with the input checked first.
    ///
    /// # Errors
    /// [`Error::BadInput`] with the nearest sizes that fit; [`Error::Custom`] where a user-defined network's output has
    /// another shape than it owes.
    pub fn try_forward(&self, input: Tensor<5>) -> Result<Vec<Tensor<5>>> {
        let [n, channels, z, y, x] = input.dims();
        self.config.check_input(channels, [x, y, z])?;
        let outputs = self.forward(input);
        let owed = [n, self.architecture().out_channels(), z, y, x];
        match outputs.first().map(Tensor::dims) {
            Some(found) if found == owed => Ok(outputs),
            found => Err(Error::custom(format!(
                "the network `{}` put out {}, expected its first output to be {owed:?} ([N, C, Z, Y, X])",
                self.architecture().name(),
                found.map_or("nothing".to_owned(), |found| format!("{found:?}")),
            ))),
        }
    }

    /// The name of the first layer whose output on this input is not finite, as its parameters are named
    /// without `.weight`: another forward pass, in which every layer is looked at.
    ///
    /// # Panics
    /// As [`Network::forward`].
    pub fn first_not_finite(&self, input: Tensor<5>) -> Option<String> {
        self.probe.first_not_finite(|| {
            self.forward(input);
        })
    }

    /// The outputs of its layers for this input, in order.
    ///
    /// # Errors
    /// As [`Network::try_forward`].
    pub(crate) fn outputs(&self, input: Tensor<5>) -> Result<Vec<LayerOutput>> {
        let mut done = Ok(());
        let outputs = self
            .probe
            .outputs(|| done = self.try_forward(input).map(drop));
        done.map(|()| outputs)
    }

    /// A copy of all parameters and running statistics, by PyTorch's names and in its layouts.
    pub fn weights(&self) -> Weights {
        self.collect(|_| Vec::new())
    }

    /// The weights under every name of MONAI's or nnU-Net's own state dict, so that PyTorch loads them with nothing
    /// missing: nnU-Net's repeated names, batch norm's counters, Swin's indices.
    pub fn export_weights(&self) -> Weights {
        let mut weights = self.collect(|name| self.architecture().aliases(name));
        for (name, shape, values) in self.architecture().derived() {
            weights.insert_shared([name], shape, values);
        }
        weights
    }

    /// These weights under every name of the original's state dict; values are not read.
    pub(crate) fn named_as_the_peer(&self, weights: &Weights) -> Result<Weights> {
        let mismatch = self.compare(weights);
        if !mismatch.is_empty() {
            return Err(Error::WeightsMismatch(mismatch));
        }
        let stored = self.unwrapped(weights);
        let mut weights = Weights::default();
        for named in &self.parameters {
            if let Some(tensor) = stored.get(&named.name) {
                let names = self.architecture().aliases(&named.name);
                weights.insert_stored(std::iter::once(named.name.clone()).chain(names), tensor);
            }
        }
        for (name, shape, values) in self.architecture().derived() {
            weights.insert_shared([name], shape, values);
        }
        Ok(weights)
    }

    fn collect(&self, aliases: impl Fn(&str) -> Vec<String>) -> Weights {
        // Running statistics lag by one update until `valid` brings them together.
        let mut reader = Reader::default();
        self.valid().visit(&mut reader);
        let mut weights = Weights::default();
        for named in &self.parameters {
            if let Some(values) = reader.values.remove(&named.id) {
                weights.insert_shared(
                    std::iter::once(named.name.clone()).chain(aliases(&named.name)),
                    named.shape.clone(),
                    values,
                );
            }
        }
        weights
    }

    /// The network with every parameter replaced by the weights of its name, whatever wrapping the
    /// names have in a checkpoint (`network_weights.`, `module.`).
    ///
    /// # Errors
    /// [`Error::WeightsMismatch`] that lists every missing, left-over and wrongly shaped name;
    /// [`Error::BadWeights`] when one cannot be read or is not finite.
    pub fn load(self, weights: &Weights) -> Result<Self> {
        let mismatch = self.compare(weights);
        if !mismatch.is_empty() {
            return Err(Error::WeightsMismatch(mismatch));
        }
        self.replace(weights)
    }

    /// The network with those parameters replaced that the weights have in the right shape, and
    /// what was skipped: for another number of classes or channels, or a pretrained encoder.
    ///
    /// ```
    /// use vesalius_networks::NetworkConfig;
    /// use vesalius_tensor::Device;
    ///
    /// let config: NetworkConfig = serde_saphyr::from_str("unet: {channels: [4, 8], strides: [2]}")?;
    /// let device = Device::flex();
    /// let trained = config.clone().with_channels(1, 2).init(&device)?.weights();
    /// // Another number of classes: the last layer keeps its initial weights.
    /// let network = config.with_channels(1, 5).init(&device)?;
    /// let (_, mismatch) = network.load_partly(&trained)?;
    /// assert!(mismatch.missing.is_empty() && !mismatch.wrong_shape.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadWeights`] when values cannot be read or are not finite.
    pub fn load_partly(self, weights: &Weights) -> Result<(Self, Mismatch)> {
        let mismatch = self.compare(weights);
        Ok((self.replace(weights)?, mismatch))
    }

    fn replace(self, weights: &Weights) -> Result<Self> {
        let weights = &self.unwrapped(weights);
        let names = self
            .parameters
            .iter()
            .filter(|named| {
                let stored = weights.get(&named.name);
                stored.is_some_and(|stored| stored.shape() == named.shape)
            })
            .map(|named| (named.id, named.name.clone()))
            .collect();
        let mut writer = Writer {
            weights,
            names,
            failed: None,
        };
        let network = self.map(&mut writer);
        match writer.failed {
            Some(error) => Err(error),
            None => Ok(network),
        }
    }

    /// How the weights differ from what the network needs.
    pub fn compare(&self, weights: &Weights) -> Mismatch {
        let weights = self.unwrapped(weights);
        let mut mismatch = Mismatch::default();
        for named in &self.parameters {
            match weights.get(&named.name) {
                None => mismatch.missing.push(named.name.clone()),
                Some(stored) if stored.shape() != named.shape => mismatch.wrong_shape.push((
                    named.name.clone(),
                    named.shape.clone(),
                    stored.shape().to_vec(),
                )),
                Some(_) => {}
            }
        }
        let known: std::collections::HashSet<&str> = self
            .parameters
            .iter()
            .map(|named| named.name.as_str())
            .collect();
        mismatch.left_over = weights
            .names()
            .filter(|name| !known.contains(name) && !name.ends_with(".num_batches_tracked"))
            .filter(|name| !self.architecture().is_alias(name))
            .map(str::to_owned)
            .collect();
        mismatch
    }
}

/// The full-resolution output; `forward` checks its input.
impl PatchNetwork for Network {
    fn forward(&self, patches: Tensor<5>) -> Result<Tensor<5>> {
        // The first output is the full-resolution one.
        Ok(self.try_forward(patches)?.swap_remove(0))
    }

    fn divisor(&self) -> [usize; 3] {
        self.architecture().divisor()
    }

    fn spatial_dims(&self) -> usize {
        self.architecture().spatial_dims()
    }

    fn check_input(&self, channels: usize, size: [usize; 3]) -> Result<()> {
        self.config.check_input(channels, size)
    }

    fn parameters(&self) -> Option<u64> {
        Some(self.parameter_count() as u64)
    }

    fn memory(&self, batch: usize, _: usize, size: [usize; 3]) -> Option<u64> {
        let costs = self.config.profile(size, batch).ok()?;
        Some(costs.inference_memory)
    }

    fn first_not_finite(&self, patches: Tensor<5>) -> Result<Option<String>> {
        let [_, channels, z, y, x] = patches.dims();
        self.config.check_input(channels, [x, y, z])?;
        Ok(Network::first_not_finite(self, patches))
    }
}

impl Network {
    /// What the names of this network's weights begin with in a file.
    pub(crate) fn wrapping(&self, weights: &Weights) -> Wrapping {
        weights.wrapping(self.parameters.iter().map(|named| named.name.as_str()))
    }

    fn unwrapped(&self, weights: &Weights) -> Weights {
        weights.unwrapped(self.parameters.iter().map(|named| named.name.as_str()))
    }
}

/// Collects values by identity.
#[derive(Default)]
struct Reader {
    values: HashMap<ParamId, Vec<f32>>,
}

impl ModuleVisitor for Reader {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let values = param.val().into_data().iter::<f32>().collect();
        self.values.insert(param.id, values);
    }
}

/// Replaces values by identity.
struct Writer<'a> {
    weights: &'a Weights,
    names: HashMap<ParamId, String>,
    failed: Option<Error>,
}

impl ModuleMapper for Writer<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let stored = self
            .names
            .get(&param.id)
            .and_then(|name| self.weights.get(name));
        let values = match stored.map(|stored| stored.values()) {
            None => return param,
            Some(Ok(values)) if all_finite(&values) => values,
            Some(values) => {
                let error = match values {
                    Ok(values) => not_finite(&self.names[&param.id], &values),
                    Err(error) => error,
                };
                self.failed.get_or_insert(error);
                return param;
            }
        };
        // Read without computing the initial weights, which are replaced.
        let (id, shape, device) = (param.id, param.lazy_shape(), param.lazy_device());
        let tensor = Tensor::from_data(TensorData::new(values, shape), &device);
        param.transform_for_load(tensor, id)
    }
}

/// Why a tensor of weights with NaN or infinity in it is refused.
fn not_finite(name: &str, values: &[f32]) -> Error {
    let first = values.iter().position(|value| !value.is_finite());
    let first = first.unwrap_or_default();
    let count = values.iter().filter(|value| !value.is_finite()).count();
    Error::BadWeights {
        what: format!("tensor `{name}`"),
        problem: format!(
            "{count} of its {} values are not finite (the first, number {first}, is {}); the file is damaged or its training diverged: take an earlier checkpoint",
            values.len(),
            values[first]
        ),
    }
}
