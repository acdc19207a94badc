//! Converts a configuration of nnU-Net's plans to this crate's preprocessing pipeline and sliding windows. Values that
//! are not supported are refused by name.

use super::arguments::{self, Resampled};
use super::{NnUnetInterpolation, NnUnetPipeline};
use crate::{SlidingWindow, WindowRule};
use vesalius_planning::nnunet::{Configuration, DatasetJson, Plans};
use vesalius_transforms::{ForegroundIntensity, NnUnetNormalization, NnUnetScheme};

/// The only class of nnU-Net for preprocessing that is supported.
const PREPROCESSOR: &str = "DefaultPreprocessor";

/// One configuration with the plans that contain it and the dataset for which they were made.
pub(super) struct Plan<'a> {
    pub plans: &'a Plans,
    pub dataset: &'a DatasetJson,
    pub configuration: &'a Configuration,
}

impl Plan<'_> {
    /// The number of spatial dimensions, 2 or 3: the length of `patch_size`, 3 without one.
    pub fn dimensions(&self) -> usize {
        self.configuration.patch_size.as_ref().map_or(3, Vec::len)
    }

    /// Checks that the preprocessor and the label manager are supported.
    ///
    /// # Errors
    /// The key, its value, and the value that is supported.
    pub fn check(&self) -> std::result::Result<(), String> {
        let c = self.configuration;
        if let Some(found) = c.preprocessor_name.as_deref()
            && found != PREPROCESSOR
        {
            return Err(format!(
                "`preprocessor_name` is `{found}`; only `{PREPROCESSOR}` is known here"
            ));
        }
        if self.plans.label_manager != "LabelManager" {
            let found = &self.plans.label_manager;
            return Err(format!(
                "`label_manager` is `{found}`; only `LabelManager` is known here"
            ));
        }
        Ok(())
    }

    /// The preprocessing between an image file and the network. nnU-Net's `[z, y, x]` become `[x, y, z]`; a 2-D
    /// configuration gets the spacing 0 along z, which keeps the slices.
    ///
    /// # Errors
    /// The key and its value, if it cannot be converted.
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
        let data = arguments::read(
            Resampled::Data,
            c.resampling_fn_data.as_deref(),
            c.resampling_fn_data_kwargs.as_ref(),
        )?;
        let logits = arguments::read(
            Resampled::Probabilities,
            c.resampling_fn_probabilities.as_deref(),
            c.resampling_fn_probabilities_kwargs.as_ref(),
        )?;
        // Labels are resampled only for the second stage of a cascade.
        let labels = match c.previous_stage {
            None => Some(NnUnetInterpolation::of_order(1)),
            Some(_) => arguments::read(
                Resampled::Seg,
                c.resampling_fn_seg.as_deref(),
                c.resampling_fn_seg_kwargs.as_ref(),
            )?,
        };
        let stages = c.previous_stage.is_some();
        let keeps = data.is_none();
        if logits.is_none() != keeps || (stages && labels.is_none() != keeps) {
            return Err(
                "`no_resampling_hack` is only for some of what is resampled; nnU-Net fails with it unless all keep their grid"
                    .to_owned(),
            );
        }
        let reader = &self.plans.image_reader_writer;
        Ok(NnUnetPipeline {
            orientation: reader.ends_with("WithReorient").then(|| "RAS".to_owned()),
            axes,
            spacing: if keeps { [0.0; 3] } else { spacing },
            normalization: self.normalization()?,
            image: data.unwrap_or_default(),
            labels: labels.filter(|by| *by != NnUnetInterpolation::of_order(1)),
            logits: logits.filter(|by| *by != NnUnetInterpolation::of_order(1)),
            separate_logits: None,
            file_ending: self
                .dataset
                .file_ending
                .clone()
                .filter(|ending| ending != ".nii.gz"),
        })
    }

    fn normalization(&self) -> std::result::Result<NnUnetNormalization, String> {
        let c = self.configuration;
        let names = c.normalization_schemes.as_deref().unwrap_or_default();
        let count = self.dataset.channels().len();
        if names.len() != count {
            return Err(format!(
                "`normalization_schemes` has {} entries, dataset.json {}",
                names.len(),
                vesalius_volume::counted(count, "channel")
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
            let scheme = NnUnetScheme::named(name, intensity).map_err(|e| e.to_string())?;
            Ok(if masked { scheme.within_mask() } else { scheme })
        });
        Ok(NnUnetNormalization {
            channels: channels.collect::<std::result::Result<_, String>>()?,
        })
    }

    /// nnU-Net's sliding windows, half a window apart. The patch of a 2-D configuration is one slice thick.
    ///
    /// # Errors
    /// A `patch_size` without two or three numbers.
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
            // Slices are small, so that several fit into one batch.
            batch_size: if patch.len() == 2 { 4 } else { 1 },
            ..SlidingWindow::default()
        })
    }
}
