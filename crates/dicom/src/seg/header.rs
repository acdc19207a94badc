//! The attributes of a segmentation before its frames.

use super::segment::{AlgorithmType, Code, Segment};
use super::{SegKind, SegWriter, color};
use crate::identity::{self, Moment, code_item};
use crate::set::Set;
use crate::source::Source;
use crate::uid::new_uid;
use crate::{Error, Result, raw};
use dicom_dictionary_std::{tags, uids};

/// The identifiers of a new object.
#[derive(Debug, Clone)]
pub(crate) struct Identifiers {
    pub instance: String,
    pub series: String,
    pub dimensions: String,
}

impl Identifiers {
    pub fn new() -> Result<Self> {
        Ok(Self {
            instance: new_uid()?,
            series: new_uid()?,
            dimensions: new_uid()?,
        })
    }
}

pub(crate) fn class(kind: SegKind) -> &'static str {
    match kind {
        SegKind::Binary | SegKind::Fractional => uids::SEGMENTATION_STORAGE,
        SegKind::LabelMap => uids::LABEL_MAP_SEGMENTATION_STORAGE,
    }
}

/// Everything up to the shared functional groups.
pub(crate) struct Header<'a> {
    pub writer: &'a SegWriter,
    pub kind: SegKind,
    pub segments: &'a [Segment],
    pub identifiers: &'a Identifiers,
    pub frames: usize,
    /// Files that frames refer to.
    pub instances: &'a [usize],
    /// BitsAllocated.
    pub bits: u16,
    pub overlap: &'static str,
}

