//! The functional groups of frames, written one by one: of a hundred thousand frames only those of the source are kept.

use super::SegKind;
use crate::identity::{code_item, reference};
use crate::set::Set;
use crate::source::Source;
use crate::text::Charset;
use crate::{Result, file};
use dicom_dictionary_std::tags;
use std::io::{self, Write};

/// A frame of a segmentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Number of the segment in the list; 0 in a label map.
    pub segment: usize,
    /// Number of the source's frame.
    pub source: usize,
}

/// The encoded parts of the groups, by frame of the source and by segment.
pub(crate) struct Groups {
    /// DerivationImageSequence.
    derived: Vec<Vec<u8>>,
    /// PlanePositionSequence, where the source has places.
    places: Vec<Vec<u8>>,
    /// SegmentIdentificationSequence.
    segments: Vec<Vec<u8>>,
    /// The number of each frame of the source among those with a label, from 1.
    ranks: Vec<u32>,
}

impl Groups {
    /// `numbers` are those of the segments; `used` the frames of the source that occur, in rising order.
    ///
    /// # Errors
    /// [`Error::Text`](crate::Error::Text), [`Error::Io`](crate::Error::Io).
    pub fn new(
        source: &Source,
        charset: &Charset,
        kind: SegKind,
        numbers: &[u16],
        used: &[usize],
    ) -> Result<Self> {
        let set = Set::new(charset);
        let mut groups = Self {
            derived: vec![Vec::new(); source.frames.len()],
            places: vec![Vec::new(); source.frames.len()],
            segments: Vec::with_capacity(numbers.len()),
            ranks: vec![0; source.frames.len()],
        };
        let placed = source.normal().is_some();
        for (rank, &number) in used.iter().enumerate() {
            groups.ranks[number] = rank as u32 + 1;
            groups.derived[number] = encode(derivation(&set, source, number)?)?;
            if let (true, Some(position)) = (placed, &source.frames[number].position) {
                let mut item = set.item();
                item.bytes(tags::IMAGE_POSITION_PATIENT, position);
                let mut group = set.item();
                group.items(tags::PLANE_POSITION_SEQUENCE, vec![item]);
                groups.places[number] = encode(group)?;
            }
        }
        for &number in numbers.iter().filter(|_| kind != SegKind::LabelMap) {
            let mut item = set.item();
            item.words(tags::REFERENCED_SEGMENT_NUMBER, &[number]);
            let mut group = set.item();
            group.items(tags::SEGMENT_IDENTIFICATION_SEQUENCE, vec![item]);
            groups.segments.push(encode(group)?);
        }
        Ok(groups)
    }

    /// PerFrameFunctionalGroupsSequence.
    pub fn write(&self, to: &mut dyn Write, charset: &Charset, frames: &[Frame]) -> io::Result<()> {
        let set = Set::new(charset);
        file::sequence_start(to, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?;
        for frame in frames {
            let mut index = Vec::with_capacity(2);
            if !self.segments.is_empty() {
                index.push(frame.segment as u32 + 1);
            }
            if !self.places[frame.source].is_empty() {
                index.push(self.ranks[frame.source]);
            }
            let mut content = set.item();
            content.longs(tags::DIMENSION_INDEX_VALUES, &index);
            let mut group = set.item();
            group.items(tags::FRAME_CONTENT_SEQUENCE, vec![content]);
            let content = file::encoded(group.object())?;
            let segment = self
                .segments
                .get(frame.segment)
                .map_or(&[][..], Vec::as_slice);
            file::item(
                to,
                &[
                    &self.derived[frame.source],
                    &content,
                    &self.places[frame.source],
                    segment,
                ],
            )?;
        }
        file::sequence_end(to)
    }
}

fn encode(set: Set) -> Result<Vec<u8>> {
    let failed = |source| {
        crate::Error::Io(vesalius_io::Error::Write {
            path: "memory".into(),
            source,
        })
    };
    file::encoded(set.object()).map_err(failed)
}

/// Which frame of which file a frame was made from.
fn derivation<'s>(set: &Set<'s>, source: &Source, number: usize) -> Result<Set<'s>> {
    let frame = &source.frames[number];
    let instance = &source.instances[frame.instance];
    let mut image = reference(set, &instance.class, &instance.uid)?;
    if instance.multi_frame {
        image.integer(tags::REFERENCED_FRAME_NUMBER, frame.number as i64);
    }
    image.text(tags::SPATIAL_LOCATIONS_PRESERVED, "YES")?;
    let purpose = code_item(
        set,
        "121322",
        "DCM",
        "Source image for image processing operation",
    )?;
    image.items(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
    let mut derivation = set.item();
    derivation.items(tags::SOURCE_IMAGE_SEQUENCE, vec![image]);
    derivation.items(
        tags::DERIVATION_CODE_SEQUENCE,
        vec![code_item(set, "113076", "DCM", "Segmentation")?],
    );
    let mut group = set.item();
    group.items(tags::DERIVATION_IMAGE_SEQUENCE, vec![derivation]);
    Ok(group)
}
