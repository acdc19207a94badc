//! What an image shows within labels.

use super::IntensityMeasures;
use crate::scalar::Real;
use crate::work::Work;
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_volume::Label;

/// Voxels between two checks for cancellation.
const CHUNK: usize = 1 << 16;

/// The measures of each label with a finite value. Needs as much memory as the labelled part of the image.
pub(super) fn of_labels<R: Real, T: Label>(
    image: &[R],
    labels: &[T],
    counts: &BTreeMap<T, usize>,
    work: &Work,
) -> BTreeMap<T, IntensityMeasures> {
    let mut values: BTreeMap<T, Vec<R>> = counts
        .iter()
        .map(|(&label, &count)| (label, Vec::with_capacity(count)))
        .collect();
    for (labels, image) in labels.chunks(CHUNK).zip(image.chunks(CHUNK)) {
        if !work.goes_on() {
            return BTreeMap::new();
        }
        let mut at = 0;
        for run in labels.chunk_by(|a, b| a == b) {
            let part = &image[at..at + run.len()];
            at += run.len();
            if let Some(values) = values.get_mut(&run[0]) {
                values.extend_from_slice(part);
            }
        }
    }
    values
        .into_par_iter()
        .filter_map(|(label, values)| Some((label, measures(values)?)))
        .collect()
}

/// Sums over a part of the values.
struct Part {
    finite: usize,
    sum: f64,
    minimum: f64,
    maximum: f64,
}

fn part<R: Real>(values: &[R]) -> Part {
    let none = Part {
        finite: 0,
        sum: 0.0,
        minimum: f64::INFINITY,
        maximum: f64::NEG_INFINITY,
    };
    let finite = values.iter().filter(|value| value.is_finite());
    finite
        .map(|value| value.to_f64())
        .fold(none, |part, value| Part {
            finite: part.finite + 1,
            sum: part.sum + value,
            minimum: part.minimum.min(value),
            maximum: part.maximum.max(value),
        })
}

fn measures<R: Real>(mut values: Vec<R>) -> Option<IntensityMeasures> {
    // Parts of one size and in their order: the same sum for any number of threads.
    let parts: Vec<Part> = values.par_chunks(CHUNK).map(part).collect();
    let finite: usize = parts.iter().map(|part| part.finite).sum();
    let not_finite = values.len() - finite;
    if finite == 0 {
        return None;
    }
    if not_finite > 0 {
        values.retain(|value| value.is_finite());
    }
    let count = finite as f64;
    let mean = parts.iter().map(|part| part.sum).sum::<f64>() / count;
    let squares = values.par_chunks(CHUNK).map(|values| {
        let squares = values.iter().map(|value| (value.to_f64() - mean).powi(2));
        squares.sum::<f64>()
    });
    let squares: f64 = squares.collect::<Vec<f64>>().into_iter().sum();
    let minimum = parts.iter().map(|part| part.minimum);
    let maximum = parts.iter().map(|part| part.maximum);
    Some(IntensityMeasures {
        finite,
        not_finite,
        mean,
        deviation: (finite > 1).then(|| (squares / (count - 1.0)).sqrt()),
        minimum: minimum.fold(f64::INFINITY, f64::min),
        maximum: maximum.fold(f64::NEG_INFINITY, f64::max),
        median: median(&mut values),
    })
}

/// The median of one value or more.
fn median<R: Real>(values: &mut [R]) -> f64 {
    let half = values.len() / 2;
    let is_odd = values.len() % 2 == 1;
    let order = |a: &R, b: &R| a.to_f64().total_cmp(&b.to_f64());
    let (below, upper, _) = values.select_nth_unstable_by(half, order);
    let upper = upper.to_f64();
    match is_odd {
        true => upper,
        false => {
            let lower = below.iter().map(|v| v.to_f64());
            let lower = lower.fold(f64::NEG_INFINITY, f64::max);
            lower + (upper - lower) / 2.0
        }
    }
}
