//! From labels to a file: which segment occurs on which frame, then header, groups and pixels in one stream.

use super::frames::{Frame, Groups};
use super::header::{Header, Identifiers, class};
use super::segment::Segment;
use super::{EmptyRule, FrameRule, SegKind, SegSyntax, SegWriter, WrittenSeg};
use crate::predecessor::SEGMENTATIONS;
use crate::set::Set;
use crate::target::Target;
use crate::text::Charset;
use crate::{Error, Result, file};
use dicom_core::VR;
use dicom_dictionary_std::tags;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::{self, Write};
use vesalius_volume::Warning;

const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Native pixels have a length of 32 bits.
const LARGEST: u64 = u32::MAX as u64 - 1;
pub(super) const BOTH: &str = "write the segments into several objects";

pub(crate) struct Job<'a, 't> {
    pub(super) writer: &'a SegWriter,
    pub(crate) target: Target<'t>,
    pub warnings: Vec<Warning>,
}

/// What is written of each frame.
pub(super) type WriteFrames<'a> = dyn FnMut(&mut dyn Write, &[Frame]) -> io::Result<()> + 'a;

impl<'a, 't> Job<'a, 't> {
    pub fn new(writer: &'a SegWriter, target: Target<'t>) -> Result<Self> {
        target.check()?;
        if writer.segments.is_empty() {
            let what = "there are no segments; say what the labels mean by `SegWriter::segments`";
            return Err(Error::Segments(what.to_owned()));
        }
        if let Some(earlier) = &writer.predecessor {
            earlier.check(&writer.source, &SEGMENTATIONS)?;
        }
        Ok(Self {
            writer,
            target,
            warnings: Vec::new(),
        })
    }

    /// The frames in the order of the file.
    fn frames(&self, found: &[Vec<usize>]) -> Result<Vec<Frame>> {
        let writer = self.writer;
        let count = writer.source.frames.len();
        if found.iter().all(Vec::is_empty) && writer.empty == EmptyRule::Refuse {
            let what = "no voxel has a label, so that there is nothing to write; write an object without a voxel by `EmptyRule::Write`";
            return Err(Error::Segments(what.to_owned()));
        }
        let all = writer.frames == FrameRule::All;
        if writer.kind == SegKind::LabelMap {
            let mut used: Vec<usize> = match all {
                true => (0..count).collect(),
                false => found.iter().flatten().copied().collect(),
            };
            used.sort_unstable();
            used.dedup();
            if used.is_empty() {
                used.push(0);
            }
            return Ok(used
                .into_iter()
                .map(|source| Frame { segment: 0, source })
                .collect());
        }
        let none = found.iter().all(Vec::is_empty);
        let mut frames = Vec::new();
        for (segment, found) in found.iter().enumerate() {
            let frame = |source| Frame { segment, source };
            match (all, none) {
                (true, _) => frames.extend((0..count).map(frame)),
                (false, true) => frames.push(frame(0)),
                (false, false) => frames.extend(found.iter().map(|&source| frame(source))),
            }
        }
        Ok(frames)
    }

