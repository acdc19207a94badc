//! nnU-Net 2.8.1's experiment planner: from a fingerprint to the plans that nnU-Net itself would write,
//! number for number, with a reason for every choice.
//!
//! Vectors run along the axes of nnU-Net's arrays, as in its files.

mod channels;
mod configuration;
mod memory;
mod reason;
mod run;
mod spacing;
mod topology;

pub use reason::{PlanChoice, Reason};

use super::{DatasetJson, Fingerprint, Ordered, Plans};
use crate::{Error, Result};

/// Which of nnU-Net's planners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Planner {
    /// `ExperimentPlanner`: plain U-Nets.
    #[default]
    NnUnet,
    /// `nnUNetPlannerResEncM`: residual encoders for 8 GB.
    ResEncM,
    /// `nnUNetPlannerResEncL`: residual encoders for 24 GB.
    ResEncL,
    /// `nnUNetPlannerResEncXL`: residual encoders for 40 GB.
    ResEncXl,
}

/// Options of a planner.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanOptions {
    /// The dataset's name in the plans.
    pub dataset_name: String,
    /// The plans' name; `None` is the planner's own.
    pub plans_name: Option<String>,
    /// GPU memory to fill, by nnU-Net's estimate; `None` is the planner's own.
    pub gpu_memory_gb: Option<f64>,
    /// The spacing of 3d_fullres along the array's axes, in place of the one from the fingerprint.
    pub target_spacing: Option<[f64; 3]>,
    /// Whether the axes stay as they are.
    pub suppress_transpose: bool,
}

/// Plans with their reasons.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Planned {
    /// What nnU-Net writes.
    pub plans: Plans,
    /// Reasons: under `dataset` those that all configurations share, then each configuration's.
    pub reasons: Ordered<Vec<Reason>>,
}

impl Planner {
    /// All of them, with the names they have on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("nnunet", Self::NnUnet),
        ("nnunet_resenc_m", Self::ResEncM),
        ("nnunet_resenc_l", Self::ResEncL),
        ("nnunet_resenc_xl", Self::ResEncXl),
    ];

    fn class(self) -> &'static str {
        match self {
            Self::NnUnet => "ExperimentPlanner",
            Self::ResEncM => "nnUNetPlannerResEncM",
            Self::ResEncL => "nnUNetPlannerResEncL",
            Self::ResEncXl => "nnUNetPlannerResEncXL",
        }
    }

    /// The name that its plans have.
    pub fn plans_name(self) -> &'static str {
        match self {
            Self::NnUnet => "nnUNetPlans",
            Self::ResEncM => "nnUNetResEncUNetMPlans",
            Self::ResEncL => "nnUNetResEncUNetLPlans",
            Self::ResEncXl => "nnUNetResEncUNetXLPlans",
        }
    }

    fn is_residual(self) -> bool {
        self != Self::NnUnet
    }

    /// Convolutions or residual blocks of each encoder stage.
    fn encoder_blocks(self, stages: usize) -> Vec<usize> {
        let block = |stage| match (self.is_residual(), stage) {
            (false, _) => 2,
            (true, 0) => 1,
            (true, 1) => 3,
            (true, 2) => 4,
            (true, _) => 6,
        };
        (0..stages).map(block).collect()
    }

    fn decoder_blocks(self, stages: usize) -> Vec<usize> {
        vec![if self.is_residual() { 1 } else { 2 }; stages - 1]
    }

    /// The share of the dataset that a batch may cover.
    fn largest_share(self) -> f64 {
        if self.is_residual() { 1.0 } else { 0.05 }
    }

    /// The folder of preprocessed cases; residual planners share 2d and 3d_fullres with the plain one.
    fn data_identifier(self, plans_name: &str, configuration: &str) -> String {
        let shared = self.is_residual() && matches!(configuration, "2d" | "3d_fullres");
        let plans = if shared { "nnUNetPlans" } else { plans_name };
        format!("{plans}_{configuration}")
    }

    fn budget(self, gpu_memory_gb: Option<f64>) -> Budget {
        let (reference_3d, reference_2d, own) = match self {
            Self::NnUnet => (560e6, 85e6, 8.0),
            Self::ResEncM => (680e6, 135e6, 8.0),
            Self::ResEncL => (2_100e6, 380e6, 24.0),
            Self::ResEncXl => (3_600e6, 560e6, 40.0),
        };
        Budget {
            reference_3d,
            reference_2d,
            reference_gb: own,
            gpu_memory_gb: gpu_memory_gb.unwrap_or(own),
        }
    }

    /// Plans for a dataset.
    ///
    /// # Errors
    /// [`Error::Plan`] when the fingerprint has no case, sizes and spacings differ in number, a spacing
    /// is not positive, channels differ from dataset.json's, or that file lacks `numTraining`.
    ///
    /// ```
    /// use vesalius_planning::nnunet::{DatasetJson, Fingerprint, PlanChoice, PlanOptions, Planner};
    ///
    /// // Twenty CTs of 40 × 128 × 128 voxels of 5 × 1 × 1 mm; vectors are z, y, x.
    /// let intensity = serde_json::json!({"max": 300.0, "mean": 90.0, "median": 95.0, "min": -100.0,
    ///     "percentile_00_5": -50.0, "percentile_99_5": 200.0, "std": 40.0});
    /// let fingerprint: Fingerprint = serde_json::from_value(serde_json::json!({
    ///     "foreground_intensity_properties_per_channel": {"0": intensity},
    ///     "median_relative_size_after_cropping": 1.0,
    ///     "shapes_after_crop": vec![[40, 128, 128]; 20],
    ///     "spacings": vec![[5.0, 1.0, 1.0]; 20],
    /// }))?;
    /// let dataset: DatasetJson = serde_json::from_str(r#"{"channel_names": {"0": "CT"},
    ///     "labels": {"background": 0, "liver": 1}, "numTraining": 20, "file_ending": ".nii.gz"}"#)?;
    ///
    /// let planned = Planner::NnUnet.plan(&fingerprint, &dataset, &PlanOptions::default())?;
    /// let full = planned.plans.configuration("3d_fullres")?;
    /// assert_eq!(full.spacing.unwrap(), [5.0, 1.0, 1.0]);
    /// assert_eq!(full.patch_size.unwrap().len(), 3);
    /// // Each choice has its reason.
    /// let reasons = planned.reasons.get("3d_fullres").unwrap();
    /// assert!(reasons.iter().any(|reason| reason.choice == PlanChoice::BatchSize));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plan(
        self,
        fingerprint: &Fingerprint,
        dataset: &DatasetJson,
        options: &PlanOptions,
    ) -> Result<Planned> {
        check(fingerprint, dataset, options)?;
        run::Planning::new(self, fingerprint, dataset, options)?.run()
    }
}

