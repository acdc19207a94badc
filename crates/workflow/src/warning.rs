//! What was decided on reading one of several files.

use serde::Serialize;
use std::path::{Path, PathBuf};
use vesalius_volume::Warning;

/// A warning and the file that it is about.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
}
