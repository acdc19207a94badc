//! What a folder's results were made from: the model with its weights, and for each case the images and
//! the files written, by their content. A result is complete only while all of that is unchanged.

use super::file_state::{FileState, content};
use super::{LabelVolume, Part, PredictOptions};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use vesalius_inferers::{ModelDescription, WeightFile};
use vesalius_io::ReadOptions;

/// The file's name.
pub(super) const RECORD_FILE: &str = "predicted_by.json";
/// How the names of parts' files begin, before `1-of-3.json`: no two processes write one file.
const PART_PREFIX: &str = "predicted_by.part-";

/// Version of the file's form.
const FORMAT: u32 = 2;

/// What one result was made from. `result` is missing while it is being made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CaseRecord {
    /// [`Record::hash`] of the model.
    pub model: String,
    /// The images, a file a channel.
    #[serde(default)]
    pub images: Vec<FileState>,
    /// The options of reading that differ from the usual ones, as [`reading`] writes them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reading: String,
    /// The label map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<FileState>,
    /// The probabilities, if they were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<FileState>,
    /// What was written beside the labels: masks, and DICOM objects (or those had nothing to hold).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objects: Vec<String>,
    /// The labels that were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<LabelVolume>,
}

/// The options that decide which numbers are read, where they are not the usual ones: another series is another image.
pub(super) fn reading(options: &PredictOptions) -> String {
    let (read, usual) = (&options.read, ReadOptions::default());
    let mut parts = Vec::new();
    let mut note = |name: &str, value: &dyn Debug, is_usual: bool| {
        if !is_usual {
            parts.push(format!("{name} {value:?}"));
        }
    };
    let series = match (&options.series[..], &read.series) {
        ([], Some(one)) => vec![one.clone()],
        (named, _) => named.to_vec(),
    };
    note("series", &series, series.is_empty());
    note("volume", &read.volume, read.volume == usual.volume);
    note("dicom", &read.dicom, read.dicom == usual.dicom);
    let spacing = &read.assume_spacing;
    note("spacing", spacing, *spacing == usual.assume_spacing);
    note("form", &read.form, read.form == usual.form);
    note("color", &read.color, read.color == usual.color);
    note("complex", &read.complex, read.complex == usual.complex);
    note("round", &read.round, read.round == usual.round);
    note("array", &read.array, read.array == usual.array);
    let axes = &read.array_axes;
    note("axes", axes, *axes == usual.array_axes);
    parts.join(", ")
}

/// The content of [`RECORD_FILE`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    format: u32,
    /// BLAKE3 of description, without its checksums, and weights.
    pub hash: String,
    /// BLAKE3 of each file of weights.
    weights: Vec<String>,
    model: ModelDescription,
    pub cases: BTreeMap<String, CaseRecord>,
}

/// The record of a folder.
pub(super) enum Earlier {
    Nothing,
    Record(Box<Record>),
    /// A version before this one noted the description alone.
    Description(Box<ModelDescription>),
    Unreadable(String),
}

impl Record {
    /// A record without cases of a model whose weights are in these files; only those are read whose hash is
    /// not known from opening the model.
    pub fn new(model: &ModelDescription, weights: &[WeightFile]) -> io::Result<Self> {
        let weights = weights.iter().map(|file| match &file.blake3 {
            Some(known) => Ok(known.clone()),
            None => content(&file.path),
        });
        let weights: Vec<String> = weights.collect::<io::Result<_>>()?;
        // The weights' hashes are recorded separately; those in the description do not make another model.
        let mut model = model.clone();
        model.checksums.clear();
        Ok(Self {
            format: FORMAT,
            hash: hash_of(&model, &weights)?,
            weights,
            model,
            cases: BTreeMap::new(),
        })
    }

    /// A record of a version that counted the checksums as part of the description, as one of this version.
    fn without_checksums(mut self) -> io::Result<Self> {
        if self.model.checksums.is_empty() {
            return Ok(self);
        }
        self.model.checksums.clear();
        let now = hash_of(&self.model, &self.weights)?;
        for case in self.cases.values_mut() {
            if case.model == self.hash {
                case.model.clone_from(&now);
            }
        }
        self.hash = now;
        Ok(self)
    }

