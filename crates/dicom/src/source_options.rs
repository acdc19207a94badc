//! How the source of results is opened, and whether it may be a result itself.

use vesalius_control::Control;

/// What becomes of a source that a writer of this library made, as by Manufacturer.
///
/// A system that segments whatever arrives must not segment its own results again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OwnResultRule {
    /// It is refused.
    #[default]
    Refuse,
    /// It is a source like others, such as a series that was resampled first.
    Allow,
}

/// How the source of a result is opened.
///
/// ```
/// use vesalius_dicom::{OwnResultRule, SegWriter, SeriesWriter, SourceOptions};
/// use vesalius_io::{ReadOptions, list_series, read_series};
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let volume = read_series::<f32>(series, &ReadOptions::default())?;
/// let output = folder.path().join("derived");
/// SeriesWriter::new(series)?.write(&volume, &output)?;
///
/// let derived = &list_series(&output)?.series[0];
/// assert!(SegWriter::new(derived).is_err());
/// let options = SourceOptions::default().own_results(OwnResultRule::Allow);
/// assert!(SegWriter::with_options(derived, &options).is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SourceOptions {
    pub(crate) control: Control,
    pub(crate) own_results: OwnResultRule,
}

impl SourceOptions {
    /// For progress and cancellation of reading the headers, and of writing.
    pub fn control(mut self, control: Control) -> Self {
        self.control = control;
        self
    }

    /// What becomes of a source that this library made.
    pub fn own_results(mut self, rule: OwnResultRule) -> Self {
        self.own_results = rule;
        self
    }
}
