//! `vesalius evaluate`: segmentations against references.

use super::Result;
use crate::output::{JsonOutput, table};
use std::path::PathBuf;
use vesalius::evaluate::{EvaluateOptions, evaluate};
use vesalius::inferers::ModelDescription;
use vesalius::metrics::{Evaluation, Targets};

/// Arguments of `vesalius evaluate`.
#[derive(clap::Args)]
pub struct Arguments {
    /// A segmentation, or a folder of them
    #[arg(long)]
    prediction: PathBuf,
    /// Its reference, or a folder of references with the same file names
    #[arg(long)]
    reference: PathBuf,
    /// The label values to score [default: all but 0 that occur]
    #[arg(long, value_delimiter = ',', conflicts_with = "model")]
    labels: Vec<u32>,
    /// Score the labels or regions of this model folder
    #[arg(long)]
    model: Option<PathBuf>,
    /// A reference without a prediction scores as missed instead of being an error
    #[arg(long)]
    allow_missing: bool,
    #[command(flatten)]
    json: JsonOutput,
}

/// Scores, prints a table, the worst cases first.
pub fn run(arguments: &Arguments) -> Result<()> {
    let targets = match (&arguments.model, arguments.labels.as_slice()) {
        (Some(folder), _) => Some(Targets::of_scheme(&ModelDescription::read(folder)?.labels)?),
        (None, []) => None,
        (None, values) => Some(Targets::of_values(values)?),
    };
    let options = EvaluateOptions {
        targets,
        allow_missing: arguments.allow_missing,
        ..Default::default()
    };
    let evaluation = evaluate(&arguments.prediction, &arguments.reference, &options)?;
    if !arguments.json.replaces_table() {
        print(&evaluation);
    }
    arguments.json.write(&evaluation)
}

fn print(evaluation: &Evaluation) {
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |v| format!("{v:.4}"));
    let Some(targets) = evaluation.targets() else {
        return;
    };
    let keys: Vec<&str> = targets
        .list()
        .iter()
        .map(|target| target.key.as_str())
        .collect();
    let mut header = vec!["Dice of case"];
    header.extend(targets.list().iter().map(|target| target.name.as_str()));
    header.push("mean");
    let mut cases: Vec<_> = evaluation.cases().iter().collect();
    cases.sort_by(|a, b| {
        a.mean("dice")
            .unwrap_or(2.0)
            .total_cmp(&b.mean("dice").unwrap_or(2.0))
    });
    let mut rows: Vec<Vec<String>> = cases
        .iter()
        .map(|case| {
            let mut row = vec![case.case.clone()];
            row.extend(
                keys.iter()
                    .map(|key| number(case.get(key, "dice").and_then(|score| score.counted))),
            );
            row.push(number(case.mean("dice")));
            row
        })
        .collect();
    let mut total = vec![format!("mean of {}", cases.len())];
    total.extend(keys.iter().map(|key| {
        number(
            evaluation
                .summary(key, "dice")
                .and_then(|summary| summary.mean),
        )
    }));
    total.push(number(evaluation.mean("dice")));
    rows.push(total);
    println!("{}", table(&header, rows));
}
