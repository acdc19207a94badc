//! N4 bias field correction: estimates the slow shading of an MR image and divides it out.
//!
//! N. Tustison et al., "N4ITK: improved N3 bias correction", 2010; sharpening of the histogram from
//! J. Sled et al., "A nonparametric method for automatic correction of intensity nonuniformity in
//! MRI data", 1998.

use super::n4_spline::ControlGrid;
use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Label, LabelMap, Volume, check_memory};

/// Options of [`n4_bias_field_correction`], ITK's defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct N4Options {
    /// Most iterations on each level; each level has twice the spans of the one before.
    pub iterations: Vec<usize>,
    /// A level ends when the field's coefficient of variation changes by less than this.
    pub convergence_threshold: f64,
    /// Spans of the first level's spline along `[x, y, z]`.
    pub spans: [usize; 3],
    /// Bins of the histogram of log intensities.
    pub bins: usize,
    /// Full width at half maximum of the Gaussian that is taken out of the histogram.
    pub full_width_at_half_maximum: f64,
    /// Noise of the Wiener filter that takes it out.
    pub wiener_noise: f64,
}

impl Default for N4Options {
    fn default() -> Self {
        Self {
            iterations: vec![50; 4],
            convergence_threshold: 0.001,
            spans: [1; 3],
            bins: 200,
            full_width_at_half_maximum: 0.15,
            wiener_noise: 0.01,
        }
    }
}

/// A corrected image and the bias that was divided out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct N4Result<R: Real> {
    /// The first channel without its bias.
    pub corrected: Volume<R>,
    /// The logarithm of the bias field.
    pub log_bias: Volume<R>,
}

/// Estimates the bias field of the first channel over the mask's foreground, or over all voxels,
/// and divides it out everywhere. Voxels that are not positive are left out of the estimate.
///
/// # Errors
/// [`Error::Volume`] when the mask lies on another grid; [`Error::NothingPositive`], [`Error::EmptyMask`] or
/// [`Error::NoVoxels`] when there is nothing to estimate from, [`Error::BadOption`] for options that are not
/// valid; [`Error::Volume`] also when the machine has no room for the last level's control points.
///
/// ```
/// use vesalius_filters::{N4Options, n4_bias_field_correction};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // Tissue of value 100, shaded from 1 to 1.3 along x.
/// let grid = Geometry::axis_aligned([16, 16, 8], [1.0; 3])?;
/// let shaded = Volume::from_fn(grid, |[x, _, _]| 100.0_f32 * (1.0 + 0.02 * x as f32));
/// let options = N4Options { iterations: vec![10], ..N4Options::default() };
/// let result = n4_bias_field_correction(&shaded, None::<&LabelMap>, &options)?;
///
/// let spread = |image: &Volume<f32>| image.get(0, [15, 8, 4]) / image.get(0, [0, 8, 4]);
/// assert!(spread(&result.corrected) < spread(&shaded));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn n4_bias_field_correction<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    options: &N4Options,
) -> Result<N4Result<R>> {
    corrected(input, mask, options, &Work::unwatched())
}

/// As [`n4_bias_field_correction`], cancelled and followed through a control, in the stage `iterations`, of which
/// fewer are done where the field has converged.
///
/// # Errors
/// As [`n4_bias_field_correction`]; [`Error::Cancelled`].
pub fn n4_bias_field_correction_with<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    options: &N4Options,
    control: &Control,
) -> Result<N4Result<R>> {
    let iterations = options
        .iterations
        .iter()
        .fold(0usize, |a, &b| a.saturating_add(b));
    let work = Work::new(control, "iterations", iterations);
    corrected(input, mask, options, &work)
}

fn corrected<R: Real, T: Label>(
    input: &Volume<R>,
    mask: Option<&LabelMap<T>>,
    options: &N4Options,
    work: &Work,
) -> Result<N4Result<R>> {
    check(options)?;
    // The last level's control points: each level has twice the spans of the one before.
    let doubled = options.iterations.len().saturating_sub(1);
    let points = options.spans.map(|spans| (spans << doubled) + 3);
    check_memory("the control points of N4's last level", points, 2, 8, None)?;
    let grid = *input.geometry();
    if let Some(mask) = mask {
        grid.check_same(mask.geometry(), "image and mask")?;
    }
    let source = input.channel(0);
    let confidence: Vec<f64> = source
        .iter()
        .enumerate()
        .map(|(i, v)| {
            let inside = mask.is_none_or(|m| m.data()[i] != T::default());
            f64::from(u8::from(inside && v.to_f64() > 0.0 && v.is_finite()))
        })
        .collect();
    if !confidence.contains(&1.0) {
        return Err(nothing_positive(source, grid.size(), mask));
    }
    let logs: Vec<f64> = source
        .par_iter()
        .zip(&confidence)
        .map(|(v, &c)| if c > 0.0 { v.to_f64().ln() } else { 0.0 })
        .collect();
    let field = estimate(&logs, &confidence, grid.size(), options, work)?;
    let corrected = source
        .par_iter()
        .zip(&field)
        .map(|(v, f)| R::from_f64(v.to_f64() / f.exp()));
    let log_bias = field.par_iter().map(|&f| R::from_f64(f));
    Ok(N4Result {
        corrected: Volume::new(grid, 1, corrected.collect())?,
        log_bias: Volume::new(grid, 1, log_bias.collect())?,
    })
}

