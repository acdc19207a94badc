//! A segmentation that was written earlier, for objects that refer to it.

use super::WrittenSeg;
use super::segment::{AlgorithmType, Code, Segment};
use crate::predecessor::SEGMENTATIONS;
use crate::text::Charset;
use crate::{Error, Result, raw};
use dicom_core::Tag;
use dicom_dictionary_std::tags;
use dicom_object::InMemDicomObject;
use std::path::Path;

impl WrittenSeg {
    /// A segmentation that was written earlier, such as for a report on it. The labels of its segments are their numbers,
    /// as in the label map that is read from it.
    ///
    /// # Errors
    /// [`Error::Source`] for a file that cannot be read, is no segmentation, or has segments without number, name or
    /// code.
    ///
    /// ```
    /// use vesalius_dicom::{ReportWriter, SegWriter, Segment, WrittenSeg};
    /// use vesalius_io::list_series;
    /// use vesalius_volume::LabelMap;
    /// # let folder = tempfile::tempdir()?;
    /// # let source = vesalius_dicom::example_series(folder.path(), "CT", [6, 5, 4])?;
    ///
    /// let series = &list_series(&source)?.series[0];
    /// let labels = LabelMap::<u16>::from_fn(series.geometry.unwrap(), |[x, ..]| u16::from(x > 2) * 7);
    /// let file = folder.path().join("seg.dcm");
    /// let written = SegWriter::new(series)?.segments([Segment::named(7, "kidney_left")]).write(&labels, &file)?;
    ///
    /// let opened = WrittenSeg::open(&file)?;
    /// assert_eq!(opened.instance_uid, written.instance_uid);
    /// let (number, kidney) = &opened.segments[0];
    /// assert_eq!((*number, kidney.label, kidney.name.as_str()), (1, 1, "kidney_left"));
    /// assert_eq!(kidney.tracking, written.segments[0].1.tracking);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let set = raw::header(path)?;
        let bad = |what: &str| {
            let remedy = "choose a segmentation as its writer gave it";
            Error::source(path, format!("{what}; {remedy}"))
        };
        let need = |tag| {
            let keyword = crate::text::keyword(tag);
            raw::text(&set, tag).ok_or_else(|| bad(&format!("it has no {keyword}")))
        };
        let class_uid = need(tags::SOP_CLASS_UID)?;
        if !SEGMENTATIONS.contains(&class_uid.as_str()) {
            return Err(bad("it is no segmentation"));
        }
        let charset = Charset::of(&set, &[]);
        let items = raw::items(&set, tags::SEGMENT_SEQUENCE);
        let numbers = items
            .iter()
            .map(|item| raw::words(item, tags::SEGMENT_NUMBER));
        let numbered = items
            .iter()
            .zip(numbers)
            .filter(|(_, number)| number[..] != [0]);
        let segments = numbered.map(|(item, number)| {
            let number = number.first().copied();
            number
                .and_then(|number| Some((number, segment(item, number, &charset)?)))
                .ok_or_else(|| bad("a segment has no number, name or code that can be read"))
        });
        let frames = raw::numbers::<1>(&set, tags::NUMBER_OF_FRAMES).map_or(0.0, |[n]| n);
        Ok(Self {
            path: Some(path.to_owned()),
            instance_uid: need(tags::SOP_INSTANCE_UID)?,
            series_uid: need(tags::SERIES_INSTANCE_UID)?,
            frames: frames.max(0.0) as usize,
            segments: segments.collect::<Result<_>>()?,
            class_uid,
            warnings: Vec::new(),
        })
    }
}

fn segment(item: &InMemDicomObject, number: u16, charset: &Charset) -> Option<Segment> {
    let text = |item: &InMemDicomObject, tag| charset.decode(&raw::bytes(item, tag)?);
    let code = |item: &InMemDicomObject, sequence: Tag| {
        let code = raw::item(item, sequence)?;
        let value = raw::text(code, tags::CODE_VALUE);
        Some(Code::new(
            value.or_else(|| raw::text(code, tags::LONG_CODE_VALUE))?,
            raw::text(code, tags::CODING_SCHEME_DESIGNATOR)?,
            text(code, tags::CODE_MEANING)?,
        ))
    };
    let mut segment = Segment::named(number.into(), text(item, tags::SEGMENT_LABEL)?);
    segment.description = text(item, tags::SEGMENT_DESCRIPTION);
    segment.category = code(item, tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE)?;
    segment.kind = code(item, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE)?;
    let kind = raw::item(item, tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE)?;
    segment.modifier = code(kind, tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE);
    segment.region = code(item, tags::ANATOMIC_REGION_SEQUENCE);
    let region = raw::item(item, tags::ANATOMIC_REGION_SEQUENCE);
    segment.region_modifier =
        region.and_then(|region| code(region, tags::ANATOMIC_REGION_MODIFIER_SEQUENCE));
    segment.algorithm = text(item, tags::SEGMENT_ALGORITHM_NAME);
    segment.algorithm_type = match raw::text(item, tags::SEGMENT_ALGORITHM_TYPE)?.as_str() {
        "MANUAL" => AlgorithmType::Manual,
        "SEMIAUTOMATIC" => AlgorithmType::SemiAutomatic,
        _ => AlgorithmType::Automatic,
    };
    let tracking = (
        text(item, tags::TRACKING_ID),
        raw::text(item, tags::TRACKING_UID),
    );
    segment.tracking = tracking.0.zip(tracking.1);
    Some(segment)
}
