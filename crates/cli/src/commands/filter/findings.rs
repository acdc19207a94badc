//! What filters measured, as tables and JSON.

use super::Result;
use crate::output::{JsonOutput, table};
use vesalius::filter::{Component, Findings, LabelMeasures, VoxelBox};

/// Prints what a filter found, and writes it to the target of `--json`.
pub fn print(found: &Findings, json: Option<&JsonOutput>) -> Result<()> {
    if !json.is_some_and(JsonOutput::replaces_table) {
        match found {
            Findings::Thresholds(thresholds) => thresholds.iter().for_each(|t| out!("{t}")),
            Findings::Surface {
                triangles,
                area,
                millilitres,
            } => out!("{triangles} triangles, {area:.1} mm², {millilitres:.3} ml"),
            Findings::Components(components) => print_components(components),
            Findings::Labels(labels) => print_labels(labels),
            _ => {}
        }
    }
    match json {
        Some(json) => json.write(found),
        None => Ok(()),
    }
}

fn place(centroid: [f64; 3], bounds: VoxelBox) -> [String; 3] {
    let whole = |numbers: [usize; 3]| numbers.map(|v| v.to_string()).join(", ");
    [
        centroid.map(|v| format!("{v:.2}")).join(", "),
        whole(bounds.start),
        whole(bounds.size),
    ]
}

fn print_components(components: &[Component]) {
    let head = [
        "piece",
        "voxels",
        "ml",
        "centroid mm",
        "first voxel",
        "size",
    ];
    let rows = components.iter().map(|component| {
        let mut row = vec![
            component.label.to_string(),
            component.voxels.to_string(),
            format!("{:.3}", component.volume_mm3 / 1000.0),
        ];
        row.extend(place(component.centroid, component.bounds));
        row
    });
    out!("{}", table(&head, rows.collect()));
}

fn print_labels(labels: &[LabelMeasures]) {
    let mut head = vec![
        "label",
        "voxels",
        "ml",
        "centroid mm",
        "first voxel",
        "size",
    ];
    if labels.iter().any(|label| label.intensity.is_some()) {
        head.extend(["mean", "deviation", "least", "largest"]);
    }
    let rows = labels.iter().map(|label| {
        let mut row = vec![
            label.label.to_string(),
            label.voxels.to_string(),
            format!("{:.3}", label.volume_ml),
        ];
        row.extend(place(label.centroid, label.bounds));
        if let Some(found) = label.intensity {
            let numbers = [found.mean, found.deviation, found.minimum, found.maximum];
            row.extend(numbers.map(|v| format!("{v:.4}")));
        }
        row
    });
    out!("{}", table(&head, rows.collect()));
}
