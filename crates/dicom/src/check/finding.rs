//! What a check finds: where, what was expected, and what to do.

use crate::text::keyword;
use dicom_core::Tag;
use std::fmt;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Severity {
    /// Readers refuse the object, or show something else than was meant.
    Error,
    /// Some readers do.
    Warning,
}

/// Something in an object that does not fit. No text quotes patient data.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// How grave it is.
    pub severity: Severity,
    /// The attribute's keyword and tag, such as `NumberOfFrames (0028,0008)`.
    pub attribute: String,
    /// What was found.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// What to do.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            severity,
            attribute,
            found,
            expected,
            remedy,
        } = self;
        let severity = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(
            to,
            "{severity}: {attribute}: {found}; expected {expected}; {remedy}"
        )
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub fn error(&mut self, tag: Tag, found: impl Into<String>, expected: &str, remedy: &str) {
        self.add(Severity::Error, tag, found.into(), expected, remedy);
    }

    pub fn warning(&mut self, tag: Tag, found: impl Into<String>, expected: &str, remedy: &str) {
        self.add(Severity::Warning, tag, found.into(), expected, remedy);
    }

    fn add(&mut self, severity: Severity, tag: Tag, found: String, expected: &str, remedy: &str) {
        self.0.push(Finding {
            severity,
            attribute: format!(
                "{} ({:04X},{:04X})",
                keyword(tag),
                tag.group(),
                tag.element()
            ),
            found,
            expected: expected.to_owned(),
            remedy: remedy.to_owned(),
        });
    }

    /// Errors first, else in the order of the checks.
    pub fn sorted(mut self) -> Vec<Finding> {
        self.0.sort_by_key(|finding| finding.severity);
        self.0
    }
}

/// Frames, contours or items of which the same is wrong: the first one and how many.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    first: usize,
    count: usize,
}

impl Tally {
    /// Counts the item of this number, from 0, where something is wrong with it.
    pub fn count(&mut self, number: usize, is_wrong: bool) {
        if is_wrong {
            if self.count == 0 {
                self.first = number;
            }
            self.count += 1;
        }
    }

    /// In words; none where nothing was counted.
    pub fn words(&self, what: &str) -> Option<String> {
        match self.count {
            0 => None,
            1 => Some(format!("{what} {}", self.first + 1)),
            count => Some(format!("{what} {} and {} more", self.first + 1, count - 1)),
        }
    }
}