    pub(super) fn write(
        self,
        segments: &[Segment],
        numbers: &[u16],
        found: &[Vec<usize>],
        bits: u16,
        pixels: &mut WriteFrames,
    ) -> Result<WrittenSeg> {
        let writer = self.writer;
        let source = &writer.source;
        let frames = self.frames(found)?;
        let size = source.size[0] as u64 * source.size[1] as u64 * frames.len() as u64;
        let length = (size * u64::from(bits)).div_ceil(8).next_multiple_of(2);
        if length > LARGEST {
            let what = format!(
                "{} frames need {length} bytes, more than the 4 GiB that an object can hold; {BOTH}",
                frames.len()
            );
            return Err(Error::Segments(what));
        }
        let mut used: Vec<usize> = frames.iter().map(|frame| frame.source).collect();
        used.sort_unstable();
        used.dedup();
        let mut instances: Vec<usize> = used
            .iter()
            .map(|&frame| source.frames[frame].instance)
            .collect();
        instances.sort_unstable();
        instances.dedup();
        let numbered: Vec<Segment> = segments
            .iter()
            .zip(numbers)
            .map(|(segment, &number)| Segment {
                label: number.into(),
                ..segment.clone()
            })
            .collect();
        let charset = Charset::of(source.head(), &self.own_texts());
        let identifiers = Identifiers::new()?;
        let header = Header {
            writer,
            kind: writer.kind,
            segments: &numbered,
            identifiers: &identifiers,
            frames: frames.len(),
            instances: &instances,
            bits,
            overlap: self.overlap(segments),
        };
        let mut set = Set::new(&charset);
        header.fill(&mut set)?;
        let groups = Groups::new(source, &charset, writer.kind, numbers, &used)?;
        let (class, instance) = (class(writer.kind), identifiers.instance.clone());
        let odd = (size * u64::from(bits)).div_ceil(8) % 2 == 1;
        let result = self.target.write(|to| {
            let deflated = writer.syntax == SegSyntax::Deflated;
            file::begin(
                to,
                class,
                &instance,
                if deflated { DEFLATED } else { file::EXPLICIT },
            )?;
            let mut content = |to: &mut dyn Write| {
                file::elements(to, set.object())?;
                groups.write(to, &charset, &frames)?;
                let vr = if bits == 16 { VR::OW } else { VR::OB };
                to.write_all(&file::long_header(tags::PIXEL_DATA, vr, length as u32))?;
                pixels(to, &frames)?;
                to.write_all(if odd { &[0] } else { &[] })
            };
            if !deflated {
                return content(to);
            }
            let mut compressed =
                DeflateEncoder::new(Counted { to, length: 0 }, Compression::default());
            content(&mut compressed)?;
            let Counted { to, length } = compressed.finish()?;
            // A compressed data set of odd length is padded (PS3.5 A.5).
            to.write_all(if length % 2 == 1 { &[0] } else { &[] })?;
            to.flush()
        });
        if writer.control.is_cancelled() && result.is_err() {
            return Err(Error::Cancelled);
        }
        Ok(WrittenSeg {
            path: result?,
            class_uid: class.to_owned(),
            instance_uid: identifiers.instance,
            series_uid: identifiers.series,
            frames: frames.len(),
            segments: numbers
                .iter()
                .copied()
                .zip(segments.iter().cloned())
                .collect(),
            warnings: self
                .warnings
                .into_iter()
                .chain(few_readers(writer))
                .collect(),
        })
    }

    fn overlap(&self, segments: &[Segment]) -> &'static str {
        let layers = segments
            .iter()
            .any(|segment| segment.layer != segments[0].layer);
        match self.writer.kind {
            SegKind::Fractional => "UNDEFINED",
            _ if layers => "UNDEFINED",
            _ => "NO",
        }
    }

    /// Texts that are not copied from the source.
    fn own_texts(&self) -> Vec<&str> {
        let writer = self.writer;
        let mut texts = vec![
            writer.description.as_str(),
            &writer.creator,
            &writer.algorithm.0,
            &writer.algorithm.1,
        ];
        for segment in &writer.segments {
            texts.push(&segment.name);
            texts.extend(segment.description.as_deref());
            texts.extend(segment.algorithm.as_deref());
            texts.extend(segment.tracking.as_ref().map(|(id, _)| id.as_str()));
            let codes = [
                Some(&segment.category),
                Some(&segment.kind),
                segment.modifier.as_ref(),
                segment.region.as_ref(),
                segment.region_modifier.as_ref(),
            ];
            texts.extend(
                codes
                    .into_iter()
                    .flatten()
                    .map(|code| code.meaning.as_str()),
            );
        }
        texts
    }
}

/// Warnings about kinds and syntaxes that few readers know.
fn few_readers(writer: &SegWriter) -> Vec<Warning> {
    let mut warnings = Vec::new();
    if writer.kind == SegKind::LabelMap {
        warnings.push(Warning::FewReaders {
            what: "a label map segmentation is written".to_owned(),
            who: "archives of before 2024 may refuse it, and may fail to send the images of its study; a binary one is read everywhere".to_owned(),
        });
    }
    if writer.syntax == SegSyntax::Deflated {
        warnings.push(Warning::FewReaders {
            what: "a deflated file is written".to_owned(),
            who: "archives and viewers need not support it; a native one is read everywhere"
                .to_owned(),
        });
    }
    warnings
}

/// Counts the bytes that pass.
struct Counted<W: Write> {
    to: W,
    length: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}
