//! Which files make a dataset: the Medical Segmentation Decathlon's `dataset.json`, as Auto3DSeg
//! extends it with a `fold` per case.

use crate::{Error, Result};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::LabelScheme;

/// One labelled case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFiles {
    /// Its name: the first image file's, without suffixes.
    pub name: String,
    /// One file a channel.
    pub images: Vec<PathBuf>,
    /// The file with its labels.
    pub label: PathBuf,
    /// The fold it belongs to, where the list says so.
    pub fold: Option<usize>,
}

/// A dataset: its channels, its label names and its labelled cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datalist {
    /// The file it was read from.
    pub path: PathBuf,
    /// What it is called.
    pub name: String,
    /// The name of each image channel.
    pub channels: Vec<String>,
    /// Label value and name, as the list gives them; empty where it gives none.
    pub labels: BTreeMap<u16, String>,
    /// The labelled cases, in the list's order.
    pub cases: Vec<CaseFiles>,
}

impl Datalist {
    /// Reads a `dataset.json`, or the one in a folder, and checks that its files are there.
    ///
    /// # Errors
    /// [`Error::Datalist`] for a file that is absent, not JSON or not a datalist;
    /// [`Error::MissingFile`] for a listed file that is absent.
    pub fn read(path: &Path) -> Result<Self> {
        let path = if path.is_dir() {
            path.join("dataset.json")
        } else {
            path.to_path_buf()
        };
        let bad = |reason: String| Error::Datalist {
            path: path.clone(),
            reason,
        };
        let text = std::fs::read_to_string(&path).map_err(|e| {
            bad(format!("cannot be read ({e}); give `--data` the folder that holds `dataset.json`, or the file itself"))
        })?;
        let stored: Stored =
            serde_json::from_str(&text).map_err(|e| bad(format!("is not a datalist: {e}")))?;
        let root = path.parent().unwrap_or(Path::new(".")).to_path_buf();
        let cases: Vec<CaseFiles> = stored
            .training
            .into_iter()
            .enumerate()
            .map(|(position, case)| {
                case.resolve(&root)
                    .ok_or_else(|| bad(format!("`training[{position}]` names no image")))
            })
            .collect::<Result<_>>()?;
        if cases.is_empty() {
            return Err(bad("has no case under `training`".to_owned()));
        }
        for case in &cases {
            for file in case.images.iter().chain([&case.label]) {
                if !file.is_file() {
                    return Err(Error::MissingFile {
                        list: path,
                        case: case.name.clone(),
                        file: file.clone(),
                    });
                }
            }
        }
        check_names(&cases).map_err(bad)?;
        let channels = match stored.modality.or(stored.channel_names) {
            Some(names) => in_numeric_order(names),
            None => (0..cases[0].images.len())
                .map(|i| format!("channel {i}"))
                .collect(),
        };
        let labels = stored
            .labels
            .map(label_names)
            .transpose()
            .map_err(bad)?
            .unwrap_or_default();
        Ok(Self {
            name: stored.name.unwrap_or_else(|| "dataset".to_owned()),
            channels,
            labels,
            cases,
            path,
        })
    }

    /// The cases outside and inside `fold`: what to train on and what to validate on.
    ///
    /// # Errors
    /// [`Error::Datalist`] when no case has a fold, or either side would be empty.
    pub fn split(&self, fold: usize) -> Result<(Vec<CaseFiles>, Vec<CaseFiles>)> {
        let bad = |reason: String| {
            Err(Error::Datalist {
                path: self.path.clone(),
                reason,
            })
        };
        if let Some(case) = self.cases.iter().find(|case| case.fold.is_none()) {
            return bad(format!(
                "case {} has no `fold`; add `\"fold\": n` to every case",
                case.name
            ));
        }
        let (inside, outside): (Vec<_>, Vec<_>) = self
            .cases
            .iter()
            .cloned()
            .partition(|case| case.fold == Some(fold));
        let mut folds: Vec<usize> = self.cases.iter().filter_map(|case| case.fold).collect();
        folds.sort_unstable();
        folds.dedup();
        if inside.is_empty() {
            return bad(format!(
                "no case is in fold {fold}; the folds are {folds:?}"
            ));
        }
        if outside.is_empty() {
            return bad(format!(
                "every case is in fold {fold}, so none is left to train on"
            ));
        }
        Ok((outside, inside))
    }

