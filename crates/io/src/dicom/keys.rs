//! The attributes by which frames at one place differ: echo, diffusion, kernel, time. They name the parts of a series.

use super::csa;
use super::element::DataSet;
use super::file::DicomFile;
use super::key::Key;
use super::moment::{moment, moment_of};
use super::tags;
use std::sync::Arc;

/// What a frame holds for a key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Mark {
    pub key: Key,
    /// The value as text; numbers without needless digits.
    pub text: String,
    /// The value as a number; a time in seconds.
    pub number: Option<f64>,
}

/// What a frame holds for all keys. Frames of a file, and files of a series, share what is equal.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    /// Those that the frames of a volume have in common.
    pub lasting: Arc<Vec<Mark>>,
    /// Those by which slices of one volume may differ, such as times.
    of_slices: Arc<Vec<Mark>>,
}

impl Marks {
    fn new(all: impl Iterator<Item = Mark>) -> Self {
        let (of_slices, lasting) = all.partition::<Vec<_>, _>(|mark| mark.key.is_of_slices());
        let shared = |mut marks: Vec<Mark>| {
            marks.shrink_to_fit();
            Arc::new(marks)
        };
        Self {
            lasting: shared(lasting),
            of_slices: shared(of_slices),
        }
    }

    pub fn get(&self, key: Key) -> Option<&Mark> {
        let of_key = match key.is_of_slices() {
            true => &self.of_slices,
            false => &self.lasting,
        };
        of_key.iter().find(|mark| mark.key == key)
    }

    /// Adds what this frame alone holds.
    pub fn push(&mut self, mark: Mark) {
        let of_key = match mark.key.is_of_slices() {
            true => &mut self.of_slices,
            false => &mut self.lasting,
        };
        Arc::make_mut(of_key).push(mark);
    }
}

/// A number without the noise of its storage.
fn short(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    // Adding zero turns a negative zero into a zero.
    format!("{}", rounded + 0.0)
}

/// Where attributes of a frame are looked for: its own functional group, the shared one, the file.
struct Source<'a> {
    file: &'a DicomFile,
    own: Option<&'a DataSet>,
    shared: Option<&'a DataSet>,
}

