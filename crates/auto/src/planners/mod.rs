//! From an analysed dataset to plans that can be trained: nnU-Net's, Auto3DSeg's, one of Vesalius's own that measures
//! the machine's speed, and those that a program registers. Each gives a training config and a sentence for every
//! choice.

mod auto3dseg;
mod axes;
#[cfg(test)]
mod cancelled;
mod candidate;
mod custom;
#[cfg(test)]
mod made;
mod measured;
#[cfg(test)]
mod minutes;
mod nnunet;
#[cfg(test)]
mod odd;
mod probe;
#[cfg(test)]
mod table;
mod task;
mod template;

use crate::{Analyzed, Error, Plan, Result, WorkFolder};
pub use custom::{CustomPlanner, PlanRequest, RegisterPlanner};
use task::Task;
use vesalius_control::Control;
use vesalius_planning::nnunet::Planner;
use vesalius_tensor::Device;

/// The algorithm that is planned where none is named.
pub const DEFAULT_ALGORITHM: &str = "vesalius";

/// Options of planning.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// Algorithms to plan, in place of the input's `algos`: built-in ones ([`algorithms`]), or those of planners in
    /// the work's [`vesalius_registry::Registry`].
    pub algorithms: Vec<String>,
    /// Minutes of training for all runs together; without them nnU-Net's and Auto3DSeg's own numbers of steps.
    pub minutes: Option<f64>,
    /// Memory for training in GB: the GPU's, or what may be used of the machine's. The planners of nnU-Net and Auto3DSeg
    /// fill it; without it they plan for the card they were written for.
    pub memory_gb: Option<f64>,
    /// What will train.
    pub device: Device,
    /// Cancels planning.
    pub control: Control,
}

impl Default for PlanOptions {
    fn default() -> Self {
        Self {
            algorithms: Vec::new(),
            minutes: None,
            memory_gb: None,
            device: Device::flex(),
            control: Control::new(),
        }
    }
}

/// The names of all built-in algorithms that can be planned.
///
/// ```
/// let names = vesalius_auto::algorithms();
/// assert_eq!(names[0], vesalius_auto::DEFAULT_ALGORITHM);
/// assert!(names.iter().any(|name| name == "nnunet_3d_fullres"));
/// ```
pub fn algorithms() -> Vec<String> {
    let mut names = vec![DEFAULT_ALGORITHM.to_owned()];
    names.extend(auto3dseg::NAMES.map(str::to_owned));
    for (planner, _) in Planner::ALL {
        for configuration in nnunet::CONFIGURATIONS {
            names.push(format!("{planner}_{configuration}"));
        }
    }
    names
}

/// Plans the algorithms that are not planned yet and writes them into the work folder; plans that are
/// there, made earlier or by hand, stay as they are. With no algorithm named and no plan there, our own
/// is planned.
///
/// # Errors
/// An algorithm that is not known, with the nearest that is; one that this dataset has no use for, with
/// the reason; [`Error::Cancelled`].
pub fn plan(work: &WorkFolder, analyzed: &Analyzed, options: &PlanOptions) -> Result<Vec<Plan>> {
    let folder = work.plans_folder();
    crate::work::create(&folder)?;
    let named = match options.algorithms.is_empty() {
        true => &work.input().algos,
        false => &options.algorithms,
    };
    let wanted: Vec<String> = match (
        named.is_empty(),
        Plan::read_all_with(&folder, work.registry()),
    ) {
        (false, _) => named.clone(),
        (true, Ok(there)) => return Ok(there),
        // A plan that cannot be read must not be planned over.
        (true, Err(e)) if holds_plans(&folder) => return Err(e),
        (true, Err(_)) => vec![DEFAULT_ALGORITHM.to_owned()],
    };
    let task = Task::of(work, analyzed, options, wanted.len())?;
    for name in &wanted {
        options.control.check()?;
        if !Plan::path(&folder, name).exists() {
            crate::planned::write(&one(&task, name)?, &folder)?;
        }
    }
    Plan::read_all_with(&folder, work.registry())
}

fn holds_plans(folder: &std::path::Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|entries| {
        entries
            .flatten()
            .any(|entry| entry.path().extension().is_some_and(|e| e == "yaml"))
    })
}

fn one(task: &Task, name: &str) -> Result<Plan> {
    let registry = task.work.registry();
    if custom::is_one(registry, name) {
        return custom::plan(task, name);
    }
    if name == DEFAULT_ALGORITHM {
        return measured::plan(task, name);
    }
    if auto3dseg::NAMES.contains(&name) {
        return auto3dseg::plan(task, name);
    }
    // The longest first: `nnunet` begins the others' names.
    let mut planners = Planner::ALL;
    planners.sort_by_key(|(planner, _)| std::cmp::Reverse(planner.len()));
    for (prefix, planner) in planners {
        let configuration = name.strip_prefix(prefix).and_then(|n| n.strip_prefix('_'));
        if let Some(configuration) = configuration
            && nnunet::CONFIGURATIONS.contains(&configuration)
        {
            return nnunet::plan(task, name, planner, configuration);
        }
    }
    Err(unknown(task.work, name))
}

/// Refuses a name without a planner, before the time of an analysis; `named` is empty for the input's.
///
/// # Errors
/// As [`plan`] of an algorithm that is not known.
pub fn check_algorithms(work: &WorkFolder, named: &[String]) -> Result<()> {
    let (folder, registry) = (work.plans_folder(), work.registry());
    let named = match named.is_empty() {
        true => &work.input().algos,
        false => named,
    };
    let known = algorithms();
    let planned = |name: &String| {
        known.contains(name) || custom::is_one(registry, name) || Plan::path(&folder, name).exists()
    };
    match named.iter().find(|name| !planned(name)) {
        Some(name) => Err(unknown(work, name)),
        None => Ok(()),
    }
}

/// An algorithm that nothing plans.
fn unknown(work: &WorkFolder, name: &str) -> Error {
    let registry = work.registry();
    let mut known = algorithms();
    let registered = registry.names::<dyn CustomPlanner>();
    known.extend(registered.into_iter().map(str::to_owned));
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    let nearest = vesalius_transforms::nearest_name(name, &names);
    let hint = match (name, nearest) {
        ("dints", _) => "DiNTS searches an architecture of its own, which is not trained here; take `segresnet` or `nnunet_resenc_m_3d_fullres` in its place".to_owned(),
        (_, Some(nearest)) => format!("did you mean `{nearest}`?"),
        (_, None) => format!("expected one of {}", known.join(", ")),
    };
    let folder = work.plans_folder();
    let own = Plan::read_all_with(&folder, registry).unwrap_or_default();
    let own: Vec<&str> = own.iter().map(Plan::name).collect();
    let own = match own.is_empty() {
        true => String::new(),
        false => format!("; plans of your own are {}", own.join(", ")),
    };
    Error::Plan {
        path: folder,
        reason: format!("no planner knows the algorithm `{name}`; {hint}{own}"),
    }
}
