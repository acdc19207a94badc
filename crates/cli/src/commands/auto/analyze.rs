//! `vesalius auto analyze`: a dataset looked over and measured, from one reading of each case.

use super::Result;
use super::data::DataArguments;
use crate::output::JsonOutput;
use crate::progress::CaseProgress;
use crate::remedy;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use vesalius::auto::{Analyzed, Input, Work, analyze};
use vesalius::io::write_bytes_atomically;
use vesalius::planning::{Analysis, AnalysisOptions, Datalist, DatasetReport, FoldMethod, Splits};

/// Arguments of `vesalius auto analyze`.
#[derive(clap::Args)]
pub struct Arguments {
    /// An input file as of `auto run`: begins a work folder, `--output`, and writes into its `analysis`
    #[arg(conflicts_with_all = ["data", "images", "folds"])]
    input: Option<PathBuf>,
    #[command(flatten)]
    data: DataArguments,
    /// The folder to write into: dataset_report.json, dataset_fingerprint.json, datastats.yaml,
    /// datastats_by_case.yaml and, with --folds, datalist.json and splits_final.json
    #[arg(long)]
    output: PathBuf,
    /// Deal the cases to so many folds
    #[arg(long)]
    folds: Option<usize>,
    /// How the folds are dealt
    #[arg(long, value_enum, default_value_t = Method::Stratified, requires = "folds")]
    fold_method: Method,
    /// The seed of stratified folds
    #[arg(long, default_value_t = 0, requires = "folds")]
    seed: u64,
    /// Measure the usable cases although the dataset has errors
    #[arg(long)]
    keep_going: bool,
    /// Leave out counting connected components
    #[arg(long)]
    no_components: bool,
    #[command(flatten)]
    json: JsonOutput,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    /// Every fold gets its share of each label and of large and small foregrounds; patients stay together
    Stratified,
    /// nnU-Net's five folds: KFold with seed 12345 over sorted names
    Nnunet,
    /// Auto3DSeg's folds: KFold with seed 0 in the list's order
    Auto3dseg,
}

/// Checks, measures, writes and prints.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(input) = &arguments.input {
        return begin(arguments, input);
    }
    let mut list = arguments.data.read()?;
    let scheme = list.label_scheme().ok();
    if scheme.is_none() {
        note!("the list names no labels; every label value is accepted");
    }
    let options = AnalysisOptions {
        components: !arguments.no_components,
    };
    let progress = CaseProgress::new(list.cases.len());
    let analysis = Analysis::of(&list, scheme.as_ref(), &options, || progress.advance())?;
    drop(progress);
    std::fs::create_dir_all(&arguments.output)
        .map_err(|e| format!("{}: cannot be made: {e}", arguments.output.display()))?;
    let report = serde_json::to_string_pretty(&analysis.report)? + "\n";
    write_bytes_atomically(
        arguments.output.join("dataset_report.json"),
        report.as_bytes(),
    )?;
    if !arguments.json.replaces_table() {
        print(&analysis.report);
    }
    arguments.json.write(&analysis.report)?;
    if analysis.report.has_errors() && !arguments.keep_going {
        return Err(format!(
            "{} has errors; repair them, or measure what is usable with --keep-going",
            list.path.display()
        )
        .into());
    }
    if let Some(fingerprint) = &analysis.fingerprint {
        fingerprint.write(&arguments.output.join("dataset_fingerprint.json"))?;
    }
    if let Some(statistics) = &analysis.statistics {
        statistics.write(&arguments.output)?;
    }
    if let Some(count) = arguments.folds {
        deal(arguments, count, &analysis, &mut list)?;
    }
    Ok(())
}

fn print(report: &DatasetReport) {
    crate::print::to_stdout(format_args!("{report}"));
    for problem in &report.problems {
        remedy::tell(problem.refused.as_ref(), "auto");
    }
}

/// Begins a work folder with its analysis.
fn begin(arguments: &Arguments, input: &Path) -> Result<()> {
    let mut work = Work::open(&arguments.output, Input::read(input)?)?;
    let progress = CaseProgress::new(work.list().cases.len());
    let analyzed = analyze(&mut work, arguments.keep_going, || progress.advance())?;
    drop(progress);
    if !arguments.json.replaces_table() {
        print(&analyzed.report);
        out!("analysis: {}", Analyzed::folder(&work).display());
    }
    arguments.json.write(&analyzed.report)
}

fn deal(
    arguments: &Arguments,
    count: usize,
    analysis: &Analysis,
    list: &mut Datalist,
) -> Result<()> {
    let method = match arguments.fold_method {
        Method::Stratified => FoldMethod::Stratified {
            seed: arguments.seed,
            cases: analysis.fold_cases(list),
        },
        Method::Nnunet => FoldMethod::NnUnet,
        Method::Auto3dseg => FoldMethod::KFold { seed: 0 },
    };
    list.assign_folds(count, &method)?;
    list.write(&arguments.output.join("datalist.json"))?;
    Splits::of(list)?.write(&arguments.output.join("splits_final.json"))?;
    Ok(())
}
