//! `vesalius evaluate`: segmentations against references.

mod advice;
mod advised;
mod compare;
mod interactive;

use super::Result;
use crate::input::GeometryInput;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use crate::target::OutputOption;
use crate::warnings;
use advice::Outlines;
use advised::advised;
use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius::evaluate::{
    EvaluateOptions, Evaluated, Grids, Grouped, Subgroups, evaluate, measures_named,
};
use vesalius::inferers::describe_model;
use vesalius::metrics::{Bootstrap, Measure, Report, Table, Target, Targets};

/// What `nsd` still counts as right, in mm.
const TOLERANCE: f64 = 1.0;

/// Arguments of `vesalius evaluate`.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// A segmentation, or a folder of them; given several times, the models are compared
    #[arg(long, required_unless_present = "advise", value_name = "PATH")]
    prediction: Vec<PathBuf>,
    /// Its reference, or a folder of references with the same file names
    #[arg(long, required = true)]
    reference: Option<PathBuf>,
    /// The measures, by name; Dice always belongs to them, and the first one sorts the cases
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "dice",
        value_name = "NAME,…"
    )]
    metrics: Vec<String>,
    /// What still counts as right for `nsd`, in mm [default: 1]
    #[arg(long, value_name = "MM", allow_hyphen_values = true)]
    tolerance: Option<f64>,
    /// The labels to score, and regions by name: 1,2,whole=1+2 [default: all but 0 that occur]
    #[arg(
        long, value_delimiter = ',', allow_hyphen_values = true, value_name = "LABEL|NAME=LABEL+LABEL,…",
        value_parser = str::parse::<Target>, conflicts_with = "model"
    )]
    labels: Vec<Target>,
    /// Voxels whose reference has this label are not counted
    #[arg(
        long,
        value_name = "VALUE",
        conflicts_with = "model",
        allow_hyphen_values = true
    )]
    ignore: Option<u32>,
    /// Score the labels or regions of this model folder
    #[arg(long)]
    model: Option<PathBuf>,
    /// A reference without a prediction scores as missed, and a prediction without a reference is not
    /// scored, instead of being an error; both are named
    #[arg(long)]
    allow_missing: bool,
    /// Bring predictions on another grid to their reference's, by the nearest label
    #[arg(long)]
    match_grids: bool,
    /// List so many of the worst cases [default: all]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    worst: Option<usize>,
    /// Score groups of cases: comma-separated values with a column `case` and one for each property, such as site or sex
    #[arg(long, value_name = "FILE", conflicts_with = "advise")]
    subgroups: Option<PathBuf>,
    /// Say which measures suit the references and which mislead, in place of scoring predictions
    #[arg(long, conflicts_with_all = ["prediction", "metrics", "csv", "worst", "ignore", "allow_missing", "match_grids", "resamples", "confidence"])]
    advise: bool,
    /// How much the exact course of outlines matters to those who use the result [default: usual]
    #[arg(long, value_enum, requires = "advise", value_name = "HOW")]
    outlines: Option<Outlines>,
    /// How often the cases are drawn again for the confidence intervals; 0 gives none
    #[arg(long, default_value_t = Bootstrap::default().resamples, allow_hyphen_values = true)]
    resamples: usize,
    /// The share of means that a confidence interval holds, 0 to 1
    #[arg(long, default_value_t = Bootstrap::default().level, allow_hyphen_values = true)]
    confidence: f64,
    /// Write every case and label as comma-separated values
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    overwrite: OutputOption,
    #[command(flatten)]
    reading: GeometryInput,
    #[command(flatten)]
    json: JsonOutput,
}

/// What is scored otherwise.
#[derive(clap::Subcommand)]
enum Other {
    /// Score a model that takes clicks, with simulated ones: each click goes into the largest error that is left
    Interactive(interactive::Arguments),
}

impl Arguments {
    /// The reference, which the parser demands.
    fn reference(&self) -> &Path {
        self.reference.as_deref().unwrap_or(Path::new(""))
    }
}

