//! From intensities to grey: a window given in numbers or taken from the image's percentiles.

use vesalius_volume::Volume;

/// At most this many values are sorted for a percentile; a picture needs no more.
const SAMPLES: usize = 1 << 20;

/// The intensities that are drawn black and white.
#[derive(Debug, Clone, Copy, PartialEq)]
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
            [low, low + 1.0]
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
        assert_eq!(grey(f32::NAN, [0.0, 1.0]), 0);
        assert_eq!(grey(0.5, [0.0, 1.0]), 128);
    }
}
