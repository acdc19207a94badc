//! `vesalius predict`: an image or a folder of images through a trained model.

use super::Result;
use crate::interrupt::stop_flag;
use crate::output::JsonOutput;
use serde::Serialize;
use std::path::PathBuf;
use vesalius::inferers::Segmenter;
use vesalius::predict::{CaseResult, PredictOptions, find_cases, predict_cases};
use vesalius::tensor::parse_device;

/// Arguments of `vesalius predict`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The model folder
    #[arg(long)]
    model: PathBuf,
    /// An image, or a folder of images
    #[arg(long)]
    input: PathBuf,
    /// The folder to write segmentations to; for one image also a file name
    #[arg(long)]
    output: PathBuf,
    /// What computes: cpu, cuda[:n], wgpu[:n] or vulkan[:n]
    #[arg(long, default_value = "cpu")]
    device: String,
    /// Also write NAME_probabilities.nii.gz, one channel a class or region
    #[arg(long)]
    save_probabilities: bool,
    #[command(flatten)]
    json: JsonOutput,
}

#[derive(Serialize)]
struct Line {
    case: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    seconds: f64,
}

/// Segments every case; fails at the end when one could not be.
pub fn run(arguments: &Arguments) -> Result<()> {
    let device = parse_device(&arguments.device)?;
    let segmenter = Segmenter::open(&arguments.model, &device)?;
    let cases = find_cases(&arguments.input, segmenter.model().channels.len())?;
    let options = PredictOptions {
        save_probabilities: arguments.save_probabilities,
    };
    let stop = stop_flag();
    let total = cases.len();
    let results = predict_cases(
        &segmenter,
        &cases,
        &arguments.output,
        &options,
        &stop,
        |done, result| match &result.outcome {
            Ok(path) => eprintln!(
                "[{done}/{total}] {}: {} ({:.2} s)",
                result.name,
                path.display(),
                result.seconds
            ),
            Err(error) => eprintln!("[{done}/{total}] {}: error: {error}", result.name),
        },
    )?;
    let failed: Vec<&CaseResult> = results
        .iter()
        .filter(|result| result.outcome.is_err())
        .collect();
    let failures = failed
        .iter()
        .map(|result| result.name.as_str())
        .collect::<Vec<_>>()
        .join(", ");
    if !arguments.json.replaces_table() {
        println!(
            "{} of {total} segmented into {}",
            results.len() - failed.len(),
            arguments.output.display()
        );
    }
    let count = failed.len();
    let done = results.len();
    let lines: Vec<Line> = results
        .into_iter()
        .map(|result| Line {
            case: result.name,
            output: result.outcome.as_ref().ok().cloned(),
            error: result.outcome.err(),
            seconds: result.seconds,
        })
        .collect();
    arguments.json.write(&lines)?;
    if count > 0 {
        return Err(format!("{count} of {total} cases could not be segmented: {failures}").into());
    }
    if done < total {
        return Err(format!("stopped after {done} of {total} cases").into());
    }
    Ok(())
}
