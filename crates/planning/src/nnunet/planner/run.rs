//! The order of nnU-Net's decisions: spacing and axes, then 2d, 3d_fullres, and where that covers too
//! little 3d_lowres with its cascade.

use super::channels::{normalisation, reader};
use super::configuration::{Common, Made, Wanted};
use super::spacing::{median_of, numbers, resampled, target, thickest};
use super::{PlanChoice, PlanOptions, Planned, Planner, Reason};
use crate::nnunet::{Configuration, DatasetJson, Fingerprint, Ordered, Plans};
use crate::{Error, Result};
use serde_json::Number;
use vesalius_volume::limits;

pub(super) struct Planning<'a> {
    common: Common<'a>,
    dataset: &'a DatasetJson,
    fingerprint: &'a Fingerprint,
    options: &'a PlanOptions,
    cases: usize,
    forward: [usize; 3],
    /// Target spacing and median size at it, after the transposition.
    spacing: [f64; 3],
    median_size: [f64; 3],
    reasons: Vec<Reason>,
}

impl<'a> Planning<'a> {
    pub fn new(
        planner: Planner,
        fingerprint: &'a Fingerprint,
        dataset: &'a DatasetJson,
        options: &'a PlanOptions,
    ) -> Result<Self> {
        let cases = dataset.num_training.ok_or_else(|| {
            Error::Plan(
                "dataset.json has no `numTraining`, the number of labelled cases".to_owned(),
            )
        })?;
        let mut reasons = vec![];
        let spacing = match options.target_spacing {
            Some(spacing) => {
                let text = format!("spacing {} mm was asked for", numbers(&spacing));
                reasons.push(Reason::new(PlanChoice::Spacing, text));
                spacing
            }
            None => {
                let target = target(fingerprint);
                reasons.push(Reason::new(PlanChoice::Spacing, target.reasons));
                target.spacing
            }
        };
        let forward = match (options.suppress_transpose, thickest(spacing)) {
            (true, _) | (_, 0) => [0, 1, 2],
            (_, 1) => [1, 0, 2],
            _ => [2, 0, 1],
        };
        if forward[0] != 0 {
            let text = format!(
                "axis {} comes first: its slices are the thickest, so that 2-D networks see the fine plane",
                forward[0]
            );
            reasons.push(Reason::new(PlanChoice::Axes, text));
        }
        let median = median_of(resampled(fingerprint, spacing));
        let (normalization_schemes, use_mask_for_norm) =
            normalisation(fingerprint, dataset, &mut reasons);
        Ok(Self {
            common: Common {
                planner,
                budget: planner.budget(options.gpu_memory_gb),
                plans_name: options
                    .plans_name
                    .as_deref()
                    .unwrap_or(planner.plans_name()),
                labels: dataset.labels.len(),
                normalization_schemes,
                use_mask_for_norm,
            },
            dataset,
            fingerprint,
            options,
            cases,
            forward,
            spacing: forward.map(|axis| spacing[axis]),
            median_size: forward.map(|axis| median[axis]),
            reasons,
        })
    }

    pub fn run(self) -> Result<Planned> {
        let voxels: f64 = self.median_size.iter().product();
        let dataset_voxels = voxels * self.cases as f64;
        let mut two_d = self.common.configuration(&Wanted {
            name: "2d",
            spacing: &self.spacing[1..],
            median_size: &self.median_size[1..],
            rounded: false,
            dataset_voxels,
        });
        two_d.configuration.batch_dice = Some(true);
        let mut made = vec![("2d", two_d)];
        if self.median_size[0] != 1.0 {
            let mut full = self.common.configuration(&Wanted {
                name: "3d_fullres",
                spacing: &self.spacing,
                median_size: &self.median_size,
                rounded: false,
                dataset_voxels,
            });
            let low = self.low_resolution(&full, voxels);
            full.configuration.batch_dice = Some(low.is_some());
            let cascade = low.as_ref().map(|_| cascade());
            made.extend(low.map(|low| ("3d_lowres", low)));
            made.push(("3d_fullres", full));
            made.extend(cascade.map(|cascade| ("3d_cascade_fullres", cascade)));
        }
        Ok(self.finished(made))
    }

