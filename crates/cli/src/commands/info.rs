//! `vesalius info`: the content of a path, headers only.

use super::Result;
use crate::input::GeometryInput;
use crate::output::JsonOutput;
use crate::{remedy, warnings};
use std::path::PathBuf;
use vesalius::io::{Described, Scaling, Series, describe_with};
use vesalius::volume::{Geometry, counted};

/// Arguments of `vesalius info`.
#[derive(clap::Args)]
pub struct Arguments {
    /// An image, a DICOMDIR, or a folder with images and DICOM series in it and in its folders
    path: Option<PathBuf>,
    #[command(flatten)]
    geometry: GeometryInput,
    #[command(flatten)]
    json: JsonOutput,
}

/// Prints every volume found; fails at the end when a file could not be read.
pub fn run(arguments: &Arguments) -> Result<()> {
    // `--json PATH` alone: the path is the input, and the JSON goes to stdout.
    let path = match (&arguments.path, arguments.json.taken_input()) {
        (Some(path), _) => path.as_path(),
        (None, Some(path)) => path,
        (None, None) => {
            let usage = "name an image or a folder: vesalius info PATH [--json [FILE]]";
            return Err(usage.into());
        }
    };
    let found = describe_with(path, &arguments.geometry.options())?;
    for one in &found {
        warnings::tell(&one.path, &one.warnings);
        remedy::tell(one.refused.as_ref(), "info");
    }
    if arguments.path.is_none() {
        let text = serde_json::to_string_pretty(&found)?;
        out!("{text}");
    } else {
        if !arguments.json.replaces_table() {
            found.iter().for_each(print);
        }
        arguments.json.write(&found)?;
    }
    // A series that needs a decision is listed with its problem; listing it is no failure.
    let failed = found
        .iter()
        .filter(|one| one.problem.is_some() && one.series.is_none())
        .count();
    match failed {
        0 => Ok(()),
        _ => Err(format!(
            "{failed} of {} found in {} could not be read",
            found.len(),
            path.display()
        )
        .into()),
    }
}

fn print(one: &Described) {
    out!("{}", one.path.display());
    if let Some(series) = &one.series {
        print_series(series);
    }
    if let (Some(format), Some(voxel_type)) = (one.format, one.voxel_type) {
        let compressed = if one.compressed { ", compressed" } else { "" };
        let scaled = match one.scaling {
            Some(Scaling::IDENTITY) => String::new(),
            Some(Scaling { slope, intercept }) => {
                format!(", value = {slope} × stored + {intercept}")
            }
            None => ", scaled slice by slice".to_owned(),
        };
        line(
            "format",
            &format!("{format}, {voxel_type}{compressed}{scaled}"),
        );
    }
    if let Some(geometry) = &one.geometry {
        print_geometry(geometry, one.channels);
    }
    if !one.labels.is_empty() {
        let names = one.labels.iter().map(|l| format!("{} {}", l.value, l.name));
        line("labels", &names.collect::<Vec<_>>().join(", "));
    }
    if let Some(problem) = &one.problem {
        line("problem", problem);
    }
}

fn print_series(series: &Series) {
    let part = series
        .part
        .as_ref()
        .map(|p| format!(" ({p})"))
        .unwrap_or_default();
    let number = series.number.as_deref().unwrap_or("none");
    let what = format!(
        "{} `{}`{part}, number {number}",
        series.modality, series.description
    );
    line("series", &what);
    line("uid", &series.uid);
    line("study", &series.study_uid);
    let [_, _, frames] = series.size;
    line(
        "files",
        &format!("{} with {frames} slices", series.files.len()),
    );
}

fn print_geometry(geometry: &Geometry, channels: usize) {
    let numbers = |values: [f64; 3]| values.map(|v| format!("{v:.6}")).join("  ");
    let size = geometry.size().map(|n| n.to_string()).join(" × ");
    line(
        "size",
        &format!("{size} voxels, {}", counted(channels, "channel")),
    );
    line("spacing", &format!("{} mm", numbers(geometry.spacing())));
    line(
        "origin",
        &format!("{} mm (RAS)", numbers(geometry.origin())),
    );
    line("orientation", &geometry.orientation().to_string());
    for (i, row) in geometry.direction().into_iter().enumerate() {
        line(if i == 0 { "direction" } else { "" }, &numbers(row));
    }
}

fn line(name: &str, value: &str) {
    out!("  {name:<11}  {value}");
}
