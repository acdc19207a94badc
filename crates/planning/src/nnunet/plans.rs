//! nnU-Net v2's `plans.json`: read in the form of v2.4 and later and in the flat form before it,
//! written in the newer one with nnU-Net's keys in nnU-Net's order.

use super::Ordered;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value, json};
use std::path::Path;

/// A plan: one or more configurations and what they share. Vectors run along the axes of an array
/// after `transpose_forward`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plans {
    /// The dataset's folder name.
    #[serde(default)]
    pub dataset_name: String,
    /// The plan's name, such as `nnUNetPlans`.
    #[serde(default)]
    pub plans_name: String,
    /// Median spacing of the cases.
    #[serde(default)]
    pub original_median_spacing_after_transp: Vec<f64>,
    /// Median size of the cases after cropping.
    #[serde(default)]
    pub original_median_shape_after_transp: Vec<Number>,
    /// nnU-Net's class that reads and writes images.
    #[serde(default)]
    pub image_reader_writer: String,
    /// Which axis of the image becomes each axis of the array.
    pub transpose_forward: Vec<usize>,
    /// The inverse of `transpose_forward`.
    pub transpose_backward: Vec<usize>,
    /// `2d`, `3d_fullres`, …
    pub configurations: Ordered<Configuration>,
    /// nnU-Net's class that made the plan.
    #[serde(default)]
    pub experiment_planner_used: String,
    /// nnU-Net's class for the labels.
    #[serde(default = "label_manager")]
    pub label_manager: String,
    /// Intensities under the labels, by channel number.
    #[serde(default, alias = "foreground_intensity_properties_by_modality")]
    pub foreground_intensity_properties_per_channel: Ordered<IntensityProperties>,
    /// All other keys of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn label_manager() -> String {
    "LabelManager".to_owned()
}

/// Intensities under the foreground labels of a training set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct IntensityProperties {
    #[serde(default)]
    pub max: f64,
    pub mean: f64,
    #[serde(default)]
    pub median: f64,
    #[serde(default)]
    pub min: f64,
    pub percentile_00_5: f64,
    pub percentile_99_5: f64,
    pub std: f64,
}

/// One configuration. Every key may be left to the one that it inherits from, so all are optional;
/// [`Plans::configuration`] gives a whole one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Configuration {
    /// The configuration whose keys hold where this one has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inherits_from: Option<String>,
    /// The folder of the preprocessed cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_identifier: Option<String>,
    /// nnU-Net's class that preprocesses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocessor_name: Option<String>,
    /// Cases a training step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// Size of a window, two numbers in a 2-D configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_size: Option<Vec<usize>>,
    /// Median size of the resampled cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub median_image_size_in_voxels: Option<Vec<Number>>,
    /// Spacing that cases are resampled to, two numbers in a 2-D configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spacing: Option<Vec<f64>>,
    /// nnU-Net's class that normalises each channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalization_schemes: Option<Vec<String>>,
    /// Whether each channel is normalised inside its nonzero region alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_mask_for_norm: Option<Vec<bool>>,
    /// The class of the network in plans before v2.4; with the seven keys that follow it.
    #[serde(rename = "UNet_class_name", skip_serializing_if = "Option::is_none")]
    pub unet_class_name: Option<String>,
    /// Features of the first stage, before v2.4.
    #[serde(
        rename = "UNet_base_num_features",
        skip_serializing_if = "Option::is_none"
    )]
    pub unet_base_num_features: Option<usize>,
    /// Convolutions (or residual blocks) of each encoder stage, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_conv_per_stage_encoder: Option<Vec<usize>>,
    /// Convolutions of each decoder stage, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n_conv_per_stage_decoder: Option<Vec<usize>>,
    /// How often each axis is halved, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_pool_per_axis: Option<Vec<usize>>,
    /// Strides of each stage, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_op_kernel_sizes: Option<Vec<Vec<usize>>>,
    /// Kernels of each stage, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conv_kernel_sizes: Option<Vec<Vec<usize>>>,
    /// Features of a stage at most, before v2.4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unet_max_num_features: Option<usize>,
    /// nnU-Net's function that resamples images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_data: Option<String>,
    /// nnU-Net's function that resamples labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_seg: Option<String>,
    /// Its arguments for images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_data_kwargs: Option<Resampling>,
    /// Its arguments for labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_seg_kwargs: Option<Resampling>,
    /// nnU-Net's function that resamples the network's output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_probabilities: Option<String>,
    /// Its arguments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling_fn_probabilities_kwargs: Option<Resampling>,
    /// The network, from v2.4 on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,
    /// Whether Dice is taken over the batch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_dice: Option<bool>,
    /// The configuration of a cascade that comes after this one; in older files a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_stage: Option<Value>,
    /// The configuration of a cascade whose result is part of this one's input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_stage: Option<String>,
    /// All other keys of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Arguments of one of nnU-Net's functions that resample, as the file has them: a key that is absent has the
