//! `vesalius auto plan`: the plans of a work folder; or nnU-Net's plans file, number for number, from
//! nnU-Net's own inputs. Both say why they are so.

use super::Result;
use crate::interrupt::stop_flag;
use crate::progress::CaseProgress;
use crate::remedy;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::{self, Work, analyze};
use vesalius::io::write_bytes_atomically;
use vesalius::planning::nnunet::{DatasetJson, Fingerprint, PlanOptions, Planned, Planner};
use vesalius::tensor::parse_device;

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
    /// GPU memory to fill, in GB as nnU-Net reckons [default: the planner's own, 8, 8, 24 or 40]
    #[arg(long)]
    gpu_memory: Option<f64>,
    /// The spacing of 3d_fullres in mm along the array's axes, z,y,x [default: from the fingerprint]
    #[arg(long, value_delimiter = ',', num_args = 3)]
    target_spacing: Option<Vec<f64>>,
    /// Leave the axes in the order they have
    #[arg(long)]
    suppress_transpose: bool,
    /// Minutes of training for all runs together
    #[arg(long, value_parser = crate::values::positive)]
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
    pub algorithms: Vec<String>,
    /// Memory for training in GB [default: what the peers' planners reckon with; for `vesalius` most of
    /// what is free]
    #[arg(long, value_parser = crate::values::positive)]
    pub memory: Option<f64>,
    /// Go on without the cases that cannot be used
    #[arg(long)]
    pub keep_going: bool,
}

/// Plans.
pub fn run(arguments: &Arguments) -> Result<()> {
    match (&arguments.work, &arguments.fingerprint) {
        (Some(folder), _) => {
            let mut work = Work::reopen(folder)?;
            let stop = stop_flag();
            plan_all(
                &mut work,
                &arguments.how,
                arguments.minutes,
                &arguments.device,
                stop,
            )
        }
        (None, Some(fingerprint)) => nnunet_file(arguments, fingerprint),
        (None, None) => Err("name a work folder, or --fingerprint".into()),
    }
}

/// Analyses where that was not done, plans what is not planned, and prints the reasons.
pub fn plan_all(
    work: &mut Work,
    how: &PlanArguments,
    minutes: Option<f64>,
    device: &str,
    stop: Arc<AtomicBool>,
) -> Result<()> {
    let progress = CaseProgress::new(work.list().cases.len());
    let analyzed = analyze(work, how.keep_going, || progress.advance())?;
    drop(progress);
    for problem in &analyzed.report.problems {
        note!("{}", problem.message);
        remedy::tell(problem.refused.as_ref(), "auto");
    }
    let options = auto::PlanOptions {
        algorithms: how.algorithms.clone(),
        minutes,
        memory_gb: how.memory,
        device: parse_device(device)?,
        stop,
    };
    for plan in auto::plan(work, &analyzed, &options)? {
        out!("plan {}", plan.name());
        for reason in &plan.because {
            out!("  {reason}");
        }
    }
    Ok(())
}

/// nnU-Net's plans file.
fn nnunet_file(arguments: &Arguments, fingerprint: &Path) -> Result<()> {
    // clap wants both with a fingerprint.
    let (Some(dataset_path), Some(target)) = (&arguments.dataset, &arguments.nnunet_plans) else {
        return Err("--fingerprint wants --dataset and --nnunet-plans".into());
    };
    let fingerprint = Fingerprint::read(fingerprint)?;
    let dataset = DatasetJson::read(dataset_path)?;
    let spacing = arguments.target_spacing.clone();
    let options = PlanOptions {
        dataset_name: arguments
            .dataset_name
            .clone()
            .unwrap_or_else(|| folder_name(dataset_path)),
        plans_name: arguments.plans_name.clone(),
        gpu_memory_gb: arguments.gpu_memory,
        // clap takes three numbers or none.
        target_spacing: spacing.and_then(|s| <[f64; 3]>::try_from(s).ok()),
        suppress_transpose: arguments.suppress_transpose,
    };
    let planned = arguments.planner.plan(&fingerprint, &dataset, &options)?;
    let text = planned.plans.to_json()?;
    write_bytes_atomically(target, text.as_bytes())?;
    print(&planned);
    out!("plans: {}", target.display());
    Ok(())
}

fn print(planned: &Planned) {
    for (name, reasons) in &planned.because.0 {
        out!("{name}");
        for reason in reasons {
            out!("  {reason}");
        }
    }
}

/// The name of the folder that a file is in.
fn folder_name(file: &std::path::Path) -> String {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let folder = file.parent().and_then(|folder| folder.file_name());
    folder.map_or("Dataset".to_owned(), |name| {
        name.to_string_lossy().into_owned()
    })
}
