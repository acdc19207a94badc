//! Histogram matching: gives an image the intensity distribution of another one.
//!
//! L. Nyúl, J. Udupa and X. Zhang, "New variants of a method of MRI scale standardization", 2000,
//! as ITK's `HistogramMatching` does it: quantiles of the two histograms, linear in between.

use super::histogram::Histogram;
use crate::buffer;
use crate::scalar::Real;
use crate::smooth::{mean, range};
use crate::work::Work;
use crate::{Error, Result};
use vesalius_control::Control;
use vesalius_volume::Volume;

/// Bins beyond which a histogram of an image has no use.
const MOST_LEVELS: usize = 1 << 16;
/// Each point is looked up in all bins.
const MOST_POINTS: usize = 1 << 12;

/// Options of [`match_histogram`], SimpleITK's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistogramMatchingOptions {
    /// Bins of the histograms, 1 to 65,536.
    pub levels: usize,
    /// Quantiles that are matched, in addition to the two ends; at most 4,096.
    pub match_points: usize,
    /// Leave out what lies below each image's mean, usually air.
    pub threshold_at_mean: bool,
}

impl Default for HistogramMatchingOptions {
    fn default() -> Self {
        Self {
            levels: 256,
            match_points: 1,
            threshold_at_mean: true,
        }
    }
}

/// `input` with the distribution of `reference`, over all channels; the two may lie on any grids.
///
/// # Errors
/// [`Error::BadOption`] for a number of levels or of points out of range, [`Error::NoVoxels`] when an image is empty.
///
/// ```
/// use vesalius_filters::{HistogramMatchingOptions, match_histogram};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([16, 16, 4], [1.0; 3])?;
/// let input = Volume::from_fn(grid, |[x, y, z]| (x + 16 * y + 256 * z) as f32);
/// // The same image on another scale.
/// let reference = input.map(|value| 2.0 * value + 50.0);
/// let matched = match_histogram(&input, &reference, &HistogramMatchingOptions::default())?;
/// for (a, b) in matched.data().iter().zip(reference.data()) {
///     assert!((a - b).abs() < 10.0, "{a} is not close to {b}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn match_histogram<R: Real>(
    input: &Volume<R>,
    reference: &Volume<R>,
    options: &HistogramMatchingOptions,
) -> Result<Volume<R>> {
    matched(input, reference, options, &Work::unwatched())
}

/// As [`match_histogram`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`match_histogram`]; [`Error::Cancelled`].
pub fn match_histogram_with<R: Real>(
    input: &Volume<R>,
    reference: &Volume<R>,
    options: &HistogramMatchingOptions,
    control: &Control,
) -> Result<Volume<R>> {
    // Range, mean and histogram of each, and the new values.
    let voxels = 4 * input.data().len() + 3 * reference.data().len();
    matched(
        input,
        reference,
        options,
        &Work::new(control, "voxels", voxels),
    )
}

fn matched<R: Real>(
    input: &Volume<R>,
    reference: &Volume<R>,
    options: &HistogramMatchingOptions,
    work: &Work,
) -> Result<Volume<R>> {
    let filter = "histogram matching";
    if !(1..=MOST_LEVELS).contains(&options.levels) {
        let expected = "1 to 65536";
        return Err(Error::option(filter, "levels", options.levels, expected));
    }
    if options.match_points > MOST_POINTS {
        let (option, found) = ("match_points", options.match_points);
        return Err(Error::option(filter, option, found, "at most 4096"));
    }
    for image in [input, reference] {
        if image.data().is_empty() {
            return Err(Error::NoVoxels {
                filter,
                size: image.geometry().size(),
            });
        }
    }
    let (from_range, from) = landmarks(input.data(), options, work)?;
    let (to_range, to) = landmarks(reference.data(), options, work)?;
    let slope = |run: f64, rise: f64| if run == 0.0 { 0.0 } else { rise / run };
    let slopes: Vec<f64> = from
        .windows(2)
        .zip(to.windows(2))
        .map(|(f, t)| slope(f[1] - f[0], t[1] - t[0]))
        .collect();
    let below = slope(from[0] - from_range.0, to[0] - to_range.0);
    let last = from.len() - 1;
    let above = slope(from[last] - from_range.1, to[last] - to_range.1);
    let value = |value: f64| match from.partition_point(|&mark| mark <= value) {
        0 => to_range.0 + (value - from_range.0) * below,
        n if n > last => to_range.1 + (value - from_range.1) * above,
        n => to[n - 1] + (value - from[n - 1]) * slopes[n - 1],
    };
    let mut out = buffer::filled(R::ZERO, input.data().len());
    work.write(&mut out, |start, part| {
        for (out, from) in part.iter_mut().zip(&input.data()[start..]) {
            *out = R::from_f64(value(from.to_f64()));
        }
    });
    work.finish()?;
    Ok(Volume::new(*input.geometry(), input.channels(), out)?)
}

/// The range of an image's values, and the intensities to match.
type Landmarks = ((f64, f64), Vec<f64>);

/// The range of the values, and the intensities to match: the lowest counted, quantiles, the highest.
fn landmarks<R: Real>(
    values: &[R],
    options: &HistogramMatchingOptions,
    work: &Work,
) -> Result<Landmarks> {
    let (low, high) = range(values, work);
    let first = if options.threshold_at_mean {
        mean(values, work)
    } else {
        low
    };
    work.check()?;
    let mut marks = vec![first];
    if high > first {
        let histogram = Histogram::new(values, [first, high], options.levels, work);
        work.check()?;
        let step = 1.0 / (options.match_points as f64 + 1.0);
        marks.extend((1..=options.match_points).map(|j| histogram.quantile(j as f64 * step)));
    } else {
        marks.extend((0..options.match_points).map(|_| high));
    }
    marks.push(high);
    Ok(((low, high), marks))
}
