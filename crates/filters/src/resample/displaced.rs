//! Resampling through a displacement field.

use super::engine::{IndexMap, chunks, outside_value, resampling};
use super::kernel::{Cubic, Linear};
use super::labels::{check, label_points, outside_label};
use super::window::Window;
use super::{Extrapolation, Interpolation, LabelResampleOptions, ResampleOptions, points, spline};
use crate::buffer;
use crate::scalar::{Real, Sample};
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Affine, Geometry, Label, LabelMap, Volume};

/// The values of `input` at `p + field(p)`, for the world position `p` of each voxel of the field:
/// ITK's `DisplacementFieldTransform`, from the output to the input.
///
/// The field has three channels, millimetres along R, A and S, and its grid is the result's. A field
/// on another grid is resampled first.
///
/// # Errors
/// [`Error::BadOption`] when the field does not have three channels; as [`crate::resample`].
///
/// ```
/// use vesalius_filters::{ResampleOptions, resample_displaced};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 2, 2], [2.0, 1.0, 1.0])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| 10.0 * x as f32);
/// // Each voxel takes the value 1 mm, half a voxel, to its right.
/// let zero = Volume::filled(grid, 0.0_f32);
/// let field = Volume::stack(&[Volume::filled(grid, 1.0), zero.clone(), zero])?;
/// let moved = resample_displaced(&image, &field, &ResampleOptions::default())?;
/// assert_eq!(moved.data()[..3], [5.0, 15.0, 25.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_displaced<T: Sample, F: Real>(
    input: &Volume<T>,
    field: &Volume<F>,
    options: &ResampleOptions,
) -> Result<Volume<T>> {
    displaced(input, field, options, &Work::unwatched())
}

/// As [`resample_displaced`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_displaced`]; [`Error::Cancelled`].
pub fn resample_displaced_with<T: Sample, F: Real>(
    input: &Volume<T>,
    field: &Volume<F>,
    options: &ResampleOptions,
    control: &Control,
) -> Result<Volume<T>> {
    let work = resampling(control, field.geometry(), input.channels());
    displaced(input, field, options, &work)
}

fn displaced<T: Sample, F: Real>(
    input: &Volume<T>,
    field: &Volume<F>,
    options: &ResampleOptions,
    work: &Work,
) -> Result<Volume<T>> {
    let position = positions(input.geometry(), field)?;
    let (target, channels) = (*field.geometry(), input.channels());
    let (length, size) = (input.geometry().size(), target.size());
    buffer::check::<T::Work>(&target, channels, 0)?;
    if options.interpolation == Interpolation::Nearest {
        let fill = outside_value::<T>(options.outside);
        let mut out = buffer::filled(fill, target.voxel_count() * channels);
        for (channel, out) in chunks(&mut out, channels) {
            let from = input.channel(channel);
            let from = Window::all(from, length);
            points::nearest(&from, &position, options.outside, out, size, work);
        }
        work.check()?;
        return Ok(Volume::new(target, channels, out)?);
    }
    let fill = outside_value::<T::Work>(options.outside);
    let mut out = buffer::filled(fill, target.voxel_count() * channels);
    for (channel, out) in chunks(&mut out, channels) {
        let values: Vec<T::Work> = input
            .channel(channel)
            .par_iter()
            .map(|v| v.to_work())
            .collect();
        let outside = options.outside;
        if options.interpolation == Interpolation::Cubic {
            let border = match outside {
                Extrapolation::Edge => spline::Border::Edge,
                _ => spline::Border::Mirror,
            };
            let (values, padded) = spline::coefficients(&values, length, border, work);
            let from = Window::all(&values, padded);
            points::interpolate::<T::Work, Cubic, 4>(&from, &position, outside, out, size, work);
        } else {
            let from = Window::all(&values, length);
            points::interpolate::<T::Work, Linear, 2>(&from, &position, outside, out, size, work);
        }
    }
    work.check()?;
    Ok(Volume::new(target, channels, T::collect(out))?)
}

/// As [`resample_displaced`], for labels.
///
/// # Errors
/// As [`resample_displaced`] and [`crate::resample_labels`].
pub fn resample_labels_displaced<T: Label, F: Real>(
    input: &LabelMap<T>,
    field: &Volume<F>,
    options: &LabelResampleOptions,
) -> Result<LabelMap<T>> {
    labels_displaced(input, field, options, &Work::unwatched())
}

/// As [`resample_labels_displaced`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_labels_displaced`]; [`Error::Cancelled`].
pub fn resample_labels_displaced_with<T: Label, F: Real>(
    input: &LabelMap<T>,
    field: &Volume<F>,
    options: &LabelResampleOptions,
    control: &Control,
) -> Result<LabelMap<T>> {
    let work = resampling(control, field.geometry(), 1);
    labels_displaced(input, field, options, &work)
}

fn labels_displaced<T: Label, F: Real>(
    input: &LabelMap<T>,
    field: &Volume<F>,
    options: &LabelResampleOptions,
    work: &Work,
) -> Result<LabelMap<T>> {
    check(options)?;
    let position = positions(input.geometry(), field)?;
    let target = *field.geometry();
    buffer::check::<T>(&target, 1, 0)?;
    let mut out = buffer::filled(outside_label::<T>(options.outside)?, target.voxel_count());
    if !out.is_empty() {
        let from = Window::all(input.data(), input.geometry().size());
        label_points(&from, &position, options, &mut out, target.size(), work);
    }
    work.check()?;
    Ok(LabelMap::new(target, out)?)
}

/// Where each voxel of the field lands in the source's index space.
fn positions<F: Real>(
    source: &Geometry,
    field: &Volume<F>,
) -> Result<impl Fn([usize; 3]) -> [f64; 3] + Sync> {
    if field.channels() != 3 {
        let found = field.channels();
        return Err(Error::option(
            "resample",
            "field channels",
            found,
            "3: along R, A and S",
        ));
    }
    let grid = *field.geometry();
    let map = IndexMap::new(source, &grid, &Affine::IDENTITY)?;
    let to_index = source.affine().inverse();
    Ok(move |index: [usize; 3]| {
        let offset = grid.offset(index);
        let moved = std::array::from_fn(|axis| field.channel(axis)[offset].to_f64());
        let (at, step) = (map.position(index), to_index.apply_vector(moved));
        std::array::from_fn(|axis| at[axis] + step[axis])
    })
}
