//! Checks of objects for what validators of attributes do not see: whether references, places, segments and bits fit
//! together.

mod common;
mod contours;
mod finding;
mod frames;
mod report;
mod seg;
mod texts;

pub use finding::{Finding, Severity};

use crate::raw::{self, Content, Pixels};
use crate::source::Source;
use crate::{Error, Result};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use finding::Findings;
use std::path::Path;
use vesalius_control::Control;
use vesalius_io::Series;

/// Checks an object by itself: a segmentation, contours, a report, or a picture.
///
/// # Errors
/// As [`ObjectCheck::check`].
///
/// ```
/// use vesalius_dicom::{SegWriter, Segment, check_object};
/// use vesalius_io::list_series;
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2));
/// let file = folder.path().join("seg.dcm");
/// SegWriter::new(series)?.segments([Segment::named(1, "liver")]).write(&labels, &file)?;
/// assert!(check_object(&file)?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_object(path: impl AsRef<Path>) -> Result<Vec<Finding>> {
    ObjectCheck::default().check(path)
}

/// Checks objects, also against the images and objects that they refer to.
///
/// ```
/// use vesalius_dicom::{ObjectCheck, SegWriter, Segment, Severity};
/// use vesalius_io::list_series;
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
/// # let other = tempfile::tempdir()?;
/// # let other = vesalius_dicom::example_series(other.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2));
/// let file = folder.path().join("seg.dcm");
/// SegWriter::new(series)?.segments([Segment::named(1, "liver")]).write(&labels, &file)?;
///
/// assert!(ObjectCheck::default().source(series)?.check(&file)?.is_empty());
/// // Another series is not the one that it was made from.
/// let another = &list_series(&other)?.series[0];
/// let findings = ObjectCheck::default().source(another)?.check(&file)?;
/// assert!(findings.iter().any(|finding| finding.severity == Severity::Error));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ObjectCheck {
    sources: Vec<Source>,
    related: Vec<InMemDicomObject>,
}

/// An object that is checked, and what it is checked against.
struct Subject<'a> {
    content: &'a Content,
    sources: &'a [Source],
    related: &'a [InMemDicomObject],
}

impl ObjectCheck {
    /// Adds a series that the object was made from: references and places are checked against it.
    ///
    /// # Errors
    /// [`Error::Source`], [`Error::MixedSource`], [`Error::Io`].
    pub fn source(mut self, series: &Series) -> Result<Self> {
        self.sources.push(Source::open(series, &Control::new())?);
        Ok(self)
    }

    /// Adds another object that it refers to, such as the segmentation of a report.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read, [`Error::Io`].
    pub fn related(mut self, path: impl AsRef<Path>) -> Result<Self> {
        self.related.push(raw::header(path.as_ref())?);
        Ok(self)
    }

    /// What is wrong with an object, errors first; nothing where all fits.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read, or is no object of a kind that is checked; [`Error::Io`].
    pub fn check(&self, path: impl AsRef<Path>) -> Result<Vec<Finding>> {
        let path = path.as_ref();
        let content = raw::content(path, Pixels::Read)?;
        let subject = Subject {
            content: &content,
            sources: &self.sources,
            related: &self.related,
        };
        let mut findings = Findings::default();
        let class = raw::text(&content.set, tags::SOP_CLASS_UID).unwrap_or_default();
        match class.as_str() {
            uids::SEGMENTATION_STORAGE | uids::LABEL_MAP_SEGMENTATION_STORAGE => {
                seg::check(&subject, &mut findings);
            }
            uids::RT_STRUCTURE_SET_STORAGE => contours::check(&subject, &mut findings),
            uids::COMPREHENSIVE_SR_STORAGE
            | uids::COMPREHENSIVE3_DSR_STORAGE
            | uids::ENHANCED_SR_STORAGE => report::check(&subject, &mut findings),
            uids::SECONDARY_CAPTURE_IMAGE_STORAGE => common::picture(&subject, &mut findings),
            _ => {
                let what = format!(
                    "its class {class} is none that is checked; give a segmentation, contours, a structured report or a secondary capture"
                );
                return Err(Error::source(path, what));
            }
        }
        common::check(&subject, &mut findings);
        texts::check(&content.set, &mut findings);
        Ok(findings.sorted())
    }
}
