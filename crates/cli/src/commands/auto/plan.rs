//! `vesalius auto plan`: nnU-Net's plans, number for number, and why they are so.

use super::Result;
use std::path::PathBuf;
use vesalius::io::write_bytes_atomically;
use vesalius::planning::nnunet::{DatasetJson, Fingerprint, PlanOptions, Planned, Planner};

/// Arguments of `vesalius auto plan`.
#[derive(clap::Args)]
pub struct Arguments {
    /// nnU-Net's dataset_fingerprint.json, or the one that `auto analyze` writes
    #[arg(long)]
    fingerprint: PathBuf,
    /// nnU-Net's dataset.json: channels, labels and numTraining
    #[arg(long)]
    dataset: PathBuf,
    /// nnunet, nnunet_resenc_m, nnunet_resenc_l or nnunet_resenc_xl
    #[arg(long, default_value = "nnunet", value_parser = planner)]
    planner: Planner,
    /// The plans file to write, such as nnUNetPlans.json
    #[arg(long)]
    nnunet_plans: PathBuf,
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
}

fn planner(text: &str) -> std::result::Result<Planner, String> {
    let found = Planner::ALL.into_iter().find(|(name, _)| *name == text);
    found.map(|(_, planner)| planner).ok_or_else(|| {
        let names = Planner::ALL.map(|(name, _)| name);
        format!("expected one of {}", names.join(", "))
    })
}

/// Plans, writes the plans file and prints the reasons.
pub fn run(arguments: &Arguments) -> Result<()> {
    let fingerprint = Fingerprint::read(&arguments.fingerprint)?;
    let dataset = DatasetJson::read(&arguments.dataset)?;
    let spacing = arguments.target_spacing.clone();
    let options = PlanOptions {
        dataset_name: arguments
            .dataset_name
            .clone()
            .unwrap_or_else(|| folder_name(&arguments.dataset)),
        plans_name: arguments.plans_name.clone(),
        gpu_memory_gb: arguments.gpu_memory,
        // clap takes three numbers or none.
        target_spacing: spacing.and_then(|s| <[f64; 3]>::try_from(s).ok()),
        suppress_transpose: arguments.suppress_transpose,
    };
    let planned = arguments.planner.plan(&fingerprint, &dataset, &options)?;
    let text = planned.plans.to_json()?;
    write_bytes_atomically(&arguments.nnunet_plans, text.as_bytes())?;
    print(&planned);
    println!("plans: {}", arguments.nnunet_plans.display());
    Ok(())
}

fn print(planned: &Planned) {
    for (name, reasons) in &planned.because.0 {
        println!("{name}");
        for reason in reasons {
            println!("  {reason}");
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
