//! `vesalius auto predict`: the cases of the list that nobody labelled, or any others, through the model
//! that the work ended with.

use crate::commands::Result;
use crate::interrupt::stop_flag;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use vesalius::auto::{Work, predictions_folder, renew_predictions};
use vesalius::inferers::Segmenter;
use vesalius::predict::{InputCase, PredictOptions, Progress, find_cases, predict_cases};
use vesalius::tensor::parse_device;

/// Arguments of `vesalius auto predict`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The work folder
    work: PathBuf,
    /// Images to segment [default: the cases under `testing` in the list]
    #[arg(long)]
    input: Option<PathBuf>,
    /// The folder to write to [default: `predictions` in the work folder, whose results are made again when
    /// the work's model has changed]
    #[arg(long)]
    output: Option<PathBuf>,
    /// Segment cases again whose result is there
    #[arg(long)]
    overwrite: bool,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
}

/// Segments and says how many.
pub fn run(arguments: &Arguments) -> Result<()> {
    let work = Work::reopen(&arguments.work)?;
    let cases = match &arguments.input {
        Some(input) => {
            let found = find_cases(input, work.list().channels.len())?;
            let left_out: Vec<String> = found.left_out.iter().map(ToString::to_string).collect();
            if !left_out.is_empty() {
                return Err(format!(
                    "{}: {} of the input are not whole: {}; complete or remove them, or use `vesalius predict --allow-missing` with the model of the work folder",
                    input.display(),
                    left_out.len(),
                    left_out.join("; ")
                )
                .into());
            }
            Some(found.cases)
        }
        None if work.list().testing.is_empty() => {
            return Err(format!(
                "{}: names no case without labels under `testing`; name images with --input",
                work.list().path.display()
            )
            .into());
        }
        None => None,
    };
    let to = Target {
        folder: arguments.output.as_deref(),
        overwrite: arguments.overwrite,
    };
    let stop = stop_flag();
    match cases {
        Some(cases) => segment(&work, &cases, &to, &arguments.device, &stop),
        None => segment(&work, &listed(&work), &to, &arguments.device, &stop),
    }
}

/// Where results go.
#[derive(Default)]
struct Target<'a> {
    /// `None` for the work folder's own.
    folder: Option<&'a Path>,
    overwrite: bool,
}

/// Segments the cases of the list without labels into the work folder; nothing to do where it has none.
pub fn predict(work: &Work, device: &str, stop: &Arc<AtomicBool>) -> Result<()> {
    segment(work, &listed(work), &Target::default(), device, stop)
}

fn listed(work: &Work) -> Vec<InputCase> {
    let testing = work.list().testing.iter();
    testing
        .map(|case| InputCase {
            name: case.name.clone(),
            files: case.images.clone(),
        })
        .collect()
}

fn segment(
    work: &Work,
    cases: &[InputCase],
    to: &Target,
    device: &str,
    stop: &Arc<AtomicBool>,
) -> Result<()> {
    if cases.is_empty() {
        return Ok(());
    }
    let model = work.folder().join("model");
    let segmenter = Segmenter::open(&model, &parse_device(device)?)?;
    let own = predictions_folder(work);
    if to.folder.is_none() {
        let old = renew_predictions(work)?;
        if old > 0 {
            note!("the model has changed: {old} predictions are made again");
        }
    }
    let output = to.folder.unwrap_or(&own);
    let total = cases.len();
    let observer = |progress: &Progress| {
        if let Progress::Done { done, result } = progress {
            match &result.outcome {
                Ok(path) => note!("[{done}/{total}] {}", path.display()),
                Err(error) => note!("[{done}/{total}] {}: error: {error}", result.name),
            }
        }
    };
    let options = PredictOptions {
        overwrite: to.overwrite,
        ..PredictOptions::default()
    };
    let results = predict_cases(&segmenter, cases, output, &options, stop, observer)?;
    let failed = results
        .iter()
        .filter(|result| result.outcome.is_err())
        .count();
    out!(
        "predictions: {} of {total} cases in {}",
        results.len() - failed,
        output.display()
    );
    match results.len() == total && failed == 0 {
        true => Ok(()),
        false => Err(format!(
            "{} of {total} cases were not segmented",
            total + failed - results.len()
        )
        .into()),
    }
}