impl<'a> Source<'a> {
    fn group(&self, sequence: u32) -> Option<&'a DataSet> {
        self.own
            .and_then(|set| set.item(sequence))
            .or_else(|| self.shared.and_then(|set| set.item(sequence)))
    }

    fn plain(&self, tag: u32) -> Option<String> {
        self.file.text(&self.file.set, tag)
    }

    /// Text of a functional group, else of the file.
    fn text(&self, sequences: &[u32], tag: u32) -> Option<String> {
        let inside = sequences.iter().find_map(|&sequence| {
            let group = self.group(sequence)?;
            self.file.text(group, tag)
        });
        inside.or_else(|| self.plain(tag))
    }

    /// A binary number of a functional group, else of the file.
    fn double(&self, sequence: u32, tag: u32) -> Option<f64> {
        let group = self.group(sequence);
        let inside = group.and_then(|set| self.file.f64(set, tag));
        let value = inside.or_else(|| self.file.f64(&self.file.set, tag));
        value.filter(|value| value.is_finite())
    }

    fn real(&self, sequence: u32, tag: u32) -> Option<f64> {
        let text = self.text(&[sequence], tag)?;
        let first = text.split('\\').next()?.trim().parse();
        first.ok().filter(|value: &f64| value.is_finite())
    }

    /// Several binary numbers of a private element, or those of several elements.
    fn private(&self, creator: &str, tags_of: &[u32]) -> Option<Vec<f64>> {
        let numbers = |&tag: &u32| {
            let bytes = tags::private(self.file, creator, tag)?;
            let text = std::str::from_utf8(bytes)
                .ok()
                .map(|t| t.trim_matches([' ', '\0']));
            let written = text.and_then(|text| text.split('\\').next()?.trim().parse().ok());
            let single = || {
                let word = bytes.first_chunk::<4>().filter(|_| bytes.len() == 4)?;
                Some(match self.file.syntax.big_endian {
                    true => f32::from_be_bytes(*word),
                    false => f32::from_le_bytes(*word),
                })
            };
            match written {
                Some(value) => Some(vec![value]),
                None if bytes.len() == 4 => Some(vec![single()?.into()]),
                None => Some(self.file.doubles(bytes)),
            }
        };
        let all: Option<Vec<Vec<f64>>> = tags_of.iter().map(numbers).collect();
        let all = all?.concat();
        all.iter().all(|value| value.is_finite()).then_some(all)
    }

    /// The b-value in s/mm²: of the standard, else of the makers.
    fn b_value(&self) -> Option<f64> {
        let first = |creator, tag| self.private(creator, &[tag])?.first().copied();
        self.double(tags::MR_DIFFUSION, tags::DIFFUSION_B_VALUE)
            .or_else(|| first("SIEMENS MR HEADER", tags::SIEMENS_B_VALUE))
            .or_else(|| first("Philips Imaging DD 001", tags::PHILIPS_B_VALUE))
            // GE adds multiples of 100,000 or more that are flags.
            .or_else(|| first("GEMS_PARM_01", tags::GE_B_VALUE).map(|b| b % 1e5))
            .or_else(|| self.csa("B_value")?.first().copied())
            .filter(|b| (0.0..1e5).contains(b))
    }

    /// A number of Siemens' CSA header.
    fn csa(&self, name: &str) -> Option<Vec<f64>> {
        let header = tags::private(self.file, "SIEMENS CSA HEADER", tags::CSA_IMAGE)?;
        csa::numbers(header, name)
    }

    /// The gradient's direction, and whether it is that of the image's axes, not the patient's.
    fn gradient(&self) -> Option<([f64; 3], bool)> {
        let patient = self
            .direction_of_patient()
            .map(|direction| (direction, false));
        let three = |values: Vec<f64>| <[f64; 3]>::try_from(values).ok();
        let image = || {
            Some((
                three(self.private("GEMS_ACQU_01", &tags::GE_DIRECTION)?)?,
                true,
            ))
        };
        let usable = |(direction, _): &([f64; 3], bool)| {
            direction.iter().all(|v| v.is_finite()) && direction.iter().any(|v| *v != 0.0)
        };
        patient.or_else(image).filter(usable)
    }

    fn direction_of_patient(&self) -> Option<[f64; 3]> {
        let three = |values: Vec<f64>| <[f64; 3]>::try_from(values).ok();
        let stated = |set: &DataSet| {
            let item = set.item(tags::DIFFUSION_DIRECTION).unwrap_or(set);
            let bytes = item.bytes(self.file.raw(), tags::DIFFUSION_ORIENTATION)?;
            three(self.file.doubles(bytes))
        };
        let private = |creator, tags: &[u32]| three(self.private(creator, tags)?);
        self.group(tags::MR_DIFFUSION)
            .and_then(stated)
            .or_else(|| stated(&self.file.set))
            .or_else(|| private("SIEMENS MR HEADER", &[tags::SIEMENS_DIRECTION]))
            .or_else(|| private("Philips MR Imaging DD 001", &tags::PHILIPS_DIRECTION))
            .or_else(|| three(self.csa("DiffusionGradientDirection")?))
    }

    /// The type of a frame, and with another tag the part of complex numbers that it shows.
    fn frame_type(&self, tag: u32) -> Option<String> {
        let kinds = [
            tags::MR_FRAME_TYPE,
            tags::CT_FRAME_TYPE,
            tags::PET_FRAME_TYPE,
        ];
        let group = kinds.into_iter().find_map(|sequence| self.group(sequence));
        group.and_then(|set| self.file.text(set, tag))
    }

    fn temporal_position(&self) -> Option<f64> {
        let index = self
            .group(tags::FRAME_CONTENT)
            .and_then(|set| self.file.u32(set, tags::TEMPORAL_INDEX));
        let plain = || self.plain(tags::TEMPORAL_POSITION)?.parse().ok();
        index
            .map(f64::from)
            .or_else(|| self.temporal_offset())
            .or_else(plain)
    }

    /// Seconds from the first volume.
    fn temporal_offset(&self) -> Option<f64> {
        let group = self.group(tags::TEMPORAL_POSITIONS)?;
        self.file.f64(group, tags::TEMPORAL_OFFSET)
    }

    /// In ms. GE's groups of slices may begin later, which RepetitionTime does not count.
    fn repetition_time(&self) -> Option<f64> {
        let repetition = self.real(tags::MR_TIMING, tags::REPETITION_TIME)?;
        let delay = self.private("GEMS_PARM_01", &[tags::GE_GROUP_DELAY]);
        let delay = delay.and_then(|seconds| seconds.first().copied());
        Some(repetition + delay.filter(|seconds| *seconds > 0.0).unwrap_or(0.0) * 1e3)
    }

    fn trigger_time(&self) -> Option<f64> {
        let delay = || {
            let group = self.group(tags::CARDIAC_SYNCHRONIZATION)?;
            self.file.f64(group, tags::TRIGGER_DELAY)
        };
        delay().or_else(|| self.plain(tags::TRIGGER_TIME)?.parse().ok())
    }

    /// When the frame was acquired: as text, and in seconds.
    fn acquired(&self) -> Option<(String, f64)> {
        let content = self.group(tags::FRAME_CONTENT);
        let own = content.and_then(|set| self.file.text(set, tags::FRAME_ACQUISITION_DATE_TIME));
        let both = || self.plain(tags::ACQUISITION_DATE_TIME);
        let apart = || {
            let time = self.plain(tags::ACQUISITION_TIME)?;
            let seconds = moment_of(self.plain(tags::ACQUISITION_DATE).as_deref(), &time)?;
            Some((time, seconds))
        };
        let whole = |text: String| moment(&text).map(|seconds| (text, seconds));
        own.and_then(whole)
            .or_else(apart)
            .or_else(|| both().and_then(whole))
    }

    fn shown(&self) -> Option<(String, f64)> {
        let time = self.plain(tags::CONTENT_TIME)?;
        let seconds = moment_of(self.plain(tags::CONTENT_DATE).as_deref(), &time)?;
        Some((time, seconds))
    }
}

