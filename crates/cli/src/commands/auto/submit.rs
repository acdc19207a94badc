//! `vesalius auto submit`: the stages as jobs of a cluster.

use super::plan::PlanArguments;
use crate::commands::Result;
use std::path::{Path, PathBuf};
use vesalius::cluster::{Manifest, SubmittedJob};
use vesalius::workflow::auto::cluster::{Submission, SubmitOptions, manifests, submit};

/// Arguments of `vesalius auto submit`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder, which all nodes see under this path
    work: PathBuf,
    /// The input, whose `slurm:` says what jobs ask for [default: the one that the work was begun with]
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Who runs the jobs
    #[arg(long, value_enum, default_value = "slurm")]
    executor: Executor,
    /// Write the scripts and submit nothing
    #[arg(long)]
    dry_run: bool,
    /// Minutes of each run [default: the plans' lengths]
    #[arg(long, value_parser = crate::values::positive, allow_hyphen_values = true)]
    minutes: Option<f64>,
    /// The folds to train, with commas between them [default: all]
    #[arg(long, value_delimiter = ',')]
    folds: Option<Vec<usize>>,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    #[command(flatten)]
    plan: PlanArguments,
    /// Kubernetes: the container image
    #[arg(long, default_value = "vesalius")]
    image: String,
    /// Kubernetes: the claim of the volume that holds work folder and data
    #[arg(long, default_value = "vesalius")]
    claim: String,
    /// Kubernetes: where that volume is mounted
    #[arg(long, default_value = "/data")]
    mount: String,
    /// Kubernetes: GPUs of a job
    #[arg(long, default_value_t = 0)]
    gpus: u32,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Executor {
    /// Jobs of Slurm
    Slurm,
    /// Manifests of Kubernetes, which are written and not applied
    Kubernetes,
}

/// What both executors run.
pub fn options(
    device: &str,
    minutes: Option<f64>,
    folds: Option<&Vec<usize>>,
    plan: &PlanArguments,
) -> Result<SubmitOptions> {
    let program = std::env::current_exe()
        .map_err(|error| format!("the path of this program is not known: {error}"))?;
    Ok(SubmitOptions {
        program,
        device: device.to_owned(),
        minutes,
        folds: folds.cloned(),
        plan: plan.stage(),
        dry_run: false,
    })
}

/// Submits, and prints what was submitted.
pub fn run(arguments: &Arguments) -> Result<()> {
    let folds = arguments.folds.as_ref();
    let mut options = options(&arguments.device, arguments.minutes, folds, &arguments.plan)?;
    options.dry_run = arguments.dry_run;
    let input = arguments.input.as_deref();
    if arguments.executor == Executor::Kubernetes {
        return kubernetes(arguments, options);
    }
    tell(&submit(&arguments.work, input, &options)?, &arguments.work);
    Ok(())
}

/// Prints what was submitted.
pub fn tell(submission: &Submission, work: &Path) {
    let work = work.display();
    match submission {
        Submission::Jobs(jobs) => {
            jobs.iter().for_each(|job| out!("{}", line(job)));
            out!("`vesalius auto status {work}` shows how they stand");
        }
        Submission::Scripts(scripts) => {
            scripts.iter().for_each(|path| out!("{}", path.display()));
        }
        Submission::Open(jobs) => {
            out!("nothing was submitted: jobs of an earlier submission have not ended");
            jobs.iter().for_each(|job| out!("{}", line(job)));
        }
        Submission::Nothing => out!("nothing is left to do"),
        _ => {}
    }
}

fn line(job: &SubmittedJob) -> String {
    match job.elements.len() {
        0 => format!("{}: job {}", job.stage, job.id),
        count => format!("{}: job {} of {count} elements", job.stage, job.id),
    }
}

fn kubernetes(arguments: &Arguments, mut options: SubmitOptions) -> Result<()> {
    if !arguments.dry_run {
        return Err("manifests are written, not applied: add --dry-run, and apply them with kubectl, each once the one before has ended".into());
    }
    // The path within the image.
    options.program = "vesalius".into();
    let of = Manifest {
        name: arguments
            .work
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        image: arguments.image.clone(),
        claim: arguments.claim.clone(),
        mount: arguments.mount.clone(),
        memory: None,
        cpus: None,
        gpus: arguments.gpus,
    };
    let files = manifests(&arguments.work, arguments.input.as_deref(), &options, &of)?;
    files.iter().for_each(|path| out!("{}", path.display()));
    Ok(())
}
