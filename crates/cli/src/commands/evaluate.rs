//! `vesalius evaluate`: segmentations against references.

use super::Result;
use crate::again::{command, this_command};
use crate::input::GeometryInput;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use crate::target::OutputOption;
use crate::warnings;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use vesalius::evaluate::{
    Error, EvaluateOptions, Evaluated, GridMismatch, Grids, evaluate, measures_named,
};
use vesalius::inferers::describe_model;
use vesalius::io::strip_extension;
use vesalius::metrics::{Bootstrap, Measure, Table, Target, Targets};

/// Arguments of `vesalius evaluate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A segmentation, or a folder of them
    #[arg(long)]
    prediction: PathBuf,
    /// Its reference, or a folder of references with the same file names
    #[arg(long)]
    reference: PathBuf,
    /// The measures, by name; Dice always belongs to them, and the first one sorts the cases
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "dice",
        value_name = "NAME,…"
    )]
    metrics: Vec<String>,
    /// What still counts as right for `nsd`, in mm
    #[arg(
        long,
        default_value_t = 1.0,
        value_name = "MM",
        allow_hyphen_values = true
    )]
    tolerance: f64,
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

/// Scores, prints tables, the worst cases first, and writes the requested files.
pub fn run(arguments: &Arguments) -> Result<()> {
    let names = arguments.metrics.iter().map(String::as_str);
    let measures = measures_named(names, arguments.tolerance)?;
    let first = measures.first().map(Measure::key).unwrap_or_default();
    let options = EvaluateOptions {
        targets: targets(arguments)?,
        ignore: arguments.ignore,
        measures,
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
    };
    let inputs = [arguments.prediction.as_path(), &arguments.reference];
    let _claimed = match &arguments.csv {
        Some(path) => Some(arguments.overwrite.file(path, &inputs)?),
        None => None,
    };
    let evaluated = evaluate(&arguments.prediction, &arguments.reference, &options)
        .map_err(|error| advised(error, &arguments.prediction))?;
    warnings::tell_files(&evaluated.files);
    warnings::tell_about("", &evaluated.warnings);
    if !arguments.json.replaces_table() {
        print(&evaluated, &first, arguments.worst);
    }
    if let Some(path) = &arguments.csv {
        evaluated.write_csv(path)?;
    }
    arguments.json.write(&evaluated.report())?;
    match evaluated.is_empty() && !arguments.labels.is_empty() {
        true => Err(
            "no case has any of the labels in --labels, neither in its reference nor in its prediction; leave --labels out to score all that occur"
                .into(),
        ),
        false => Ok(()),
    }
}

/// What went wrong, with the commands that help, as they run.
fn advised(error: Error, prediction: &Path) -> Box<dyn std::error::Error> {
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
