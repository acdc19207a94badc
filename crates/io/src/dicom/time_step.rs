//! The time from volume to volume of a series, for NIfTI's `pixdim[4]`: by the times of its parts, else RepetitionTime.

use super::frame::Frame;
use super::key::Key;
use super::series::Series;
use crate::NiftiFields;

/// Times are rounded and triggered: steps that differ by less are one, seconds.
const SAME_STEP: f64 = 0.05;

/// The times of the standard, the surer ones first, and the seconds of their unit.
const TIMES: [(Key, f64); 4] = [
    (Key::TemporalOffset, 1.0),
    (Key::TriggerTime, 1e-3),
    (Key::AcquisitionTime, 1.0),
    (Key::ReferenceTime, 1e-3),
];

/// The time step as a field of a NIfTI header: 0 for several volumes whose step is not known, nothing for one volume
/// without RepetitionTime.
pub(super) fn fields(parts: &[Series]) -> Option<Box<NiftiFields>> {
    let frames: Vec<&[Frame]> = parts.iter().map(|part| part.frames.as_slice()).collect();
    let step = time_step(&frames);
    let step = step.or((parts.len() > 1).then_some(0.0))?;
    Some(Box::new(NiftiFields::of_time_step(step)))
}

/// Seconds from one volume to the next.
fn time_step(parts: &[&[Frame]]) -> Option<f64> {
    let repetition = shared(parts, Key::RepetitionTime).map(|ms| ms / 1e3);
    let repetition = repetition.filter(|seconds| *seconds > 0.0);
    let times = TIMES.iter().filter_map(|&(key, unit)| {
        let starts = starts(parts, key, unit).filter(|starts| rises(starts))?;
        // Echoes of one excitation lie milliseconds apart, which is no time from volume to volume.
        let slow = repetition.is_none_or(|seconds| mean_step(&starts) > seconds / 2.0);
        (key != Key::AcquisitionTime || slow).then_some(starts)
    });
    let mut measured = times.map(|starts| between(&starts, repetition));
    let resolution = || {
        let counted = starts(parts, Key::TemporalPosition, 1.0).filter(|starts| rises(starts))?;
        let by_one = counted.windows(2).all(|pair| pair[1] - pair[0] == 1.0);
        let seconds = shared(parts, Key::TemporalResolution)? / 1e3;
        (by_one && seconds > 0.0).then_some(seconds)
    };
    match measured.next() {
        Some(step) => step,
        None => resolution().or(repetition.filter(|seconds| !contradicted(parts, *seconds))),
    }
}

/// The number that all frames have.
fn shared(parts: &[&[Frame]], key: Key) -> Option<f64> {
    let mut numbers = parts
        .iter()
        .copied()
        .flatten()
        .map(|frame| frame.number(key));
    let first = numbers.next()??;
    numbers.all(|number| number == Some(first)).then_some(first)
}

/// When each of several parts begins, in seconds.
fn starts(parts: &[&[Frame]], key: Key, unit: f64) -> Option<Vec<f64>> {
    let start = |frames: &&[Frame]| {
        let times = frames.iter().map(|frame| Some(frame.number(key)? * unit));
        let times: Vec<f64> = times.collect::<Option<_>>()?;
        times.into_iter().reduce(f64::min)
    };
    let starts: Vec<f64> = parts.iter().map(start).collect::<Option<_>>()?;
    (starts.len() > 1).then_some(starts)
}

/// Whether every part begins later than the one before.
fn rises(starts: &[f64]) -> bool {
    starts.windows(2).all(|pair| pair[1] > pair[0])
}

/// Whether acquisition takes much longer than a repetition, in whatever order the parts are: volumes that are encoded in
/// three dimensions, with repeated contrasts.
fn contradicted(parts: &[&[Frame]], repetition: f64) -> bool {
    let Some(mut starts) = starts(parts, Key::AcquisitionTime, 1.0) else {
        return false;
    };
    starts.sort_by(f64::total_cmp);
    let steps = starts.windows(2).map(|pair| pair[1] - pair[0]);
    let mut steps: Vec<f64> = steps.filter(|step| *step > SAME_STEP).collect();
    steps.sort_by(f64::total_cmp);
    let median = steps.get(steps.len() / 2);
    median.is_some_and(|median| *median > 1.5 * repetition)
}

/// The step of rising times: RepetitionTime where that is what they show, else their mean, nothing where they are not
/// even.
fn between(starts: &[f64], repetition: Option<f64>) -> Option<f64> {
    let mut steps: Vec<f64> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.sort_by(f64::total_cmp);
    let (smallest, largest) = (steps[0], steps[steps.len() - 1]);
    let median = steps[steps.len() / 2];
    let shown = |seconds: &f64| (seconds - median).abs() <= SAME_STEP.min(seconds / 10.0);
    if let Some(repetition) = repetition.filter(shown) {
        return Some(repetition);
    }
    let mean = mean_step(starts);
    let even = largest - smallest <= SAME_STEP.max(mean / 100.0).min(mean / 2.0);
    // Times are written with microseconds at most.
    even.then_some((mean * 1e6).round() / 1e6)
}

fn mean_step(starts: &[f64]) -> f64 {
    (starts[starts.len() - 1] - starts[0]) / (starts.len() - 1) as f64
}
