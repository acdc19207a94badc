//! The input: Auto3DSeg's YAML, whose keys and meanings are kept.

use crate::{Error, Result};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::path::{Path, PathBuf};
use vesalius_cluster::SlurmSettings;
use vesalius_volume::LabelScheme;

/// The task, as Auto3DSeg's input file has it.
///
/// ```yaml
/// name: hippocampus
/// modality: MRI
/// datalist: dataset.json
/// dataroot: Task04_Hippocampus
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What the work is called.
    #[serde(default = "unnamed")]
    pub name: String,
    /// What is done; segmentation alone is offered.
    #[serde(default = "segmentation")]
    pub task: String,
    /// How the images were made, which decides how intensities are normalised.
    pub modality: Modality,
    /// The list of cases: a Decathlon or Auto3DSeg JSON file, an nnU-Net raw folder, or a table.
    pub datalist: PathBuf,
    /// The folder that the list's paths start from; by default the list's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataroot: Option<PathBuf>,
    /// Names of the classes, or of overlapping regions with the label values in each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub class_names: Vec<ClassName>,
    /// Whether `class_names` are regions that overlap, each with a sigmoid of its own.
    #[serde(default)]
    pub sigmoid: bool,
    /// The algorithms to train; by default those that suit the dataset and the time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub algos: Vec<String>,
    /// The number of folds into which the cases are split, where the list has none.
    #[serde(default = "five")]
    pub num_fold: usize,
    /// Further image keys of a case in the list, with their modalities, as more channels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub extra_modalities: Vec<ExtraModality>,
    /// What jobs ask Slurm for, where stages are submitted as jobs. It is no part of what makes the work: it may change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slurm: Option<SlurmSettings>,
}

/// How an image was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Modality {
    /// Computed tomography: intensities are Hounsfield units.
    #[serde(rename = "CT", alias = "ct")]
    Ct,
    /// Magnetic resonance: intensities mean nothing by themselves.
    #[serde(rename = "MRI", alias = "mri", alias = "MR", alias = "mr")]
    Mri,
}

/// A class or region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum ClassName {
    /// A name; the n-th (from 1) is the class of label n.
    Name(String),
    /// A name and the label values that belong to it.
    Region {
        /// Its name.
        name: String,
        /// The label values in it.
        index: Vec<u16>,
    },
}

/// A region as it is written; apart from [`ClassName`], so that a misspelt key is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRegion {
    name: String,
    index: Vec<u16>,
}

impl<'de> Deserialize<'de> for ClassName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Written;

        impl<'de> Visitor<'de> for Written {
            type Value = ClassName;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a name, or `{name: whole, index: [1, 2]}`")
            }

            fn visit_str<E: serde::de::Error>(
                self,
                name: &str,
            ) -> std::result::Result<Self::Value, E> {
                Ok(ClassName::Name(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                map: A,
            ) -> std::result::Result<Self::Value, A::Error> {
                let region = WrittenRegion::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ClassName::Region {
                    name: region.name,
                    index: region.index,
                })
            }
        }

        deserializer.deserialize_any(Written)
    }
}

/// One more image of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtraModality {
    /// Its key in the list.
    pub key: String,
    /// How it was made.
    pub modality: Modality,
}

fn unnamed() -> String {
    "auto".to_owned()
}

fn segmentation() -> String {
    "segmentation".to_owned()
}

fn five() -> usize {
    5
}

impl Input {
    /// Reads an input file; relative paths in it start from its folder.
    ///
    /// # Errors
    /// [`Error::Input`] with the line and the key.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bad = |reason: String| Error::Input {
            path: path.to_path_buf(),
            reason,
        };
        if path.is_dir() {
            return Err(bad(in_folder(path)));
        }
        let text = vesalius_io::read_text(path).map_err(|e| bad(format!("cannot be read: {e}")))?;
        let mut input: Self =
            vesalius_training::parse_yaml(&text).map_err(|e| bad(e.to_string()))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        input.dataroot = input.dataroot.map(|root| folder.join(root));
        input.datalist = match &input.dataroot {
            Some(root) if !folder.join(&input.datalist).exists() => root.join(&input.datalist),
            _ => folder.join(&input.datalist),
        };
        input.check().map_err(bad)?;
        Ok(input)
    }

    /// What the classes or regions mean; `None` where the list's own labels are taken.
    ///
    /// # Errors
    /// [`Error::Volume`] for a scheme that contradicts itself.
    pub fn label_scheme(&self) -> Result<Option<LabelScheme>> {
        if self.class_names.is_empty() {
            return Ok(None);
        }
        let named: Vec<(&str, Vec<u16>)> = (1..)
            .zip(&self.class_names)
            .map(|(label, class)| match class {
                ClassName::Name(name) => (name.as_str(), vec![label]),
                ClassName::Region { name, index } => (name.as_str(), index.clone()),
            })
            .collect();
        if self.sigmoid {
            // Regions are painted one over another, so the larger come first.
            let mut named = named;
            named.sort_by_key(|(_, labels)| std::cmp::Reverse(labels.len()));
            let regions: Vec<(&str, &[u16], u16)> = named
                .iter()
                .enumerate()
                .map(|(at, (name, labels))| (*name, labels.as_slice(), own_label(&named, at)))
                .collect();
            return Ok(Some(LabelScheme::regions(&regions)?));
        }
        let classes: Vec<(&str, u16)> = std::iter::once(("background", 0))
            .chain(named.iter().map(|(name, labels)| (*name, labels[0])))
            .collect();
        Ok(Some(LabelScheme::exclusive(&classes)?))
    }

    /// The input without what jobs ask for.
    pub(crate) fn of_work(&self) -> Self {
        Self {
            slurm: None,
            ..self.clone()
        }
    }

    fn check(&self) -> std::result::Result<(), String> {
        if let Some(slurm) = &self.slurm {
            slurm.check().map_err(|error| error.to_string())?;
        }
        if self.task != "segmentation" {
            return Err(format!(
                "`task` is `{}`, expected `segmentation`",
                self.task
            ));
        }
        if self.num_fold < 2 {
            return Err(format!(
                "`num_fold` is {}, expected 2 or more",
                self.num_fold
            ));
        }
        for class in &self.class_names {
            match class {
                ClassName::Region { name, index } if index.is_empty() => {
                    return Err(format!("`class_names`: `{name}` has no label in `index`"));
                }
                ClassName::Region { name, index } if index.len() > 1 && !self.sigmoid => {
                    return Err(format!(
                        "`class_names`: `{name}` joins the labels {index:?}, which overlapping regions do: set `sigmoid: true`"
                    ));
                }
                _ => {}
            }
        }
        if self.sigmoid && self.class_names.is_empty() {
            return Err("`sigmoid: true` wants `class_names` with the regions, such as `{name: whole, index: [1, 2]}`".to_owned());
        }
        Ok(())
    }
}

