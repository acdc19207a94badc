//! What was decided on reading one of several files.

use crate::Warning;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// A warning and the file that it is about.
///
/// ```
/// use std::path::Path;
/// use vesalius_volume::{FileWarning, Warning};
///
/// let warnings = [Warning::ByteOrderAssumed, Warning::ByteOrderAssumed];
/// let all = FileWarning::all(Path::new("scan.mha"), &warnings);
/// let distinct = FileWarning::distinct(all);
/// assert_eq!(distinct.len(), 1);
/// assert_eq!(distinct[0].path, Path::new("scan.mha"));
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileWarning {
    /// The file.
    pub path: PathBuf,
    /// What was decided.
    #[serde(flatten)]
    pub warning: Warning,
}

impl FileWarning {
    /// Every warning about a file.
    pub fn all(path: &Path, warnings: &[Warning]) -> impl Iterator<Item = Self> {
        warnings.iter().map(move |warning| Self {
            path: path.to_owned(),
            warning: warning.clone(),
        })
    }

    /// Each once for its file, in the order in which they came.
    pub fn distinct(warnings: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut seen = HashSet::new();
        let mut warnings: Vec<Self> = warnings.into_iter().collect();
        // By their text: a number in them that is NaN equals no other.
        warnings.retain(|told| seen.insert((told.path.clone(), told.warning.to_string())));
        warnings
    }
}

impl From<FileWarning> for Warning {
    fn from(FileWarning { path, warning }: FileWarning) -> Self {
        let warning = Box::new(warning);
        Self::OfFile { path, warning }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_told_once_for_each_file_and_comes_back_from_json() {
        let unit = Warning::UnitMissing { code: 0 };
        let scaling = Warning::NoScaling {
            slope: f64::NAN,
            intercept: 0.5,
        };
        let of = |path: &str, warnings: &[Warning]| -> Vec<FileWarning> {
            FileWarning::all(Path::new(path), warnings).collect()
        };
        let both = [scaling, unit];
        let twice = [of("a.nii", &both), of("b.nii", &both), of("a.nii", &both)].concat();
        let told = FileWarning::distinct(twice);
        assert_eq!(told.len(), 4);
        let json = serde_json::to_string(&told).unwrap();
        let back: Vec<FileWarning> = serde_json::from_str(&json).unwrap();
        let texts = |told: Vec<FileWarning>| -> Vec<String> {
            told.into_iter()
                .map(|told| Warning::from(told).to_string())
                .collect()
        };
        let told = texts(told);
        assert_eq!(texts(back), told);
        assert!(
            told[0].starts_with("a.nii: the scaling (slope NaN, intercept 0.5)"),
            "{told:?}"
        );
        assert!(told[3].starts_with("b.nii: the unit of length"), "{told:?}");
    }
}