/// Memory, as the number of output values of convolutions.
#[derive(Debug, Clone, Copy)]
struct Budget {
    reference_3d: f64,
    reference_2d: f64,
    reference_gb: f64,
    gpu_memory_gb: f64,
}

impl Budget {
    fn reference(self, two_d: bool) -> f64 {
        let reference = if two_d {
            self.reference_2d
        } else {
            self.reference_3d
        };
        reference * (self.gpu_memory_gb / self.reference_gb)
    }
}

fn check(fingerprint: &Fingerprint, dataset: &DatasetJson, options: &PlanOptions) -> Result<()> {
    let bad = |reason: String| Err(Error::Plan(reason));
    let (spacings, sizes) = (
        fingerprint.spacings.len(),
        fingerprint.shapes_after_crop.len(),
    );
    if spacings == 0 || spacings != sizes {
        return bad(format!(
            "the fingerprint has {spacings} spacings and {sizes} sizes; it needs one of each a case, and a case"
        ));
    }
    let positive = |s: &[f64; 3]| s.iter().all(|v| v.is_finite() && *v > 0.0);
    let mut all = fingerprint.spacings.iter().chain(&options.target_spacing);
    if let Some(spacing) = all.find(|s| !positive(s)) {
        return bad(format!("the spacing {spacing:?} is not positive"));
    }
    if let Some(size) = fingerprint
        .shapes_after_crop
        .iter()
        .find(|s| s.contains(&0))
    {
        return bad(format!("a case has the size {size:?} after cropping"));
    }
    let known = fingerprint
        .foreground_intensity_properties_per_channel
        .len();
    if dataset.channel_names.len() != known {
        return bad(format!(
            "dataset.json names {}, the fingerprint has {known}; they are of two datasets",
            vesalius_volume::counted(dataset.channel_names.len(), "channel")
        ));
    }
    if let Some(memory) = options
        .gpu_memory_gb
        .filter(|gb| !(gb.is_finite() && *gb > 0.0))
    {
        return bad(format!("a GPU memory of {memory} GB is asked for"));
    }
    Ok(())
}
