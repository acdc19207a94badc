//! Places of the frames of a file whose functional groups do not state them: from the position of the first frame at the
//! root or in the detector's item, and the offsets or the distance of the frames (PS3.3 C.8.8.3.2, C.8.4.15).

use super::file::DicomFile;
use super::frame::Frame;
use super::key::Key;
use super::keys::Mark;
use super::stack::normal;
use super::tags;
use crate::{Error, Result};
use vesalius_volume::Warning;

/// Gives each frame its place, where the file states that of the first and how the others follow, and what had to be
/// decided. Frames that follow each other in time, or by something else, stay without one.
pub(super) fn place(file: &DicomFile, frames: &mut [Frame]) -> Result<Option<Warning>> {
    if frames.iter().any(|frame| frame.position.is_some()) && frames.len() > 1 {
        // Some groups state a place: those without one are told when the volume is built.
        return Ok(None);
    }
    let Some((position, orientation)) = first_place(file) else {
        return Ok(None);
    };
    if let [frame] = frames {
        frame.position = frame.position.or(Some(position));
        frame.orientation = frame.orientation.or(Some(orientation));
        return Ok(None);
    }
    let Some((shifts, told)) = shifts(file, frames, position, &orientation)? else {
        return Ok(None);
    };
    if is_nuclear(file) {
        mark_repeats(file, frames)?;
    }
    for (frame, shift) in frames.iter_mut().zip(shifts) {
        frame.position = Some(std::array::from_fn(|axis| position[axis] + shift[axis]));
        frame.orientation = frame.orientation.or(Some(orientation));
    }
    Ok(told)
}

/// Position and orientation of the first frame.
fn first_place(file: &DicomFile) -> Option<([f64; 3], [f64; 6])> {
    let detector = file.set.item(tags::DETECTORS);
    [Some(&file.set), detector]
        .into_iter()
        .flatten()
        .find_map(|set| {
            let position = file.vector(set, tags::POSITION)?;
            Some((position, file.vector(set, tags::ORIENTATION)?))
        })
}

/// How far each frame lies from the first, LPS mm, and what had to be decided.
type Shifts = (Vec<[f64; 3]>, Option<Warning>);

/// How far each frame lies from the first; `None` where the frames are no stack.
fn shifts(
    file: &DicomFile,
    frames: &[Frame],
    position: [f64; 3],
    orientation: &[f64; 6],
) -> Result<Option<Shifts>> {
    let up = normal(orientation);
    if let Some(offsets) = file.reals(&file.set, tags::GRID_OFFSETS) {
        let offsets = relative(file, offsets, frames.len(), position, orientation)?;
        // In an axial grid the offsets are along z, whichever way its normal points.
        let along = if is_axial(orientation) {
            [0.0, 0.0, 1.0]
        } else {
            up
        };
        let shift = |offset: &f64| along.map(|axis| axis * offset);
        return Ok(Some((offsets.iter().map(shift).collect(), None)));
    }
    let Some(numbers) = slice_numbers(file, frames.len())? else {
        return Ok(None);
    };
    let usable = |step: Option<f64>| step.filter(|step| *step != 0.0);
    let between = usable(frames[0].spacing_between);
    let thickness = usable(frames[0].thickness);
    let Some(step) = between.or(thickness) else {
        return Ok(None);
    };
    let told = between.is_none().then(|| Warning::ThicknessAsSpacing {
        attribute: "SliceThickness".to_owned(),
        spacing: step.abs(),
    });
    // Only nuclear medicine counts against the normal, by a negative distance.
    let step = if is_nuclear(file) { step } else { step.abs() };
    let shift = |number: &f64| up.map(|axis| axis * step * number);
    Ok(Some((numbers.iter().map(shift).collect(), told)))
}

fn is_axial(orientation: &[f64; 6]) -> bool {
    let expected = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
    let near = |(value, expected): (&f64, f64)| (value.abs() - expected).abs() < 1e-6;
    orientation.iter().zip(expected).all(near)
}

fn is_nuclear(file: &DicomFile) -> bool {
    file.text(&file.set, tags::MODALITY).as_deref() == Some("NM")
}