impl Header<'_> {
    /// # Errors
    /// [`Error::Text`] for a text that does not fit.
    pub fn fill(&self, set: &mut Set) -> Result<()> {
        let source = &self.writer.source;
        identity::patient_and_study(set, source);
        match source.normal() {
            Some(_) => identity::frame_of_reference(set, source),
            // Which side is where, since no place says so.
            None => {
                set.copy_or_empty(source.head(), &[tags::PATIENT_ORIENTATION]);
            }
        }
        identity::equipment(set)?;
        identity::lossy(set, source)?;
        self.series(set)?;
        self.image(set)?;
        let items = self
            .segments
            .iter()
            .map(|segment| self.segment(set, segment));
        let mut items = items.collect::<Result<Vec<_>>>()?;
        if self.kind == SegKind::LabelMap {
            items.insert(0, background(set)?);
        }
        set.items(tags::SEGMENT_SEQUENCE, items);
        identity::referenced_series(set, source, self.instances)?;
        if let Some(earlier) = &self.writer.predecessor {
            let series = earlier.in_series(set)?;
            set.append(tags::REFERENCED_SERIES_SEQUENCE, series);
            let replaced = earlier.replaced(set)?;
            set.items(tags::REFERENCED_INSTANCE_SEQUENCE, vec![replaced]);
        }
        self.dimensions(set)?;
        shared_groups(set, source)
    }

    fn series(&self, set: &mut Set) -> Result<()> {
        let writer = self.writer;
        set.text(tags::SOP_CLASS_UID, class(self.kind))?;
        set.text(tags::SOP_INSTANCE_UID, &self.identifiers.instance)?;
        set.text(tags::SERIES_INSTANCE_UID, &self.identifiers.series)?;
        set.text(tags::MODALITY, "SEG")?;
        let number = identity::series_number(&writer.source, writer.series_number, 300);
        set.integer(tags::SERIES_NUMBER, number);
        set.integer(tags::INSTANCE_NUMBER, 1);
        set.text(tags::SERIES_DESCRIPTION, &writer.description)?;
        Moment::now().write(set, [tags::CONTENT_DATE, tags::CONTENT_TIME])?;
        Ok(())
    }

    fn image(&self, set: &mut Set) -> Result<()> {
        let writer = self.writer;
        set.texts(tags::IMAGE_TYPE, &["DERIVED", "PRIMARY"])?;
        set.text(tags::CONTENT_LABEL, "SEGMENTATION")?;
        set.text(tags::CONTENT_DESCRIPTION, &writer.description)?;
        set.text(tags::CONTENT_CREATOR_NAME, &writer.creator)?;
        set.text(
            tags::SEGMENTATION_TYPE,
            match self.kind {
                SegKind::Binary => "BINARY",
                SegKind::Fractional => "FRACTIONAL",
                SegKind::LabelMap => "LABELMAP",
            },
        )?;
        set.text(tags::SEGMENTS_OVERLAP, self.overlap)?;
        if self.kind == SegKind::Fractional {
            set.text(tags::SEGMENTATION_FRACTIONAL_TYPE, "PROBABILITY")?;
            set.words(tags::MAXIMUM_FRACTIONAL_VALUE, &[255]);
        }
        if self.kind == SegKind::LabelMap {
            set.signed_word(tags::PIXEL_PADDING_VALUE, 0, false);
        }
        let [columns, rows] = writer.source.size;
        set.words(tags::SAMPLES_PER_PIXEL, &[1]);
        set.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")?;
        set.integer(tags::NUMBER_OF_FRAMES, self.frames as i64);
        // The source has as many, in words of 16 bits.
        set.words(tags::ROWS, &[rows as u16]);
        set.words(tags::COLUMNS, &[columns as u16]);
        set.words(tags::BITS_ALLOCATED, &[self.bits]);
        set.words(tags::BITS_STORED, &[self.bits]);
        set.words(tags::HIGH_BIT, &[self.bits - 1]);
        set.words(tags::PIXEL_REPRESENTATION, &[0]);
        Ok(())
    }

    fn segment<'s>(&self, set: &Set<'s>, segment: &Segment) -> Result<Set<'s>> {
        let mut item = set.item();
        let code = |code: &Code| code_item(set, &code.value, &code.scheme, &code.meaning);
        // The caller has numbered them within 16 bits.
        item.words(tags::SEGMENT_NUMBER, &[segment.label as u16]);
        item.text(tags::SEGMENT_LABEL, &segment.name)?;
        if let Some(description) = &segment.description {
            item.text(tags::SEGMENT_DESCRIPTION, description)?;
        }
        item.text(tags::SEGMENT_ALGORITHM_TYPE, segment.algorithm_type.name())?;
        if segment.algorithm_type != AlgorithmType::Manual {
            let (name, version) = &self.writer.algorithm;
            let name = segment.algorithm.as_ref().unwrap_or(name);
            item.text(tags::SEGMENT_ALGORITHM_NAME, name)?;
            let mut how = set.item();
            let family = code_item(set, "123110", "DCM", "Artificial Intelligence")?;
            how.items(tags::ALGORITHM_FAMILY_CODE_SEQUENCE, vec![family]);
            how.text(tags::ALGORITHM_NAME, name)?;
            how.text(tags::ALGORITHM_VERSION, version)?;
            item.items(
                tags::SEGMENTATION_ALGORITHM_IDENTIFICATION_SEQUENCE,
                vec![how],
            );
        }
        item.items(
            tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
            vec![code(&segment.category)?],
        );
        let mut kind = code(&segment.kind)?;
        if let Some(modifier) = &segment.modifier {
            kind.items(
                tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE,
                vec![code(modifier)?],
            );
        }
        item.items(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, vec![kind]);
        if let Some(region) = &segment.region {
            let mut region = code(region)?;
            if let Some(modifier) = &segment.region_modifier {
                region.items(
                    tags::ANATOMIC_REGION_MODIFIER_SEQUENCE,
                    vec![code(modifier)?],
                );
            }
            item.items(tags::ANATOMIC_REGION_SEQUENCE, vec![region]);
        }
        item.words(
            tags::RECOMMENDED_DISPLAY_CIE_LAB_VALUE,
            &color::lab(segment.color),
        );
        if let Some((id, uid)) = &segment.tracking {
            item.text(tags::TRACKING_ID, id)?;
            item.text(tags::TRACKING_UID, uid)?;
        }
        Ok(item)
    }

    /// By which attributes frames are ordered.
    fn dimensions(&self, set: &mut Set) -> Result<()> {
        let uid = &self.identifiers.dimensions;
        let mut organization = set.item();
        organization.text(tags::DIMENSION_ORGANIZATION_UID, uid)?;
        set.items(tags::DIMENSION_ORGANIZATION_SEQUENCE, vec![organization]);
        let mut indices = Vec::new();
        if self.kind != SegKind::LabelMap {
            indices.push((
                tags::REFERENCED_SEGMENT_NUMBER,
                tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                "Segment Number",
            ));
        }
        if self.writer.source.normal().is_some() {
            indices.push((
                tags::IMAGE_POSITION_PATIENT,
                tags::PLANE_POSITION_SEQUENCE,
                "Image Position Patient",
            ));
        }
        let items = indices.into_iter().map(|(index, group, label)| {
            let mut item = set.item();
            item.text(tags::DIMENSION_ORGANIZATION_UID, uid)?;
            item.tag(tags::DIMENSION_INDEX_POINTER, index);
            item.tag(tags::FUNCTIONAL_GROUP_POINTER, group);
            item.text(tags::DIMENSION_DESCRIPTION_LABEL, label)?;
            Ok(item)
        });
        let items = items.collect::<Result<Vec<_>>>()?;
        set.items(tags::DIMENSION_INDEX_SEQUENCE, items);
        Ok(())
    }
}

