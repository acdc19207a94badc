//! Linear changes of intensity, clipping, thresholds, and zero mean with unit deviation.

use crate::scalar::Real;
use crate::smooth::range;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume, Voxel};

/// Maps the range of all values linearly to `low..=high` (ITK `RescaleIntensity`); an image that is
/// the same everywhere becomes `low`.
///
/// # Errors
/// [`Error::BadOption`] when `low` is above `high` or either is not finite.
///
/// ```
/// use vesalius_filters::rescale_intensity;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![-1000.0_f32, 0.0, 1000.0])?;
/// assert_eq!(rescale_intensity(&image, 0.0, 1.0)?.data(), [0.0, 0.5, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn rescale_intensity<R: Real>(input: &Volume<R>, low: f64, high: f64) -> Result<Volume<R>> {
    if !(low.is_finite() && high.is_finite() && low <= high) {
        return Err(Error::option(
            "rescale",
            "low, high",
            (low, high),
            "low ≤ high, both finite",
        ));
    }
    let (from, to) = range(input.data(), &Work::unwatched());
    let scale = if to > from {
        (high - low) / (to - from)
    } else {
        0.0
    };
    let shift = low - from * scale;
    map(input, |v| {
        if to > from {
            (v * scale + shift).clamp(low, high)
        } else {
            low
        }
    })
}

/// Maps `window` linearly to `output` and cuts values off at its ends (ITK `IntensityWindowing`).
///
/// # Errors
/// [`Error::BadOption`] when the window's end is not above its start.
///
/// ```
/// use vesalius_filters::window;
/// use vesalius_volume::{Geometry, Volume};
///
/// // A soft-tissue window of a CT, from -160 to 240 HU, to the grey levels of a picture.
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let ct = Volume::new(grid, 1, vec![-1000.0_f32, -160.0, 40.0, 900.0])?;
/// assert_eq!(window(&ct, [-160.0, 240.0], [0.0, 255.0])?.data(), [0.0, 0.0, 127.5, 255.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn window<R: Real>(input: &Volume<R>, window: [f64; 2], output: [f64; 2]) -> Result<Volume<R>> {
    if !(window[1] > window[0] && window.iter().chain(&output).all(|v| v.is_finite())) {
        return Err(Error::option(
            "window",
            "window",
            window,
            "a start below its end, both finite",
        ));
    }
    let scale = (output[1] - output[0]) / (window[1] - window[0]);
    let shift = output[0] - window[0] * scale;
    map(input, |v| match v {
        v if v < window[0] => output[0],
        v if v > window[1] => output[1],
        v => v * scale + shift,
    })
}

/// Cuts values off below `low` and above `high`.
///
/// # Errors
/// [`Error::BadOption`] when `low` is above `high`.
///
/// ```
/// use vesalius_filters::clip;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([3, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![-5.0_f32, 2.0, 50.0])?;
/// assert_eq!(clip(&image, 0.0, 10.0)?.data(), [0.0, 2.0, 10.0]);
/// assert!(clip(&image, 10.0, 0.0).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn clip<R: Real>(input: &Volume<R>, low: f64, high: f64) -> Result<Volume<R>> {
    if !ordered(low, high) {
        return Err(Error::option(
            "clip",
            "low, high",
            (low, high),
            "low ≤ high",
        ));
    }
    map(input, |v| v.clamp(low, high))
}

/// 1 where `low ≤ value ≤ high` in the first channel, 0 elsewhere.
///
/// # Errors
/// [`Error::BadOption`] when `low` is above `high`.
///
/// ```
/// use vesalius_filters::threshold;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let ct = Volume::new(grid, 1, vec![-1000_i16, 150, 300, 2000])?;
/// // Bone and contrast agent; both limits belong to the mask.
/// assert_eq!(threshold(&ct, 150.0, 1500.0)?.data(), [0, 1, 1, 0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn threshold<T: Voxel + Into<f64>>(
    input: &Volume<T>,
    low: f64,
    high: f64,
) -> Result<LabelMap<u8>> {
    if !ordered(low, high) {
        return Err(Error::option(
            "threshold",
            "low, high",
            (low, high),
            "low ≤ high",
        ));
    }
    let inside = |v: &T| u8::from((low..=high).contains(&(*v).into()));
    let values = input.channel(0).par_iter().map(inside).collect();
    Ok(LabelMap::new(*input.geometry(), values)?)
}

/// Whether both are numbers in this order.
fn ordered(low: f64, high: f64) -> bool {
    low <= high
}

/// How a standard deviation is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Deviation {
    /// By the number of voxels (numpy, nnU-Net, MONAI).
    #[default]
    Population,
    /// By one less (ITK).
    Sample,
}