    /// A configuration of coarser voxels, where the patch of the fine ones covers less than a quarter of
    /// the image, and where it makes the image at least twice smaller.
    fn low_resolution(&self, full: &Made, voxels: f64) -> Option<Made> {
        let volume = |patch: &[usize]| patch.iter().map(|&n| n as f64).product::<f64>();
        let mut spacing = self.spacing;
        let mut voxels_now = voxels;
        let mut patch_voxels = volume(&full.patch);
        let mut low = None;
        while patch_voxels / voxels_now < 0.25 {
            let coarsest = spacing.iter().copied().fold(0.0, f64::max);
            // Fine axes first, until all are within a factor of two.
            let fine = spacing.map(|s| limits::exceeds(coarsest / s, 2.0));
            let any = fine.contains(&true);
            for (s, fine) in spacing.iter_mut().zip(fine) {
                if fine || !any {
                    *s *= 1.03;
                }
            }
            let size: [f64; 3] = std::array::from_fn(|axis| {
                self.spacing[axis] / spacing[axis] * self.median_size[axis]
            });
            voxels_now = size.iter().product();
            let made = self.common.configuration(&Wanted {
                name: "3d_lowres",
                spacing: &spacing,
                median_size: &size.map(limits::round_ties_even),
                rounded: true,
                dataset_voxels: voxels_now * self.cases as f64,
            });
            patch_voxels = volume(&made.patch);
            low = Some(made);
        }
        let mut low = low.filter(|_| voxels / voxels_now >= 2.0)?;
        low.configuration.batch_dice = Some(false);
        low.configuration.next_stage = Some("3d_cascade_fullres".into());
        let text = format!(
            "spacing {} mm: a patch of 3d_fullres sees less than a quarter of the median image, one of these coarser voxels does",
            numbers(&spacing)
        );
        low.reasons
            .insert(0, Reason::new(PlanChoice::Spacing, text));
        Some(low)
    }

    fn finished(self, made: Vec<(&str, Made)>) -> Planned {
        let fingerprint = self.fingerprint;
        let spacing = median_of(fingerprint.spacings.iter().copied());
        let size = median_of(
            fingerprint
                .shapes_after_crop
                .iter()
                .map(|s| s.map(|n| n as f64)),
        );
        let mut backward = [0; 3];
        for (to, &from) in self.forward.iter().enumerate() {
            backward[from] = to;
        }
        let mut reasons = vec![("dataset".to_owned(), self.reasons)];
        let mut configurations: Vec<(String, Configuration)> = vec![];
        for (name, made) in made {
            reasons.push((name.to_owned(), made.reasons));
            configurations.push((name.to_owned(), made.configuration));
        }
        let whole = |size: f64| Number::from(size.round_ties_even() as u64);
        let plans = Plans {
            dataset_name: self.options.dataset_name.clone(),
            plans_name: self.common.plans_name.to_owned(),
            original_median_spacing_after_transp: self.forward.map(|a| spacing[a]).to_vec(),
            original_median_shape_after_transp: self.forward.map(|a| whole(size[a])).to_vec(),
            image_reader_writer: reader(self.dataset, fingerprint),
            transpose_forward: self.forward.to_vec(),
            transpose_backward: backward.to_vec(),
            configurations: Ordered(configurations),
            experiment_planner_used: self.common.planner.class().to_owned(),
            label_manager: "LabelManager".to_owned(),
            foreground_intensity_properties_per_channel: fingerprint
                .foreground_intensity_properties_per_channel
                .clone(),
            other: Default::default(),
        };
        Planned {
            plans,
            reasons: Ordered(reasons),
        }
    }
}

/// 3d_fullres with the result of 3d_lowres as further input.
fn cascade() -> Made {
    Made {
        configuration: Configuration {
            inherits_from: Some("3d_fullres".to_owned()),
            previous_stage: Some("3d_lowres".to_owned()),
            ..Configuration::default()
        },
        patch: vec![],
        reasons: vec![Reason::new(
            PlanChoice::Cascade,
            "3d_fullres refines what 3d_lowres saw of the whole",
        )],
    }
}
