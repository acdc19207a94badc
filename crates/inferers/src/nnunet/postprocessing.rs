//! nnU-Net's `postprocessing.pkl` and `postprocessing.json`: which components are removed, as determined by
//! `nnUNetv2_find_best_configuration` and `nnUNetv2_determine_postprocessing`.

use crate::{Error, PostprocessingStep, Result};
use serde_json::Value;
use std::path::Path;
use vesalius_networks::read_pickle;
use vesalius_volume::{ErrorKind, Warning};

/// nnU-Net's one function.
const KEEP_LARGEST: &str = "remove_all_but_largest_component_from_segmentation";
/// Both files that it writes, of the same content; its own commands take the pickle.
const PICKLE: &str = "postprocessing.pkl";
const JSON: &str = "postprocessing.json";

/// The steps that a model folder's files name; none when there is no file. A file next to the results of a
/// cross-validation gives a warning and is not applied, as in nnU-Net's prediction.
pub(super) fn read(folder: &Path, warnings: &mut Vec<Warning>) -> Result<Vec<PostprocessingStep>> {
    for name in [PICKLE, JSON] {
        let path = folder.join(name);
        if path.is_file() {
            return read_file(&path);
        }
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("crossval_results")
        })
        .flat_map(|path| [PICKLE, JSON].map(|name| path.join(name)))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    for path in found
        .into_iter()
        .filter(|path| path.ends_with(PICKLE) || !path.with_extension("pkl").is_file())
    {
        if !read_file(&path)?.is_empty() {
            warnings.push(Warning::PostprocessingNotApplied {
                path: path.display().to_string(),
            });
        }
    }
    Ok(Vec::new())
}