/// The label that a region paints: one of its own that no smaller region has, else its first.
fn own_label(regions: &[(&str, Vec<u16>)], at: usize) -> u16 {
    let own = &regions[at].1;
    let smaller = |label: &u16| {
        regions
            .iter()
            .any(|(_, other)| other.len() < own.len() && other.contains(label))
    };
    own.iter()
        .copied()
        .find(|label| !smaller(label))
        .unwrap_or(own[0])
}

/// What is said where a folder is given for the file: which file of it may be meant.
fn in_folder(folder: &Path) -> String {
    const EXPECTED: &str =
        "is a folder, expected a YAML file with `modality`, `datalist` and `dataroot`";
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
        .collect();
    names.sort();
    match names.as_slice() {
        [] => EXPECTED.to_owned(),
        [name] => format!("{EXPECTED}; it contains `{name}`"),
        [name, others @ ..] => format!(
            "{EXPECTED}; it contains `{name}` and {} other{} of this ending",
            others.len(),
            if others.len() == 1 { "" } else { "s" }
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Input> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input.yaml");
        std::fs::write(&path, text).unwrap();
        Input::read(&path)
    }

    #[test]
    fn the_peers_keys_are_read() {
        let input = read(
            "name: hippo\nmodality: MRI\ndatalist: d.json\ndataroot: data\nsigmoid: true\nclass_names:\n  - {name: whole, index: [1, 2]}\n  - {name: posterior, index: [2]}\nextra_modalities: [{key: image2, modality: CT}]\n",
        )
        .unwrap();
        assert_eq!((input.num_fold, input.modality), (5, Modality::Mri));
        assert!(input.datalist.ends_with("data/d.json"));
        let scheme = input.label_scheme().unwrap().unwrap();
        let LabelScheme::Regions { regions, .. } = scheme else {
            panic!("not regions");
        };
        assert_eq!((regions[0].paint, regions[1].paint), (1, 2));
    }

    #[test]
    fn a_folder_in_place_of_the_file_is_told_with_the_file_that_it_contains() {
        let folder = tempfile::tempdir().unwrap();
        let message = || Input::read(folder.path()).unwrap_err().to_string();
        assert!(
            message().contains("is a folder, expected a YAML file"),
            "{}",
            message()
        );
        std::fs::write(folder.path().join("task.yaml"), "").unwrap();
        assert!(
            message().ends_with("it contains `task.yaml`"),
            "{}",
            message()
        );
    }

    #[test]
    fn mistakes_are_placed() {
        let message = |text: &str| read(text).unwrap_err().to_string();
        let error = message("modality: MRI\ndatalist: d.json\nsigmiod: true\n");
        assert!(
            error.contains("line 3") && error.contains("did you mean `sigmoid`"),
            "{error}"
        );
        let error = message(
            "modality: MRI\ndatalist: d.json\nsigmoid: true\nclass_names:\n  - {name: whole, indx: [1, 2]}\n",
        );
        assert!(error.contains("did you mean `index`"), "{error}");
        let error =
            message("modality: MRI\ndatalist: d.json\nextra_modalities: [{key: b, modalty: CT}]\n");
        assert!(error.contains("did you mean `modality`"), "{error}");
        assert!(message("modality: X-ray\ndatalist: d.json\n").contains("X-ray"));
        assert!(message("datalist: d.json\n").contains("modality"));
        assert!(message("modality: CT\ndatalist: d.json\nsigmoid: true\n").contains("class_names"));
        assert!(message("modality: CT\ndatalist: d.json\nnum_fold: 1\n").contains("num_fold"));
        let joined = "modality: CT\ndatalist: d.json\nclass_names: [{name: a, index: [1, 2]}]\n";
        assert!(message(joined).contains("sigmoid: true"));
    }
}
