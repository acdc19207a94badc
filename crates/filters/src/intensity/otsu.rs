//! Thresholds that separate an image's classes best.
//!
//! N. Otsu, "A threshold selection method from gray-level histograms", 1979, for any number of
//! classes, exactly, by dynamic programming. Bins and returned values as in ITK.

use super::histogram::Histogram;
use crate::buffer;
use crate::scalar::Real;
use crate::smooth::range;
use crate::work::Work;
use crate::{Error, Result};
use vesalius_control::Control;
use vesalius_volume::{LabelMap, Volume};

/// The threshold between two classes of the first channel: values up to it are the lower class
/// (ITK `OtsuThreshold`, 128 bins there).
///
/// # Errors
/// As [`multi_otsu_thresholds`].
///
/// ```
/// use vesalius_filters::otsu_threshold;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![10.0_f32, 11.0, 12.0, 90.0, 91.0, 92.0])?;
/// let threshold = otsu_threshold(&image, 128)?;
/// assert!(threshold > 12.0 && threshold < 90.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn otsu_threshold<R: Real>(input: &Volume<R>, bins: usize) -> Result<f64> {
    Ok(multi_otsu_thresholds(input, 1, bins)?[0])
}

/// `count` rising thresholds between `count + 1` classes of the first channel, the ones with the
/// largest variance between classes; each is the upper limit of a bin (ITK
/// `OtsuMultipleThresholds`).
///
/// # Errors
/// [`Error::BadOption`] when there are not more bins than thresholds, or more than 4096;
/// [`Error::NoVoxels`] when the image is empty.
pub fn multi_otsu_thresholds<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
) -> Result<Vec<f64>> {
    let work = Work::unwatched();
    thresholds(input, count, bins, &work)
}

/// As [`multi_otsu_thresholds`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`multi_otsu_thresholds`]; [`Error::Cancelled`].
pub fn multi_otsu_thresholds_with<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
    control: &Control,
) -> Result<Vec<f64>> {
    let work = Work::new(control, "voxels", 2 * voxels(input));
    let found = thresholds(input, count, bins, &work)?;
    work.finish()?;
    Ok(found)
}

/// The voxels that are looked at: those of the first channel.
fn voxels<R: Real>(input: &Volume<R>) -> usize {
    input.geometry().voxel_count()
}

/// The thresholds; counts the voxels for the range and for the histogram.
fn thresholds<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
    work: &Work,
) -> Result<Vec<f64>> {
    if count == 0 || bins <= count || bins > 4096 {
        let found = (count, bins);
        return Err(Error::option(
            "Otsu",
            "count, bins",
            found,
            "1 ≤ count < bins ≤ 4096",
        ));
    }
    if input.data().is_empty() {
        return Err(Error::NoVoxels {
            filter: "Otsu",
            size: input.geometry().size(),
        });
    }
    let (low, high) = range(input.channel(0), work);
    work.check()?;
    // ITK widens the range by a hundredth of a bin, so that the maximum falls into the last one.
    let margin = (high - low) / bins as f64 / 100.0;
    if margin == 0.0 {
        return Ok(vec![low; count]);
    }
    let histogram = Histogram::new(input.channel(0), [low, high + margin], bins, work);
    let cuts = best_cuts(&histogram.counts, count, work)?;
    Ok(cuts
        .into_iter()
        .map(|bin| histogram.edge(bin + 1))
        .collect())
}

