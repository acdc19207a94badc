//! The files of a dataset, from any form of list: JSON of the Medical Segmentation Decathlon
//! and Auto3DSeg, an nnU-Net raw folder, a CSV table, or a folder of images and one of labels.

mod folders;
mod json;
mod keys;
mod raw;
mod table;
mod write;

use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_volume::{Class, LabelScheme, Region};

/// One labelled case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseFiles {
    /// Its name: the first image file's, without suffixes.
    pub name: String,
    /// One file per channel, or one file whose fourth axis is the channels.
    pub images: Vec<PathBuf>,
    /// The file with its labels.
    pub label: PathBuf,
    /// The fold it belongs to, where the list has it.
    pub fold: Option<usize>,
    /// The patient, where the list has it: scans of one patient stay in one fold.
    pub patient: Option<String>,
}

impl CaseFiles {
    /// The first image file and the label file, as text.
    pub(crate) fn paths(&self) -> [String; 2] {
        let image = self.images.first().unwrap_or(&self.label);
        [image, &self.label].map(|path| path.to_string_lossy().into_owned())
    }
}

/// One case without labels, to be segmented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnlabelledFiles {
    /// Its name: the first image file's, without suffixes.
    pub name: String,
    /// One file per channel, or one file whose fourth axis is the channels.
    pub images: Vec<PathBuf>,
}

/// A dataset: its channels, its label names and its cases.
///
/// ```
/// use vesalius_planning::{Datalist, DatalistOptions};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("dataset.json");
/// std::fs::write(&path, r#"{
///     "name": "liver", "modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver"},
///     "training": [{"image": "a.nii.gz", "label": "a_mask.nii.gz", "fold": 0}]
/// }"#)?;
///
/// // The files of the list do not exist here, so their check is left out.
/// let options = DatalistOptions { require_files: false, ..DatalistOptions::default() };
/// let list = Datalist::read_with(&path, &options)?;
/// assert_eq!((list.name.as_str(), list.channels.as_slice()), ("liver", ["CT".to_owned()].as_slice()));
/// assert_eq!(list.cases[0].images, [folder.path().join("a.nii.gz")]);
/// assert_eq!(list.label_scheme()?.channel_names(), ["background", "liver"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datalist {
    /// The file it was read from, or the folder of images.
    pub path: PathBuf,
    /// Its name.
    pub name: String,
    /// The name of each image channel.
    pub channels: Vec<String>,
    /// Label value and name of exclusive labels, as the list gives them; empty where it gives none.
    pub labels: BTreeMap<u16, String>,
    /// Overlapping regions, where the list has them instead (nnU-Net's `regions_class_order`).
    pub regions: Vec<Region>,
    /// The value of unlabelled voxels, where the list has one.
    pub ignore: Option<u16>,
    /// The labelled cases, in the list's order.
    pub cases: Vec<CaseFiles>,
    /// The only folds that are held out, where the list names them (Auto3DSeg's `validation` list is fold 0, and
    /// the cases under `training` are in fold 1, which is never held out); empty for every fold.
    pub held_out: Vec<usize>,
    /// The cases without labels, in the list's order.
    pub testing: Vec<UnlabelledFiles>,
}

/// How a list is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatalistOptions {
    /// The folder that the list's paths start from; `None` is the folder of the list itself.
    pub root: Option<PathBuf>,
    /// Further image keys of a case in a JSON list (Auto3DSeg's `extra_modalities`), each one more
    /// channel.
    pub extra_image_keys: Vec<String>,
    /// Whether a listed file that is absent is an error; a check of the dataset names all of them.
    pub require_files: bool,
}

impl Default for DatalistOptions {
    fn default() -> Self {
        Self {
            root: None,
            extra_image_keys: Vec::new(),
            require_files: true,
        }
    }
}

