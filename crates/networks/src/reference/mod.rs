//! Architectures as MONAI and nnU-Net describe them: `{"_target_": …}` and plans.
//!
//! Their vectors are in the order of a tensor's axes; here they become `[x, y, z]`, the last axis first.
//! An unsupported argument is an error that names it.

mod arguments;
mod bundle;
mod dints;
mod monai;
mod nnunet;
mod transformers;

use crate::{Error, NetworkConfig, Result};
use arguments::Arguments;
use serde_json::Value;

impl NetworkConfig {
    /// The network of a description in JSON: MONAI's `{"_target_": "monai.networks.nets.UNet", …}`, or nnU-Net's
    /// `network_class_name` and `arch_kwargs` together with `input_channels` and `num_classes`, which its plans leave
    /// to the dataset.
    ///
    /// ```
    /// use serde_json::json;
    /// use vesalius_networks::NetworkConfig;
    ///
    /// let config = NetworkConfig::from_monai_or_nnunet(&json!({
    ///     "_target_": "monai.networks.nets.UNet",
    ///     "spatial_dims": 3, "in_channels": 1, "out_channels": 2,
    ///     "channels": [4, 8], "strides": [2]
    /// }))?;
    /// assert_eq!(config.architecture().out_channels(), 2);
    /// # Ok::<(), vesalius_networks::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownArchitecture`] that names the unsupported argument.
    pub fn from_monai_or_nnunet(architecture: &Value) -> Result<Self> {
        let arguments = Arguments::of(architecture, "the architecture")?;
        if architecture.get("_target_").is_some() {
            monai::read(arguments)?.check()
        } else if architecture.get("network_class_name").is_some() {
            nnunet::read(arguments)?.check()
        } else if architecture.get("UNet_class_name").is_some() {
            nnunet::read_flat(arguments)?.check()
        } else {
            Err(Error::UnknownArchitecture {
                what: "an architecture".to_owned(),
                problem: "it has neither `_target_` (MONAI) nor `network_class_name` or `UNet_class_name` (nnU-Net)".to_owned(),
            })
        }
    }

    /// The network of one configuration (such as `3d_fullres`) of nnU-Net's plans, new or old form.
    ///
    /// # Errors
    /// [`Error::UnknownArchitecture`] that names the unsupported argument.
    pub fn from_nnunet_plans(
        configuration: &Value,
        input_channels: usize,
        num_classes: usize,
    ) -> Result<Self> {
        let mut architecture = match configuration.get("architecture") {
            Some(architecture) => architecture.clone(),
            None => configuration.clone(),
        };
        if let Some(object) = architecture.as_object_mut() {
            object.insert("input_channels".to_owned(), input_channels.into());
            object.insert("num_classes".to_owned(), num_classes.into());
        }
        Self::from_monai_or_nnunet(&architecture)
    }
}
