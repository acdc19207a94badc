//! `vesalius auto analyze`: a dataset checked and measured, from one reading of each case.

use super::Result;
use super::data::DataArguments;
use super::events::counted;
use crate::output::JsonOutput;
use crate::remedy;
use crate::warnings::tell_files;
use clap::ValueEnum;
use std::path::PathBuf;
use vesalius::auto::BrokenCases;
use vesalius::control::Control;
use vesalius::planning::DatasetReport;
use vesalius::workflow::auto::{AnalyzeOptions, FoldRule, analyze_list, begin};

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
    /// Split the cases into so many folds
    #[arg(long)]
    folds: Option<usize>,
    /// How the cases are split into folds
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
    // Nothing of an analysis is kept before its end, so Ctrl-C ends it at once.
    let control = Control::new();
    let output = &arguments.output;
    if let Some(input) = &arguments.input {
        let broken_cases = match arguments.keep_going {
            true => BrokenCases::LeaveOut,
            false => BrokenCases::Refuse,
        };
        let (report, folder) = counted(&control, |told| {
            begin(input, output, broken_cases, &control, told)
        })?;
        if !arguments.json.replaces_table() {
            print(&report);
            out!("analysis: {}", folder.display());
        }
        tell_files(&report.warnings);
        return arguments.json.write(&report);
    }
    let mut list = arguments.data.read()?;
    if list.label_scheme().is_err() {
        note!("the list names no labels; every label value is accepted");
    }
    let rule = match arguments.fold_method {
        Method::Stratified => FoldRule::Stratified {
            seed: arguments.seed,
        },
        Method::Nnunet => FoldRule::NnUnet,
        Method::Auto3dseg => FoldRule::Auto3dSeg,
    };
    let options = AnalyzeOptions {
        folds: arguments.folds.map(|count| (count, rule)),
        keep_going: arguments.keep_going,
        components: !arguments.no_components,
    };
    let found = counted(&control, |told| {
        analyze_list(&mut list, output, &options, &control, told)
    })?;
    if !arguments.json.replaces_table() {
        print(&found.report);
    }
    tell_files(&found.report.warnings);
    arguments.json.write(&found.report)?;
    match found.refused {
        false => Ok(()),
        true => Err(format!(
            "{} has errors; repair them, or measure what is usable with --keep-going",
            list.path.display()
        )
        .into()),
    }
}

fn print(report: &DatasetReport) {
    crate::print::to_stdout(format_args!("{report}"));
    for problem in &report.problems {
        remedy::tell(problem.refused.as_ref(), "auto");
    }
}
