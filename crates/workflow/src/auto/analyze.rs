//! A dataset checked and measured, from one reading of each case.

use super::{AutoEvent, Error, Observer, Result};
use std::path::{Path, PathBuf};
use vesalius_auto::{Analyzed, BrokenCases, Input, WorkFolder, analyze};
use vesalius_control::Control;
use vesalius_io::write_bytes_atomically;
use vesalius_planning::{Analysis, AnalysisOptions, Datalist, DatasetReport, FoldMethod, Splits};

/// How the cases of a list are assigned to folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoldRule {
    /// Every fold gets its share of each label and of large and small foregrounds; patients stay together.
    Stratified {
        /// Decides between equally good folds.
        seed: u64,
    },
    /// nnU-Net's folds: KFold with seed 12345 over sorted names.
    NnUnet,
    /// Auto3DSeg's folds: KFold with seed 0 in the list's order.
    Auto3dSeg,
}

/// What is measured and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalyzeOptions {
    /// Assign the cases to so many folds.
    pub folds: Option<(usize, FoldRule)>,
    /// Measure the usable cases although the dataset has errors.
    pub keep_going: bool,
    /// Count connected components.
    pub components: bool,
}

impl Default for AnalyzeOptions {
    fn default() -> Self {
        Self {
            folds: None,
            keep_going: false,
            components: true,
        }
    }
}

/// What an analysis found.
#[derive(Debug)]
pub struct AnalyzedList {
    /// The dataset's problems and cases.
    pub report: DatasetReport,
    /// Whether errors of the dataset ended the analysis after the report.
    pub refused: bool,
}

/// Analyses a list into a folder: dataset_report.json and, unless the dataset has errors,
/// dataset_fingerprint.json, datastats.yaml, datastats_by_case.yaml and, with folds, datalist.json and
/// splits_final.json.
///
/// # Errors
/// A folder that cannot be written, a failure of the machine while cases are read, folds that cannot be made.
pub fn analyze_list(
    list: &mut Datalist,
    output: impl AsRef<Path>,
    options: &AnalyzeOptions,
    control: &Control,
    observer: &Observer,
) -> Result<AnalyzedList> {
    let output = output.as_ref();
    let scheme = list.label_scheme().ok();
    let measured = AnalysisOptions {
        components: options.components,
    };
    observer(&AutoEvent::Reading {
        cases: list.cases.len(),
    });
    let analysis = Analysis::of(list, scheme.as_ref(), &measured, control)?;
    observer(&AutoEvent::AllRead);
    std::fs::create_dir_all(output).map_err(|source| Error::Folder {
        path: output.to_owned(),
        source,
    })?;
    let text = serde_json::to_string_pretty(&analysis.report)? + "\n";
    write_bytes_atomically(output.join("dataset_report.json"), text.as_bytes())?;
    let refused = analysis.report.has_errors() && !options.keep_going;
    if !refused {
        write(list, output, options, &analysis)?;
    }
    Ok(AnalyzedList {
        report: analysis.report,
        refused,
    })
}

/// What follows the report.
fn write(
    list: &mut Datalist,
    output: &Path,
    options: &AnalyzeOptions,
    analysis: &Analysis,
) -> Result<()> {
    if let Some(fingerprint) = &analysis.fingerprint {
        fingerprint.write(output.join("dataset_fingerprint.json"))?;
    }
    if let Some(statistics) = &analysis.statistics {
        statistics.write(output)?;
    }
    let Some((count, rule)) = options.folds else {
        return Ok(());
    };
    let method = match rule {
        FoldRule::Stratified { seed } => FoldMethod::Stratified {
            seed,
            cases: analysis.fold_cases(list),
        },
        FoldRule::NnUnet => FoldMethod::NnUnet,
        FoldRule::Auto3dSeg => FoldMethod::KFold { seed: 0 },
    };
    list.assign_folds(count, &method)?;
    list.write(output.join("datalist.json"))?;
    Splits::of(list)?.write(output.join("splits_final.json"))?;
    Ok(())
}

/// Begins a work folder with the analysis of its dataset; the report, and the folder of the analysis.
///
/// # Errors
/// An input or dataset that cannot be used, a folder that cannot be written.
pub fn begin(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    broken_cases: BrokenCases,
    control: &Control,
    observer: &Observer,
) -> Result<(DatasetReport, PathBuf)> {
    let (input, output) = (input.as_ref(), output.as_ref());
    let mut work = WorkFolder::open(output, Input::read(input)?)?;
    let analyzed = observed(&mut work, broken_cases, control, observer)?;
    Ok((analyzed.report, Analyzed::folder(&work)))
}

/// The analysis of a work folder's dataset, made where it is not there.
pub(super) fn observed(
    work: &mut WorkFolder,
    broken_cases: BrokenCases,
    control: &Control,
    observer: &Observer,
) -> Result<Analyzed> {
    observer(&AutoEvent::Reading {
        cases: work.list().cases.len(),
    });
    let analyzed = analyze(work, broken_cases, control)?;
    observer(&AutoEvent::AllRead);
    Ok(analyzed)
}