/// GridFrameOffsetVector from the first frame: it begins with 0, or holds z coordinates that begin with that of
/// ImagePositionPatient.
fn relative(
    file: &DicomFile,
    offsets: Vec<f64>,
    frames: usize,
    [.., z]: [f64; 3],
    orientation: &[f64; 6],
) -> Result<Vec<f64>> {
    let wrong = |found: String, expected: String| {
        Err(Error::header(
            &file.path,
            "GridFrameOffsetVector",
            found,
            expected,
        ))
    };
    if offsets.len() != frames {
        let found = format!("{} numbers", offsets.len());
        return wrong(found, format!("{frames}, as NumberOfFrames says"));
    }
    if !offsets.iter().all(|offset| offset.is_finite()) {
        return wrong("a number that is not finite".to_owned(), "mm".to_owned());
    }
    let first = offsets[0];
    if first == 0.0 {
        return Ok(offsets);
    }
    if is_axial(orientation) && (first - z).abs() < 1e-3 {
        return Ok(offsets.iter().map(|offset| offset - first).collect());
    }
    let expected = format!("0 first, or z coordinates from {z}, that of ImagePositionPatient");
    wrong(format!("{first} first"), expected)
}

/// What repeats the slices of a reconstruction of nuclear medicine.
const REPEATS: [(Key, u32); 3] = [
    (Key::EnergyWindow, tags::ENERGY_WINDOW_VECTOR),
    (Key::RrInterval, tags::RR_INTERVAL_VECTOR),
    (Key::TimeSlot, tags::TIME_SLOT_VECTOR),
];

/// Whether the frames are slices and no projections.
fn is_reconstructed(file: &DicomFile) -> bool {
    let kinds = file.text(&file.set, tags::IMAGE_TYPE).unwrap_or_default();
    let mut kinds = kinds.split('\\').map(str::trim);
    kinds.any(|kind| matches!(kind, "RECON TOMO" | "RECON GATED TOMO"))
}

/// Gives each frame the numbers of what repeats its slice.
///
/// # Errors
/// Vectors of another length than the number of frames.
fn mark_repeats(file: &DicomFile, frames: &mut [Frame]) -> Result<()> {
    for (key, tag) in REPEATS {
        let Some(bytes) = file.set.bytes(file.raw(), tag) else {
            continue;
        };
        let numbers: Vec<u16> = file.words(bytes).collect();
        if numbers.len() != frames.len() {
            let found = format!("{} numbers", numbers.len());
            let expected = format!("{}, as NumberOfFrames says", frames.len());
            return Err(Error::header(&file.path, key.keyword(), found, expected));
        }
        for (frame, number) in frames.iter_mut().zip(numbers) {
            let (text, number) = (number.to_string(), Some(f64::from(number)));
            frame.marks.push(Mark { key, text, number });
        }
    }
    Ok(())
}

/// The number of each frame's slice, from 0; `None` where the frames differ by something else.
fn slice_numbers(file: &DicomFile, frames: usize) -> Result<Option<Vec<f64>>> {
    let set = &file.set;
    let words = |tag| {
        let bytes = set.bytes(file.raw(), tag);
        bytes.map(|bytes| file.words(bytes).map(u32::from).collect::<Vec<_>>())
    };
    let pointer = words(tags::INCREMENT_POINTER).unwrap_or_default();
    let tags_of = |pair: &[u32; 2]| pair[0] << 16 | pair[1];
    let mut others = pointer.as_chunks::<2>().0.iter().map(tags_of);
    let is_reconstructed = is_nuclear(file) && is_reconstructed(file);
    // Slices of a gated or repeated reconstruction are stacks that lie at one place.
    let beside = |tag: u32| {
        tag != tags::SLICE_VECTOR && !(is_reconstructed && REPEATS.iter().any(|r| r.1 == tag))
    };
    if others.any(beside) || is_nuclear(file) && !is_reconstructed {
        return Ok(None);
    }
    let Some(slices) = words(tags::SLICE_VECTOR) else {
        let repeated = REPEATS.iter().any(|(_, tag)| set.get(*tag).is_some());
        if is_reconstructed && repeated {
            return Ok(None);
        }
        return Ok(Some((0..frames).map(|number| number as f64).collect()));
    };
    let first = slices.iter().min().copied().unwrap_or(0);
    if slices.len() != frames {
        let found = format!("{} numbers", slices.len());
        let expected = format!("{frames}, as NumberOfFrames says");
        return Err(Error::header(&file.path, "SliceVector", found, expected));
    }
    Ok(Some(
        slices
            .iter()
            .map(|slice| f64::from(slice - first))
            .collect(),
    ))
}
