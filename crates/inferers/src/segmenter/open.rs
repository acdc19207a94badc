//! From a model folder to a [`Segmenter`]: the networks of its members, its coarser stage, its companions.

use super::ensemble::check_alike;
use super::member::Member;
use super::region::Region;
use super::single::Single;
use super::{Models, Segmenter};
use crate::folder::FoundModel;
use crate::locate::Located;
use crate::union::is_union;
use crate::{Combination, Error, OpenOptions, Result};
use std::path::{Path, PathBuf};
use vesalius_volume::ErrorKind;

impl Segmenter {
    /// Loads a model folder, ours or nnU-Net's, with all of its folds onto the CPU. The path may also be one of its
    /// folds or files, a folder that holds this one model (`nnUNet_results/DATASET`), or an archive of it.
    ///
    /// # Errors
    /// A description that cannot be read, weights that are missing or do not fit the network.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, &OpenOptions::default())
    }

    /// As [`Segmenter::open`], on another device, with some of the folds or with settings changed.
    ///
    /// # Errors
    /// As [`Segmenter::open`]; a fold that is not in the model, a step out of range.
    pub fn open_with(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let mut located = Located::find_with(path.as_ref(), options.scratch.as_deref())?;
        let unpacked = located.unpacked.take();
        if is_union(&located.folder) {
            let mut opened = Self::open_union(&located, options)?;
            opened.unpacked = unpacked;
            return Ok(opened);
        }
        let folder = located.folder.as_path();
        let found = FoundModel::read(&located, options)?;
        let first = Self::open_first(&found, options)?;
        let mut opened = match found.description.companions.is_empty() {
            true => first,
            false => Self::open_companions(folder, first, &found, options)?,
        };
        if let Some(stage) = &found.description.region {
            let options = every_fold(options);
            let segmenter = Self::open_with(folder.join(&stage.model), &options)?;
            if segmenter.model.channels.len() != found.description.channels.len() {
                let found = &segmenter.model.channels;
                return Err(Error::ModelFolder {
                    kind: ErrorKind::BadInput,
                    path: folder.join(&stage.model),
                    reason: format!(
                        "takes {}, but the model whose region it finds takes another number",
                        vesalius_volume::counted(found.len(), "channel")
                    ),
                });
            }
            opened.warnings.extend(segmenter.warnings.clone());
            opened.region = Some(Box::new(Region {
                stage: stage.clone(),
                segmenter,
            }));
        }
        opened.unpacked = unpacked;
        Ok(opened)
    }

    fn open_companions(
        folder: &Path,
        first: Self,
        found: &FoundModel,
        options: &OpenOptions,
    ) -> Result<Self> {
        let description = &found.description;
        let mut models = vec![first];
        for name in &description.companions {
            let path = folder.join(name);
            let companion = Self::open_with(&path, options)?;
            let own = (folder.display().to_string(), path.display().to_string());
            check_alike((&own.0, description), (&own.1, companion.model()))?;
            models.push(companion);
        }
        Self::of_parts(description.clone(), models)
    }

    /// Several model folders, ours or nnU-Net's, as an ensemble; see [`Segmenter::together`].
    ///
    /// # Errors
    /// As [`Segmenter::open_with`] and [`Segmenter::together`].
    pub fn open_together(
        folders: &[PathBuf],
        options: &OpenOptions,
        weights: Option<&[f64]>,
        combination: Combination,
    ) -> Result<Self> {
        let open = |folder: &PathBuf| {
            let model = Self::open_with(folder, options)?;
            Ok((folder.display().to_string(), model))
        };
        let models = folders.iter().map(open).collect::<Result<_>>()?;
        Self::together(models, weights, combination)
    }

    /// The model of a folder's description, without its companions.
    fn open_first(found: &FoundModel, options: &OpenOptions) -> Result<Self> {
        let device = &options.device;
        let mut warnings = found.warnings.clone();
        let (mut members, mut files) = (Vec::new(), Vec::new());
        let stage = options.control.stage("members", found.weights.len() as u64);
        for path in &found.weights {
            stage.control().check()?;
            let loaded = found.load(path, device)?;
            stage.advance(1);
            warnings.extend(loaded.warnings);
            files.push(loaded.file);
            members.push(Member::Ours(loaded.network));
        }
        drop(stage);
        let mut single = Single::new(members, device);
        single.files = files;
        if let Some(stage) = &found.previous_stage {
            let options = every_fold(options);
            let stage = Self::open_with(stage, &options)?;
            warnings.extend(stage.warnings.clone());
            single.previous = Some(stage);
        }
        Ok(Self {
            model: found.description.clone(),
            models: Models::One(Box::new(single)),
            region: None,
            warnings,
            unpacked: None,
        })
    }
}

/// Folds, checkpoints and a bundle's settings are chosen of the model that was named, not of the coarser ones that it needs.
fn every_fold(options: &OpenOptions) -> OpenOptions {
    OpenOptions {
        folds: None,
        checkpoint: None,
        settings: Vec::new(),
        ..options.clone()
    }
}