    /// The record of a folder, with those of its parts.
    pub fn read(folder: &Path) -> Earlier {
        let mut all = Self::read_file(&folder.join(RECORD_FILE));
        for path in files_of_parts(folder) {
            let part = match Self::read_file(&path) {
                Earlier::Record(part) => part,
                // Another process has ended and put it into the whole.
                Earlier::Nothing => continue,
                Earlier::Description(_) => {
                    return Earlier::Unreadable("it is no record".to_owned());
                }
                unreadable @ Earlier::Unreadable(_) => return unreadable,
            };
            match &mut all {
                Earlier::Record(all) => all.add(*part),
                Earlier::Nothing => all = Earlier::Record(part),
                Earlier::Description(_) | Earlier::Unreadable(_) => return all,
            }
        }
        all
    }

    /// Adds the cases of another record; a result that is there counts before one that is not.
    fn add(&mut self, other: Self) {
        for (name, case) in other.cases {
            let earlier = self.cases.get(&name);
            if earlier.is_none_or(|earlier| earlier.result.is_none()) {
                self.cases.insert(name, case);
            }
        }
    }

    fn read_file(path: &Path) -> Earlier {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Earlier::Nothing,
            Err(error) => return Earlier::Unreadable(error.to_string()),
        };
        let record = serde_json::from_str::<Record>(&text);
        if let Ok(record) = record {
            return match record.format {
                FORMAT => match record.without_checksums() {
                    Ok(record) => Earlier::Record(Box::new(record)),
                    Err(error) => Earlier::Unreadable(error.to_string()),
                },
                other => Earlier::Unreadable(format!("it has form {other}, expected {FORMAT}")),
            };
        }
        match (serde_json::from_str(&text), record) {
            (Ok(description), _) => Earlier::Description(Box::new(description)),
            (_, Err(error)) => Earlier::Unreadable(error.to_string()),
            (Err(error), _) => Earlier::Unreadable(error.to_string()),
        }
    }

    /// Writes the record of a folder, or of a part of its cases, whole or not at all. The record of all takes in those of parts,
    /// whose files are removed.
    pub fn write(&self, folder: &Path, part: Option<Part>) -> vesalius_io::Result<()> {
        self.write_file(&folder.join(file_name(part)))?;
        if part.is_none() {
            for path in files_of_parts(folder) {
                // One that stays is taken in again by the next.
                let _ = std::fs::remove_file(path);
            }
        }
        Ok(())
    }

    fn write_file(&self, path: &Path) -> vesalius_io::Result<()> {
        vesalius_io::write_atomically(path, |file| {
            serde_json::to_writer_pretty(file, self).map_err(io::Error::from)
        })
    }

    /// In what the other model differs, in words.
    pub fn differences(&self, other: &Self) -> String {
        let mut named = different_keys(&self.model, &other.model);
        if self.weights != other.weights {
            named.push("the weights".to_owned());
        }
        named.join(", ")
    }

    /// Whether a description is that of this record, whatever its checksums.
    pub fn is_of(&self, model: &ModelDescription) -> bool {
        different_keys(&self.model, model).is_empty()
    }

    /// In what another description differs, in words.
    pub fn differences_from(&self, other: &ModelDescription) -> String {
        different_keys(&self.model, other).join(", ")
    }
}

/// The name of the record of a folder, or of a part.
pub(super) fn file_name(part: Option<Part>) -> String {
    match part {
        None => RECORD_FILE.to_owned(),
        Some(part) => format!("{PART_PREFIX}{}.json", part.label()),
    }
}

/// The records of parts in a folder, in the order of their names.
fn files_of_parts(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let is_part = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(PART_PREFIX) && name.ends_with(".json"))
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(is_part)
        .collect();
    files.sort();
    files
}

/// BLAKE3 of a description and the hashes of its weights.
fn hash_of(model: &ModelDescription, weights: &[String]) -> io::Result<String> {
    let mut hash = blake3::Hasher::new();
    hash.update(&serde_json::to_vec(model)?);
    for one in weights {
        hash.update(one.as_bytes());
    }
    Ok(hash.finalize().to_hex().to_string())
}