/// Scores, prints tables, the worst cases first, and writes the requested files.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(Other::Interactive(other)) = &arguments.other {
        return interactive::run(other);
    }
    if arguments.advise {
        return advice::run(arguments);
    }
    let groups = arguments
        .subgroups
        .as_ref()
        .map(Subgroups::read)
        .transpose()?;
    let options = options(arguments)?;
    let first = options
        .measures
        .first()
        .map(Measure::key)
        .unwrap_or_default();
    let inputs = arguments.prediction.iter().map(PathBuf::as_path);
    let inputs: Vec<&Path> = inputs.chain([arguments.reference()]).collect();
    let _claimed = match &arguments.csv {
        Some(path) => Some(arguments.overwrite.file(path, &inputs)?),
        None => None,
    };
    let [prediction] = &arguments.prediction[..] else {
        return compare::run(arguments, &options, groups.as_ref());
    };
    let evaluated = evaluate(prediction, arguments.reference(), &options)
        .map_err(|error| advised(error, prediction))?;
    tell(&evaluated);
    let groups = groups
        .map(|groups| grouped(&evaluated, &groups))
        .transpose()?;
    if !arguments.json.replaces_table() {
        print(&evaluated, &first, arguments.worst);
        if let Some(groups) = &groups {
            out!("means of groups over cases and labels");
            out!("{}", as_text(groups.table()));
        }
    }
    if let Some(path) = &arguments.csv {
        evaluated.write_csv(path)?;
    }
    arguments.json.write(&WithGroups {
        report: evaluated.report(),
        subgroups: groups,
    })?;
    refuse_empty(arguments, &[&evaluated])
}

/// The scores, and those of the groups where there are some.
#[derive(Serialize)]
struct WithGroups<'a> {
    #[serde(flatten)]
    report: Report<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subgroups: Option<Grouped>,
}

fn options(arguments: &Arguments) -> Result<EvaluateOptions> {
    let names = arguments.metrics.iter().map(String::as_str);
    Ok(EvaluateOptions {
        targets: targets(arguments)?,
        ignore: arguments.ignore,
        measures: measures_named(names, arguments.tolerance.unwrap_or(TOLERANCE))?,
        bootstrap: Bootstrap {
            resamples: arguments.resamples,
            level: arguments.confidence,
            ..Bootstrap::default()
        },
        allow_missing: arguments.allow_missing,
        grids: match arguments.match_grids {
            true => Grids::Nearest,
            false => Grids::MustAgree,
        },
        reading: arguments.reading.options(),
        control: followed(),
    })
}

fn tell(evaluated: &Evaluated) {
    warnings::tell_files(&evaluated.files);
    warnings::tell_about("", &evaluated.warnings);
}

fn grouped(evaluated: &Evaluated, groups: &Subgroups) -> Result<Grouped> {
    let grouped = evaluated.by_group(groups)?;
    warnings::tell_about("", &grouped.warnings);
    Ok(grouped)
}

/// Labels that were asked for and that no case has.
fn refuse_empty(arguments: &Arguments, evaluated: &[&Evaluated]) -> Result<()> {
    match evaluated.iter().all(|one| one.is_empty()) && !arguments.labels.is_empty() {
        true => Err(
            "no case has any of the labels in --labels, neither in its reference nor in its prediction; leave --labels out to score all that occur"
                .into(),
        ),
        false => Ok(()),
    }
}

fn targets(arguments: &Arguments) -> Result<Option<Targets>> {
    Ok(match (&arguments.model, arguments.labels.as_slice()) {
        (Some(folder), _) => Some(Targets::of_scheme(&describe_model(folder)?.labels)?),
        (None, []) => None,
        (None, list) => Some(Targets::new(list.to_vec(), arguments.ignore)?),
    })
}

fn print(evaluated: &Evaluated, first: &str, worst: Option<usize>) {
    let (evaluation, bootstrap) = (&evaluated.evaluation, &evaluated.bootstrap);
    let labels = evaluation
        .targets()
        .map_or(0, |targets| targets.list().len());
    let all = evaluation.cases().len();
    let listed = worst.map_or(all, |worst| worst.min(all));
    let mut cases = evaluation.case_table(first);
    cases.rows.truncate(listed * labels);
    if listed > 0 {
        out!("{listed} of {all} cases, worst first by {first}");
        out!("{}", as_text(cases));
    }
    match bootstrap.resamples {
        0 => out!("means over cases"),
        _ => out!(
            "means over cases [{} % confidence interval]",
            100.0 * bootstrap.level
        ),
    }
    out!("{}", as_text(evaluation.label_table(bootstrap)));
}

fn as_text(scores: Table) -> impl std::fmt::Display {
    let head: Vec<&str> = scores.head.iter().map(String::as_str).collect();
    table(&head, scores.rows)
}
