//! Phase encoding: its direction along the image's axes, and the time between its lines.

use super::super::{csa, tags};
use super::description::put;
use super::{Part, describing, number};
use serde_json::{Map, Value};

pub(super) fn describe(part: &Part, json: &mut Map<String, Value>) {
    if json.get("Modality").and_then(Value::as_str) != Some("MR") {
        return;
    }
    let direction = part.text(describing::PHASE_DIRECTION).unwrap_or_default();
    let axis = match direction.trim() {
        "COL" | "COLUMN" => Some(1),
        "ROW" => Some(0),
        _ => None,
    };
    let names = ["ROW", "COL"];
    let name = axis.map(|axis: usize| Value::from(names[axis]));
    put(json, "InPlanePhaseEncodingDirectionDICOM", name);
    let lines = matrix(part).filter(|lines| *lines > 0.0);
    put(json, "AcquisitionMatrixPE", lines.map(number));
    let size = [part.series.size[0], part.series.size[1]].map(|n| n as f64);
    let reconstructed = match axis {
        _ if size[0] == size[1] => Some(size[0]),
        Some(axis) => Some(size[axis]),
        None => lines,
    };
    put(json, "ReconMatrixPE", reconstructed.map(number));
    let bandwidth = bandwidth(part);
    put(json, "BandwidthPerPixelPhaseEncode", bandwidth.map(number));
    let by_bandwidth = bandwidth.zip(reconstructed);
    let spacing = by_bandwidth.map(|(bandwidth, lines)| 1.0 / (bandwidth * lines));
    let spacing = spacing.or_else(|| spacing_of_ge(part, lines?, reconstructed?));
    if let Some((spacing, lines)) = spacing.zip(reconstructed) {
        put(json, "EffectiveEchoSpacing", Some(number(spacing)));
        put(
            json,
            "TotalReadoutTime",
            Some(number(spacing * (lines - 1.0))),
        );
    }
    // A volume that is encoded in three dimensions is distorted along none of them as a plane is.
    if !part.is_planar() {
        return;
    }
    let letter = axis.map(|axis| ["i", "j"][axis]);
    match (letter, polarity(part)) {
        (Some(letter), Some(positive)) => {
            let sign = if positive { "" } else { "-" };
            let direction = format!("{letter}{sign}");
            put(json, "PhaseEncodingDirection", Some(direction.into()));
        }
        (Some(letter), None) => put(json, "PhaseEncodingAxis", Some(letter.into())),
        (None, _) => {}
    }
}

/// Lines of phase encoding: the last two numbers of AcquisitionMatrix, of which one is 0.
fn matrix(part: &Part) -> Option<f64> {
    let holder = part.holder(describing::ACQUISITION_MATRIX)?;
    let bytes = holder.bytes(part.file.raw(), describing::ACQUISITION_MATRIX)?;
    let numbers: Vec<u16> = part.file.words(bytes).collect();
    let [_, _, rows, columns] = numbers[..] else {
        return None;
    };
    Some(f64::from(rows.max(columns)))
}

fn csa_numbers(part: &Part, name: &str) -> Option<Vec<f64>> {
    csa::numbers(
        tags::private(&part.file, "SIEMENS CSA HEADER", tags::CSA_IMAGE)?,
        name,
    )
}

/// Siemens' bandwidth of a voxel along phase encoding, Hz.
fn bandwidth(part: &Part) -> Option<f64> {
    let private = || {
        let bytes = tags::private(
            &part.file,
            "SIEMENS MR HEADER",
            describing::SIEMENS_BANDWIDTH,
        )?;
        part.file.doubles(bytes).first().copied()
    };
    let stated = || {
        csa_numbers(part, "BandwidthPerPixelPhaseEncode")?
            .first()
            .copied()
    };
    let value = private().or_else(stated);
    value.filter(|value| value.is_finite() && *value > 0.0)
}

/// The time between two lines of GE's image as reconstructed, seconds: parallel imaging acquires fewer of them.
fn spacing_of_ge(part: &Part, lines: f64, reconstructed: f64) -> Option<f64> {
    let creator = "GEMS_PARM_01";
    let bytes = tags::private(&part.file, creator, describing::GE_ECHO_SPACING)?;
    let microseconds = f64::from(part.file.words(bytes).next()?);
    let share = tags::private(&part.file, creator, describing::GE_ACCELERATION)?;
    let share = std::str::from_utf8(share).ok()?.split('\\').next()?;
    let share: f64 = share.trim_matches([' ', '\0']).parse().ok()?;
    let options = part.text(describing::SCAN_OPTIONS).unwrap_or_default();
    // Lines are acquired in pairs, with partial Fourier in fours.
    let together = if options.contains("PFF") { 4.0 } else { 2.0 };
    let acquired = (lines * share / together).ceil() * together;
    let spacing = (acquired - 1.0) * microseconds * 1e-6 / (reconstructed - 1.0);
    (spacing.is_finite() && spacing > 0.0).then_some(spacing)
}

/// Whether phase encoding grows with the index of rows or columns.
fn polarity(part: &Part) -> Option<bool> {
    let stated = || {
        csa_numbers(part, "PhaseEncodingDirectionPositive")?
            .first()
            .copied()
    };
    let private = || {
        let creators = ["SIEMENS MR SDI 02", "SIEMENS MR SDS 01"];
        let of = |creator| tags::private(&part.file, creator, describing::SIEMENS_POLARITY);
        let bytes = creators.into_iter().find_map(of)?;
        std::str::from_utf8(bytes)
            .ok()?
            .trim_matches([' ', '\0'])
            .parse()
            .ok()
    };
    let of_ge = || {
        let order = part.text(describing::PHASE_ORDER);
        match order.filter(|_| part.is_made_by("GE"))?.trim() {
            "LINEAR" => Some(0.0),
            "REVERSE_LINEAR" => Some(1.0),
            _ => None,
        }
    };
    let stated = stated().or_else(private).or_else(of_ge);
    stated.map(|positive: f64| positive != 0.0)
}
