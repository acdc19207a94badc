//! A configuration of nnU-Net's plans in our terms: pipeline and windows; what is not known here is refused
//! by name.

use super::{NnUnetPipeline, pipeline};
use crate::{SlidingWindow, WindowRule};
use vesalius_planning::nnunet::{Configuration, DatasetJson, Plans, Resampling};
use vesalius_transforms::{ForegroundIntensity, NnUnetNormalization, NnUnetScheme};

/// nnU-Net's function that resamples, as it is known here.
const RESAMPLING: &str = "resample_data_or_seg_to_shape";

/// One configuration with its surroundings.
pub(super) struct Plan<'a> {
    pub plans: &'a Plans,
    pub dataset: &'a DatasetJson,
    pub configuration: &'a Configuration,
}

impl Plan<'_> {
    /// Two or three.
    pub fn dimensions(&self) -> usize {
        self.configuration.patch_size.as_ref().map_or(3, Vec::len)
    }

    /// Nothing when every part is known here.
    pub fn check(&self) -> std::result::Result<(), String> {
        let c = self.configuration;
        let classes = [
            (
                "preprocessor_name",
                &c.preprocessor_name,
                "DefaultPreprocessor",
            ),
            ("resampling_fn_data", &c.resampling_fn_data, RESAMPLING),
            ("resampling_fn_seg", &c.resampling_fn_seg, RESAMPLING),
            (
                "resampling_fn_probabilities",
                &c.resampling_fn_probabilities,
                RESAMPLING,
            ),
        ];
        for (key, found, known) in classes {
            if let Some(found) = found.as_deref().filter(|found| *found != known) {
                return Err(format!(
                    "`{key}` is `{found}`; only `{known}` is known here"
                ));
            }
        }
        if self.plans.label_manager != "LabelManager" {
            let found = &self.plans.label_manager;
            return Err(format!(
                "`label_manager` is `{found}`; only `LabelManager` is known here"
            ));
        }
        Ok(())
    }

    /// From the file to the network.
    pub fn pipeline(&self) -> std::result::Result<NnUnetPipeline, String> {
        let c = self.configuration;
        let spacing = c.spacing.as_deref().unwrap_or_default();
        let spacing = match *spacing {
            [y, x] => [x, y, 0.0],
            [z, y, x] => [x, y, z],
            _ => {
                return Err(format!(
                    "`spacing` is {spacing:?}, not two or three numbers"
                ));
            }
        };
        let forward = &self.plans.transpose_forward;
        let axes = match forward[..] {
            [z, y, x] if [x, y, z].iter().all(|&axis| axis < 3) => [2 - x, 2 - y, 2 - z],
            _ => {
                return Err(format!(
                    "`transpose_forward` is {forward:?}, not three axes"
                ));
            }
        };
        let order = |resampling: &Option<Resampling>, usual: u8| match resampling {
            Some(resampling) => (resampling.order, resampling.force_separate_z),
            None => (usual, None),
        };
        let (image, separate) = order(&c.resampling_fn_data_kwargs, 3);
        let (logits, separate_logits) = order(&c.resampling_fn_probabilities_kwargs, 1);
        if logits != 1 {
            return Err(format!(
                "`resampling_fn_probabilities_kwargs.order` is {logits}; only 1 is known here"
            ));
        }
        let reader = &self.plans.image_reader_writer;
        Ok(NnUnetPipeline {
            orientation: reader.ends_with("WithReorient").then(|| "RAS".to_owned()),
            axes,
            spacing,
            normalization: self.normalization()?,
            image: pipeline::NnUnetInterpolation {
                order: image,
                separate,
            },
            separate_logits,
        })
    }

    fn normalization(&self) -> std::result::Result<NnUnetNormalization, String> {
        let c = self.configuration;
        let names = c.normalization_schemes.as_deref().unwrap_or_default();
        let count = self.dataset.channels().len();
        if names.len() != count {
            return Err(format!(
                "`normalization_schemes` has {} entries, dataset.json {count} channel(s)",
                names.len()
            ));
        }
        let masked = c.use_mask_for_norm.as_deref().unwrap_or_default();
        let intensities = &self.plans.foreground_intensity_properties_per_channel;
        let channels = names.iter().enumerate().map(|(channel, name)| {
            let intensity = intensities.get(&channel.to_string());
            let intensity = intensity.map(|told| ForegroundIntensity {
                mean: told.mean,
                standard_deviation: told.std,
                percentile_00_5: told.percentile_00_5,
                percentile_99_5: told.percentile_99_5,
            });
            let masked = masked.get(channel).copied().unwrap_or(false);
            NnUnetScheme::named(name, masked, intensity).map_err(|e| e.to_string())
        });
        Ok(NnUnetNormalization {
            channels: channels.collect::<std::result::Result<_, String>>()?,
        })
    }

    /// How windows lie.
    pub fn windows(&self) -> std::result::Result<SlidingWindow, String> {
        let patch = self.configuration.patch_size.as_deref().unwrap_or_default();
        let patch_size = match *patch {
            [y, x] => [x as i64, y as i64, 1],
            [z, y, x] => [x as i64, y as i64, z as i64],
            _ => {
                return Err(format!(
                    "`patch_size` is {patch:?}, not two or three numbers"
                ));
            }
        };
        Ok(SlidingWindow {
            patch_size,
            overlap: 0.5,
            rule: WindowRule::Nnunet,
            // Slices are small, so several go through the network together.
            batch_size: if patch.len() == 2 { 4 } else { 1 },
            ..SlidingWindow::default()
        })
    }
}
