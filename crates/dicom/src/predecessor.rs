//! An earlier object that a new one replaces, such as after slices came late: the new one names it and keeps the
//! identifiers of its findings.

use crate::identity::{code_item, reference};
use crate::seg::Segment;
use crate::set::Set;
use crate::source::Source;
use crate::text::Charset;
use crate::{Error, Result, raw};
use dicom_dictionary_std::{tags, uids};
use dicom_object::InMemDicomObject;
use std::path::{Path, PathBuf};

/// An earlier object of the same patient and study.
///
/// A writer that is given one refers to it: a report in PredecessorDocumentsSequence, contours in
/// PredecessorStructureSetSequence, a segmentation in ReferencedInstanceSequence, whose purpose has a private code since
/// the standard has none. Segments of the same name and type as in an earlier segmentation keep its tracking
/// identifiers.
///
/// ```
/// use vesalius_dicom::{Predecessor, SegWriter, Segment};
/// use vesalius_io::list_series;
/// use vesalius_volume::LabelMap;
/// # let folder = tempfile::tempdir()?;
/// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
///
/// let series = &list_series(&source)?.series[0];
/// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2));
/// let writer = SegWriter::new(series)?.segments([Segment::named(1, "liver")]);
/// let first = writer.write(&labels, folder.path().join("first.dcm"))?;
///
/// let again = writer.predecessor(Predecessor::open(folder.path().join("first.dcm"))?);
/// let second = again.write(&labels, folder.path().join("second.dcm"))?;
/// assert_ne!(second.instance_uid, first.instance_uid);
/// assert_eq!(second.segments[0].1.tracking, first.segments[0].1.tracking);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Predecessor {
    path: PathBuf,
    class: String,
    instance: String,
    series: String,
    study: String,
    patient: Option<Vec<u8>>,
    findings: Vec<Finding>,
}

/// A segment with identifiers.
#[derive(Debug, Clone)]
struct Finding {
    name: String,
    kind: String,
    tracking: (String, String),
}

impl Predecessor {
    /// Reads the header of an earlier object.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read or lacks an identifier.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let set = raw::header(path)?;
        let need = |tag| {
            raw::text(&set, tag).ok_or_else(|| {
                let keyword = crate::text::keyword(tag);
                let what = format!("it has no {keyword}, by which a new object names it; choose an object that a writer of this library made");
                Error::source(path, what)
            })
        };
        Ok(Self {
            path: path.to_owned(),
            class: need(tags::SOP_CLASS_UID)?,
            instance: need(tags::SOP_INSTANCE_UID)?,
            series: need(tags::SERIES_INSTANCE_UID)?,
            study: need(tags::STUDY_INSTANCE_UID)?,
            patient: raw::bytes(&set, tags::PATIENT_ID),
            findings: findings(&set),
        })
    }

    /// Its SOPInstanceUID.
    pub fn instance_uid(&self) -> &str {
        &self.instance
    }

    /// Whether it belongs to the patient and study of a source, and is of one of these classes.
    ///
    /// # Errors
    /// [`Error::Source`].
    pub(crate) fn check(&self, source: &Source, classes: &[&str]) -> Result<()> {
        let study = raw::text(source.head(), tags::STUDY_INSTANCE_UID);
        let patient = raw::bytes(source.head(), tags::PATIENT_ID);
        let problem = if study.as_deref() != Some(&self.study) || patient != self.patient {
            "it belongs to another patient or study than the source; choose an earlier object of this study"
        } else if !classes.contains(&self.class.as_str()) {
            "it is an object of another kind than the new one, which replaces only its like; choose the earlier object of this kind"
        } else {
            return Ok(());
        };
        Err(Error::source(&self.path, problem))
    }

    /// Gives segments that it has, too, its identifiers.
    pub(crate) fn tracked(&self, segment: Segment) -> Segment {
        let same =
            |finding: &&Finding| finding.name == segment.name && finding.kind == segment.kind.value;
        match (&segment.tracking, self.findings.iter().find(same)) {
            (None, Some(finding)) => Segment {
                tracking: Some(finding.tracking.clone()),
                ..segment
            },
            _ => segment,
        }
    }

    /// The reference of a report to it.
    pub(crate) fn document<'s>(&self, like: &Set<'s>) -> Result<Set<'s>> {
        let mut series = like.item();
        series.text(tags::SERIES_INSTANCE_UID, &self.series)?;
        let item = reference(like, &self.class, &self.instance)?;
        series.items(tags::REFERENCED_SOP_SEQUENCE, vec![item]);
        let mut study = like.item();
        study.text(tags::STUDY_INSTANCE_UID, &self.study)?;
        study.items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
        Ok(study)
    }

    /// Class and instance.
    pub(crate) fn reference<'s>(&self, like: &Set<'s>) -> Result<Set<'s>> {
        reference(like, &self.class, &self.instance)
    }

    /// The reference of a segmentation to it.
    pub(crate) fn replaced<'s>(&self, like: &Set<'s>) -> Result<Set<'s>> {
        let mut item = self.reference(like)?;
        let purpose = code_item(like, "PREDECESSOR", "99VESALIUS", "Replaced by this object")?;
        item.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
        Ok(item)
    }

    /// Its series with itself, as an item of ReferencedSeriesSequence.
    pub(crate) fn in_series<'s>(&self, like: &Set<'s>) -> Result<Set<'s>> {
        let mut series = like.item();
        series.text(tags::SERIES_INSTANCE_UID, &self.series)?;
        let item = self.reference(like)?;
        series.items(tags::REFERENCED_INSTANCE_SEQUENCE, vec![item]);
        Ok(series)
    }
}

/// The classes of segmentations.
pub(crate) const SEGMENTATIONS: [&str; 2] = [
    uids::SEGMENTATION_STORAGE,
    uids::LABEL_MAP_SEGMENTATION_STORAGE,
];

fn findings(set: &InMemDicomObject) -> Vec<Finding> {
    let segments = raw::items(set, tags::SEGMENT_SEQUENCE);
    let charset = Charset::of(set, &[]);
    let finding = |segment: &InMemDicomObject| {
        let kind = raw::item(segment, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE)?;
        let kind =
            raw::text(kind, tags::CODE_VALUE).or_else(|| raw::text(kind, tags::LONG_CODE_VALUE))?;
        let text = |tag| charset.decode(&raw::bytes(segment, tag)?);
        Some(Finding {
            name: text(tags::SEGMENT_LABEL)?,
            kind,
            tracking: (text(tags::TRACKING_ID)?, text(tags::TRACKING_UID)?),
        })
    };
    segments.iter().filter_map(finding).collect()
}
