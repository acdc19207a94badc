//! `vesalius auto`: from a folder of scans to a model, stage by stage or all at once.

mod analyze;
mod data;
mod ensemble;
mod events;
mod plan;
mod predict;
mod report;
mod run;
mod status;
mod submit;
mod task;
mod train;
mod transfer;
mod tune;

use super::Result;

/// Arguments of `vesalius auto`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    stage: Stage,
}

#[derive(clap::Subcommand)]
enum Stage {
    /// Every stage, from the input to the model and its report; continues where it was interrupted
    Run(run::Arguments),
    /// Check a dataset and measure it: problems, nnU-Net's fingerprint, Auto3DSeg's statistics, folds
    Analyze(analyze::Arguments),
    /// Plan what is trained, with a reason for every choice; or make nnU-Net's own plans file
    Plan(plan::Arguments),
    /// Train every plan on every fold, and segment what each did not see
    Train(train::Arguments),
    /// Search better settings for a plan
    Tune(tune::Arguments),
    /// Choose the ensemble that segments unseen cases best, and write it as a model folder
    Ensemble(ensemble::Arguments),
    /// Segment the cases without labels
    Predict(predict::Arguments),
    /// Write report.html and report.json
    Report(report::Arguments),
    /// Submit what is not done yet as jobs of a cluster
    Submit(submit::Arguments),
    /// Run one stage, or one element of it, as a job of a cluster does
    Task(task::Arguments),
    /// How the runs of a work folder and its jobs stand
    Status(status::Arguments),
    /// Take the jobs of a work folder out of the queue, and end those that run, which save first
    Cancel(status::CancelArguments),
    /// Copy the trained models with their history to a folder that another machine can import
    Export(transfer::ExportArguments),
    /// Take the trained models of an export into a work folder
    Import(transfer::ImportArguments),
}

/// Runs a stage.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.stage {
        Stage::Run(arguments) => run::run(arguments),
        Stage::Analyze(arguments) => analyze::run(arguments),
        Stage::Plan(arguments) => plan::run(arguments),
        Stage::Train(arguments) => train::run(arguments),
        Stage::Tune(arguments) => tune::run(arguments),
        Stage::Predict(arguments) => predict::run(arguments),
        Stage::Ensemble(arguments) => ensemble::run(arguments),
        Stage::Report(arguments) => report::run(arguments),
        Stage::Submit(arguments) => submit::run(arguments),
        Stage::Task(arguments) => task::run(arguments),
        Stage::Status(arguments) => status::run(arguments),
        Stage::Cancel(arguments) => status::cancel(arguments),
        Stage::Export(arguments) => transfer::export(arguments),
        Stage::Import(arguments) => transfer::import(arguments),
    }
}
