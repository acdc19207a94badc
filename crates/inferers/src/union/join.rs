//! A union written as one folder with all of its models.

use super::{UNION_FILE, UnionDescription, file_at};
use crate::locate::Located;
use crate::segmenter::{refuse_union, union_of_descriptions};
use crate::{Error, ModelDescription, OpenOptions, Result, convert_model, describe_model};
use std::path::Path;
use vesalius_volume::ErrorKind;

/// Writes a union as one folder: each member's model in a folder of its name, and the description, in which `model` is that
/// folder. The description is written last, so that a folder with one is whole. Returns the description and the union as
/// one model.
///
/// `description` is a YAML file whose members' `model` is relative to it, or a folder with a [`UNION_FILE`].
///
/// # Errors
/// A description that is not consistent, a model that cannot be read, labels that do not fit, a folder that holds a model or
/// cannot be written.
pub fn join_union(
    description: impl AsRef<Path>,
    to: impl AsRef<Path>,
) -> Result<(UnionDescription, ModelDescription)> {
    let (path, to) = (file_at(description.as_ref()), to.as_ref());
    let mut union = UnionDescription::read(&path)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    if to.join(UNION_FILE).exists() {
        let reason = "holds a union already; choose another folder";
        return Err(Error::of_folder(ErrorKind::BadInput, to, reason));
    }
    let mut described = Vec::new();
    for member in &union.members {
        let from = folder.join(&member.model);
        let of_member = |error: Error| error.of_member(&member.name);
        let located = Located::find(&from).map_err(of_member)?;
        refuse_union(&located.folder).map_err(of_member)?;
        described.push(describe_model(&from).map_err(of_member)?);
    }
    let model = union_of_descriptions(&union, &described).map_err(|error| match error {
        Error::BadModel(reason) => Error::model_folder(&path, reason),
        other => other,
    })?;
    for member in &mut union.members {
        let name = member.name.clone();
        let from = folder.join(&member.model);
        convert_model(from, to.join(&name), &OpenOptions::default())
            .map_err(|error| error.of_member(&name))?;
        member.model = name.into();
    }
    let text = vesalius_planning::to_yaml(&union)
        .map_err(|reason| Error::model_folder(to.join(UNION_FILE), reason))?;
    vesalius_io::write_bytes_atomically(to.join(UNION_FILE), text.as_bytes())?;
    Ok((union, model))
}