/// The steps of one of the two files.
pub(super) fn read_file(path: &Path) -> Result<Vec<PostprocessingStep>> {
    let bad = |reason: String| Error::ModelFolder {
        kind: ErrorKind::BadInput,
        path: path.to_path_buf(),
        reason,
    };
    let bytes = std::fs::read(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let not_one = |e: String| bad(format!("is not nnU-Net's postprocessing: it {e}"));
    let (functions, arguments) = if path.extension().is_some_and(|ending| ending == "pkl") {
        let value = read_pickle(&bytes).map_err(not_one)?;
        (value.get(0).cloned(), value.get(1).cloned())
    } else {
        let value: Value =
            serde_json::from_slice(&bytes).map_err(|e| not_one(format!("is no JSON ({e})")))?;
        let list = |key: &str| value.get(key).cloned();
        (list("postprocessing_fns"), list("postprocessing_kwargs"))
    };
    let (Some(Value::Array(functions)), Some(Value::Array(arguments))) = (functions, arguments)
    else {
        return Err(not_one(
            "has no list of functions and one of their arguments".to_owned(),
        ));
    };
    if functions.len() != arguments.len() {
        return Err(bad(format!(
            "has {} and {} of arguments, which must be as many",
            vesalius_volume::counted(functions.len(), "function"),
            vesalius_volume::counted(arguments.len(), "set")
        )));
    }
    let steps = functions.iter().zip(&arguments);
    steps
        .map(|(function, arguments)| step(function, arguments).map_err(bad))
        .collect()
}

fn step(function: &Value, arguments: &Value) -> std::result::Result<PostprocessingStep, String> {
    let name = function["function"].as_str().or(function.as_str());
    let name = name
        .unwrap_or_default()
        .rsplit('.')
        .next()
        .unwrap_or_default();
    if name != KEEP_LARGEST {
        return Err(format!(
            "names `{name}`; only `{KEEP_LARGEST}` is understood"
        ));
    }
    let Value::Object(arguments) = arguments else {
        return Err(format!("has arguments of `{name}` that are no dictionary"));
    };
    for (key, value) in arguments {
        match key.as_str() {
            "labels_or_regions" => {}
            "background_label" if value.as_u64() == Some(0) => {}
            "background_label" => {
                return Err(format!(
                    "puts {value} in place of components that go; only 0 is understood"
                ));
            }
            other => {
                return Err(format!(
                    "has the argument `{other}` of `{name}`, which is not understood"
                ));
            }
        }
    }
    let mut labels = Vec::new();
    if let Some(told) = arguments.get("labels_or_regions") {
        collect(told, &mut labels)?;
    }
    labels.sort_unstable();
    labels.dedup();
    match labels.is_empty() {
        true => Err("has a step without `labels_or_regions`".to_owned()),
        false => Ok(PostprocessingStep::KeepLargest { labels }),
    }
}

/// All values of labels and regions; a step takes them together.
fn collect(value: &Value, labels: &mut Vec<u16>) -> std::result::Result<(), String> {
    match value {
        Value::Array(values) => values.iter().try_for_each(|value| collect(value, labels)),
        _ => {
            let label = value.as_u64().and_then(|value| u16::try_from(value).ok());
            labels.push(label.ok_or_else(|| {
                format!("has {value} among `labels_or_regions`, which is no label")
            })?);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `save_pickle` of nnU-Net 2.8.1's functions with labels as NumPy's integers, as a region, and both.
    const PICKLED: &[u8] = b"\x80\x04\x95*\x01\x00\x00\x00\x00\x00\x00]\x94(\x8c3nnunetv2.postprocessing.remove_connect\
        ed_components\x94\x8c2remove_all_but_largest_component_from_segmentation\x94\x93\x94h\x03h\
        \x03e]\x94(}\x94\x8c\x11labels_or_regions\x94]\x94(K\x01K\x02es}\x94h\x06\x8c\x16numpy._co\
        re.multiarray\x94\x8c\x06scalar\x94\x93\x94\x8c\x05numpy\x94\x8c\x05dtype\x94\x93\x94\x8c\
        \x02i8\x94\x89\x88\x87\x94R\x94(K\x03\x8c\x01<\x94NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\
        \x00t\x94bC\x08\x02\x00\x00\x00\x00\x00\x00\x00\x94\x86\x94R\x94s}\x94(h\x06K\x01K\x02\x86\
        \x94\x8c\x10background_label\x94K\x00ue\x86\x94.";

    fn steps(labels: &[&[u16]]) -> Vec<PostprocessingStep> {
        let step = |labels: &&[u16]| PostprocessingStep::KeepLargest {
            labels: labels.to_vec(),
        };
        labels.iter().map(step).collect()
    }

    #[test]
    fn labels_and_regions_are_taken_together() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let read = || read(folder, &mut Vec::new());
        assert!(read().unwrap().is_empty());
        let write = |name: &str, arguments: &str| {
            let text = format!(
                r#"{{"postprocessing_fns": ["{name}"], "postprocessing_kwargs": [{{{arguments}}}]}}"#
            );
            std::fs::write(folder.join(JSON), text).unwrap();
        };
        write(KEEP_LARGEST, r#""labels_or_regions": [[1, 2], 3]"#);
        assert_eq!(read().unwrap(), steps(&[&[1, 2, 3]]));
        let says = |word: &str| {
            let message = read().unwrap_err().to_string();
            assert!(
                message.contains(word) && message.contains(JSON),
                "{message}"
            );
        };
        write("magic", r#""labels_or_regions": 1"#);
        says("`magic`");
        write(
            KEEP_LARGEST,
            r#""labels_or_regions": 1, "background_label": 4"#,
        );
        says("puts 4");
        write(KEEP_LARGEST, r#""labels_or_regions": ["a"]"#);
        says("\"a\"");
        write(KEEP_LARGEST, r#""labels_or_regions": 1, "radius": 4"#);
        says("`radius`");
        write(KEEP_LARGEST, r#""labels_or_regions": [1, null]"#);
        says("has null");
        std::fs::write(folder.join(JSON), "[1, 2]").unwrap();
        says("no list of functions");
        for other in [b"}.".as_slice(), b"(K\x01l.", b"N."] {
            std::fs::write(folder.join(PICKLE), other).unwrap();
            let message = read().unwrap_err().to_string();
            assert!(message.contains("no list of functions"), "{message}");
        }
        std::fs::write(folder.join(PICKLE), PICKLED).unwrap();
        assert_eq!(read().unwrap(), steps(&[&[1, 2], &[2], &[1, 2]]));
    }

    #[test]
    fn what_cross_validation_found_is_told_and_not_applied() {
        let folder = tempfile::tempdir().unwrap();
        let results = folder.path().join("crossval_results_folds_0_1_2_3_4");
        std::fs::create_dir(&results).unwrap();
        std::fs::write(results.join(PICKLE), PICKLED).unwrap();
        std::fs::write(results.join(JSON), "{}").unwrap();
        let mut warnings = Vec::new();
        assert_eq!(read(folder.path(), &mut warnings).unwrap(), []);
        assert!(
            matches!(&warnings[..], [Warning::PostprocessingNotApplied { path }] if path.ends_with(PICKLE)),
            "{warnings:?}"
        );
    }
}
