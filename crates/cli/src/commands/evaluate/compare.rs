//! Several models on the same references.

use super::{Arguments, Result, advised, as_text, grouped, refuse_empty, tell};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use vesalius::evaluate::{Compared, EvaluateOptions, Grouped, Subgroups, compare};
use vesalius::metrics::{RankRule, Table};

/// Scores all models, prints means, ranks and the differences of pairs, and writes the requested files.
pub fn run(
    arguments: &Arguments,
    options: &EvaluateOptions,
    groups: Option<&Subgroups>,
) -> Result<()> {
    if arguments.worst.is_some() {
        return Err(
            "--worst lists the cases of one model; leave it out, or give one --prediction".into(),
        );
    }
    let models = named(&arguments.prediction);
    let compared = compare(&models, arguments.reference(), options)
        .map_err(|error| advised(error, &arguments.prediction[0]))?;
    for (_, evaluated) in &compared.models {
        tell(evaluated);
    }
    let mut of_groups = BTreeMap::new();
    for (name, evaluated) in &compared.models {
        if let Some(groups) = groups {
            of_groups.insert(name.clone(), grouped(evaluated, groups)?);
        }
    }
    if !arguments.json.replaces_table() {
        print(&compared, &of_groups)?;
    }
    if let Some(path) = &arguments.csv {
        compared.write_csv(path)?;
    }
    arguments.json.write(&WithGroups {
        compared: &compared,
        subgroups: &of_groups,
    })?;
    let all: Vec<_> = compared
        .models
        .iter()
        .map(|(_, evaluated)| evaluated)
        .collect();
    refuse_empty(arguments, &all)
}

#[derive(Serialize)]
struct WithGroups<'a> {
    #[serde(flatten)]
    compared: &'a Compared,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    subgroups: &'a BTreeMap<String, Grouped>,
}

/// Models have the names of their files or folders, or their whole paths where those are the same.
fn named(paths: &[PathBuf]) -> Vec<(String, PathBuf)> {
    let short = |path: &PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let name = |path: &PathBuf| match short(path) {
        Some(name)
            if paths
                .iter()
                .filter(|other| short(other).as_ref() == Some(&name))
                .count()
                == 1 =>
        {
            name
        }
        _ => path.display().to_string(),
    };
    paths
        .iter()
        .map(|path| (name(path), path.clone()))
        .collect()
}

fn print(compared: &Compared, groups: &BTreeMap<String, Grouped>) -> Result<()> {
    out!(
        "means over cases and labels [{} % confidence interval]",
        100.0 * compared.bootstrap.level
    );
    out!("{}", as_text(compared.table()));
    for measure in compared.keys() {
        for (label, comparison) in compared.comparisons(&measure, RankRule::default())? {
            out!(
                "{measure} of {} in {} cases, by rank",
                label.name,
                comparison.cases.len()
            );
            out!("{}", as_text(comparison.table()));
            out!("{}", as_text(comparison.pair_table()));
        }
    }
    if !groups.is_empty() {
        let tables = groups
            .iter()
            .map(|(name, grouped)| (&**name, grouped.table()));
        out!("means of groups over cases and labels");
        out!("{}", as_text(Table::stacked("model", tables)));
    }
    Ok(())
}
