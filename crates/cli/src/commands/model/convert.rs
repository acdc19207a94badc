//! `vesalius model convert`, `ensemble`, `cascade` and `union`: model folders and weights, converted or joined.

use super::Result;
use crate::combination::CombinationOptions;
use crate::warnings::tell;
use std::path::{Path, PathBuf};
use vesalius::inferers::{join_ensemble, join_union};
use vesalius::model::{self, Converted, Keep};
use vesalius::volume::counted;

/// Several model folders as one ensemble.
pub fn ensemble(models: &[PathBuf], output: &Path, options: &CombinationOptions) -> Result<()> {
    let weights = options.weights(models.len(), "models")?;
    let (_, warning) = join_ensemble(models, output, &weights, options.combination())?;
    tell(output, warning.as_slice());
    out!("{}: {} models", output.display(), models.len());
    Ok(())
}

/// A coarse and a fine model as one.
pub fn cascade(coarse: &Path, fine: &Path, output: &Path, margin: Option<f64>) -> Result<()> {
    let kept = model::cascade(coarse, fine, output, margin)?;
    out!(
        "{}: a cascade, {:?} mm and {:?} voxels kept around what the coarse model finds",
        output.display(),
        kept.millimetres,
        kept.voxels
    );
    Ok(())
}

/// Models that each segment some of the labels as one.
pub fn union(description: &Path, output: &Path) -> Result<()> {
    let (union, model) = join_union(description, output)?;
    let labels = model.labels.labels().len() - 1;
    out!(
        "{}: a union of {} with {}",
        output.display(),
        counted(union.members.len(), "model"),
        counted(labels, "label")
    );
    Ok(())
}

/// A model folder of nnU-Net's as one of ours, or weights as safetensors.
pub fn convert(
    input: &Path,
    output: &Path,
    architecture: Option<&Path>,
    partial: bool,
) -> Result<()> {
    let keep = match partial {
        true => Keep::WhatFits,
        false => Keep::Exactly,
    };
    let name = output.display();
    match model::convert(input, output, architecture, keep)? {
        Converted::Model(model) => out!("{name}: {}", counted(model.members.len(), "member")),
        Converted::Weights {
            tensors,
            shared,
            skipped,
        } => {
            if !skipped.is_empty() {
                note!("skipped: {skipped}");
            }
            let more = match shared {
                0 => String::new(),
                names => format!(", {names} more names for some of them"),
            };
            out!("{name}: {tensors} tensors{more}");
        }
    }
    Ok(())
}