/// The diffusion of a frame.
pub(super) struct Diffusion {
    /// s/mm².
    pub b_value: f64,
    /// The gradient's direction, and whether it is that of the image's axes (GE), not the patient's.
    pub gradient: Option<([f64; 3], bool)>,
}

/// The diffusion of a frame, where it has a b-value.
pub(super) fn diffusion(
    file: &DicomFile,
    own: Option<&DataSet>,
    shared: Option<&DataSet>,
) -> Option<Diffusion> {
    let source = Source { file, own, shared };
    let b_value = source.b_value()?;
    let gradient = source.gradient().filter(|_| b_value > 0.0);
    Some(Diffusion { b_value, gradient })
}

/// What distinguishes a frame, by key.
pub(super) fn marks(file: &DicomFile, own: Option<&DataSet>, shared: Option<&DataSet>) -> Marks {
    let source = Source { file, own, shared };
    let number = |key, value: Option<f64>| {
        let value = value.filter(|value| value.is_finite())?;
        let text = short(value);
        let number = Some(value);
        Some(Mark { key, text, number })
    };
    // What names no part needs no text.
    let silent = |key, value: Option<f64>| {
        let number = Some(value.filter(|value| value.is_finite())?);
        let text = String::new();
        Some(Mark { key, text, number })
    };
    let text = |key, value: Option<String>| {
        let (text, number) = (value?, None);
        Some(Mark { key, text, number })
    };
    let time = |key, value: Option<(String, f64)>| {
        let (text, seconds) = value?;
        let number = Some(seconds);
        Some(Mark { key, text, number })
    };
    let b_value = source.b_value();
    let direction = source.gradient().map(|(direction, _)| direction);
    let direction = direction.filter(|_| b_value != Some(0.0));
    let echo = source.double(tags::MR_ECHO, tags::EFFECTIVE_ECHO_TIME);
    let plain = |tag| source.plain(tag).and_then(|text| text.parse().ok());
    let inversion = source.double(tags::MR_MODIFIER, tags::INVERSION_TIMES);
    let frame_content = [tags::FRAME_CONTENT];
    let all = [
        number(Key::BValue, b_value),
        text(
            Key::Direction,
            direction.map(|direction| direction.map(short).join("\\")),
        ),
        text(
            Key::ImageType,
            source
                .frame_type(tags::FRAME_TYPE)
                .or_else(|| source.plain(tags::IMAGE_TYPE)),
        ),
        text(
            Key::Component,
            source
                .frame_type(tags::COMPLEX_COMPONENT)
                .or_else(|| source.plain(tags::COMPLEX_COMPONENT)),
        ),
        number(Key::EchoTime, echo.or_else(|| plain(tags::ECHO_TIME))),
        number(Key::EchoNumber, plain(tags::ECHO_NUMBER)),
        text(
            Key::Kernel,
            source.text(&[tags::CT_RECONSTRUCTION], tags::CONVOLUTION_KERNEL),
        ),
        number(
            Key::InversionTime,
            inversion.or_else(|| plain(tags::INVERSION_TIME)),
        ),
        number(
            Key::FlipAngle,
            source
                .double(tags::MR_TIMING, tags::FLIP_ANGLE)
                .filter(|_| source.group(tags::MR_TIMING).is_some())
                .or_else(|| source.real(tags::MR_TIMING, tags::FLIP_ANGLE)),
        ),
        number(Key::Kvp, plain(tags::KVP)),
        text(Key::SequenceName, source.plain(tags::SEQUENCE_NAME)),
        text(Key::StackId, source.text(&frame_content, tags::STACK_ID)),
        number(
            Key::CardiacPhase,
            source.double(tags::CARDIAC_SYNCHRONIZATION, tags::CARDIAC_PHASE),
        ),
        number(Key::TemporalPosition, source.temporal_position()),
        number(Key::TriggerTime, source.trigger_time()),
        number(Key::AcquisitionNumber, plain(tags::ACQUISITION_NUMBER)),
        number(Key::ReferenceTime, plain(tags::FRAME_REFERENCE_TIME)),
        time(Key::AcquisitionTime, source.acquired()),
        time(Key::ContentTime, source.shown()),
        silent(Key::TemporalOffset, source.temporal_offset()),
        silent(Key::TemporalResolution, plain(tags::TEMPORAL_RESOLUTION)),
        silent(Key::RepetitionTime, source.repetition_time()),
    ];
    Marks::new(all.into_iter().flatten())
}
