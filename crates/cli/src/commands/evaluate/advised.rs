//! What to do where predictions and references do not fit, as commands that run.

use crate::again::{command, this_command};
use std::ffi::OsString;
use std::path::Path;
use vesalius::evaluate::{Error, GridMismatch};
use vesalius::io::strip_extension;

/// What went wrong, with the commands that help, as they run.
pub fn advised(error: Error, prediction: &Path) -> Box<dyn std::error::Error> {
    match &error {
        Error::Confidence(found) => {
            format!("`--confidence {found}`: expected 0 to less than 1").into()
        }
        Error::Lone {
            lone, references, ..
        } => {
            let missing = match lone.references.len() {
                0 => String::new(),
                n => format!(
                    "{}: no prediction for {n} of {references} references\n",
                    prediction.display()
                ),
            };
            format!(
                "{missing}{error}\n  score what is there, a missing prediction as missed: {}",
                this_command(&["--allow-missing"])
            )
            .into()
        }
        Error::Grids(mismatches) => {
            let mut text = format!(
                "{error}\n  score on the references' grids: {}",
                this_command(&["--match-grids"])
            );
            for m in mismatches {
                let beside = match prediction.is_dir() {
                    // In the folder it would be a prediction without a reference.
                    true => prediction,
                    false => &m.prediction,
                };
                let command = resampling(m, beside);
                text.push_str(&format!("\n  or resample the labels first: {command}"));
            }
            text.into()
        }
        _ => error.into(),
    }
}

/// The command that resamples a prediction to its reference's grid, as a new file next to a path.
fn resampling(m: &GridMismatch, beside: &Path) -> String {
    let stem = strip_extension(&m.prediction);
    let output = beside.with_file_name(format!("{stem}_on_reference.nii.gz"));
    let words: [OsString; 6] = [
        "resample".into(),
        m.prediction.clone().into(),
        output.into(),
        "--like".into(),
        m.reference.clone().into(),
        "--labels".into(),
    ];
    command(words)
}
