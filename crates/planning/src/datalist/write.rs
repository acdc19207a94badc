//! A list written as Auto3DSeg's JSON, with folds, for other programs.

use super::{CaseFiles, Datalist};
use crate::Result;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use vesalius_volume::LabelScheme;

impl Datalist {
    /// Writes the list as JSON that MONAI's Auto3DSeg and [`Datalist::read`] read. Paths below the
    /// file's folder are relative, all others absolute.
    ///
    /// # Errors
    /// [`crate::Error::Io`] when the file cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let folder = path.parent().unwrap_or(Path::new("."));
        let text = serde_json::to_string_pretty(&self.to_json(folder))
            .map_err(|e| self.error(e.to_string()))?;
        vesalius_io::write_bytes_atomically(path, (text + "\n").as_bytes())?;
        Ok(())
    }

    fn to_json(&self, folder: &Path) -> Value {
        let folder = folder.canonicalize().unwrap_or(folder.to_path_buf());
        let relative = |file: &PathBuf| {
            let file = file.canonicalize().unwrap_or(file.clone());
            json!(file.strip_prefix(&folder).unwrap_or(&file))
        };
        let images = |files: &[PathBuf]| match files {
            [one] => relative(one),
            more => more.iter().map(relative).collect(),
        };
        let case_to_json = |case: &CaseFiles| {
            let mut stored = Map::new();
            stored.insert("image".to_owned(), images(&case.images));
            stored.insert("label".to_owned(), relative(&case.label));
            if let Some(fold) = case.fold.filter(|_| self.held_out.is_empty()) {
                stored.insert("fold".to_owned(), fold.into());
            }
            if let Some(patient) = &case.patient {
                stored.insert("patient".to_owned(), patient.as_str().into());
            }
            Value::Object(stored)
        };
        let is_held_out = |case: &&CaseFiles| case.fold.is_some_and(|f| self.held_out.contains(&f));
        let training = self.cases.iter().filter(|case| !is_held_out(case));
        let validation: Vec<Value> = self
            .cases
            .iter()
            .filter(is_held_out)
            .map(case_to_json)
            .collect();
        let testing = self
            .testing
            .iter()
            .map(|case| json!({"image": images(&case.images)}));
        let channels = self.channels.iter().enumerate();
        let channels: Map<String, Value> = channels
            .map(|(i, name)| (i.to_string(), name.as_str().into()))
            .collect();
        let mut stored = Map::new();
        stored.insert("name".to_owned(), self.name.as_str().into());
        stored.insert("modality".to_owned(), channels.into());
        self.add_labels(&mut stored);
        stored.insert("training".to_owned(), training.map(case_to_json).collect());
        if !validation.is_empty() {
            stored.insert("validation".to_owned(), validation.into());
        }
        stored.insert("testing".to_owned(), testing.collect());
        Value::Object(stored)
    }

    /// Exclusive labels as the Decathlon writes them, regions as nnU-Net does; no key without labels.
    fn add_labels(&self, stored: &mut Map<String, Value>) {
        match self.label_scheme() {
            Ok(LabelScheme::Exclusive {
                classes, ignore, ..
            }) => {
                let labels = classes.into_iter().map(|c| (c.name, c.value.into()));
                let ignore = ignore.map(|value| ("ignore".to_owned(), value.into()));
                let labels: Map<String, Value> = labels.chain(ignore).collect();
                stored.insert("labels".to_owned(), labels.into());
            }
            Ok(LabelScheme::Regions {
                regions, ignore, ..
            }) => {
                let order: Value = regions.iter().map(|r| r.paint).collect();
                let labels = regions.into_iter().map(|r| (r.name, r.labels.into()));
                let background = [("background".to_owned(), 0.into())];
                let ignore = ignore.map(|value| ("ignore".to_owned(), value.into()));
                let labels: Map<String, Value> =
                    background.into_iter().chain(labels).chain(ignore).collect();
                stored.insert("labels".to_owned(), labels.into());
                stored.insert("regions_class_order".to_owned(), order);
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().canonicalize().unwrap();
        for file in ["a.nii", "a1.nii", "a_seg.nii", "t.nii", "t1.nii"] {
            std::fs::write(at.join(file), "").unwrap();
        }
        let json = r#"{"name": "N", "channel_names": {"0": "T1", "1": "T2"},
            "labels": {"background": 0, "whole": [1, 2], "core": [2], "ignore": 7}, "regions_class_order": [1, 2],
            "training": [{"image": ["a.nii", "a1.nii"], "label": "a_seg.nii", "fold": 2, "patient": "P"}],
            "testing": [{"image": ["t.nii", "t1.nii"]}]}"#;
        std::fs::write(at.join("dataset.json"), json).unwrap();
        let list = Datalist::read(&at).unwrap();
        std::fs::create_dir(at.join("work")).unwrap();
        for place in ["again.json", "work/again.json"] {
            let path = at.join(place);
            list.write(&path).unwrap();
            let mut back = Datalist::read(&path).unwrap();
            back.path = list.path.clone();
            assert_eq!(back, list);
        }
    }
}