/// Each channel with zero mean and unit standard deviation over the mask's foreground, or over all
/// voxels; voxels outside of the mask are changed by the same map. A channel without spread is only shifted.
///
/// # Errors
/// [`Error::Volume`] when the mask lies on another grid; [`Error::NoVoxels`] when it is empty.
///
/// ```
/// use vesalius_filters::{Deviation, normalise};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
/// let image = Volume::new(grid, 1, vec![1.0_f32, 3.0, 1.0, 3.0])?;
/// let all = normalise(&image, None::<&LabelMap>, Deviation::Population)?;
/// assert_eq!(all.data(), [-1.0, 1.0, -1.0, 1.0]);
///
/// // Mean and deviation of the first two voxels only.
/// let mask = LabelMap::<u16>::new(grid, vec![1, 1, 0, 0])?;
/// assert_eq!(normalise(&image, Some(&mask), Deviation::Population)?.data(), [-1.0, 1.0, -1.0, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn normalise<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    deviation: Deviation,
) -> Result<Volume<R>> {
    normalised(input, mask, deviation, &Work::unwatched())
}

/// As [`normalise`], cancelled and followed through a control, in the stage `voxels`.
///
/// # Errors
/// As [`normalise`]; [`Error::Cancelled`].
pub fn normalise_with<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    deviation: Deviation,
    control: &Control,
) -> Result<Volume<R>> {
    // The number of voxels, the mean, the deviation and the result.
    let voxels = 4 * input.data().len();
    let work = Work::new(control, "voxels", voxels);
    normalised(input, mask, deviation, &work)
}

fn normalised<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    deviation: Deviation,
    work: &Work,
) -> Result<Volume<R>> {
    if let Some(mask) = mask {
        input
            .geometry()
            .check_same(mask.geometry(), "image and mask")?;
    }
    let mut out = input.clone();
    for channel in 0..input.channels() {
        let values = input.channel(channel);
        let sum = |of: &dyn Fn(f64) -> f64| {
            let sum = sum_within(values, mask, of, work);
            work.check().map(|()| sum)
        };
        let count = sum(&|_| 1.0)?;
        if count == 0.0 {
            return Err(Error::NoVoxels {
                filter: "normalise",
                size: input.geometry().size(),
            });
        }
        let mean = sum(&|value| value)? / count;
        let squares = sum(&|value| (value - mean).powi(2))?;
        let divisor = match deviation {
            Deviation::Population => count,
            Deviation::Sample => (count - 1.0).max(1.0),
        };
        let spread = (squares / divisor).sqrt();
        let scale = if spread > 0.0 { 1.0 / spread } else { 1.0 };
        work.write(out.channel_mut(channel), |_, part| {
            for value in part {
                *value = R::from_f64((value.to_f64() - mean) * scale);
            }
        });
    }
    work.finish()?;
    Ok(out)
}

/// The sum of what is made of each value within the mask, of those that were looked at where the work is cancelled;
/// counts the values.
fn sum_within<R: Real, T: Label>(
    values: &[R],
    mask: Option<&LabelMap<T>>,
    of: &dyn Fn(f64) -> f64,
    work: &Work,
) -> f64 {
    // As `Iterator::sum` begins.
    let (mut start, mut sum) = (0, -0.0);
    work.read(values, |part| {
        for (at, value) in (start..).zip(part) {
            if mask.is_none_or(|mask| mask.data()[at] != T::default()) {
                sum += of(value.to_f64());
            }
        }
        start += part.len();
    });
    sum
}

/// Every value replaced, computed in `f64`.
pub(crate) fn map<R: Real>(
    input: &Volume<R>,
    value: impl Fn(f64) -> f64 + Sync,
) -> Result<Volume<R>> {
    let values = input
        .data()
        .par_iter()
        .map(|v| R::from_f64(value(v.to_f64())));
    Ok(Volume::new(
        *input.geometry(),
        input.channels(),
        values.collect(),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn a_mask_decides_what_is_counted() {
        let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
        let v = Volume::new(grid, 1, vec![1.0f64, 3.0, 50.0, 70.0]).unwrap();
        let mask = LabelMap::new(grid, vec![1u8, 1, 0, 0]).unwrap();
        let out = normalise(&v, Some(&mask), Deviation::Population).unwrap();
        assert_eq!(out.data(), [-1.0, 1.0, 48.0, 68.0]);
        let none = LabelMap::<u8>::background(grid);
        assert!(normalise(&v, Some(&none), Deviation::Sample).is_err());
        let flat = Volume::filled(grid, 5.0f32);
        assert!(
            normalise::<_, u8>(&flat, None, Deviation::Sample)
                .unwrap()
                .data()
                .iter()
                .all(|v| *v == 0.0)
        );
        assert_eq!(rescale_intensity(&flat, 2.0, 3.0).unwrap().data(), [2.0; 4]);
        assert_eq!(threshold(&v, 3.0, 50.0).unwrap().data(), [0, 1, 1, 0]);
        assert!(clip(&v, 2.0, 1.0).is_err() && window(&v, [1.0, 1.0], [0.0, 1.0]).is_err());
    }
}
