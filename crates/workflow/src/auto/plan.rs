//! The plans of a work folder, and nnU-Net's plans file.

use super::analyze::observed;
use super::{AutoEvent, Observer, Result};
use std::path::{Path, PathBuf};
use vesalius_auto::{BrokenCases, PlanOptions, WorkFolder};
use vesalius_control::Control;
use vesalius_io::write_bytes_atomically;
use vesalius_planning::nnunet::{self, DatasetJson, Fingerprint, Planned, Planner};
use vesalius_tensor::Device;

/// How a work folder's plans are made.
#[derive(Debug, Clone, Default)]
pub struct PlanStage {
    /// The algorithms to plan, built-in ones or of the work's registry; empty for the input's, or our own.
    pub algorithms: Vec<String>,
    /// Memory for training in GB; `None` for what the planners assume.
    pub memory_gb: Option<f64>,
    /// Go on without the cases that cannot be used.
    pub keep_going: bool,
}

/// Analyses the dataset where that was not done, and plans what is not planned, with `minutes` of training for
/// all runs together.
///
/// # Errors
/// A dataset or algorithm that cannot be used, a folder that cannot be written, a stop.
pub fn plan(
    work: &mut WorkFolder,
    stage: &PlanStage,
    minutes: Option<f64>,
    device: &Device,
    control: &Control,
    observer: &Observer,
) -> Result<()> {
    vesalius_auto::check_algorithms(work, &stage.algorithms)?;
    let broken_cases = match stage.keep_going {
        true => BrokenCases::LeaveOut,
        false => BrokenCases::Refuse,
    };
    let analyzed = observed(work, broken_cases, control, observer)?;
    observer(&AutoEvent::Analyzed(&analyzed.report));
    let options = PlanOptions {
        algorithms: stage.algorithms.clone(),
        minutes,
        memory_gb: stage.memory_gb,
        device: device.clone(),
        control: control.clone(),
    };
    let plans = vesalius_auto::plan(work, &analyzed, &options)?;
    observer(&AutoEvent::Planned(&plans));
    Ok(())
}

/// nnU-Net's plans file: from what, by which planner, and where.
#[derive(Debug, Clone)]
pub struct NnUnetPlansFile {
    /// dataset_fingerprint.json, nnU-Net's or ours.
    pub fingerprint: PathBuf,
    /// nnU-Net's dataset.json.
    pub dataset: PathBuf,
    /// The file to write.
    pub target: PathBuf,
    /// The planner.
    pub planner: Planner,
    /// The dataset's name; `None` for that of the folder that dataset.json is in.
    pub dataset_name: Option<String>,
    /// The plans' name; `None` for the planner's own.
    pub plans_name: Option<String>,
    /// GPU memory to fill in GB; `None` for the planner's own.
    pub gpu_memory_gb: Option<f64>,
    /// The spacing of 3d_fullres in mm along the array's axes `[z, y, x]`.
    pub target_spacing: Option<[f64; 3]>,
    /// Leave the axes in the order they have.
    pub suppress_transpose: bool,
}

/// Writes nnU-Net's plans file, number for number as nnU-Net does.
///
/// # Errors
/// Files that cannot be read or written, a dataset that nnU-Net cannot plan.
pub fn nnunet_plans(file: &NnUnetPlansFile) -> Result<Planned> {
    let fingerprint = Fingerprint::read(&file.fingerprint)?;
    let dataset = DatasetJson::read(&file.dataset)?;
    let dataset_name = file.dataset_name.clone();
    let options = nnunet::PlanOptions {
        dataset_name: dataset_name.unwrap_or_else(|| folder_name(&file.dataset)),
        plans_name: file.plans_name.clone(),
        gpu_memory_gb: file.gpu_memory_gb,
        target_spacing: file.target_spacing,
        suppress_transpose: file.suppress_transpose,
    };
    let planned = file.planner.plan(&fingerprint, &dataset, &options)?;
    let text = planned.plans.to_json()?;
    write_bytes_atomically(&file.target, text.as_bytes())?;
    Ok(planned)
}

/// The name of the folder that a file is in.
fn folder_name(file: &Path) -> String {
    let file = file.canonicalize().unwrap_or_else(|_| file.to_path_buf());
    let folder = file.parent().and_then(|folder| folder.file_name());
    folder.map_or("Dataset".to_owned(), |name| {
        name.to_string_lossy().into_owned()
    })
}
