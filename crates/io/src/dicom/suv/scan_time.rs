//! The time to which a PET series is decay-corrected (DecayCorrection START): SeriesTime, unless the series was reconstructed later.

use super::facts::{Facts, Injected, Tracer, Unknown};
use vesalius_volume::Warning;

/// Times of one scan that are computed from different frames agree within, seconds.
const AGREE: f64 = 1.0;
/// After more half lives nothing is left to be seen: the times contradict each other.
const LONGEST: f64 = 10.0;
const DAY: f64 = 86_400.0;

/// Seconds of the scan's time, and a warning where it is not SeriesTime.
pub(super) fn of(all: &[&Facts], tracer: &Tracer) -> Result<(f64, Option<Warning>), Unknown> {
    let missing = |name: &str| {
        let reason = format!("{name} is missing or no time");
        Unknown::new(reason, "add it to the files")
    };
    let acquired = all.iter().map(|facts| facts.acquired);
    let acquired: Option<Vec<f64>> = acquired.collect();
    let acquired = acquired
        .ok_or_else(|| missing("AcquisitionDate (0008,0022) or AcquisitionTime (0008,0032)"))?;
    let earliest = acquired.iter().copied().fold(f64::INFINITY, f64::min);
    let series = all[0].series;
    let series =
        series.ok_or_else(|| missing("SeriesDate (0008,0021) or SeriesTime (0008,0031)"))?;
    if series <= earliest {
        return Ok((series, None));
    }
    let derived = |scan: f64, origin: &str| {
        let (seconds, origin) = (series - scan, origin.to_owned());
        (scan, Some(Warning::DecayTimeDerived { seconds, origin }))
    };
    if let Some(scan) = all[0].ge_scan {
        return Ok(derived(scan, "GE's time of the scan (0009,100D)"));
    }
    match by_frames(all, &acquired, tracer) {
        Some(scan) => Ok(derived(
            scan,
            "AcquisitionTime less FrameReferenceTime (0054,1300), the same in all frames",
        )),
        None => Err(Unknown::new(
            "SeriesTime (0008,0031) lies after AcquisitionTime (0008,0032), as in a series that was reconstructed later, and neither GE's time of the scan (0009,100D) nor FrameReferenceTime (0054,1300) with ActualFrameDuration (0018,1242) says to which time decay is corrected".to_owned(),
            "choose the series as it was first reconstructed",
        )),
    }
}

/// The time from which FrameReferenceTime counts, where all frames give the same: it is the time within a frame at which
/// the activity has its mean.
fn by_frames(all: &[&Facts], acquired: &[f64], tracer: &Tracer) -> Option<f64> {
    let constant = std::f64::consts::LN_2 / tracer.half_life;
    let scan = |(facts, acquired): (&&Facts, &f64)| {
        let (reference, duration) = facts.frame?;
        let decay = constant * duration;
        let mean = (decay / -(-decay).exp_m1()).ln() / constant;
        Some(acquired - reference + mean)
    };
    let scans: Vec<f64> = all.iter().zip(acquired).map(scan).collect::<Option<_>>()?;
    let first = scans.iter().copied().fold(f64::INFINITY, f64::min);
    let last = scans.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (last - first <= AGREE).then_some((first + last) / 2.0)
}

/// Seconds from the injection to the scan.
pub(super) fn since_injection(tracer: &Tracer, scan: f64) -> Result<f64, Unknown> {
    let elapsed = match tracer.injected {
        Some(Injected::At(at)) => scan - at,
        // The scan may begin after midnight.
        Some(Injected::OfDay(time)) => (scan.rem_euclid(DAY) - time).rem_euclid(DAY),
        None => {
            return Err(Unknown::new(
                "neither RadiopharmaceuticalStartDateTime (0018,1078) nor RadiopharmaceuticalStartTime (0018,1072) says when the tracer was injected".to_owned(),
                "add it to the files",
            ));
        }
    };
    match (0.0..=LONGEST * tracer.half_life).contains(&elapsed) {
        true => Ok(elapsed),
        false => Err(Unknown::new(
            format!(
                "the tracer was injected (0018,1078) or (0018,1072), {elapsed} s before the time to which decay is corrected, and its half life (0018,1075) is {} s",
                tracer.half_life
            ),
            "correct the dates and times, which some programs that remove identities shift",
        )),
    }
}