/// Why there is no voxel to estimate a field from.
fn nothing_positive<R: Real, T: Label>(
    source: &[R],
    size: [usize; 3],
    mask: Option<&LabelMap<T>>,
) -> Error {
    let filter = "N4";
    let inside = |i: &usize| mask.is_none_or(|m| m.data()[*i] != T::default());
    let looked_at = || (0..source.len()).filter(inside);
    match (source.len(), looked_at().count()) {
        (0, _) => Error::NoVoxels { filter, size },
        (_, 0) => Error::EmptyMask { filter },
        (_, voxels) => Error::NothingPositive {
            filter,
            voxels,
            masked: mask.is_some(),
            largest: looked_at()
                .map(|i| source[i].to_f64())
                .fold(f64::NAN, f64::max),
        },
    }
}

fn check(options: &N4Options) -> Result<()> {
    let sound = options.bins >= 2
        && options.bins <= 65_536
        && options.spans.iter().all(|&s| (1..=256).contains(&s))
        && options.iterations.len() <= 8
        && options.iterations.iter().all(|&n| n <= 100_000)
        && options.full_width_at_half_maximum > 0.0
        && options.wiener_noise > 0.0
        && options.convergence_threshold.is_finite();
    if sound {
        return Ok(());
    }
    Err(Error::option(
        "N4",
        "options",
        options,
        "2 to 65536 bins, 1 to 256 spans, at most 8 levels of at most 100000 iterations, a positive width and noise",
    ))
}

fn estimate(
    logs: &[f64],
    confidence: &[f64],
    size: [usize; 3],
    options: &N4Options,
    work: &Work,
) -> Result<Vec<f64>> {
    let mut lattice = ControlGrid::zeros(options.spans.map(|s| s + 3));
    let mut field = vec![0.0; logs.len()];
    for (level, &most) in options.iterations.iter().enumerate() {
        if level > 0 {
            lattice = lattice.refined();
        }
        for _ in 0..most {
            let corrected: Vec<f64> = logs.par_iter().zip(&field).map(|(l, f)| l - f).collect();
            let residual = residual(&corrected, confidence, options);
            work.check()?;
            lattice.add(&ControlGrid::fit(lattice.size, &residual, confidence, size));
            work.check()?;
            let next = lattice.field(size);
            work.check()?;
            work.advance(1);
            let change = variation(&field, &next, confidence);
            field = next;
            if change < options.convergence_threshold {
                break;
            }
        }
    }
    Ok(field)
}

/// The coefficient of variation of the ratio between two fields.
fn variation(before: &[f64], after: &[f64], confidence: &[f64]) -> f64 {
    let ratios = || {
        let fields = before.iter().zip(after).zip(confidence);
        fields
            .filter(|(_, c)| **c > 0.0)
            .map(|((b, a), _)| (b - a).exp())
    };
    let count = ratios().count() as f64;
    let mean = ratios().sum::<f64>() / count;
    let squares: f64 = ratios().map(|r| (r - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt() / mean
}

/// What is left of each log intensity when its expectation under the sharpened histogram is taken
/// out.
fn residual(corrected: &[f64], confidence: &[f64], options: &N4Options) -> Vec<f64> {
    let counted = || {
        corrected
            .iter()
            .zip(confidence)
            .filter(|(_, c)| **c > 0.0)
            .map(|(v, _)| *v)
    };
    let (low, high) = counted().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(v), h.max(v)));
    if low >= high {
        return vec![0.0; corrected.len()];
    }
    let slope = (high - low) / (options.bins - 1) as f64;
    let mut counts = vec![0.0; options.bins];
    for value in counted() {
        let place = (value - low) / slope;
        let bin = place.floor() as usize;
        let part = place - bin as f64;
        if part == 0.0 || bin + 1 >= options.bins {
            counts[bin.min(options.bins - 1)] += 1.0;
        } else {
            counts[bin] += 1.0 - part;
            counts[bin + 1] += part;
        }
    }
    let expected = sharpened(&counts, low, slope, options);
    corrected
        .par_iter()
        .zip(confidence)
        .map(|(&value, &c)| {
            if c == 0.0 {
                return 0.0;
            }
            let place = (value - low) / slope;
            let bin = (place.floor() as usize).min(options.bins - 1);
            let next = expected[(bin + 1).min(options.bins - 1)];
            value - (expected[bin] + (next - expected[bin]) * (place - bin as f64))
        })
        .collect()
}

