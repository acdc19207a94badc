//! Which network weights belong to, by their names and shapes alone.
//!
//! A file of weights without a config says how wide and deep a network is, and for nnU-Net's networks also where it strides.
//! It does not say which activations it has, how often MONAI's U-Net strides, or how many heads divide a token: such
//! values are taken as their authors' defaults, and named. A network is recognised only if all its weights are there
//! with the right shapes, and no others.

mod monai;
mod nnunet;
mod shapes;
mod transformers;

use crate::{NetworkConfig, Weights};
use serde::Serialize;
use shapes::Shapes;
use vesalius_tensor::Device;

/// A network that weights belong to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Recognised {
    /// Its config.
    pub config: NetworkConfig,
    /// Keys of the config whose values the weights do not show: they have the defaults of the network's authors. A model
    /// of other values gives wrong results with these weights, so compare them with what is known of the training.
    pub assumed: Vec<&'static str>,
}

/// A config that may be right.
struct Candidate {
    config: NetworkConfig,
    assumed: Vec<&'static str>,
}

/// The network of these weights: one of nnU-Net's two, or MONAI's `UNet`, `BasicUNet`, `DynUNet`, `SegResNet`, `UNETR` or
/// `SwinUNETR`. `None` for others, and for weights that are not all of a network. What wraps the names (`module.`,
/// `state_dict.`) is left out.
///
/// ```
/// use vesalius_networks::{NetworkConfig, recognise};
/// use vesalius_tensor::Device;
///
/// let config: NetworkConfig =
///     serde_saphyr::from_str("segresnet: {init_filters: 8, blocks_down: [1, 2], blocks_up: [1], out_channels: 3}")?;
/// let weights = config.init(&Device::flex())?.weights();
/// let found = recognise(&weights).unwrap();
/// assert_eq!(found.config, config);
/// assert!(found.assumed.contains(&"activation"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn recognise(weights: &Weights) -> Option<Recognised> {
    let guesses = [
        nnunet::plain,
        nnunet::residual,
        monai::unet,
        monai::basic_unet,
        monai::dynunet,
        monai::segresnet,
        transformers::unetr,
        transformers::swin_unetr,
    ];
    let candidates = guesses.iter().filter_map(|guess| guess(weights)).flatten();
    candidates
        .into_iter()
        .find(|candidate| fits(&candidate.config, weights))
        .map(|found| Recognised {
            config: found.config,
            assumed: found.assumed,
        })
}

/// Whether a config's network has these weights and no others.
fn fits(config: &NetworkConfig, weights: &Weights) -> bool {
    let outline = config.outline(&Device::flex());
    outline.is_ok_and(|network| network.compare(weights).is_empty())
}

#[cfg(test)]
mod tests;
