//! `vesalius clinic check`.

use super::Result;
use std::path::{Path, PathBuf};
use vesalius::dicom::{ObjectCheck, Severity};
use vesalius::io::{ReadOptions, choose_series};

/// Arguments of `vesalius clinic check`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The objects: segmentations, contours, structured reports, secondary captures
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The DICOM series from which they were made: references and places are checked against it
    #[arg(long, value_name = "SERIES")]
    source: Option<PathBuf>,
    /// The series of --source, where it holds several: its UID, number or description
    #[arg(long, value_name = "SERIES", requires = "source")]
    source_series: Option<String>,
    /// A further object that they refer to, such as the segmentation of a report; may be given several times
    #[arg(long, value_name = "FILE")]
    related: Vec<PathBuf>,
}

/// Checks the objects; findings that are errors make the command fail.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut check = ObjectCheck::default();
    if let Some(source) = &arguments.source {
        let options = ReadOptions {
            series: arguments.source_series.clone(),
            ..ReadOptions::default()
        };
        check = check.source(&choose_series(source, &options)?)?;
    }
    let mut wrong = 0;
    for file in &arguments.files {
        // The objects of one command may refer to each other.
        let others = arguments.files.iter().chain(&arguments.related);
        let mut others = others.filter(|other| !is_same(other, file));
        let among = others.try_fold(check.clone(), |check, other| check.related(other));
        let findings = among?.check(file)?;
        let errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        wrong += usize::from(errors.count() > 0);
        if findings.is_empty() {
            out!("{}: nothing found", file.display());
        }
        for finding in findings {
            out!("{}: {finding}", file.display());
        }
    }
    match (wrong, arguments.files.len()) {
        (0, _) => Ok(()),
        (_, 1) => Err("the object has errors".into()),
        (wrong, all) => Err(format!("{wrong} of {all} objects have errors").into()),
    }
}

fn is_same(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}