/// The last bins of all classes but the highest, with the largest variance between classes.
fn best_cuts(counts: &[f64], count: usize, work: &Work) -> Result<Vec<usize>> {
    let bins = counts.len();
    let mut weight = vec![0.0; bins + 1];
    let mut moment = vec![0.0; bins + 1];
    for (i, &c) in counts.iter().enumerate() {
        weight[i + 1] = weight[i] + c;
        moment[i + 1] = moment[i] + c * i as f64;
    }
    // What a class over bins `a..b` adds to the variance between classes.
    let gain = |a: usize, b: usize| {
        let (w, m) = (weight[b] - weight[a], moment[b] - moment[a]);
        if w > 0.0 { m * m / w } else { 0.0 }
    };
    let mut best: Vec<f64> = (0..=bins).map(|b| gain(0, b)).collect();
    let mut from: Vec<Vec<usize>> = Vec::new();
    for class in 1..=count {
        work.check()?;
        let mut next = vec![f64::NEG_INFINITY; bins + 1];
        let mut choice = vec![0; bins + 1];
        for b in class + 1..=bins {
            for (a, &below) in best.iter().enumerate().take(b).skip(class) {
                let value = below + gain(a, b);
                // Sums that differ by rounding alone are equal; the lower threshold is taken.
                if value > next[b] + 1e-12 * value.abs() {
                    (next[b], choice[b]) = (value, a);
                }
            }
        }
        best = next;
        from.push(choice);
    }
    let mut end = bins;
    let mut cuts: Vec<usize> = from
        .iter()
        .rev()
        .map(|choice| {
            end = choice[end];
            end - 1
        })
        .collect();
    cuts.reverse();
    Ok(cuts)
}

/// The class of each voxel of the first channel, from 0: how many thresholds lie below its value.
///
/// # Errors
/// As [`multi_otsu_thresholds`], and when there are more than 255 thresholds.
///
/// ```
/// use vesalius_filters::{multi_otsu_labels, multi_otsu_thresholds};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([6, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![0.0_f32, 1.0, 50.0, 51.0, 99.0, 100.0])?;
/// assert_eq!(multi_otsu_thresholds(&image, 2, 128)?.len(), 2);
/// assert_eq!(multi_otsu_labels(&image, 2, 128)?.data(), [0, 0, 1, 1, 2, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn multi_otsu_labels<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
) -> Result<LabelMap<u8>> {
    classes(input, count, bins, &Work::unwatched())
}

/// As [`multi_otsu_labels`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`multi_otsu_labels`]; [`Error::Cancelled`].
pub fn multi_otsu_labels_with<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
    control: &Control,
) -> Result<LabelMap<u8>> {
    let work = Work::new(control, "voxels", 3 * voxels(input));
    classes(input, count, bins, &work)
}

fn classes<R: Real>(
    input: &Volume<R>,
    count: usize,
    bins: usize,
    work: &Work,
) -> Result<LabelMap<u8>> {
    if count > 255 {
        return Err(Error::option("Otsu", "count", count, "at most 255"));
    }
    let thresholds = thresholds(input, count, bins, work)?;
    let class = |v: &R| thresholds.partition_point(|&t| t < v.to_f64()) as u8;
    let mut values = buffer::filled(0, voxels(input));
    work.write(&mut values, |start, part| {
        for (label, value) in part.iter_mut().zip(&input.channel(0)[start..]) {
            *label = class(value);
        }
    });
    work.finish()?;
    Ok(LabelMap::new(*input.geometry(), values)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn classes_that_lie_apart_are_separated() {
        let grid = Geometry::axis_aligned([30, 1, 1], [1.0; 3]).unwrap();
        let v = Volume::from_fn(grid, |[x, _, _]| (x / 10 * 100 + x % 10) as f32);
        let cuts = multi_otsu_thresholds(&v, 2, 64).unwrap();
        assert!(cuts[0] > 9.0 && cuts[0] < 100.0 && cuts[1] > 109.0 && cuts[1] < 200.0);
        let labels = multi_otsu_labels(&v, 2, 64).unwrap();
        assert!(
            labels
                .data()
                .iter()
                .enumerate()
                .all(|(i, &l)| usize::from(l) == i / 10)
        );
        assert_eq!(
            otsu_threshold(&Volume::filled(grid, 3.0f32), 16).unwrap(),
            3.0
        );
        assert!(multi_otsu_thresholds(&v, 4, 4).is_err());
    }
}
