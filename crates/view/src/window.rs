//! From intensities to grey: a window given in numbers or taken from the image's percentiles.

use crate::{Error, Result};
use vesalius_volume::Volume;

/// At most this many values are sorted for a percentile; a picture needs no more.
const SAMPLES: usize = 1 << 20;

/// The intensities that are drawn black and white.
///
/// ```
/// use vesalius_view::Window;
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 1, 1], [1.0; 3])?;
/// let ct = Volume::new(grid, 1, vec![-1000.0, -160.0, 40.0, 240.0, 900.0])?;
/// // Centre 40 HU, width 400 HU.
/// assert_eq!(Window::level(40.0, 400.0).range(&ct, 0), [-160.0, 240.0]);
/// assert_eq!(Window::Percentiles(0.0, 100.0).range(&ct, 0), [-1000.0, 900.0]);
/// assert!(Window::Range(10.0, 10.0).check().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Window {
    /// Percentiles of the finite values of the channel, 0 to 100.
    Percentiles(f64, f64),
    /// The values themselves.
    Range(f32, f32),
}

impl Default for Window {
    fn default() -> Self {
        Self::Percentiles(0.5, 99.5)
    }
}

impl Window {
    /// A window by its centre and width, as radiology names it (`Window::level(40.0, 400.0)` for
    /// the abdomen in CT).
    pub fn level(centre: f32, width: f32) -> Self {
        Self::Range(centre - width / 2.0, centre + width / 2.0)
    }

    /// Checks that the window has two ends, the first below the second.
    ///
    /// # Errors
    /// [`Error::BadOption`]: an end that is no finite number, ends in the wrong order, percentiles beyond 0
    /// to 100.
    pub fn check(&self) -> Result<()> {
        let bad = |found, expected| {
            Err(Error::BadOption {
                option: "the window",
                found,
                expected,
            })
        };
        match *self {
            Self::Range(low, high) if !(low.is_finite() && high.is_finite() && low < high) => bad(
                format!("{low} to {high}"),
                "two finite numbers, the first below the second",
            ),
            Self::Percentiles(low, high)
                if !(0.0..=100.0).contains(&low)
                    || !(0.0..=100.0).contains(&high)
                    || low >= high =>
            {
                bad(
                    format!("the percentiles {low} to {high}"),
                    "two percentiles from 0 to 100, the first below the second",
                )
            }
            _ => Ok(()),
        }
    }

    /// The intensities drawn black and white for a channel of an image; the second is the larger.
    ///
    /// # Panics
    /// When there is no such channel.
    pub fn range(&self, image: &Volume<f32>, channel: usize) -> [f32; 2] {
        let [low, high] = match *self {
            Self::Range(low, high) => [low, high],
            Self::Percentiles(low, high) => percentiles(image.channel(channel), [low, high]),
        };
        // One intensity everywhere is drawn black.
        if high > low {
            [low, high]
        } else {
            [low, low + 1.0f32.max(low.abs() * 1e-6)]
        }
    }
}

fn percentiles(values: &[f32], percentiles: [f64; 2]) -> [f32; 2] {
    let step = values.len().div_ceil(SAMPLES).max(1);
    let mut sample: Vec<f32> = values
        .iter()
        .step_by(step)
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    if sample.is_empty() {
        return [0.0, 1.0];
    }
    let last = (sample.len() - 1) as f64;
    percentiles.map(|p| {
        let place = (p.clamp(0.0, 100.0) / 100.0 * last).round() as usize;
        *sample.select_nth_unstable_by(place, f32::total_cmp).1
    })
}

/// The grey of a value; what is no number is black.
pub(crate) fn grey(value: f32, [low, high]: [f32; 2]) -> u8 {
    // The cast takes NaN to 0.
    ((value - low) / (high - low) * 255.0)
        .round()
        .clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn percentiles_leave_out_what_is_no_number() {
        let grid = Geometry::axis_aligned([101, 1, 1], [1.0; 3]).unwrap();
        let mut image = Volume::from_fn(grid, |[x, _, _]| x as f32);
        assert_eq!(
            Window::Percentiles(10.0, 90.0).range(&image, 0),
            [10.0, 90.0]
        );
        image.data_mut()[100] = f32::INFINITY;
        image.data_mut()[99] = f32::NAN;
        assert_eq!(
            Window::Percentiles(0.0, 100.0).range(&image, 0),
            [0.0, 98.0]
        );
        let flat = Volume::filled(grid, 7.0f32);
        assert_eq!(Window::default().range(&flat, 0), [7.0, 8.0]);
        // Where single precision has no number one further, the ends are still apart.
        let [low, high] = Window::default().range(&Volume::filled(grid, 3e8f32), 0);
        assert!(low < high);
        assert_eq!(grey(f32::NAN, [0.0, 1.0]), 0);
        assert_eq!(grey(0.5, [0.0, 1.0]), 128);
    }

    #[test]
    fn a_window_without_two_ends_in_order_is_refused() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        for window in [
            Window::Range(nan, 5.0),
            Window::Range(5.0, inf),
            Window::Range(-inf, inf),
            Window::Range(50.0, 5.0),
            Window::Range(5.0, 5.0),
            Window::level(40.0, nan),
            Window::level(40.0, 0.0),
            Window::level(40.0, -80.0),
            Window::level(inf, 80.0),
            Window::Percentiles(f64::NAN, 99.0),
            Window::Percentiles(99.0, 1.0),
            Window::Percentiles(-1.0, 99.0),
        ] {
            let message = window.check().unwrap_err().to_string();
            assert!(message.contains("the window is"), "{window:?}: {message}");
        }
        for window in [
            Window::default(),
            Window::Range(-5.0, 5.0),
            Window::level(40.0, 400.0),
        ] {
            assert!(window.check().is_ok(), "{window:?}");
        }
    }
}
