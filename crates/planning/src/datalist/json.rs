//! A list as JSON: the Decathlon's `dataset.json`, Auto3DSeg's datalist with a `fold` per case, and
//! nnU-Net's `dataset.json`, whose cases are found in the folders next to it.

use super::{CaseFiles, Datalist, UnlabelledFiles, keys, numbered_channels, raw};
use crate::nnunet::{DatasetJson, LabelValues, Ordered};
use crate::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::{LabelScheme, Region};

#[derive(Deserialize)]
struct Stored {
    name: Option<String>,
    modality: Option<Value>,
    channel_names: Option<Value>,
    labels: Option<Map<String, Value>>,
    regions_class_order: Option<Vec<u16>>,
    training: Option<Vec<StoredCase>>,
    /// Auto3DSeg: the cases that are held out, in place of folds.
    validation: Option<Vec<StoredCase>>,
    #[serde(alias = "test")]
    testing: Option<Vec<StoredImage>>,
    /// nnU-Net: how image files end.
    file_ending: Option<String>,
    /// nnU-Net: files by case, where they do not lie in its folders.
    dataset: Option<BTreeMap<String, raw::ListedCase>>,
}

#[derive(Deserialize)]
struct StoredCase {
    image: OneOrMore,
    label: PathBuf,
    fold: Option<usize>,
    #[serde(alias = "subject", alias = "group")]
    patient: Option<String>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a file, or `{\"image\": FILE}`")]
enum StoredImage {
    Named {
        image: OneOrMore,
        #[serde(flatten)]
        other: Map<String, Value>,
    },
    Bare(PathBuf),
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a file, or a list of files")]
enum OneOrMore {
    One(PathBuf),
    More(Vec<PathBuf>),
}

impl OneOrMore {
    /// The case's name and its files; `None` when there is none.
    fn resolve(self, root: &Path) -> Option<(String, Vec<PathBuf>)> {
        let images = match self {
            Self::One(path) => vec![path],
            Self::More(paths) => paths,
        };
        let name = vesalius_io::strip_extension(images.first()?);
        Some((name, images.iter().map(|path| joined(root, path)).collect()))
    }
}

/// The files under further image keys of a case, in the order of the keys.
fn further_images(
    other: &Map<String, Value>,
    keys: &[String],
    root: &Path,
) -> std::result::Result<Vec<PathBuf>, String> {
    let file = |key: &String| match other.get(key) {
        Some(Value::String(path)) => Ok(joined(root, Path::new(path))),
        Some(value) => Err(format!("has {value} under `{key}`, expected a file's path")),
        None => Err(format!(
            "has no `{key}`, which is asked for as a further image"
        )),
    };
    keys.iter().map(file).collect()
}

/// `./imagesTr/a.nii.gz` under `root`, without the dot.
fn joined(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix(".").unwrap_or(path))
}

pub(super) fn parse(path: &Path, root: &Path, text: &str, further: &[String]) -> Result<Datalist> {
    let bad = |reason: String| Error::Datalist {
        path: path.to_path_buf(),
        reason,
    };
    let found: Value =
        serde_json::from_str(text).map_err(|e| bad(format!("is not a datalist: {e}")))?;
    keys::check(&found, further).map_err(bad)?;
    let stored: Stored =
        serde_json::from_str(text).map_err(|e| bad(format!("is not a datalist: {e}")))?;
    let channels = match stored.modality.or(stored.channel_names) {
        Some(names) => channel_names(names).map_err(bad)?,
        None => vec![],
    };
    let (labels, regions, ignore) = match stored.labels {
        Some(labels) => read_labels(labels, stored.regions_class_order).map_err(bad)?,
        None => Default::default(),
    };
    let mut list = Datalist {
        path: path.to_path_buf(),
        name: stored.name.unwrap_or_else(|| folder_name(root)),
        channels,
        labels,
        regions,
        ignore,
        cases: vec![],
        held_out: vec![],
        testing: vec![],
    };
    match (stored.training, stored.dataset, stored.file_ending) {
        (None, Some(dataset), _) => list.cases = raw::listed(root, dataset),
        (None, None, Some(ending)) => {
            list.cases = raw::labelled(root, &ending, list.channels.len()).map_err(bad)?;
            list.testing = raw::unlabelled(root, &ending).map_err(bad)?;
        }
        (training, ..) => {
            list.cases = labelled(training.unwrap_or_default(), root, further).map_err(bad)?;
            list.testing =
                unlabelled(stored.testing.unwrap_or_default(), root, further).map_err(bad)?;
            let validation = stored.validation.unwrap_or_default();
            let validation = labelled(validation, root, further).map_err(bad)?;
            hold_out(&mut list, validation).map_err(bad)?;
        }
    }
    let images = list.cases.first().map_or(1, |case| case.images.len());
    if !list.channels.is_empty() && list.channels.len() + further.len() == images {
        list.channels.extend(further.iter().cloned());
    }
    if list.channels.is_empty() {
        list.channels = numbered_channels(images);
    }
    Ok(list)
}

/// The name of a dataset without one: its folder.
fn folder_name(root: &Path) -> String {
    let name = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    name.file_name()
        .map_or("dataset".to_owned(), |n| n.to_string_lossy().into_owned())
}

/// Takes an Auto3DSeg `validation` list in, as its runner does: what it names is fold 0, the only one held out.
fn hold_out(
    list: &mut Datalist,
    mut validation: Vec<CaseFiles>,
) -> std::result::Result<(), String> {
    if validation.is_empty() {
        return Ok(());
    }
    let in_folds = |case: &&CaseFiles| case.fold.is_some();
    if let Some(case) = list.cases.iter().chain(&validation).find(in_folds) {
        return Err(format!(
            "has a `validation` list, and case {} has a `fold`; keep one of both, since they say differently what is held out",
            case.name
        ));
    }
    // A case under both is held out.
    let held_out = |case: &CaseFiles| validation.iter().any(|held| held.label == case.label);
    list.cases.retain(|case| !held_out(case));
    list.cases.iter_mut().for_each(|case| case.fold = Some(1));
    validation.iter_mut().for_each(|case| case.fold = Some(0));
    list.cases.append(&mut validation);
    list.held_out = vec![0];
    Ok(())
}

fn labelled(
    training: Vec<StoredCase>,
    root: &Path,
    further: &[String],
) -> std::result::Result<Vec<CaseFiles>, String> {
    let cases = training.into_iter().enumerate().map(|(position, case)| {
        let (name, mut images) = case
            .image
            .resolve(root)
            .ok_or_else(|| format!("`training[{position}]` names no image"))?;
        let more = further_images(&case.other, further, root);
        images.extend(more.map_err(|reason| format!("`training[{position}]` {reason}"))?);
        Ok(CaseFiles {
            name,
            images,
            label: joined(root, &case.label),
            fold: case.fold,
            patient: case.patient,
        })
    });
    cases.collect()
}

fn unlabelled(
    testing: Vec<StoredImage>,
    root: &Path,
    further: &[String],
) -> std::result::Result<Vec<UnlabelledFiles>, String> {
    let cases = testing.into_iter().enumerate().map(|(position, case)| {
        let (image, other) = match case {
            StoredImage::Named { image, other } => (image, other),
            StoredImage::Bare(path) => (OneOrMore::One(path), Map::new()),
        };
        let (name, mut images) = image
            .resolve(root)
            .ok_or_else(|| format!("`testing[{position}]` names no image"))?;
        let more = further_images(&other, further, root);
        images.extend(more.map_err(|reason| format!("`testing[{position}]` {reason}"))?);
        Ok(UnlabelledFiles { name, images })
    });
    cases.collect()
}

/// `{"0": "T1", "1": "T2"}` by number (as text, `"10"` would come before `"2"`), or a plain list.
fn channel_names(names: Value) -> std::result::Result<Vec<String>, String> {
    let text = |value: Value| match value {
        Value::String(name) => Ok(name),
        other => Err(format!("names the channel {other}, expected text")),
    };
    match names {
        Value::Object(map) => {
            let mut names: Vec<(String, Value)> = map.into_iter().collect();
            names.sort_by_key(|(key, _)| key.parse::<usize>().unwrap_or(usize::MAX));
            names.into_iter().map(|(_, name)| text(name)).collect()
        }
        Value::Array(names) => names.into_iter().map(text).collect(),
        // Auto3DSeg's lists carry `"modality": "MRI"`, which is of every channel.
        Value::String(_) => Ok(vec![]),
        other => Err(format!(
            "has channel names {other}, expected {{\"0\": \"T1\", …}}"
        )),
    }
}

/// Names and values of exclusive labels, or regions; and the value to ignore.
type Labels = (BTreeMap<u16, String>, Vec<Region>, Option<u16>);

/// The Decathlon writes `"1": "liver"`, nnU-Net `"liver": 1` and, for regions, `"whole": [1, 2]`.
fn read_labels(
    labels: Map<String, Value>,
    order: Option<Vec<u16>>,
) -> std::result::Result<Labels, String> {
    let mut named: Ordered<LabelValues> = Ordered::default();
    for (key, value) in labels {
        let (name, values) = match (key.parse::<u16>(), value) {
            (Ok(number), Value::String(name)) => (name, LabelValues::One(number)),
            (_, value) => match LabelValues::deserialize(&value) {
                Ok(values) => (key, values),
                Err(_) => {
                    return Err(format!(
                        "`labels.{key}` is {value}, expected `\"1\": \"name\"`, `\"name\": 1` or, for a region, `\"name\": [1, 2]`"
                    ));
                }
            },
        };
        named.0.push((name, values));
    }
    let dataset = DatasetJson {
        labels: named,
        regions_class_order: order,
        ..DatasetJson::default()
    };
    if dataset.has_regions() {
        return match dataset.label_scheme().map_err(|e| e.to_string())? {
            LabelScheme::Regions {
                regions, ignore, ..
            } => Ok((BTreeMap::new(), regions.into_vec(), ignore)),
            _ => Ok(Labels::default()),
        };
    }
    let mut labels = BTreeMap::new();
    let mut ignore = None;
    for (name, values) in dataset.labels.0 {
        match values.values() {
            [value] if name == "ignore" => ignore = Some(*value),
            [value] => drop(labels.insert(*value, name)),
            _ => return Err(format!("`labels.{name}` has no value")),
        }
    }
    Ok((labels, vec![], ignore))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str], json: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        std::fs::write(folder.path().join("dataset.json"), json).unwrap();
        folder
    }

    #[test]
    fn a_decathlon_list_with_folds_is_split() {
        let folder = folder(
            &[
                "a.nii.gz",
                "b.nii.gz",
                "a_seg.nii.gz",
                "b_seg.nii.gz",
                "c.nii.gz",
            ],
            r#"{"name": "T", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "organ"},
                "training": [{"image": "./a.nii.gz", "label": "a_seg.nii.gz", "fold": 0},
                             {"image": ["./b.nii.gz"], "label": "b_seg.nii.gz", "fold": 1, "patient": "P"}],
                "test": ["./c.nii.gz"]}"#,
        );
        let list = Datalist::read(folder.path()).unwrap();
        assert_eq!(list.channels, ["MRI"]);
        let (train, validate) = list.split(0).unwrap();
        assert_eq!(
            (train[0].name.as_str(), validate[0].name.as_str()),
            ("b", "a")
        );
        assert_eq!(train[0].patient.as_deref(), Some("P"));
        assert_eq!(list.testing[0].name, "c");
        assert_eq!(list.label_scheme().unwrap().channels(), 2);
        assert!(list.split(7).unwrap_err().to_string().contains("[0, 1]"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = |json: &str| {
            Datalist::read(folder(&[], json).path())
                .unwrap_err()
                .to_string()
        };
        let absent =
            error(r#"{"training": [{"image": "gone.nii.gz", "label": "gone_seg.nii.gz"}]}"#);
        assert!(absent.contains("gone.nii.gz"), "{absent}");
        let cut = error(r#"{"training": [{"image": "#);
        assert!(cut.contains("line 1"), "{cut}");
        let empty = error(r#"{"training": []}"#);
        assert!(empty.contains("no labelled case"), "{empty}");
        let label = error(r#"{"labels": {"a": "b"}, "training": []}"#);
        assert!(label.contains("labels.a"), "{label}");
        let order = error(r#"{"labels": {"background": 0, "whole": [1, 2]}, "training": []}"#);
        assert!(order.contains("regions_class_order"), "{order}");
    }

    #[test]
    fn regions_and_ignored_voxels_come_from_nnunets_labels() {
        let json = r#"{"channel_names": {"0": "MRI"},
            "labels": {"background": 0, "whole": [1, 2], "core": 2, "ignore": 3},
            "regions_class_order": [1, 2],
            "training": [{"image": "a.nii.gz", "label": "a_seg.nii.gz"}]}"#;
        let folder = folder(&["a.nii.gz", "a_seg.nii.gz"], json);
        let scheme = Datalist::read(folder.path())
            .unwrap()
            .label_scheme()
            .unwrap();
        assert_eq!(scheme.channel_names(), ["whole", "core"]);
        assert_eq!(scheme.ignore(), Some(3));
    }

    #[test]
    fn channels_come_in_order_of_their_numbers() {
        let names: Map<String, Value> = (0..12)
            .map(|i| (i.to_string(), format!("c{i}").into()))
            .collect();
        assert_eq!(channel_names(Value::Object(names)).unwrap()[10], "c10");
    }
}