/// The expected true value of each bin: the histogram is deconvolved with a Gaussian, and the result
/// is blurred again.
fn sharpened(counts: &[f64], low: f64, slope: f64, options: &N4Options) -> Vec<f64> {
    let bins = counts.len();
    // Zeros on both sides, so that the circular convolution does not mix the two ends.
    let length = 2 * bins.next_power_of_two();
    let offset = (length - bins) / 2;
    let mut padded = vec![0.0; length];
    padded[offset..offset + bins].copy_from_slice(counts);
    let width = options.full_width_at_half_maximum / slope;
    let factor = 4.0 * std::f64::consts::LN_2 / (width * width);
    let scale = 2.0 * (std::f64::consts::LN_2 / std::f64::consts::PI).sqrt() / width;
    let blur: Vec<f64> = (0..length)
        .map(|n| {
            let distance = n.min(length - n) as f64;
            scale * (-distance * distance * factor).exp()
        })
        .collect();
    // The kernel is even, so its spectrum is real.
    let spectrum: Vec<f64> = fourier(&blur, &vec![0.0; length], -1.0).0;
    let filtered = |signal: &[f64], gain: &dyn Fn(f64) -> f64| -> Vec<f64> {
        let (mut re, mut im) = fourier(signal, &vec![0.0; length], -1.0);
        for (k, &b) in spectrum.iter().enumerate() {
            re[k] *= gain(b);
            im[k] *= gain(b);
        }
        let (re, _) = fourier(&re, &im, 1.0);
        re.into_iter().map(|v| v / length as f64).collect()
    };
    let wiener = |b: f64| b / (b * b + options.wiener_noise);
    let sharp: Vec<f64> = filtered(&padded, &wiener)
        .into_iter()
        .map(|v| v.max(0.0))
        .collect();
    let centre = |n: usize| low + (n as f64 - offset as f64) * slope;
    let weighed: Vec<f64> = sharp
        .iter()
        .enumerate()
        .map(|(n, v)| v * centre(n))
        .collect();
    let (above, below) = (filtered(&weighed, &|b| b), filtered(&sharp, &|b| b));
    (offset..offset + bins)
        .map(|n| {
            if below[n] != 0.0 {
                above[n] / below[n]
            } else {
                0.0
            }
        })
        .collect()
}

/// The discrete Fourier transform of a power-of-two length, in place by halves.
fn fourier(re: &[f64], im: &[f64], sign: f64) -> (Vec<f64>, Vec<f64>) {
    let n = re.len();
    let (mut re, mut im) = (re.to_vec(), im.to_vec());
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        for k in 0..half {
            let (sin, cos) = (sign * std::f64::consts::PI * k as f64 / half as f64).sin_cos();
            for start in (k..n).step_by(2 * half) {
                let (a, b) = (start, start + half);
                let (tr, ti) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - tr, im[a] - ti);
                re[a] += tr;
                im[a] += ti;
            }
        }
        half *= 2;
    }
    (re, im)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn the_transform_and_its_inverse_give_the_signal_back() {
        let signal: Vec<f64> = (0..64).map(|i| ((i * 29) % 17) as f64).collect();
        let (re, im) = fourier(&signal, &[0.0; 64], -1.0);
        assert!((re[0] - signal.iter().sum::<f64>()).abs() < 1e-9);
        let (back, _) = fourier(&re, &im, 1.0);
        assert!(
            back.iter()
                .zip(&signal)
                .all(|(a, b)| (a / 64.0 - b).abs() < 1e-12)
        );
    }

    #[test]
    fn a_flat_image_has_no_bias_and_nothing_positive_is_refused() {
        let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3]).unwrap();
        let options = N4Options {
            iterations: vec![5],
            ..Default::default()
        };
        let flat = Volume::filled(grid, 10.0f32);
        let out = n4_bias_field_correction::<_, u8>(&flat, None, &options).unwrap();
        assert_eq!(out.corrected, flat);
        let dark = Volume::filled(grid, 0.0f32);
        let said = |image: &Volume<f32>, mask: Option<&LabelMap<u8>>| {
            let refused = n4_bias_field_correction(image, mask, &options).unwrap_err();
            refused.to_string()
        };
        assert!(said(&dark, None).contains("none of the 512 voxels is a positive"));
        let negative = said(&Volume::filled(grid, -5.0f32), None);
        assert!(negative.contains("the largest is -5"), "{negative}");
        let nothing = LabelMap::<u8>::background(grid);
        assert!(said(&flat, Some(&nothing)).contains("the mask holds nothing but 0"));
        let corner = LabelMap::from_fn(grid, |at| u8::from(at == [0, 0, 0]));
        let masked = said(&dark, Some(&corner));
        assert!(
            masked.contains("none of the 1 voxels of the mask"),
            "{masked}"
        );
    }
}
