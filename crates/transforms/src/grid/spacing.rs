//! Resampling to a spacing.

use super::monai_spacing::{MonaiSpacing, monai_grid};
use crate::config::{config, require};
use crate::map::{ImageSampling, LabelSampling, PaddingMode, Sampling};
use crate::transform::Configured;
use crate::{Context, GridStep, Result, Step};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use vesalius_filters::{Convention, target_grid};

/// The rule that gives the grid of a spacing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SpacingRule {
    /// The same extent from edge to edge; the spacing is what whole voxels make of it.
    #[default]
    Nnunet,
    /// MONAI's `Spacing`: exactly the spacing, from the centre of the first voxel on, `round((n - 1) · s / s') + 1` voxels
    /// (halves to even). An axis whose spacing is within 0.001 mm keeps it, and an image whose grid would change by no more
    /// than that is not resampled. It is an interpolation of its own: moves before and after it are not joined with it.
    Monai,
}

config! {
    /// Resamples to a spacing, by nnU-Net's rule for the grid or by MONAI's.
    ///
    /// ```
    /// use vesalius_transforms::Chain;
    /// use vesalius_volume::{Geometry, Subject, Volume};
    ///
    /// let grid = Geometry::axis_aligned([40, 40, 10], [0.5, 0.5, 4.0])?;
    /// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
    /// let subject = Subject::new("case_01", image, None)?;
    /// // From 0.5 × 0.5 × 4 mm to 1 × 1 × 2 mm.
    /// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [1, 1, 2]}")?;
    /// let (result, _) = chain.apply(subject.clone(), 0, 0)?;
    /// assert_eq!(result.geometry().size(), [20, 20, 20]);
    /// assert_eq!(result.geometry().spacing(), [1.0, 1.0, 2.0]);
    /// // MONAI counts from the first voxel's centre to the last one's.
    /// let chain: Chain = serde_saphyr::from_str("- spacing: {to: [1, 1, 2], rule: monai}")?;
    /// let (result, _) = chain.apply(subject, 0, 0)?;
    /// assert_eq!(result.geometry().size(), [20, 20, 19]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Spacing, "spacing", {
        /// Millimetres along `[x, y, z]`; 0 keeps an axis as it is.
        to: [f64; 3] = [f64::NAN; 3],
        /// How the image is interpolated.
        interpolation: ImageSampling = ImageSampling::Linear,
        /// How labels are decided.
        labels: LabelSampling = LabelSampling::Nearest,
        /// The rule that gives the grid.
        rule: SpacingRule = SpacingRule::Nnunet,
        /// The result's axes are the world's instead of the image's own; with `rule: monai` alone.
        diagonal: bool = false,
        /// The grid is counted from edge to edge of the outer voxels instead of from centre to centre; with `rule: monai` alone.
        scale_extent: bool = false,
        /// The smallest spacing `[x, y, z]` that is kept as it is (MONAI's `min_pixdim`); with `rule: monai` alone.
        keep_from: Option<[f64; 3]> = None,
        /// The largest spacing that is kept as it is (MONAI's `max_pixdim`); with `rule: monai` alone.
        keep_to: Option<[f64; 3]> = None,
        /// The values outside of the image; other than the border's with `rule: monai` alone.
        outside: PaddingMode = PaddingMode::Edge,
    }
}

impl Spacing {
    /// The keys that only MONAI's rule has, and that are given.
    fn of_monai_alone(&self) -> Option<&'static str> {
        let given = [
            ("diagonal", self.diagonal),
            ("scale_extent", self.scale_extent),
            ("keep_from", self.keep_from.is_some()),
            ("keep_to", self.keep_to.is_some()),
            ("outside", self.outside != PaddingMode::Edge),
        ];
        given
            .into_iter()
            .find_map(|(key, is_given)| is_given.then_some(key))
    }

    fn sampling(&self) -> Sampling {
        Sampling {
            image: self.interpolation,
            labels: self.labels,
            outside: self.outside,
            apart: self.rule == SpacingRule::Monai,
        }
    }
}

impl Configured for Spacing {
    fn check(&self) -> Result<()> {
        let lengths = |values: &[f64; 3]| values.iter().all(|s| s.is_finite() && *s >= 0.0);
        require(
            lengths(&self.to),
            Self::NAME,
            "to",
            self.to,
            "three numbers of millimetres, 0 to keep an axis",
        )?;
        for (key, kept) in [("keep_from", &self.keep_from), ("keep_to", &self.keep_to)] {
            let expected = "three numbers of millimetres";
            require(
                kept.as_ref().is_none_or(lengths),
                Self::NAME,
                key,
                kept,
                expected,
            )?;
        }
        self.sampling().check(Self::NAME)?;
        match self.of_monai_alone() {
            Some(key) if self.rule != SpacingRule::Monai => {
                require(false, Self::NAME, key, self.rule, "`rule: monai` beside it")
            }
            _ => Ok(()),
        }
    }

    fn is_random(&self) -> bool {
        false
    }

    fn sample(&self, case: &Context<'_>, _: &mut ChaCha8Rng) -> Result<Vec<Step>> {
        let source = case.geometry();
        let target = match self.rule {
            SpacingRule::Nnunet => {
                let has = source.spacing();
                let to =
                    std::array::from_fn(|i| if self.to[i] > 0.0 { self.to[i] } else { has[i] });
                Some(target_grid(source, to, Convention::NnUnet)?)
            }
            SpacingRule::Monai => monai_grid(
                source,
                &MonaiSpacing {
                    to: self.to,
                    diagonal: self.diagonal,
                    scale_extent: self.scale_extent,
                    keep_from: self.keep_from,
                    keep_to: self.keep_to,
                },
            )?,
        };
        let sampling = self.sampling();
        let step = |target| Step::Grid(GridStep::Resample { target, sampling });
        Ok(target.map(step).into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_rule_are_refused_with_the_other() {
        for text in [
            "{to: [1, 1, 1], diagonal: true}",
            "{to: [1, 1, 1], scale_extent: true}",
            "{to: [1, 1, 1], keep_from: [1, 1, 1]}",
            "{to: [1, 1, 1], outside: zeros}",
        ] {
            let spacing: Spacing = serde_saphyr::from_str(text).unwrap();
            let refused = spacing.check().unwrap_err().to_string();
            assert!(refused.contains("rule: monai"), "{refused}");
            let spacing = Spacing {
                rule: SpacingRule::Monai,
                ..spacing
            };
            spacing.check().unwrap();
        }
    }
}
