//! nnU-Net's two functions that resample, and their supported arguments: images to the network's grid, a coarser
//! stage's labels with them, and logits back to the file's grid.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_control::Control;
use vesalius_filters::{
    AxisRule, Interpolation, LinearParts, MaskInterpolation, NnUnetLabelOptions, NnUnetOptions,
    SeparateAxis, TorchLabelOptions, TorchVote, resample_labels_nnunet_with,
    resample_labels_torch_with, resample_nnunet_with,
};
use vesalius_volume::{LabelMap, Volume};

/// How nnU-Net interpolates: `resample_data_or_seg_to_shape` by splines, or, with `torch`,
/// `resample_torch_fornnunet`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NnUnetInterpolation {
    /// Order of the spline: 0, 1 or 3; of no meaning with `torch`.
    pub order: u8,
    /// Whether thick slices are taken apart: always, never, or by the spacing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub separate: Option<bool>,
    /// Order across slices that are taken apart (`order_z`): 0, 1 or 3.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub across: u8,
    /// Slices are thick when the largest spacing is more than this many times the smallest.
    #[serde(default = "three", skip_serializing_if = "is_three")]
    pub anisotropy: f64,
    /// PyTorch's interpolation in place of splines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub torch: Option<TorchInterpolation>,
}

/// The arguments of nnU-Net's `resample_torch_fornnunet`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TorchInterpolation {
    /// Along all axes where no slices are taken apart: always linear in `resample_torch_fornnunet`, the
    /// `mode` of `resample_torch_simple`.
    pub whole: TorchMode,
    /// Within the planes of slices that are taken apart.
    pub planes: TorchMode,
    /// Across such slices.
    pub across: AcrossMode,
    /// How labels are chosen (`memefficient_seg_resampling` is `over_half`).
    pub labels: TorchLabels,
}

/// PyTorch's `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TorchMode {
    /// Linear.
    #[default]
    Linear,
    /// The voxel at or before.
    Nearest,
    /// The nearest voxel.
    NearestExact,
}

/// As [`TorchMode`]; by default the nearest voxel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AcrossMode(pub TorchMode);

impl Default for AcrossMode {
    fn default() -> Self {
        Self(TorchMode::NearestExact)
    }
}

/// Which label a voxel gets from the labels' interpolated masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TorchLabels {
    /// The one with the largest share.
    #[default]
    Largest,
    /// The one with a share of more than one half, or background.
    OverHalf,
}

impl TorchMode {
    fn rule(self) -> AxisRule {
        match self {
            Self::Linear => AxisRule::TorchLinear,
            Self::Nearest => AxisRule::TorchNearest,
            Self::NearestExact => AxisRule::TorchNearestExact,
        }
    }
}

fn is_zero(order: &u8) -> bool {
    *order == 0
}

fn three() -> f64 {
    3.0
}

fn is_three(limit: &f64) -> bool {
    *limit == three()
}

impl Default for NnUnetInterpolation {
    fn default() -> Self {
        Self::of_order(3)
    }
}

/// How logits are resampled from the network's grid to the file's.
pub(crate) struct Back {
    /// Each axis by itself; of a spline of order 3 only the sizes hold.
    pub parts: LinearParts,
    /// Where splines of order 3 need the whole of a channel at once.
    pub spline: Option<Spline>,
    /// Whether what was resampled is kept as 16-bit floats.
    pub half: bool,
}

/// A resampling that is not worked out axis by axis from a few slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spline {
    pub options: NnUnetOptions,
    /// Spacing of the network's grid and of the file's, in the network's order of axes.
    pub from: [f64; 3],
    pub to: [f64; 3],
}

impl NnUnetInterpolation {
    /// By splines of an order, thick slices by the spacing.
    pub fn of_order(order: u8) -> Self {
        Self {
            order,
            separate: None,
            across: 0,
            anisotropy: three(),
            torch: None,
        }
    }

    fn separate(&self) -> SeparateAxis {
        match self.separate {
            None => SeparateAxis::BeyondAnisotropy(self.anisotropy),
            Some(true) => SeparateAxis::Always,
            Some(false) => SeparateAxis::Never,
        }
    }

    fn spline(&self) -> Result<NnUnetOptions> {
        Ok(NnUnetOptions {
            interpolation: interpolation("order", self.order)?,
            separate: self.separate(),
            across: interpolation("across", self.across)?,
        })
    }

    /// PyTorch's rules for three axes, one of them of thick slices or none.
    fn torch_rules(torch: TorchInterpolation, apart: Option<usize>) -> [AxisRule; 3] {
        std::array::from_fn(|axis| match apart {
            None => torch.whole.rule(),
            Some(thick) if thick == axis => torch.across.0.rule(),
            Some(_) => torch.planes.rule(),
        })
    }

    /// An image on a grid of `size` voxels of `spacing` mm over the same extent.
    pub(super) fn image(
        &self,
        image: &Volume<f32>,
        size: [usize; 3],
        spacing: [f64; 3],
        control: &Control,
    ) -> Result<Volume<f32>> {
        let Some(torch) = self.torch else {
            let options = self.spline()?;
            return Ok(resample_nnunet_with(
                image, size, spacing, &options, control,
            )?);
        };
        let from = image.geometry();
        let apart = self.separate().axis(from.spacing(), spacing);
        let rules = Self::torch_rules(torch, apart);
        Ok(LinearParts::by_rules(from.size(), size, rules)?.whole(image)?)
    }

