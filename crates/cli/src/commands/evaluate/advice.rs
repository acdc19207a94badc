//! Which measures suit the references.

use super::{Arguments, Result, as_text, targets};
use crate::interrupt::followed;
use serde::Serialize;
use vesalius::evaluate::{AdviseOptions, advise_for};
use vesalius::metrics::{AdviceOptions, BoundaryImportance, Table};

/// How much outlines matter.
#[derive(Clone, Copy, clap::ValueEnum)]
pub enum Outlines {
    /// Counts, presence and volumes matter
    Low,
    /// As much as the interior
    Usual,
    /// Surgery or radiation are planned by them
    High,
}

/// A line of the advice.
#[derive(Serialize)]
struct Line {
    label: Option<String>,
    measure: String,
    verdict: &'static str,
    reason: String,
}

/// Prints the advice, a line for each measure, and writes it where that was asked for.
pub fn run(arguments: &Arguments) -> Result<()> {
    let boundaries = match arguments.outlines {
        Some(Outlines::Low) => BoundaryImportance::Low,
        Some(Outlines::High) => BoundaryImportance::High,
        Some(Outlines::Usual) | None => BoundaryImportance::Usual,
    };
    let mut advice = AdviceOptions::default().with_boundaries(boundaries);
    if let Some(tolerance) = arguments.tolerance {
        advice = advice.with_tolerance(tolerance);
    }
    let options = AdviseOptions {
        targets: targets(arguments)?,
        advice,
        reading: arguments.reading.options(),
        control: followed(),
    };
    let advice = advise_for(arguments.reference(), &options)?;
    let lines: Vec<Line> = advice
        .into_iter()
        .map(|advice| Line {
            label: advice.target,
            measure: advice.measure,
            verdict: advice.verdict.word(),
            reason: advice.reason,
        })
        .collect();
    if !arguments.json.replaces_table() {
        let row = |line: &Line| {
            let label = line.label.clone().unwrap_or_else(|| "all".to_owned());
            vec![
                label,
                line.measure.clone(),
                line.verdict.to_owned(),
                line.reason.clone(),
            ]
        };
        out!(
            "{}",
            as_text(Table {
                head: ["label", "measure", "verdict", "why"]
                    .map(str::to_owned)
                    .to_vec(),
                rows: lines.iter().map(row).collect(),
            })
        );
    }
    arguments.json.write(&lines)
}
