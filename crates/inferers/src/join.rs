//! Model folders converted and joined: any as one of ours, several as one ensemble, two as a cascade.

use crate::folder::{FoundModel, describe_model};
use crate::locate::Located;
use crate::{
    Combination, EmptyRegionPolicy, Error, MODEL_FILE, ModelDescription, OpenOptions, RegionStage,
    Result, check_alike, common_postprocessing, weights_checksum, weights_path,
};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_tensor::Device;
use vesalius_transforms::{CropForeground, Transform};
use vesalius_volume::{ErrorKind, Warning};

fn bad(path: &Path, reason: impl Into<String>) -> Error {
    Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: path.to_path_buf(),
        reason: reason.into(),
    }
}

/// Writes any model folder as one of ours: `model.yaml` and `members/NAME/weights.safetensors`, a
/// cascade's coarser stage and companions in folders of their own.
///
/// # Errors
/// A folder that cannot be read, weights that do not fit, a folder that cannot be written or that
/// holds a model already.
pub fn convert_model(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    options: &OpenOptions,
) -> Result<ModelDescription> {
    convert(from.as_ref(), to.as_ref(), options, |_| Ok(()))
}

/// The same, with the description changed before it is written. It is written last, so that a folder with a
/// description is whole.
fn convert(
    from: &Path,
    to: &Path,
    options: &OpenOptions,
    change: impl FnOnce(&mut ModelDescription) -> Result<()>,
) -> Result<ModelDescription> {
    let located = Located::find(from)?;
    let from = located.folder.as_path();
    let mut found = FoundModel::read(&located, options)?;
    if to.join(MODEL_FILE).exists() {
        return Err(bad(to, "holds a model already; choose another folder"));
    }
    let parts = found.description.companions.iter();
    let region = found.description.region.iter().map(|region| &region.model);
    for name in parts.chain(region) {
        convert_model(from.join(name), to.join(name), options)?;
    }
    let device = Device::flex();
    let mut checksums = BTreeMap::new();
    let stage = options.control.stage("members", found.weights.len() as u64);
    for (member, path) in found.description.members.iter().zip(&found.weights) {
        stage.control().check()?;
        let target = weights_path(to, member);
        let folder = target.parent().unwrap_or(to);
        std::fs::create_dir_all(folder).map_err(|e| bad(folder, format!("cannot be made: {e}")))?;
        let loaded = found.load(path, &device)?;
        let bytes = loaded.network.weights().to_safetensors()?;
        vesalius_io::write_bytes_atomically(&target, &bytes)?;
        checksums.insert(member.clone(), vec![weights_checksum(&bytes)]);
        stage.advance(1);
    }
    drop(stage);
    found.description.checksums = checksums;
    if let Some(stage) = &found.previous_stage {
        let name = "previous_stage".to_owned();
        let of_stage = OpenOptions::new()
            .registry(options.registry.clone())
            .control(options.control.clone());
        convert_model(stage, to.join(&name), &of_stage)?;
        found.description.previous_stage = Some(name);
    }
    change(&mut found.description)?;
    found.description.write(to)?;
    Ok(found.description)
}

/// Writes several model folders, ours or nnU-Net's, as one ensemble, each with a weight. Postprocessing is kept
/// where all have the same; otherwise there is none, and a warning.
///
/// # Errors
/// As [`convert_model`]; models with other labels or channels; a first model that has companions already.
pub fn join_ensemble(
    models: &[PathBuf],
    to: impl AsRef<Path>,
    weights: &[f64],
    combination: Combination,
) -> Result<(ModelDescription, Option<Warning>)> {
    let to = to.as_ref();
    crate::ensemble::shares(weights, models.len())?;
    let options = OpenOptions::default();
    let descriptions: Vec<ModelDescription> =
        models.iter().map(describe_model).collect::<Result<_>>()?;
    // There are as many as weights, of which there is one at least.
    let first = (models[0].display().to_string(), &descriptions[0]);
    for (folder, other) in models.iter().zip(&descriptions).skip(1) {
        check_alike((&first.0, first.1), (&folder.display().to_string(), other))?;
    }
    if !first.1.companions.is_empty() {
        let reason = "answers together with companions already; name it later than first";
        return Err(bad(&models[0], reason));
    }
    let names: Vec<String> = (2..=models.len()).map(|n| format!("model_{n}")).collect();
    for (folder, name) in models[1..].iter().zip(&names) {
        convert_model(folder, to.join(name), &options)?;
    }
    let shown: Vec<String> = models.iter().map(|m| m.display().to_string()).collect();
    let named = shown.iter().map(String::as_str).zip(&descriptions);
    let (postprocessing, dropped) = common_postprocessing(named);
    let description = convert(&models[0], to, &options, |model| {
        model.companions = names;
        model.combination = combination;
        model.weights = weights.to_vec();
        model.postprocessing = postprocessing;
        Ok(())
    })?;
    Ok((description, dropped))
}

/// The folder of a cascade's coarse model within its folder.
const REGION: &str = "region";