/// The item of a label map's background.
fn background<'s>(set: &Set<'s>) -> Result<Set<'s>> {
    let mut item = set.item();
    item.words(tags::SEGMENT_NUMBER, &[0]);
    item.text(tags::SEGMENT_LABEL, "Background")?;
    item.text(tags::SEGMENT_ALGORITHM_TYPE, "MANUAL")?;
    for tag in [
        tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE,
        tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE,
    ] {
        item.items(tag, vec![code_item(set, "125040", "DCM", "Background")?]);
    }
    Ok(item)
}

/// Orientation and pixel spacing of all frames, as the source writes them.
fn shared_groups(set: &mut Set, source: &Source) -> Result<()> {
    let mut group = set.item();
    let first = &source.frames[0];
    if let (Some(_), Some(orientation), Some(spacing)) =
        (source.normal(), &first.orientation, &first.spacing)
    {
        let mut plane = set.item();
        plane.bytes(tags::IMAGE_ORIENTATION_PATIENT, orientation);
        group.items(tags::PLANE_ORIENTATION_SEQUENCE, vec![plane]);
        let mut measures = set.item();
        measures.bytes(tags::PIXEL_SPACING, spacing);
        let step = equal_step(source);
        match (&first.thickness, step) {
            (Some(thickness), _) => measures.bytes(tags::SLICE_THICKNESS, thickness),
            (None, Some(step)) => measures.decimals(tags::SLICE_THICKNESS, &[step]),
            (None, None) => &mut measures,
        };
        if let Some(step) = step {
            measures.decimals(tags::SPACING_BETWEEN_SLICES, &[step]);
        }
        group.items(tags::PIXEL_MEASURES_SEQUENCE, vec![measures]);
    }
    set.items(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![group]);
    Ok(())
}

/// The distance between neighbouring frames, where it is the same everywhere.
fn equal_step(source: &Source) -> Option<f64> {
    let up = source.normal()?;
    let heights: Vec<f64> = source
        .frames
        .iter()
        .filter_map(|frame| Some(frame.plane?.height(up)))
        .collect();
    let gaps: Vec<f64> = heights.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let equal = !gaps.is_empty() && gaps.iter().all(|gap| (gap - mean).abs() <= 0.02 * mean);
    // A hundred-thousandth of a millimetre is less than positions are written with.
    equal.then(|| (mean * 1e5).round() / 1e5)
}

/// Frames must have one orientation and lie at places of their own.
///
/// # Errors
/// [`Error::Source`].
pub(crate) fn check_frames(source: &Source) -> Result<()> {
    let (Some(up), Some(first)) = (source.normal(), source.frames[0].plane) else {
        return Ok(());
    };
    let mut before = f64::NEG_INFINITY;
    for frame in &source.frames {
        let Some(plane) = frame.plane else { continue };
        let path = &source.instances[frame.instance].path;
        let apart = (0..3).map(|i| {
            (plane.row[i] - first.row[i])
                .abs()
                .max((plane.column[i] - first.column[i]).abs())
        });
        if apart.fold(0.0, f64::max) > 1e-3 {
            let what = "its frames have another orientation than those of the first file; choose one volume of the series";
            return Err(Error::source(path, what));
        }
        let height = plane.height(up);
        if height - before < 1e-4 {
            let what =
                "two frames lie at one place (such as two echoes); choose one volume of the series";
            return Err(Error::source(path, what));
        }
        before = height;
    }
    if raw::text(source.head(), tags::FRAME_OF_REFERENCE_UID).is_none() {
        let what = "its frames have places but no FrameOfReferenceUID, in which results could have theirs; choose a series that has one";
        return Err(Error::source(source.path(), what));
    }
    Ok(())
}