/// function's own default, which is not always what plans usually say.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Resampling(pub Map<String, Value>);

impl Resampling {
    /// What nnU-Net's planners write of images for `resample_data_or_seg_to_shape`: thick slices are found by the
    /// spacing, and taken from the nearest slice.
    pub fn spline(order: u8) -> Self {
        Self::of_spline(false, order)
    }

    /// The same of labels.
    pub fn spline_of_labels(order: u8) -> Self {
        Self::of_spline(true, order)
    }

    fn of_spline(is_seg: bool, order: u8) -> Self {
        let mut keys = Map::new();
        keys.insert("is_seg".to_owned(), is_seg.into());
        keys.insert("order".to_owned(), order.into());
        keys.insert("order_z".to_owned(), 0.into());
        keys.insert("force_separate_z".to_owned(), Value::Null);
        Self(keys)
    }
}

/// A network in nnU-Net's terms.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Architecture {
    /// The class, with its module.
    pub network_class_name: String,
    /// What it is built with.
    pub arch_kwargs: Map<String, Value>,
    /// Which arguments name a class.
    #[serde(rename = "_kw_requires_import", default)]
    pub kw_requires_import: Vec<String>,
}

impl Plans {
    /// Reads a plan.
    ///
    /// # Errors
    /// [`Error::Plans`] with the file and what is wrong with it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        crate::json::read(path, "nnU-Net's plans")
    }

    /// The file's text, as nnU-Net indents it.
    ///
    /// # Errors
    /// None for what a file could hold.
    pub fn to_json(&self) -> Result<String> {
        crate::json::text(self)
    }

    /// A configuration with what it inherits, its network in the newer form.
    ///
    /// # Errors
    /// [`Error::Configuration`] when there is none of that name, or it inherits from itself.
    pub fn configuration(&self, name: &str) -> Result<Configuration> {
        let mut merged = Map::new();
        let mut visited: Vec<&str> = Vec::new();
        let mut next = Some(name);
        while let Some(current) = next {
            let bad = |reason: String| Error::Configuration {
                plans: self.plans_name.clone(),
                reason,
            };
            if visited.contains(&current) {
                visited.push(current);
                let reason = format!("`{}` inherits from itself", visited.join("` → `"));
                return Err(bad(reason));
            }
            visited.push(current);
            let found = self.configurations.get(current).ok_or_else(|| {
                let known: Vec<&str> = self.configurations.names().collect();
                bad(format!(
                    "there is no configuration `{current}`; there are {}",
                    known.join(", ")
                ))
            })?;
            let Value::Object(keys) = serde_json::to_value(found).map_err(Error::Json)? else {
                break;
            };
            for (key, value) in keys {
                merged.entry(key).or_insert(value);
            }
            next = found.inherits_from.as_deref();
        }
        merged.remove("inherits_from");
        let mut whole: Configuration =
            serde_json::from_value(Value::Object(merged)).map_err(Error::Json)?;
        if whole.architecture.is_none() {
            whole.architecture = whole.architecture_of_flat_form();
        }
        Ok(whole)
    }
}

