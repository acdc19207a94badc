//! The shapes of weights, asked for by name.

use crate::Weights;
use vesalius_tensor::axes::PerAxis;
use vesalius_tensor::{
    ActivationConfig, BatchNormConfig, GroupNormConfig, InstanceNormConfig, NormConfig,
};

/// Weights below what wraps their names.
pub(super) struct Shapes<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl<'a> Shapes<'a> {
    /// The weights around a name that only one kind of network has; of several the one with the shortest prefix.
    pub fn around(weights: &'a Weights, anchor: &str) -> Option<Self> {
        let prefixes = weights.names().filter_map(|name| {
            let prefix = name.strip_suffix(anchor)?;
            (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
        });
        let prefix = prefixes.min_by_key(|prefix| prefix.len())?.to_owned();
        Some(Self { weights, prefix })
    }

    /// The shape of a tensor.
    pub fn get(&self, name: &str) -> Option<&'a [usize]> {
        let stored = self.weights.get(&format!("{}{name}", self.prefix))?;
        Some(stored.shape())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The length of an axis of a tensor.
    pub fn axis(&self, name: &str, axis: usize) -> Option<usize> {
        self.get(name)?.get(axis).copied()
    }

    /// How many tensors of a numbered name there are, from `first` on.
    pub fn count(&self, first: usize, name: impl Fn(usize) -> String) -> usize {
        (first..)
            .take_while(|&number| self.has(&name(number)))
            .count()
    }

    /// How many axes a convolution runs along: 2 or 3.
    pub fn spatial_dims(&self, name: &str) -> Option<usize> {
        let dims = self.get(name)?.len().checked_sub(2)?;
        (2..=3).contains(&dims).then_some(dims)
    }

    /// The size of a convolution's kernel, `[x, y, z]`; one number where it is the same along all axes.
    pub fn kernel(&self, name: &str) -> Option<PerAxis> {
        match self.get(name)?.get(2..)? {
            [y, x] if x == y => Some(PerAxis::Same(*x)),
            [y, x] => Some(PerAxis::Flat([*x, *y])),
            [z, y, x] if x == y && y == z => Some(PerAxis::Same(*x)),
            [z, y, x] => Some(PerAxis::Each([*x, *y, *z])),
            _ => None,
        }
    }

    /// The norms that a norm's tensors allow, of which a config has to be right: batch norm has running statistics, the
    /// others have weights or nothing.
    pub fn norms(&self, name: &str) -> Vec<NormConfig> {
        if self.has(&format!("{name}.running_mean")) {
            return vec![NormConfig::Batch(BatchNormConfig::default())];
        }
        match self.has(&format!("{name}.weight")) {
            true => vec![
                NormConfig::instance_affine(),
                NormConfig::Group(GroupNormConfig::default()),
            ],
            false => vec![NormConfig::Instance(InstanceNormConfig::default())],
        }
    }

    /// A parametric ReLU has a weight; else what the authors' default is.
    pub fn activation(&self, name: &str, default: ActivationConfig) -> ActivationConfig {
        match self.has(&format!("{name}.weight")) {
            true => ActivationConfig::Prelu { slope: 0.25 },
            false => default,
        }
    }
}
