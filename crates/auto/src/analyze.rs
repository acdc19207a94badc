//! Checks a dataset, and computes the statistics that planners use. The result is written to the work folder, so
//! that a later process reads it and does not compute it again.

use crate::work::{create, problem};
use crate::{Error, Result, WorkFolder};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_planning::auto3dseg::DataStatistics;
use vesalius_planning::nnunet::Fingerprint;
use vesalius_planning::{Analysis, AnalysisOptions, DatasetReport, Severity};

const REPORT: &str = "dataset_report.json";
const FINGERPRINT: &str = "dataset_fingerprint.json";
const STATISTICS: &str = "datastats_by_case.yaml";
/// The hash of the dataset's files from which the analysis was made.
const DATA: &str = "made_from.json";

/// The analysis of a dataset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Analyzed {
    /// Problems, and the facts of each case.
    pub report: DatasetReport,
    /// nnU-Net's fingerprint.
    pub fingerprint: Fingerprint,
    /// Auto3DSeg's statistics.
    pub statistics: DataStatistics,
}

impl Analyzed {
    /// The folder `analysis` of a work folder, which has the files of the analysis.
    pub fn folder(work: &WorkFolder) -> PathBuf {
        work.folder().join("analysis")
    }

    /// The result of an earlier analysis in this work folder. `None` if there is none, if it is incomplete, or if
    /// files of cases have changed since.
    pub fn read(work: &WorkFolder) -> Option<Self> {
        let folder = Self::folder(work);
        // Without this file, as earlier versions left it, the analysis is taken as it is.
        let data = std::fs::read_to_string(folder.join(DATA)).ok();
        if data.is_some_and(|data| data != work.contents().hash()) {
            return None;
        }
        let report = std::fs::read_to_string(folder.join(REPORT)).ok()?;
        Some(Self {
            report: serde_json::from_str(&report).ok()?,
            fingerprint: Fingerprint::read(folder.join(FINGERPRINT)).ok()?,
            statistics: DataStatistics::read(folder.join(STATISTICS)).ok()?,
        })
    }
}

/// What [`analyze`] does if the dataset has errors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenCases {
    /// Returns [`Error::Dataset`].
    #[default]
    Refuse,
    /// Leaves out the cases that the errors name, in all later stages too; the report lists them. Errors of the
    /// dataset as a whole do not stop the work.
    LeaveOut,
}

/// Checks the dataset of a work folder and writes the result to [`Analyzed::folder`], or reads the result of an
/// earlier call. The stage `cases` of the control counts the cases that are read.
///
/// # Errors
/// [`Error::Dataset`] if the dataset has errors and `broken_cases` is [`BrokenCases::Refuse`], or if no case can be
/// used; [`Error::System`], [`Error::Io`] or [`Error::Planning`] for a file or folder that cannot be written;
/// [`Error::Cancelled`].
pub fn analyze(
    work: &mut WorkFolder,
    broken_cases: BrokenCases,
    control: &Control,
) -> Result<Analyzed> {
    let folder = Analyzed::folder(work);
    let found = match Analyzed::read(work) {
        Some(found) => found,
        None => measure(work, &folder, control)?,
    };
    let broken = broken(work, &found.report);
    if broken_cases == BrokenCases::Refuse && (!broken.is_empty() || dataset_wide(&found)) {
        return Err(Error::Dataset {
            path: folder.join(REPORT),
            reason: format!(
                "the dataset has errors; repair them, or go on with the cases that can be used by `BrokenCases::LeaveOut`\n{}",
                found.report
            ),
        });
    }
    if !broken.is_empty() {
        work.leave_out(&broken)?;
    }
    Ok(found)
}

/// The cases of the work folder that errors of the report name.
fn broken(work: &WorkFolder, report: &DatasetReport) -> Vec<String> {
    let errors = report
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let named: BTreeSet<&String> = errors.flat_map(|problem| &problem.cases).collect();
    let cases = work.list().cases.iter().map(|case| &case.name);
    cases.filter(|name| named.contains(name)).cloned().collect()
}

/// Whether there is an error of the dataset as a whole, which names no case.
fn dataset_wide(found: &Analyzed) -> bool {
    let problems = &found.report.problems;
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error && problem.cases.is_empty())
}

fn measure(work: &WorkFolder, folder: &Path, control: &Control) -> Result<Analyzed> {
    let scheme = work.label_scheme()?;
    let options = AnalysisOptions::default();
    let analysis = Analysis::of(work.list(), Some(&scheme), &options, control)?;
    create(folder)?;
    let report_path = folder.join(REPORT);
    let text = serde_json::to_string_pretty(&analysis.report)
        .map_err(|e| problem(&report_path, &e.to_string()))?;
    vesalius_io::write_bytes_atomically(&report_path, text.as_bytes())?;
    let (Some(fingerprint), Some(statistics)) = (analysis.fingerprint, analysis.statistics) else {
        return Err(Error::Dataset {
            path: report_path,
            reason: format!(
                "no case can be used for planning: none has both a readable image and a labelled voxel\n{}",
                analysis.report
            ),
        });
    };
    fingerprint.write(folder.join(FINGERPRINT))?;
    statistics.write(folder)?;
    // Written last: if an analysis of changed files is interrupted, the hash of the earlier one does not match.
    let data = work.contents().hash();
    vesalius_io::write_bytes_atomically(folder.join(DATA), data.as_bytes())?;
    Ok(Analyzed {
        report: analysis.report,
        fingerprint,
        statistics,
    })
}
