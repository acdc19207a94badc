//! `vesalius auto plan`: the plans of a work folder; or nnU-Net's plans file, number for number, from nnU-Net's own
//! inputs. Both give their reasons.

use super::Result;
use super::events::counted;
use crate::interrupt::control;
use std::path::PathBuf;
use vesalius::auto::WorkFolder;
use vesalius::planning::nnunet::Planner;
use vesalius::tensor::parse_device;
use vesalius::workflow::auto::{NnUnetPlansFile, PlanStage, nnunet_plans, plan};

/// Arguments of `vesalius auto plan`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder, whose dataset is analysed first where that was not done
    #[arg(required_unless_present = "fingerprint")]
    work: Option<PathBuf>,
    #[command(flatten)]
    how: PlanArguments,
    /// nnU-Net's dataset_fingerprint.json, or the one that `auto analyze` writes: make nnU-Net's file
    #[arg(long, conflicts_with = "work", requires_all = ["dataset", "nnunet_plans"])]
    fingerprint: Option<PathBuf>,
    /// nnU-Net's dataset.json: channels, labels and numTraining
    #[arg(long, requires = "fingerprint")]
    dataset: Option<PathBuf>,
    /// nnunet, nnunet_resenc_m, nnunet_resenc_l or nnunet_resenc_xl
    #[arg(long, default_value = "nnunet", value_parser = planner)]
    planner: Planner,
    /// The plans file to write, such as nnUNetPlans.json
    #[arg(long, requires = "fingerprint")]
    nnunet_plans: Option<PathBuf>,
    /// The dataset's name in the plans [default: the name of the folder that dataset.json is in]
    #[arg(long)]
    dataset_name: Option<String>,
    /// The plans' name [default: the planner's own]
    #[arg(long)]
    plans_name: Option<String>,
    /// GPU memory to fill, in GB by nnU-Net's estimate [default: the planner's own, 8, 8, 24 or 40]
    #[arg(long, allow_hyphen_values = true, value_parser = crate::values::positive)]
    gpu_memory: Option<f64>,
    /// The spacing of 3d_fullres in mm along the array's axes, z,y,x [default: from the fingerprint]
    #[arg(long, value_delimiter = ',', num_args = 3, allow_hyphen_values = true)]
    target_spacing: Option<Vec<f64>>,
    /// Leave the axes in the order they have
    #[arg(long)]
    suppress_transpose: bool,
    /// Minutes of training for all runs together
    #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
    minutes: Option<f64>,
    /// What will train: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
}

fn planner(text: &str) -> std::result::Result<Planner, String> {
    let found = Planner::ALL.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, planner)| planner).ok_or_else(|| {
        let names = Planner::ALL.map(|(name, _)| name);
        format!("expected one of {}", names.join(", "))
    })
}

/// How a work folder's plans are made.
#[derive(clap::Args)]
pub struct PlanArguments {
    /// The algorithms to plan, with commas between them: vesalius, segresnet, segresnet2d, swinunetr,
    /// nnunet_3d_fullres, nnunet_2d, nnunet_resenc_m_3d_fullres … [default: the input's, or vesalius]
    #[arg(long, value_delimiter = ',')]
    algorithms: Vec<String>,
    /// Memory for training in GB [default: the planners' own; for `vesalius` most of what is free]
    #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
    memory: Option<f64>,
    /// Go on without the cases that cannot be used
    #[arg(long)]
    keep_going: bool,
}

impl PlanArguments {
    /// As the library's options.
    pub fn stage(&self) -> PlanStage {
        PlanStage {
            algorithms: self.algorithms.clone(),
            memory_gb: self.memory,
            keep_going: self.keep_going,
        }
    }
}

/// Plans.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Some(folder) = &arguments.work else {
        return nnunet_file(arguments);
    };
    let mut work = WorkFolder::reopen(folder)?;
    let (stage, minutes) = (arguments.how.stage(), arguments.minutes);
    let device = parse_device(&arguments.device)?;
    counted(&control(), |told| {
        plan(&mut work, &stage, minutes, &device, &control(), told)
    })
}

/// nnU-Net's plans file.
fn nnunet_file(arguments: &Arguments) -> Result<()> {
    // clap requires all three without a work folder.
    let (Some(fingerprint), Some(dataset), Some(target)) = (
        &arguments.fingerprint,
        &arguments.dataset,
        &arguments.nnunet_plans,
    ) else {
        return Err("name a work folder, or --fingerprint, --dataset and --nnunet-plans".into());
    };
    let spacing = arguments.target_spacing.clone();
    let planned = nnunet_plans(&NnUnetPlansFile {
        fingerprint: fingerprint.clone(),
        dataset: dataset.clone(),
        target: target.clone(),
        planner: arguments.planner,
        dataset_name: arguments.dataset_name.clone(),
        plans_name: arguments.plans_name.clone(),
        gpu_memory_gb: arguments.gpu_memory,
        // clap takes three numbers or none.
        target_spacing: spacing.and_then(|s| <[f64; 3]>::try_from(s).ok()),
        suppress_transpose: arguments.suppress_transpose,
    })?;
    for (name, reasons) in &planned.reasons.0 {
        out!("{name}");
        reasons.iter().for_each(|reason| out!("  {reason}"));
    }
    out!("plans: {}", target.display());
    Ok(())
}
