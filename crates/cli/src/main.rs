//! The `vesalius` command: parses arguments, prints, and nothing else.
//!
//! Results go to stdout, progress and logs to stderr; exit code 0, 1 (failed), 2 (usage), 75 (stopped by a
//! signal and saved: the same command goes on).

#![deny(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod print;
mod again;
mod arguments;
mod combination;
mod commands;
mod help;
mod input;
mod interrupt;
mod kind;
mod output;
mod progress;
mod remedy;
mod stages;
mod target;
mod values;
mod warnings;
mod wording;

use clap::{Parser, Subcommand};
use std::process::ExitCode;
use vesalius::io::RefusedImage;

/// The heading of options that all commands have.
const EVERYWHERE: &str = "Options of all commands";

/// Medical image segmentation from the scan to the result.
#[derive(Parser)]
#[command(
    name = "vesalius",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Arguments {
    /// Treat every warning as an error: a file or dataset that needed a decision is refused
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    strict: bool,
    /// Print results, warnings and errors alone: no progress, no notes
    #[arg(long, global = true, help_heading = EVERYWHERE, conflicts_with = "verbose")]
    quiet: bool,
    /// Print each stage of the work as it begins
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    verbose: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Size, spacing, origin, direction, type and series of an image, or of all in a folder
    Info(commands::info::Arguments),
    /// Write any readable image in the format of another file name, geometry kept
    Convert(commands::convert::Arguments),
    /// Bring an image to another spacing or to the grid of another image
    Resample(commands::resample::Arguments),
    /// A picture of an image, with labels drawn over it
    View(commands::view::Arguments),
    /// One operation of the library on files: smoothing, morphology, components and more
    Filter(commands::filter::Arguments),
    /// Apply a chain of transforms to files: see an augmentation before training with it
    Transform(commands::transform::Arguments),
    /// Train a model
    Train(commands::train::Arguments),
    /// Segment an image, a folder or a list of images with a trained model, ours or nnU-Net's
    Predict(commands::predict::Arguments),
    /// Put saved probabilities of several models together
    Ensemble(commands::ensemble::Arguments),
    /// Results as the DICOM objects that a PACS stores: segmentations, contours
    Clinic(commands::clinic::Arguments),
    /// Scans from the archive of a hospital (PACS) and results to it: echo, find, get, move, send
    Pacs(commands::pacs::Arguments),
    /// Models as a service, with a web page: drop a scan, look, correct, download
    Serve(commands::serve::Arguments),
    /// Score segmentations against references
    Evaluate(commands::evaluate::Arguments),
    /// From a folder of scans to a model: analyze, plan, train, ensemble, report, or stage by stage
    Auto(commands::auto::Arguments),
    /// Public datasets: list them, download one
    Data(commands::data::Arguments),
    /// Networks, weights and model folders: look into them, convert and join them, run one on a raw tensor
    Model(commands::model::Arguments),
    /// What this machine can do, and how fast: begin a report of a problem with it
    Doctor(commands::doctor::Arguments),
    /// A script that completes commands and options in a shell
    Completions(commands::completions::Arguments),
    /// Write a manual page for each command
    Man(commands::man::Arguments),
}

impl Command {
    /// Its first word.
    fn name(&self) -> &'static str {
        match self {
            Self::Info(_) => "info",
            Self::Convert(_) => "convert",
            Self::Resample(_) => "resample",
            Self::View(_) => "view",
            Self::Filter(_) => "filter",
            Self::Transform(_) => "transform",
            Self::Train(_) => "train",
            Self::Predict(_) => "predict",
            Self::Ensemble(_) => "ensemble",
            Self::Clinic(_) => "clinic",
            Self::Pacs(_) => "pacs",
            Self::Serve(_) => "serve",
            Self::Evaluate(_) => "evaluate",
            Self::Auto(_) => "auto",
            Self::Data(_) => "data",
            Self::Model(_) => "model",
            Self::Doctor(_) => "doctor",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
        }
    }
}

/// Lets `vesalius … | head` end quietly, as other commands do: Rust ignores the signal of a closed pipe
/// and would panic at the next line printed.
#[cfg(unix)]
fn end_with_a_closed_pipe() {
    // SAFETY: nothing else runs yet, and the default action is a handler that always exists.
    unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
}

#[cfg(not(unix))]
fn end_with_a_closed_pipe() {}

/// Backends panic in their search thread when a driver is missing; the error that follows is clearer.
fn keep_quiet_about_missing_drivers() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if std::thread::current().name() != Some(vesalius::tensor::DEVICE_SEARCH_THREAD) {
            usual(panic);
        }
    }));
}

fn main() -> ExitCode {
    end_with_a_closed_pipe();
    keep_quiet_about_missing_drivers();
    let arguments: Arguments = arguments::parsed();
    if arguments.strict {
        warnings::set_strict();
    }
    print::set(arguments.quiet, arguments.verbose);
    stages::begin();
    interrupt::install();
    let name = arguments.command.name();
    let result = match arguments.command {
        Command::Info(arguments) => commands::info::run(&arguments),
        Command::Convert(arguments) => commands::convert::run(&arguments),
        Command::Resample(arguments) => commands::resample::run(&arguments),
        Command::View(arguments) => commands::view::run(&arguments),
        Command::Filter(arguments) => commands::filter::run(&arguments),
        Command::Transform(arguments) => commands::transform::run(&arguments),
        Command::Train(arguments) => commands::train::run(&arguments),
        Command::Predict(arguments) => commands::predict::run(&arguments),
        Command::Ensemble(arguments) => commands::ensemble::run(&arguments),
        Command::Clinic(arguments) => commands::clinic::run(&arguments),
        Command::Pacs(arguments) => commands::pacs::run(&arguments),
        Command::Serve(arguments) => commands::serve::run(&arguments),
        Command::Evaluate(arguments) => commands::evaluate::run(&arguments),
        Command::Auto(arguments) => commands::auto::run(&arguments),
        Command::Data(arguments) => commands::data::run(&arguments),
        Command::Model(arguments) => commands::model::run(&arguments),
        Command::Doctor(arguments) => commands::doctor::run(&arguments),
        Command::Completions(arguments) => commands::completions::run(&arguments),
        Command::Man(arguments) => commands::man::run(&arguments),
    };
    match result
        .and_then(|()| Ok(warnings::finish()?))
        .and_then(|()| print::finish())
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) if interrupt::was_stopped() => {
            complain!("error: {}", interrupt::STOPPED);
            ExitCode::FAILURE
        }
        Err(error) => {
            let code = interrupt::exit_code();
            complain!("error: {error}");
            remedy::tell(RefusedImage::of(error.as_ref()).as_ref(), name);
            code
        }
    }
}
