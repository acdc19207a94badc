//! `vesalius model convert`, `ensemble` and `cascade`: model folders and weights written anew.

use super::Result;
use crate::combination::CombinationOptions;
use crate::warnings::tell;
use std::path::{Path, PathBuf};
use vesalius::inferers::{OpenOptions, convert_model, join_cascade, join_ensemble};
use vesalius::model::{is_bundle, read_architecture, read_weights, read_weights_partly};

/// Several model folders as one that answers with all of them.
pub fn ensemble(models: &[PathBuf], output: &Path, options: &CombinationOptions) -> Result<()> {
    let weights = options.weights(models.len(), "models")?;
    let (_, warning) = join_ensemble(models, output, &weights, options.combination())?;
    tell(output, warning.as_slice());
    out!("{}: {} models", output.display(), models.len());
    Ok(())
}

/// A coarse and a fine model as one.
pub fn cascade(coarse: &Path, fine: &Path, output: &Path, margin: Option<f64>) -> Result<()> {
    let model = join_cascade(coarse, fine, output, margin.map(|margin| [margin; 3]))?;
    let region = model.region.ok_or("the cascade has no region")?;
    out!(
        "{}: a cascade, {:?} mm and {:?} voxels kept around what the coarse model finds",
        output.display(),
        region.millimetres,
        region.margin
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
    let is_archive = input
        .extension()
        .is_some_and(|extension| extension == "zip");
    if is_archive || input.is_dir() && !is_bundle(input) {
        let model = convert_model(input, output, &OpenOptions::default())?;
        out!("{}: {} member(s)", output.display(), model.members.len());
        return Ok(());
    }
    if output
        .extension()
        .is_none_or(|extension| extension != "safetensors")
    {
        let name = output.display();
        return Err(
            format!("{name}: weights are written as .safetensors; name the file so").into(),
        );
    }
    let architecture = architecture.or(input.is_dir().then_some(input));
    let network = architecture.map(read_architecture).transpose()?;
    let weights = match &network {
        Some(network) if partial => {
            let (weights, skipped) = read_weights_partly(input, network)?;
            if !skipped.is_empty() {
                note!("skipped: {skipped}");
            }
            weights
        }
        network => read_weights(input, network.as_ref())?,
    };
    vesalius::io::write_atomically(output, |file| weights.write_safetensors(file))?;
    out!("{}: {} tensors", output.display(), weights.len());
    Ok(())
}
