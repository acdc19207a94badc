//! What `vesalius predict` prints and writes about its results.

use super::Arguments;
use crate::commands::Result;
use crate::output::{table, write_json};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius::predict::{CaseResult, LabelVolume, Side};
use vesalius::volume::Warning;

#[derive(Serialize)]
pub(super) struct Line {
    case: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    was_there: bool,
    seconds: f64,
    millilitres: serde_json::Map<String, serde_json::Value>,
    labels: Vec<LabelVolume>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<Warning>,
}

/// A line a case: time and millilitres of each label.
pub(super) fn summarise(results: &[CaseResult], total: usize, arguments: &Arguments) {
    let mut labels: Vec<(u32, &str)> = results
        .iter()
        .flat_map(|result| &result.volumes)
        .map(|volume| (volume.value, volume.name.as_str()))
        .collect();
    labels.sort_unstable();
    labels.dedup();
    let mut header = vec!["case".to_owned(), "seconds".to_owned()];
    header.extend(labels.iter().map(|(_, name)| format!("{name} (ml)")));
    let rows = results.iter().map(|result| {
        let mut row = vec![result.name.clone()];
        row.push(match &result.outcome {
            Err(_) => "failed".to_owned(),
            Ok(_) if result.was_there => "was there".to_owned(),
            Ok(_) => format!("{:.2}", result.seconds),
        });
        row.extend(labels.iter().map(|(value, _)| {
            let found = result.volumes.iter().find(|volume| volume.value == *value);
            found.map_or("-".to_owned(), |volume| {
                format!("{:.2}", volume.millilitres)
            })
        }));
        row
    });
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    out!("{}", table(&header, rows.collect()));
    let segmented = results.iter().filter(|result| result.outcome.is_ok());
    out!(
        "{} of {total} segmented into {}",
        segmented.count(),
        arguments.output.display()
    );
}

pub(super) fn line(result: CaseResult) -> Line {
    let volumes = result.volumes.iter();
    Line {
        case: result.name,
        output: result.outcome.as_ref().ok().cloned(),
        error: result.outcome.err().map(|error| error.to_string()),
        was_there: result.was_there,
        seconds: result.seconds,
        millilitres: volumes
            .map(|volume| (volume.name.clone(), volume.millilitres.into()))
            .collect(),
        labels: result.volumes,
        warnings: result.warnings,
    }
}

/// A label of a case in the file of `--statistics`.
#[derive(Serialize)]
struct Statistics<'a> {
    value: u32,
    millilitres: f64,
    means: &'a [f64],
    cut_off: &'a [Side],
}

/// Writes the file of `--statistics`: for each case that was segmented its labels by name, and tells which are cut off.
pub(super) fn write_statistics(path: &Path, results: &[CaseResult]) -> Result<()> {
    let done = results.iter().filter(|result| result.outcome.is_ok());
    let cases: BTreeMap<&str, BTreeMap<&str, Statistics>> = done
        .map(|result| {
            let labels = result.volumes.iter().map(|label| {
                let statistics = Statistics {
                    value: label.value,
                    millilitres: label.millilitres,
                    means: &label.means,
                    cut_off: &label.cut_off,
                };
                (label.name.as_str(), statistics)
            });
            (result.name.as_str(), labels.collect())
        })
        .collect();
    write_json(path, "--statistics", &cases)
}
