//! A Burn module whose type is not known: what a user-defined network is kept as once it is built.

use super::erased::{Erased, ErasedMapper, ErasedVisitor, ToMapper, ToVisitor};
use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use std::fmt;
use vesalius_tensor::{Device, Tensor};

/// The forward pass of a user-defined network. Its parameters are made by a [`vesalius_tensor::Scope`].
pub trait NetworkModule: Module + Sync + 'static {
    /// The outputs, full resolution first; heads of deep supervision may follow.
    ///
    /// # Shapes
    /// - input `[N, in_channels, Z, Y, X]`
    /// - outputs `[N, out_channels, Z, Y, X]`, smaller for each head
    fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>>;
}

/// A [`NetworkModule`] of any type.
pub struct BuiltNetwork(Box<dyn Erased>);

impl BuiltNetwork {
    /// Keeps a module.
    pub fn new(module: impl NetworkModule) -> Self {
        Self(Box::new(module))
    }

    /// The outputs; see [`NetworkModule::forward`].
    pub fn forward(&self, input: Tensor<5>) -> Vec<Tensor<5>> {
        self.0.forward(input)
    }
}

impl<M: NetworkModule> From<M> for BuiltNetwork {
    fn from(module: M) -> Self {
        Self::new(module)
    }
}

impl Clone for BuiltNetwork {
    fn clone(&self) -> Self {
        Self(self.0.copied())
    }
}

impl fmt::Debug for BuiltNetwork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Module for BuiltNetwork {
    fn collect_devices(&self, devices: Devices) -> Devices {
        self.0.devices_with(devices)
    }

    fn fork(self, device: &Device) -> Self {
        Self(self.0.forked(device))
    }

    fn to_device(self, device: &Device) -> Self {
        Self(self.0.moved(device))
    }

    fn train(self) -> Self {
        Self(self.0.trained())
    }

    fn valid(&self) -> Self {
        Self(self.0.validated())
    }

    fn materialize(self) -> Self {
        Self(self.0.materialized())
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.0
            .visited(&mut ToVisitor(visitor as &mut dyn ErasedVisitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        Self(
            self.0
                .mapped(&mut ToMapper(mapper as &mut dyn ErasedMapper)),
        )
    }
}

impl ModuleDisplayDefault for BuiltNetwork {
    fn content(&self, content: Content) -> Option<Content> {
        content.set_top_level_type("BuiltNetwork").optional()
    }
}

impl ModuleDisplay for BuiltNetwork {}