/// The keys of two descriptions that differ.
fn different_keys(a: &ModelDescription, b: &ModelDescription) -> Vec<String> {
    let value = |model| serde_json::to_value(model).unwrap_or_default();
    let (a, b) = (value(a), value(b));
    let keys = [&a, &b]
        .into_iter()
        .filter_map(|value| value.as_object())
        .flat_map(|object| object.keys());
    let mut keys: Vec<String> = keys
        .filter(|key| *key != "checksums" && a.get(key.as_str()) != b.get(key.as_str()))
        .map(|key| format!("`{key}`"))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

/// The model that a folder's results were made with, of this version or the one before.
pub(super) fn model_of(folder: &Path) -> Result<ModelDescription, String> {
    match Record::read(folder) {
        Earlier::Record(record) => Ok(record.model),
        Earlier::Description(model) => Ok(*model),
        Earlier::Unreadable(reason) => Err(format!("{RECORD_FILE} cannot be read: {reason}")),
        Earlier::Nothing => Err(format!("{RECORD_FILE} is absent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn description() -> ModelDescription {
        serde_json::from_value(serde_json::json!({
            "channels": ["c"],
            "labels": {"exclusive": {"classes": [{"name": "background", "value": 0}, {"name": "a", "value": 1}]}},
            "network": {"unet": {"spatial_dims": 3, "in_channels": 1, "out_channels": 2, "channels": [4, 8], "strides": [2]}},
            "inferer": {"simple": {}},
            "members": ["m"]
        }))
        .unwrap()
    }

    #[test]
    fn hashes_that_opening_compared_are_taken_and_others_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights");
        let known = WeightFile {
            path: path.clone(),
            blake3: Some("known".to_owned()),
        };
        let unknown = WeightFile {
            path: path.clone(),
            blake3: None,
        };
        // The file is absent: it is not read where its hash is known.
        let record = Record::new(&description(), &[known]).unwrap();
        assert_eq!(record.weights, ["known"]);
        assert!(Record::new(&description(), std::slice::from_ref(&unknown)).is_err());
        std::fs::write(&path, "weights").unwrap();
        let record = Record::new(&description(), &[unknown]).unwrap();
        assert_eq!(
            record.weights,
            [blake3::hash(b"weights").to_hex().to_string()]
        );
    }

    #[test]
    fn checksums_make_no_other_model_and_earlier_records_hold() {
        let weights = ["hash".to_owned()];
        let file = WeightFile {
            path: PathBuf::new(),
            blake3: Some(weights[0].clone()),
        };
        let (plain, mut summed) = (description(), description());
        summed.checksums.insert("m".to_owned(), weights.to_vec());
        let now = Record::new(&plain, std::slice::from_ref(&file)).unwrap();
        let with = Record::new(&summed, &[file]).unwrap();
        assert_eq!(with.hash, now.hash);
        assert_eq!(with.differences(&now), "");
        // What the version before wrote of the same model.
        let folder = tempfile::tempdir().unwrap();
        let mut earlier = now.clone();
        earlier.model = summed.clone();
        earlier.hash = hash_of(&summed, &weights).unwrap();
        let case = CaseRecord {
            model: earlier.hash.clone(),
            ..CaseRecord::default()
        };
        earlier.cases.insert("a".to_owned(), case);
        earlier.write(folder.path(), None).unwrap();
        let Earlier::Record(read) = Record::read(folder.path()) else {
            panic!("the record is not read")
        };
        assert_eq!((&read.hash, &read.cases["a"].model), (&now.hash, &now.hash));
    }

    #[test]
    fn records_of_parts_are_one_and_the_whole_takes_them_in() {
        let folder = tempfile::tempdir().unwrap();
        let one = |name: &str, done: bool| {
            let mut record = Record::new(&description(), &[]).unwrap();
            let case = CaseRecord {
                model: record.hash.clone(),
                reading: if done {
                    "done".to_owned()
                } else {
                    String::new()
                },
                ..CaseRecord::default()
            };
            record.cases.insert(name.to_owned(), case);
            record
        };
        let part = |index| Some(Part::new(index, 2).unwrap());
        one("a", true).write(folder.path(), part(0)).unwrap();
        one("b", true).write(folder.path(), part(1)).unwrap();
        let names = |folder: &Path| match Record::read(folder) {
            Earlier::Record(record) => record.cases.into_keys().collect::<Vec<_>>(),
            _ => Vec::new(),
        };
        assert_eq!(names(folder.path()), ["a", "b"]);
        let Earlier::Record(all) = Record::read(folder.path()) else {
            panic!("the record is not read")
        };
        all.write(folder.path(), None).unwrap();
        assert_eq!(names(folder.path()), ["a", "b"]);
        assert!(files_of_parts(folder.path()).is_empty());
        std::fs::write(folder.path().join("predicted_by.part-0-of-2.json"), "{").unwrap();
        assert!(matches!(
            Record::read(folder.path()),
            Earlier::Unreadable(_)
        ));
    }
}