impl Datalist {
    /// Reads a list and checks that its files are there.
    ///
    /// `path` is a JSON file, a CSV file, or a folder with a `dataset.json` (of the Decathlon or an
    /// nnU-Net raw folder).
    ///
    /// # Errors
    /// [`Error::Datalist`] for a file that is absent or not a list; [`Error::MissingFile`] for a listed
    /// file that is absent.
    ///
    /// ```
    /// use vesalius_planning::{Datalist, Error};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("cases.csv");
    /// std::fs::write(&path, "image,label,fold\na.nii.gz,a_mask.nii.gz,0\n")?;
    /// // A listed file that does not exist is an error.
    /// assert!(matches!(Datalist::read(&path), Err(Error::MissingFile { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::read_with(path, &DatalistOptions::default())
    }

    /// As [`Datalist::read`], with options.
    ///
    /// # Errors
    /// As [`Datalist::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &DatalistOptions) -> Result<Self> {
        let path = path.as_ref();
        let path = match path.is_dir() {
            true => path.join("dataset.json"),
            false => path.to_path_buf(),
        };
        let text = vesalius_io::read_text(&path).map_err(|source| Error::Unreadable {
            path: path.clone(),
            source,
        })?;
        let root = match &options.root {
            Some(root) => root.clone(),
            None => path.parent().unwrap_or(Path::new(".")).to_path_buf(),
        };
        let is_table = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let list = match is_table {
            true => table::parse(&path, &root, &text),
            false => json::parse(&path, &root, &text, &options.extra_image_keys),
        }?;
        list.checked(options.require_files)
    }

    /// Pairs the images of a folder with the labels of another by file name. Names that all end in
    /// `_0000`, `_0001`, … are the channels of one case.
    ///
    /// # Errors
    /// [`Error::Datalist`] for a folder without images, an image without label or the reverse.
    ///
    /// ```
    /// use vesalius_planning::Datalist;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
    /// for below in [&images, &labels] {
    ///     std::fs::create_dir(below)?;
    ///     std::fs::write(below.join("case_1.nii.gz"), "")?;
    ///     std::fs::write(below.join("case_2.nii.gz"), "")?;
    /// }
    /// let list = Datalist::from_folders(&images, &labels)?;
    /// let names: Vec<&str> = list.cases.iter().map(|case| case.name.as_str()).collect();
    /// assert_eq!(names, ["case_1", "case_2"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_folders(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<Self> {
        let (images, labels) = (images.as_ref(), labels.as_ref());
        folders::pair(images, labels)?.checked(true)
    }

    /// The list itself, when it has cases, no name twice and, if required, every file.
    fn checked(self, require_files: bool) -> Result<Self> {
        if self.cases.is_empty() {
            return Err(self.error("has no labelled case (JSON: under `training`)".to_owned()));
        }
        let mut names: Vec<&str> = self.cases.iter().map(|case| case.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(self.error(format!("has two cases called {}", pair[0])));
        }
        if require_files {
            let labelled = self
                .cases
                .iter()
                .map(|c| (&c.name, &c.images, Some(&c.label)));
            let testing = self.testing.iter().map(|c| (&c.name, &c.images, None));
            for (name, images, label) in labelled.chain(testing) {
                if let Some(file) = images.iter().chain(label).find(|file| !file.exists()) {
                    return Err(Error::MissingFile {
                        list: self.path.clone(),
                        case: name.clone(),
                        file: file.clone(),
                    });
                }
            }
        }
        Ok(self)
    }

    /// The cases outside and inside `fold`: what to train on and what to validate on.
    ///
    /// # Errors
    /// [`Error::Datalist`] when no case has a fold, or either side would be empty.
    ///
    /// ```
    /// use vesalius_planning::{Datalist, DatalistOptions, FoldMethod};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("cases.csv");
    /// std::fs::write(&path, "image,label\na.mha,a_.mha\nb.mha,b_.mha\nc.mha,c_.mha\nd.mha,d_.mha\n")?;
    /// let options = DatalistOptions { require_files: false, ..DatalistOptions::default() };
    /// let mut list = Datalist::read_with(&path, &options)?;
    /// list.assign_folds(2, &FoldMethod::KFold { seed: 0 })?;
    /// let (train, validate) = list.split(0)?;
    /// assert_eq!((train.len(), validate.len()), (2, 2));
    /// assert_eq!(list.folds(), [0, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn split(&self, fold: usize) -> Result<(Vec<CaseFiles>, Vec<CaseFiles>)> {
        if let Some(case) = self.cases.iter().find(|case| case.fold.is_none()) {
            return Err(self.error(format!(
                "case {} has no `fold`; add `\"fold\": n` to every case",
                case.name
            )));
        }
        let (inside, outside): (Vec<_>, Vec<_>) = self
            .cases
            .iter()
            .cloned()
            .partition(|case| case.fold == Some(fold));
        if inside.is_empty() || !self.folds().contains(&fold) {
            return Err(self.error(format!(
                "no case is in fold {fold}; the folds are {:?}",
                self.folds()
            )));
        }
        if outside.is_empty() {
            return Err(self.error(format!(
                "every case is in fold {fold}, so none is left to train on"
            )));
        }
        Ok((outside, inside))
    }

    /// The numbers of the folds that are held out in turn, rising: those that cases are in, or those that
    /// the list names.
    pub fn folds(&self) -> Vec<usize> {
        if !self.held_out.is_empty() {
            return self.held_out.clone();
        }
        let mut folds: Vec<usize> = self.cases.iter().filter_map(|case| case.fold).collect();
        folds.sort_unstable();
        folds.dedup();
        folds
    }

    /// The labels of the list as a scheme: regions where it has them, exclusive labels otherwise.
    ///
    /// # Errors
    /// [`Error::Datalist`] when the list names no label.
    pub fn label_scheme(&self) -> Result<LabelScheme> {
        let scheme = if self.regions.is_empty() {
            let mut classes: Vec<Class> = vec![];
            if !self.labels.contains_key(&0) {
                classes.push(Class {
                    name: "background".to_owned(),
                    value: 0,
                });
            }
            classes.extend(self.labels.iter().map(|(&value, name)| Class {
                name: name.clone(),
                value,
            }));
            LabelScheme::of_classes(classes, self.ignore)
        } else {
            LabelScheme::of_regions(self.regions.clone(), self.ignore)
        };
        scheme.map_err(|e| {
            self.error(format!(
                "names no usable labels ({e}); set `labels` in the list or in the training config"
            ))
        })
    }

    fn error(&self, reason: String) -> Error {
        Error::Datalist {
            path: self.path.clone(),
            reason,
        }
    }
}

/// Names for channels that have none.
fn numbered_channels(count: usize) -> Vec<String> {
    (0..count).map(|i| format!("channel {i}")).collect()
}

/// Splits a stem of the form `case_0001` into the case and its channel, nnU-Net's way.
fn channel_suffix(stem: &str) -> Option<(&str, usize)> {
    let (case, number) = stem.rsplit_once('_')?;
    let digits = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
    match (digits, case.is_empty()) {
        (true, false) => Some((case, number.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_four_digits_name_a_channel() {
        assert_eq!(channel_suffix("liver_12_0003"), Some(("liver_12", 3)));
        for stem in ["liver_12", "liver_003", "_0003", "0003", "a_00x3"] {
            assert_eq!(channel_suffix(stem), None, "{stem}");
        }
    }

    #[test]
    fn an_absent_list_names_the_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let error = Datalist::read(folder.path()).unwrap_err().to_string();
        assert!(error.contains("dataset.json"), "{error}");
    }
}