    /// The labels of the list as an exclusive scheme.
    ///
    /// # Errors
    /// [`Error::Datalist`] when the list names no label.
    pub fn label_scheme(&self) -> Result<LabelScheme> {
        let classes: Vec<(&str, u16)> = self
            .labels
            .iter()
            .map(|(value, name)| (name.as_str(), *value))
            .collect();
        LabelScheme::exclusive(&classes).map_err(|e| Error::Datalist {
            path: self.path.clone(),
            reason: format!("names no usable labels ({e}); set `labels` in the training config"),
        })
    }
}

#[derive(Deserialize)]
struct Stored {
    name: Option<String>,
    modality: Option<BTreeMap<String, String>>,
    channel_names: Option<BTreeMap<String, String>>,
    labels: Option<BTreeMap<String, serde_json::Value>>,
    #[serde(default)]
    training: Vec<StoredCase>,
}

#[derive(Deserialize)]
struct StoredCase {
    image: OneOrMore,
    label: PathBuf,
    fold: Option<usize>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(PathBuf),
    More(Vec<PathBuf>),
}

impl StoredCase {
    fn resolve(self, root: &Path) -> Option<CaseFiles> {
        let images = match self.image {
            OneOrMore::One(path) => vec![path],
            OneOrMore::More(paths) => paths,
        };
        let name = vesalius_io::strip_extension(images.first()?);
        Some(CaseFiles {
            name,
            images: images.iter().map(|path| root.join(path)).collect(),
            label: root.join(self.label),
            fold: self.fold,
        })
    }
}

fn check_names(cases: &[CaseFiles]) -> std::result::Result<(), String> {
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("has two cases called {}", pair[0])),
        None => Ok(()),
    }
}

/// Keys are `"0"`, `"1"`, …; as text, `"10"` would come before `"2"`.
fn in_numeric_order(names: BTreeMap<String, String>) -> Vec<String> {
    let mut names: Vec<(String, String)> = names.into_iter().collect();
    names.sort_by_key(|(key, _)| key.parse::<usize>().unwrap_or(usize::MAX));
    names.into_iter().map(|(_, name)| name).collect()
}

/// The Decathlon writes `"1": "liver"`, nnU-Net `"liver": 1`; both are read.
fn label_names(
    labels: BTreeMap<String, serde_json::Value>,
) -> std::result::Result<BTreeMap<u16, String>, String> {
    labels
        .into_iter()
        .map(|(key, value)| match (key.parse::<u16>(), value) {
            (Ok(number), serde_json::Value::String(name)) => Ok((number, name)),
            (_, serde_json::Value::Number(number)) => {
                let number = number.as_u64().and_then(|n| u16::try_from(n).ok());
                number.map(|n| (n, key.clone())).ok_or(format!("`labels.{key}` is not a label value"))
            }
            (_, other) => Err(format!(
                "`labels.{key}` is {other}, expected `\"1\": \"name\"` or `\"name\": 1`; regions are set by `labels` in the training config"
            )),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, json: &str) {
        std::fs::write(folder.join("dataset.json"), json).unwrap();
    }

    #[test]
    fn a_decathlon_list_with_folds_is_split() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.nii.gz", "b.nii.gz", "a_seg.nii.gz", "b_seg.nii.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        write(
            folder.path(),
            r#"{"name": "T", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "organ"},
                "training": [{"image": "./a.nii.gz", "label": "a_seg.nii.gz", "fold": 0},
                             {"image": ["./b.nii.gz"], "label": "b_seg.nii.gz", "fold": 1}]}"#,
        );
        let list = Datalist::read(folder.path()).unwrap();
        assert_eq!(list.channels, ["MRI"]);
        let (train, validate) = list.split(0).unwrap();
        assert_eq!(
            (train[0].name.as_str(), validate[0].name.as_str()),
            ("b", "a")
        );
        assert_eq!(list.label_scheme().unwrap().channels(), 2);
        assert!(list.split(7).unwrap_err().to_string().contains("[0, 1]"));
    }

    #[test]
    fn an_absent_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            Datalist::read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("dataset.json")
        );
        write(
            folder.path(),
            r#"{"training": [{"image": "gone.nii.gz", "label": "gone_seg.nii.gz"}]}"#,
        );
        assert!(
            Datalist::read(folder.path())
                .unwrap_err()
                .to_string()
                .contains("gone.nii.gz")
        );
        write(folder.path(), r#"{"training": [{"image": "#);
        assert!(Datalist::read(folder.path()).is_err());
    }
}