impl Configuration {
    /// The network in the newer form, from the keys of plans before v2.4.
    fn architecture_of_flat_form(&self) -> Option<Architecture> {
        let class = self.unet_class_name.as_deref()?;
        let (module, blocks) = match class {
            "ResidualEncoderUNet" => ("residual_unet", "n_blocks_per_stage"),
            _ => ("unet", "n_conv_per_stage"),
        };
        let strides = self.pool_op_kernel_sizes.as_ref()?;
        let base = self.unet_base_num_features?;
        let most = self.unet_max_num_features?;
        let features = |stage: usize| base.saturating_mul(1 << stage.min(30)).min(most);
        let dims = self.patch_size.as_ref()?.len();
        let Value::Object(arch_kwargs) = json!({
            "n_stages": strides.len(),
            "features_per_stage": (0..strides.len()).map(features).collect::<Vec<_>>(),
            "conv_op": format!("torch.nn.modules.conv.Conv{dims}d"),
            "kernel_sizes": self.conv_kernel_sizes,
            "strides": strides,
            blocks: self.n_conv_per_stage_encoder,
            "n_conv_per_stage_decoder": self.n_conv_per_stage_decoder,
            "conv_bias": true,
            "norm_op": format!("torch.nn.modules.instancenorm.InstanceNorm{dims}d"),
            "norm_op_kwargs": {"eps": 1e-5, "affine": true},
            "dropout_op": null,
            "dropout_op_kwargs": null,
            "nonlin": "torch.nn.LeakyReLU",
            "nonlin_kwargs": {"inplace": true},
        }) else {
            return None;
        };
        Some(Architecture {
            network_class_name: format!(
                "dynamic_network_architectures.architectures.{module}.{class}"
            ),
            arch_kwargs,
            kw_requires_import: ["conv_op", "norm_op", "dropout_op", "nonlin"]
                .map(str::to_owned)
                .to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat() -> Plans {
        serde_json::from_value(json!({
            "plans_name": "nnUNetPlans", "transpose_forward": [0, 1, 2],
            "transpose_backward": [0, 1, 2],
            "configurations": {
                "3d_fullres": {
                    "patch_size": [64, 128, 128], "spacing": [2.0, 1.0, 1.0],
                    "UNet_class_name": "PlainConvUNet", "UNet_base_num_features": 32,
                    "n_conv_per_stage_encoder": [2, 2], "n_conv_per_stage_decoder": [2],
                    "num_pool_per_axis": [0, 1, 1],
                    "pool_op_kernel_sizes": [[1, 1, 1], [1, 2, 2]],
                    "conv_kernel_sizes": [[1, 3, 3], [3, 3, 3]], "unet_max_num_features": 320
                },
                "3d_cascade_fullres": {"inherits_from": "3d_fullres", "previous_stage": "3d_lowres"},
                "a": {"inherits_from": "b"}, "b": {"inherits_from": "a"}
            },
            "foreground_intensity_properties_by_modality": {
                "0": {"mean": 1.0, "std": 2.0, "percentile_00_5": 0.0, "percentile_99_5": 9.0}
            }
        }))
        .unwrap()
    }

    #[test]
    fn the_flat_form_becomes_the_newer_one_and_is_inherited() {
        let plans = flat();
        let cascade = plans.configuration("3d_cascade_fullres").unwrap();
        assert_eq!(cascade.previous_stage.as_deref(), Some("3d_lowres"));
        let architecture = cascade.architecture.unwrap();
        assert!(architecture.network_class_name.ends_with("PlainConvUNet"));
        assert_eq!(
            architecture.arch_kwargs["features_per_stage"],
            json!([32, 64])
        );
        assert_eq!(
            architecture.arch_kwargs["conv_op"],
            "torch.nn.modules.conv.Conv3d"
        );
        let channels = &plans.foreground_intensity_properties_per_channel;
        assert_eq!(channels.get("0").unwrap().percentile_99_5, 9.0);
    }

    #[test]
    fn names_that_lead_nowhere_are_told() {
        let message = flat().configuration("4d").unwrap_err().to_string();
        assert!(
            message.contains("`4d`") && message.contains("3d_fullres"),
            "{message}"
        );
        let message = flat().configuration("a").unwrap_err().to_string();
        assert!(message.contains("inherits from itself"), "{message}");
    }
}
