//! When each slice of a volume was acquired, in seconds from the first.

use super::super::key::Key;
use super::super::{csa, tags};
use super::description::put;
use super::ge_slice_times::TimeSeries;
use super::{Part, number};
use serde_json::{Map, Value};

pub(super) fn describe(part: &Part, json: &mut Map<String, Value>) {
    let resonance = json.get("Modality").and_then(Value::as_str) == Some("MR");
    let slices = part.grid.size()[2];
    if !resonance || !part.is_planar() || slices < 2 || slices != part.series.frames.len() {
        return;
    }
    let of_ge = TimeSeries::of(part);
    if let Some(delay) = of_ge
        .as_ref()
        .map(|ge| ge.delay)
        .filter(|delay| *delay > 0.0)
    {
        let stated = json.get("RepetitionTime").and_then(Value::as_f64);
        put(
            json,
            "RepetitionTime",
            stated.map(|stated| number(stated + delay)),
        );
    }
    let times = of_mosaic(part).or_else(|| of_slices(part));
    let times = times.or_else(|| of_ge?.times(part));
    let Some(times) = times else { return };
    let first = times.iter().copied().fold(f64::INFINITY, f64::min);
    let last = times.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let repetition = part.first.number(Key::RepetitionTime);
    // Slices of one volume lie within a repetition, and those of one slab at one time.
    let within = repetition.is_none_or(|ms| last - first <= ms / 1e3);
    if last > first && within {
        let from_first = times.iter().map(|time| number(time - first));
        let times: Vec<Value> = from_first.collect();
        put(json, "SliceTiming", Some(times.into()));
    }
}

/// The times of a Siemens mosaic, in the order of the volume's slices.
fn of_mosaic(part: &Part) -> Option<Vec<f64>> {
    let frames = &part.series.frames;
    frames.first()?.tile?;
    let private = || {
        let bytes = tags::private(&part.file, "SIEMENS MR HEADER", tags::SLICE_TIMES)?;
        Some(part.file.doubles(bytes))
    };
    let stated = || {
        let header = tags::private(&part.file, "SIEMENS CSA HEADER", tags::CSA_IMAGE)?;
        csa::numbers(header, "MosaicRefAcqTimes")
    };
    let times = private().or_else(stated)?;
    let [columns, rows, _] = part.series.size;
    let tiles = usize::from(part.file.u16(&part.file.set, tags::COLUMNS)?) / columns.max(1);
    let time = |frame: &super::Frame| {
        let [column, row] = frame.tile?;
        let number = row / rows.max(1) * tiles + column / columns.max(1);
        let ms = *times.get(number)?;
        ms.is_finite().then_some(ms / 1e3)
    };
    frames.iter().map(time).collect()
}

/// Siemens' times of single slices. In files of other makers all slices of a volume have one time, or another one.
fn of_slices(part: &Part) -> Option<Vec<f64>> {
    if !part.is_made_by("SIEMENS") {
        return None;
    }
    let times = part.series.frames.iter();
    times
        .map(|frame| frame.number(Key::AcquisitionTime))
        .collect()
}
