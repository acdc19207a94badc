//! Opening a union's folder, and a union as one model's description.

use super::super::Segmenter;
use super::{Folder, Source};
use crate::folder::FoundModel;
use crate::locate::Located;
use crate::union::{Plan, UNION_FILE, is_union};
use crate::{
    Error, Inverse, ModelDescription, OpenOptions, Result, UnionDescription, UnionMember,
    WeightFile,
};
use std::path::{Component, Path};
use std::sync::OnceLock;
use vesalius_volume::{ErrorKind, LabelScheme, Warning};

impl Segmenter {
    /// The union of a folder with a `union.yaml`. Its members are opened when they are first needed.
    pub(in crate::segmenter) fn open_union(
        located: &Located,
        options: &OpenOptions,
    ) -> Result<Self> {
        let folder = located.folder.as_path();
        let refused = |reason: &str| Err(Error::model_folder(folder.join(UNION_FILE), reason));
        if options.folds.is_some() || options.checkpoint.is_some() || !options.settings.is_empty() {
            return refused(
                "is a union of models: folds, checkpoints and settings are those of each member; choose them before the members are joined",
            );
        }
        let description = UnionDescription::read(folder)?;
        let options = OpenOptions {
            control: Default::default(),
            ..options.clone()
        };
        let (mut described, mut sources, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for member in &description.members {
            let found = describe(folder, member, &options)?;
            warnings.extend(found.warnings);
            described.push(found.description);
            sources.push(Source::Folder(Box::new(found.folder)));
        }
        let opened = Self::of_sources(description, &described, sources, warnings);
        opened.map_err(|error| match error {
            Error::BadModel(reason) => Error::model_folder(folder.join(UNION_FILE), reason),
            other => other,
        })
    }
}

/// A member's description, and its folder.
struct Described {
    description: ModelDescription,
    folder: Folder,
    warnings: Vec<Warning>,
}

fn describe(folder: &Path, member: &UnionMember, options: &OpenOptions) -> Result<Described> {
    let inside = member
        .model
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside {
        return Err(Error::model_folder(
            folder.join(UNION_FILE),
            format!(
                "member `{}`: the model {} is outside of the folder; join the models into one folder first (`join_union`)",
                member.name,
                member.model.display()
            ),
        ));
    }
    let path = folder.join(&member.model);
    let located = Located::find_with(&path, options.scratch.as_deref())?;
    if is_union(&located.folder) {
        return Err(Error::model_folder(
            path,
            "is a union itself; name its members one by one",
        ));
    }
    let found = FoundModel::read(&located, options)?;
    let weights = found.weights.iter().map(|path| WeightFile {
        path: path.clone(),
        blake3: None,
    });
    let mut files: Vec<WeightFile> = weights.collect();
    files.extend(described_by(folder, &found)?);
    Ok(Described {
        description: found.description,
        warnings: found.warnings,
        folder: Folder {
            path,
            options: options.clone(),
            files,
            opened: OnceLock::new(),
        },
    })
}

/// The descriptions that the result depends on: the union's file, and the member's as it was read.
fn described_by(folder: &Path, found: &FoundModel) -> Result<[WeightFile; 2]> {
    let union = WeightFile {
        path: folder.join(UNION_FILE),
        blake3: None,
    };
    let text = serde_json::to_vec(&found.description)
        .map_err(|_| Error::Internal("a model's description cannot be written"))?;
    Ok([
        union,
        WeightFile {
            path: folder.to_path_buf(),
            blake3: Some(crate::weights_checksum(&text)),
        },
    ])
}

fn check_channels(union: &UnionDescription, described: &[ModelDescription]) -> Result<()> {
    let mut members = union.members.iter().zip(described);
    let Some((first, expected)) = members.next() else {
        return Ok(());
    };
    for (member, model) in members {
        if model.channels.len() != expected.channels.len() {
            return Err(Error::BadModel(format!(
                "member `{}` takes {} ({}), but `{}` takes {}: all members of a union see the same image",
                member.name,
                vesalius_volume::counted(model.channels.len(), "channel"),
                model.channels.join(", "),
                first.name,
                expected.channels.len()
            )));
        }
    }
    Ok(())
}

/// The union as one model: the channels of its first member, and the labels of all.
fn described_as_one(
    union: &UnionDescription,
    first: &ModelDescription,
    plan: &Plan,
) -> ModelDescription {
    let mut model = first.clone();
    let (channels, labels) = (model.channels.len(), plan.scheme.channels());
    model.network = model.network.with_channels(channels, labels);
    model.labels = plan.scheme.clone();
    model.preprocessing = Default::default();
    model.nnunet = None;
    model.previous_stage = None;
    model.region = None;
    model.clicks = None;
    model.mirror_axes.clear();
    model.inverse = Inverse::default();
    model.postprocessing.clear();
    model.members = union.members.iter().map(|m| m.name.clone()).collect();
    model.checksums.clear();
    model.companions.clear();
    model.weights.clear();
    model.provenance = Default::default();
    model.provenance.name.clone_from(&union.name);
    model
}

/// The plan of a union, and the union as one model.
pub(super) fn joined(
    union: &UnionDescription,
    described: &[ModelDescription],
) -> Result<(Plan, ModelDescription)> {
    check_channels(union, described)?;
    let schemes: Vec<&LabelScheme> = described.iter().map(|model| &model.labels).collect();
    let plan = Plan::new(union, &schemes, None)?;
    // The description was checked: there is one at least.
    let model = described_as_one(union, &described[0], &plan);
    Ok((plan, model))
}

/// The union of models that are only described, as one model.
pub(crate) fn union_of_descriptions(
    union: &UnionDescription,
    described: &[ModelDescription],
) -> Result<ModelDescription> {
    Ok(joined(union, described)?.1)
}

/// The description of a union as one model, without its weights.
pub(crate) fn describe_union(located: &Located, options: &OpenOptions) -> Result<ModelDescription> {
    Ok(Segmenter::open_union(located, options)?.model)
}

/// The error of a union where one model is needed.
pub(crate) fn refuse_union(folder: &Path) -> Result<()> {
    match is_union(folder) {
        true => Err(Error::of_folder(
            ErrorKind::Unsupported,
            folder,
            "is a union of models, not one; name one of its members",
        )),
        false => Ok(()),
    }
}
