//! Entries that a program writes and reads by itself, for a [`crate::CaseSource`] of its own.

use super::{CacheEntry, Identity, cache_error, write};
use crate::{Case, Result, StoredCase};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use vesalius_transforms::LabelIndex;
use vesalius_volume::{Geometry, LabelScheme, Subject};

impl CacheEntry {
    /// Writes a case, completely or not at all, and opens the file.
    ///
    /// # Errors
    /// [`crate::Error::Cache`] for a case without labels; [`crate::Error::CacheWrite`] for a file that cannot be
    /// written or a full disk.
    pub fn store(path: impl AsRef<Path>, case: &Case, scheme: &LabelScheme) -> Result<Self> {
        let path = path.as_ref();
        let labels =
            serde_json::to_string(scheme).map_err(|e| cache_error(path, &e.to_string()))?;
        let subject = case.subject();
        let channels = subject.image().channels();
        let made = Identity::new(subject.name(), channels, labels, String::new(), Vec::new());
        write(path, &made, case, Vec::new())?;
        Self::read(path, scheme)
    }

    /// Opens a stored case and checks every byte of it. Regions are read later, when they are requested.
    ///
    /// # Errors
    /// [`crate::Error::Cache`] for a file that is absent, damaged, or was written by another version of the program.
    pub fn read(path: impl AsRef<Path>, scheme: &LabelScheme) -> Result<Self> {
        let path = path.as_ref();
        let refused = |reason: String| cache_error(path, &reason);
        let file = File::open(path).map_err(|e| refused(format!("cannot be read: {e}")))?;
        Self::check(path, file, None, scheme.ignore(), None).map_err(refused)
    }
}

impl StoredCase for CacheEntry {
    fn name(&self) -> &str {
        CacheEntry::name(self)
    }

    fn geometry(&self) -> &Geometry {
        CacheEntry::geometry(self)
    }

    fn index(&self) -> Result<Arc<LabelIndex>> {
        CacheEntry::index(self)
    }

    fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject> {
        CacheEntry::region(self, start, size)
    }

    fn whole(&self) -> Result<Case> {
        self.case()
    }

    fn label_values(&self) -> Option<Vec<u16>> {
        Some(self.header.values.clone())
    }
}