    /// Labels likewise.
    pub(super) fn labels(
        &self,
        labels: &LabelMap,
        size: [usize; 3],
        spacing: [f64; 3],
        control: &Control,
    ) -> Result<LabelMap> {
        if let Some(torch) = self.torch {
            let options = TorchLabelOptions {
                separate: self.separate(),
                whole: torch.whole.rule(),
                planes: torch.planes.rule(),
                across: torch.across.0.rule(),
                vote: match torch.labels {
                    TorchLabels::Largest => TorchVote::Largest,
                    TorchLabels::OverHalf => TorchVote::OverHalf,
                },
            };
            return Ok(resample_labels_torch_with(
                labels, size, spacing, &options, control,
            )?);
        }
        let by = |key, order| match order {
            0 => Ok(MaskInterpolation::Nearest),
            1 => Ok(MaskInterpolation::Linear),
            _ => Err(bad(key, order, "0 or 1 for labels")),
        };
        let options = NnUnetLabelOptions {
            separate: self.separate(),
            interpolation: by("order", self.order)?,
            across: by("across", self.across)?,
            ..NnUnetLabelOptions::default()
        };
        Ok(resample_labels_nnunet_with(
            labels, size, spacing, &options, control,
        )?)
    }

    /// Logits back: from a grid of so many voxels and mm to another over the same extent.
    pub(crate) fn back(
        &self,
        from: ([usize; 3], [f64; 3]),
        to: ([usize; 3], [f64; 3]),
    ) -> Result<Back> {
        let apart = self.separate().axis(from.1, to.1);
        if let Some(torch) = self.torch {
            let rules = Self::torch_rules(torch, apart);
            return Ok(Back {
                parts: LinearParts::by_rules(from.0, to.0, rules)?,
                spline: None,
                half: false,
            });
        }
        let options = self.spline()?;
        let rule = |interpolation| match interpolation {
            Interpolation::Nearest => AxisRule::Nearest,
            _ => AxisRule::Linear,
        };
        let across = apart.map(|_| options.across);
        let cubic = [Some(options.interpolation), across].contains(&Some(Interpolation::Cubic));
        let rules = std::array::from_fn(|axis| match apart == Some(axis) {
            true => rule(options.across),
            false => rule(options.interpolation),
        });
        Ok(Back {
            parts: LinearParts::by_rules(from.0, to.0, rules)?,
            spline: (cubic && from.0 != to.0).then_some(Spline {
                options,
                from: from.1,
                to: to.1,
            }),
            // nnU-Net writes what it resampled into an array of the logits' own type.
            half: true,
        })
    }
}

fn interpolation(key: &str, order: u8) -> Result<Interpolation> {
    match order {
        0 => Ok(Interpolation::Nearest),
        1 => Ok(Interpolation::Linear),
        3 => Ok(Interpolation::Cubic),
        _ => Err(bad(key, order, "0, 1 or 3")),
    }
}

fn bad(key: &str, order: u8, expected: &'static str) -> Error {
    Error::BadValue {
        key: "nnunet",
        found: format!("an interpolation whose `{key}` is {order}"),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_is_written_short_and_all_is_read_again() {
        let usual = NnUnetInterpolation::default();
        assert_eq!(serde_json::to_string(&usual).unwrap(), r#"{"order":3}"#);
        let torch = NnUnetInterpolation {
            separate: Some(true),
            across: 1,
            anisotropy: 2.5,
            torch: Some(TorchInterpolation {
                planes: TorchMode::NearestExact,
                labels: TorchLabels::OverHalf,
                ..TorchInterpolation::default()
            }),
            ..NnUnetInterpolation::of_order(1)
        };
        let text = serde_json::to_string(&torch).unwrap();
        assert!(
            text.contains("nearest-exact") && text.contains("over_half"),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<NnUnetInterpolation>(&text).unwrap(),
            torch
        );
    }

    #[test]
    fn orders_that_are_not_known_are_named() {
        let sizes = (([4; 3], [1.0; 3]), ([5; 3], [1.0; 3]));
        let refused = NnUnetInterpolation::of_order(2).back(sizes.0, sizes.1);
        let message = refused.map(drop).unwrap_err().to_string();
        assert!(
            message.contains("`order` is 2") && message.contains("0, 1 or 3"),
            "{message}"
        );
        assert!(
            NnUnetInterpolation::of_order(3)
                .back(sizes.0, sizes.1)
                .unwrap()
                .spline
                .is_some()
        );
        assert!(
            NnUnetInterpolation::of_order(3)
                .back(sizes.0, sizes.0)
                .unwrap()
                .spline
                .is_none()
        );
        let thick = ([4, 4, 2], [1.0, 1.0, 5.0]);
        let back = NnUnetInterpolation {
            across: 3,
            ..NnUnetInterpolation::of_order(1)
        };
        assert!(back.back(thick, sizes.1).unwrap().spline.is_some());
        assert!(back.back(sizes.0, sizes.1).unwrap().spline.is_none());
    }
}