/// Writes a coarse and a fine model as one: the coarse one finds the region, the fine one segments it.
///
/// A fine model whose preprocessing begins with `crop_foreground: {labels: true}` was trained on crops
/// around its labels; the coarse model takes that step's place, with its margins unless `millimetres`
/// gives another. Any other fine model was trained on whole images, as nnU-Net's are: half of its window, along
/// the shortest side, is kept around the box, so that what the coarse model cut too close is not lost and the
/// fine one has context.
///
/// # Errors
/// As [`convert_model`]; models of other numbers of channels; a fine model that is a cascade already.
pub fn join_cascade(
    coarse: &Path,
    fine: &Path,
    to: &Path,
    millimetres: Option<[f64; 3]>,
) -> Result<ModelDescription> {
    let options = OpenOptions::default();
    let found = describe_model(coarse)?;
    let own = describe_model(fine)?;
    if own.region.is_some() {
        return Err(bad(
            fine,
            "is a cascade already; name its finer model alone",
        ));
    }
    if found.channels.len() != own.channels.len() {
        return Err(bad(
            coarse,
            format!(
                "takes {}, the fine model {}; both see the same images",
                vesalius_volume::counted(found.channels.len(), "channel"),
                own.channels.len()
            ),
        ));
    }
    convert_model(coarse, to.join(REGION), &options)?;
    convert(fine, to, &options, |model| {
        let mut region = RegionStage {
            model: REGION.to_owned(),
            labels: Vec::new(),
            margin: [0; 3],
            millimetres: [0.0; 3],
            nothing_found: EmptyRegionPolicy::default(),
        };
        match taken_crop(model) {
            Some(crop) => {
                region.margin = crop.margin;
                region.millimetres = crop.millimetres;
            }
            None => (region.margin, region.millimetres) = half_a_window(model),
        }
        if let Some(millimetres) = millimetres {
            region.margin = [0; 3];
            region.millimetres = millimetres;
        }
        region.check()?;
        model.region = Some(region);
        Ok(())
    })
}

/// The crop around labels that a chain begins with, taken out of it.
fn taken_crop(model: &mut ModelDescription) -> Option<CropForeground> {
    match model.preprocessing.0.first() {
        Some(Transform::CropForeground(crop)) if crop.labels => {
            let crop = crop.clone();
            model.preprocessing.0.remove(0);
            Some(crop)
        }
        _ => None,
    }
}

/// Half of the shortest side of a model's window, in millimetres where its network's spacing is known, else in
/// voxels.
fn half_a_window(model: &ModelDescription) -> ([usize; 3], [f64; 3]) {
    let Some(windows) = model.inferer.windows() else {
        return ([0; 3], [0.0; 3]);
    };
    let spacing = match &model.nnunet {
        Some(pipeline) => Some(pipeline.spacing),
        None => model
            .preprocessing
            .0
            .iter()
            .rev()
            .find_map(|step| match step {
                Transform::Spacing(spacing) => Some(spacing.to),
                _ => None,
            }),
    };
    // A slice, and an axis whose whole is one window, have no side of their own.
    let sides = (0..3).filter(|&axis| windows.patch_size[axis] > 1);
    let known = |axis: &usize| spacing.is_none_or(|spacing| spacing[*axis] > 0.0);
    let sides = sides.filter(known).map(|axis| {
        let voxels = windows.patch_size[axis] as f64;
        voxels * spacing.map_or(1.0, |spacing| spacing[axis])
    });
    let half = sides.fold(f64::INFINITY, f64::min) / 2.0;
    match (half.is_finite(), spacing) {
        (false, _) => ([0; 3], [0.0; 3]),
        (true, Some(_)) => ([0; 3], [half; 3]),
        (true, None) => ([half.ceil() as usize; 3], [0.0; 3]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(keys: &str) -> ModelDescription {
        let text = format!(
            "channels: [c]\nlabels: {{exclusive: {{classes: [{{name: b, value: 0}}, {{name: a, value: 1}}]}}}}\n\
             network: {{unet: {{}}}}\nmembers: [m]\n{keys}\n"
        );
        serde_saphyr::from_str(&text).unwrap()
    }

    #[test]
    fn what_is_kept_around_a_box_is_half_of_the_windows_shortest_side() {
        let windows = "inferer: {sliding_window: {patch_size: [40, 56, 30]}}\n";
        let spaced = "preprocessing: [spacing: {to: [1, 0.5, 2]}]";
        let nnunet = "nnunet: {spacing: [1, 0.7, 0], normalization: {channels: []}}";
        let flat = "inferer: {sliding_window: {patch_size: [40, 56, 1]}}\n";
        let whole = "inferer: {simple: {}}\n";
        for (keys, expected) in [
            (windows.to_owned(), ([15; 3], [0.0; 3])),
            (format!("{windows}{spaced}"), ([0; 3], [14.0; 3])),
            (format!("{flat}{nnunet}"), ([0; 3], [0.5 * 56.0 * 0.7; 3])),
            (whole.to_owned(), ([0; 3], [0.0; 3])),
        ] {
            assert_eq!(half_a_window(&model(&keys)), expected, "{keys}");
        }
    }
}
