//! The sources of training cases: memory, a cache, or a program's own.

use crate::{Case, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use vesalius_transforms::LabelIndex;
use vesalius_volume::{Geometry, Subject};

/// Cases by number, read whole or by regions, by any number of threads at once.
pub trait CaseSource: std::fmt::Debug + Send + Sync {
    /// What the cases are called, in order.
    fn names(&self) -> &[String];

    /// A case, counted from 0.
    ///
    /// # Errors
    /// A number that no case has; a case that cannot be used: its name and the reason. A later call for the same case
    /// must fail again.
    fn get(&self, index: usize) -> Result<CaseHandle>;

    /// The label values that occur in any case, where that is known without reading them all.
    fn label_values(&self) -> Option<Vec<u16>> {
        None
    }

    /// The identity of each case's content, in order, so that a resumed run detects other data: equal texts for equal
    /// cases. Empty where it is not known.
    fn identities(&self) -> Vec<String> {
        Vec::new()
    }

    /// Cases that were found to be broken before the first was read.
    fn broken(&self) -> Vec<SkippedCase> {
        Vec::new()
    }
}

/// Access to a case.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CaseHandle {
    /// In memory.
    Whole(Arc<Case>),
    /// On disk, or wherever else: only what a patch covers is read. An [`crate::CacheEntry`] is one.
    Stored(Arc<dyn StoredCase>),
}

/// A case that is read by regions: from a cache ([`crate::CacheEntry`]), or from wherever a program keeps its cases.
pub trait StoredCase: std::fmt::Debug + Send + Sync {
    /// What the case is called.
    fn name(&self) -> &str;

    /// Its grid after preprocessing.
    fn geometry(&self) -> &Geometry;

    /// Where its labelled voxels are. Asked for at each draw where patches are drawn by label.
    ///
    /// # Errors
    /// What keeps it from being read.
    fn index(&self) -> Result<Arc<LabelIndex>>;

    /// A box of it, with labels, that starts at voxel `start`; what reaches outside is zero and background.
    ///
    /// # Errors
    /// What keeps it from being read.
    fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject>;

    /// All of it.
    ///
    /// # Errors
    /// What keeps it from being read.
    fn whole(&self) -> Result<Case>;

    /// The label values that occur, where that is known without reading all of it.
    fn label_values(&self) -> Option<Vec<u16>> {
        None
    }
}

impl CaseHandle {
    /// What the case is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Whole(case) => case.subject().name(),
            Self::Stored(entry) => entry.name(),
        }
    }

    /// Its grid after preprocessing.
    pub fn geometry(&self) -> &Geometry {
        match self {
            Self::Whole(case) => case.subject().geometry(),
            Self::Stored(entry) => entry.geometry(),
        }
    }

    /// Where its labelled voxels are.
    ///
    /// # Errors
    /// A file that was cut or written to, a disk that fails.
    pub fn index(&self) -> Result<Arc<LabelIndex>> {
        match self {
            Self::Whole(case) => Ok(case.shared_index()),
            Self::Stored(entry) => entry.index(),
        }
    }

    /// A box of it that starts at voxel `start`; what reaches outside is zero and background.
    ///
    /// # Errors
    /// A size that overflows; a file that was cut or written to, a disk that fails.
    pub fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject> {
        match self {
            Self::Stored(entry) => entry.region(start, size),
            Self::Whole(case) => {
                let region = vesalius_transforms::GridStep::Region { start, size };
                let subject = case.subject();
                let labels = subject.labels().map(|labels| region.apply_labels(labels));
                let image = region.apply(subject.image())?;
                Ok(Subject::new(subject.name(), image, labels.transpose()?)?)
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// A file that was cut or written to, a disk that fails.
    pub fn whole(&self) -> Result<Arc<Case>> {
        match self {
            Self::Whole(case) => Ok(case.clone()),
            Self::Stored(case) => Ok(Arc::new(case.whole()?)),
        }
    }
}

/// The error of a number that no case has.
pub(crate) fn no_case(index: usize, count: usize) -> Error {
    Error::BadValue {
        key: "the number of the case".to_owned(),
        found: format!("{index} of {count} cases"),
        expected: "a number below that of the cases, as they are counted from 0",
    }
}

/// Cases that all lie in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryCases {
    names: Vec<String>,
    cases: Vec<Arc<Case>>,
}

impl MemoryCases {
    /// A source of these cases.
    pub fn new(cases: impl IntoIterator<Item = Case>) -> Self {
        let cases: Vec<Arc<Case>> = cases.into_iter().map(Arc::new).collect();
        let names = cases.iter().map(|case| case.subject().name().to_owned());
        Self {
            names: names.collect(),
            cases,
        }
    }

    /// The same, for [`crate::TrainingData`].
    pub fn shared(cases: impl IntoIterator<Item = Case>) -> Arc<dyn CaseSource> {
        Arc::new(Self::new(cases))
    }
}

impl CaseSource for MemoryCases {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn get(&self, index: usize) -> Result<CaseHandle> {
        let case = self.cases.get(index);
        let case = case.ok_or_else(|| no_case(index, self.cases.len()))?;
        Ok(CaseHandle::Whole(case.clone()))
    }

    fn label_values(&self) -> Option<Vec<u16>> {
        let mut values: Vec<u16> = self
            .cases
            .iter()
            .flat_map(|c| c.values())
            .copied()
            .collect();
        values.sort_unstable();
        values.dedup();
        Some(values)
    }
}

/// A case that is left out because it cannot be used. In files it is a list of both texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(String, String)", into = "(String, String)")]
#[non_exhaustive]
pub struct SkippedCase {
    /// What it is called.
    pub case: String,
    /// Why it cannot be used.
    pub reason: String,
}

impl SkippedCase {
    /// A case and the reason.
    pub fn new(case: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            case: case.into(),
            reason: reason.into(),
        }
    }
}

impl From<(String, String)> for SkippedCase {
    fn from((case, reason): (String, String)) -> Self {
        Self { case, reason }
    }
}

impl From<SkippedCase> for (String, String) {
    fn from(skipped: SkippedCase) -> Self {
        (skipped.case, skipped.reason)
    }
}

/// The cases that a run leaves out because they are broken, shared by all samplers.
#[derive(Debug, Clone, Default)]
pub struct SkippedCases(Arc<Mutex<BTreeMap<String, String>>>);

impl SkippedCases {
    /// Notes a case and why it is left out.
    pub fn note(&self, case: &str, reason: &Error) {
        let mut skipped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        skipped
            .entry(case.to_owned())
            .or_insert_with(|| reason.to_string());
    }

    /// The cases, sorted by name.
    pub fn list(&self) -> Vec<SkippedCase> {
        let skipped = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        skipped
            .iter()
            .map(|(case, reason)| SkippedCase::new(case, reason))
            .collect()
    }
}
