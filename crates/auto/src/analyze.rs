//! Checks a dataset once: problems that stop the work or become warnings, and the numbers that plans are made from.
//! A later process reads the result.

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
/// The hash of the dataset's files that the analysis is of.
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
    /// The folder in a work folder.
    pub fn folder(work: &WorkFolder) -> PathBuf {
        work.folder().join("analysis")
    }

    /// What an earlier analysis of this work left; `None` where there was none, it is not whole, or files of
    /// cases have changed since.
    pub fn read(work: &WorkFolder) -> Option<Self> {
        let folder = Self::folder(work);
        // An analysis of an earlier version has no file states.
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

/// What happens with a dataset in which errors are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenCases {
    /// It is refused.
    #[default]
    Refuse,
    /// The cases that errors name are left out of the work from now on; the report names them.
    LeaveOut,
}

/// Checks the dataset of a work folder, or reads the result of an earlier call; the stage `cases` of the control counts
/// the cases that are read.
///
/// # Errors
/// [`Error::Dataset`] when the dataset has errors and [`BrokenCases::Refuse`] is set, or no case can be used; a
/// folder that cannot be written; [`Error::Cancelled`].
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
                "the dataset has errors; repair them, or go on with the cases that can be used with --keep-going\n{}",
                found.report
            ),
        });
    }
    if !broken.is_empty() {
        work.leave_out(&broken)?;
    }
    Ok(found)
}

/// The cases of the work that an error names.
fn broken(work: &WorkFolder, report: &DatasetReport) -> Vec<String> {
    let errors = report
        .problems
        .iter()
        .filter(|problem| problem.severity == Severity::Error);
    let named: BTreeSet<&String> = errors.flat_map(|problem| &problem.cases).collect();
    let cases = work.list().cases.iter().map(|case| &case.name);
    cases.filter(|name| named.contains(name)).cloned().collect()
}

/// Whether there is an error that concerns no case in particular.
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
    // Last, so that an interrupted analysis is not used.
    let data = work.contents().hash();
    vesalius_io::write_bytes_atomically(folder.join(DATA), data.as_bytes())?;
    Ok(Analyzed {
        report: analysis.report,
        fingerprint,
        statistics,
    })
}
