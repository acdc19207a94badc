//! What a report says of each label: its volume, what the image shows there, and its largest diameters.

mod diameter;
mod farthest;
mod intensity;
mod outline;
mod strip;

use crate::scalar::Real;
use crate::work::Work;
use crate::{Error, Result};
use diameter::{Metric, Pair};
use outline::Outline;
use rayon::prelude::*;
use std::collections::BTreeMap;
use vesalius_control::Control;
use vesalius_volume::{Geometry, Label, LabelMap, Volume};

/// How far voxels of image and labels may lie apart, in voxels.
const NEAR: f64 = 0.05;

/// The largest distance between two points of a structure's surface.
///
/// The surface is the mesh that marching cubes makes of the mask: its corners lie in the middle of the faces between
/// voxels inside and outside. A row of n voxels is n voxels long, a single voxel as long as its longest side. This is
/// IBSI's maximum 3D diameter (L0JK) and pyradiomics' `Maximum3DDiameter`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Diameter {
    /// mm
    pub length: f64,
    /// The two points, RAS+ mm.
    pub ends: [[f64; 3]; 2],
}

/// What an image shows within a label, of the values that are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct IntensityMeasures {
    /// How many values are finite, at least one.
    pub finite: usize,
    /// How many are not and were left out.
    pub not_finite: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation, divided by one less than the number of values; none for one value.
    pub deviation: Option<f64>,
    /// Median; the mean of the two values in the middle where their number is even.
    pub median: f64,
    /// Smallest value.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
}

/// What is measured of a label.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LabelMeasures {
    /// The label.
    pub label: u32,
    /// Number of voxels.
    pub voxels: usize,
    /// mm³
    pub volume: f64,
    /// What the image shows; none without an image, and where no value is finite.
    pub intensity: Option<IntensityMeasures>,
    /// The largest diameter within one slice, between faces in the plane of the slices.
    pub slice_diameter: Diameter,
    /// The largest diameter.
    pub diameter: Diameter,
}

impl LabelMeasures {
    /// The volume in ml.
    pub fn millilitres(&self) -> f64 {
        self.volume / 1000.0
    }
}

/// How labels are measured.
///
/// ```
/// use vesalius_filters::MeasureOptions;
///
/// assert_eq!(MeasureOptions::default().slice_axis, 2);
/// assert_eq!(MeasureOptions::default().slices_along(0).slice_axis, 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeasureOptions {
    /// The axis of the grid, 0 to 2, across the slices of [`LabelMeasures::slice_diameter`].
    pub slice_axis: usize,
}

impl Default for MeasureOptions {
    fn default() -> Self {
        Self { slice_axis: 2 }
    }
}

impl MeasureOptions {
    /// Slices across this axis of the grid.
    #[must_use]
    pub fn slices_along(mut self, axis: usize) -> Self {
        self.slice_axis = axis;
        self
    }
}

/// Measures each label other than 0, in rising order of labels; `image` is an image on the same grid (up to a twentieth of
/// a voxel, since headers round), of which the first channel counts.
///
/// Diameters are exact, whatever the shape and the direction of the axes.
///
/// # Errors
/// [`Error::Volume`] when image and labels do not share a grid; [`Error::BadOption`] for an axis beyond 2.
///
/// ```
/// use vesalius_filters::{MeasureOptions, measure_labels};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// // A box of 3 × 4 × 1 voxels of 1 × 1 × 5 mm.
/// let grid = Geometry::axis_aligned([10, 10, 4], [1.0, 1.0, 5.0])?;
/// let labels = LabelMap::<u16>::from_fn(grid, |[x, y, z]| u16::from(x < 3 && y < 4 && z == 2));
/// let image = Volume::from_fn(grid, |[x, ..]| x as f32);
///
/// let measures = measure_labels(&labels, Some(&image), MeasureOptions::default())?;
/// let box_ = &measures[0];
/// assert_eq!((box_.label, box_.voxels, box_.volume), (1, 12, 60.0));
/// assert_eq!(box_.intensity.unwrap().median, 1.0);
/// // From the front face of one corner's voxel to the back face of the opposite one's: 2 and 4 voxels away.
/// assert_eq!(box_.slice_diameter.length, f64::sqrt(4.0 + 16.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure_labels<T: Label, R: Real>(
    labels: &LabelMap<T>,
    image: Option<&Volume<R>>,
    options: MeasureOptions,
) -> Result<Vec<LabelMeasures>> {
    measure(labels, image, options, &Work::unwatched())
}

/// As [`measure_labels`], with progress and cancellation.
///
/// # Errors
/// As [`measure_labels`], and [`Error::Cancelled`].
pub fn measure_labels_with<T: Label, R: Real>(
    labels: &LabelMap<T>,
    image: Option<&Volume<R>>,
    options: MeasureOptions,
    control: &Control,
) -> Result<Vec<LabelMeasures>> {
    let work = Work::without_total(control, "measures");
    measure(labels, image, options, &work)
}

fn measure<T: Label, R: Real>(
    labels: &LabelMap<T>,
    image: Option<&Volume<R>>,
    options: MeasureOptions,
    work: &Work,
) -> Result<Vec<LabelMeasures>> {
    let grid = labels.geometry();
    let axis = options.slice_axis;
    if axis > 2 {
        return Err(Error::option(
            "measure_labels",
            "slice_axis",
            axis,
            "0, 1 or 2",
        ));
    }
    if let Some(image) = image.filter(|image| !is_near(image.geometry(), grid)) {
        let same = image.geometry().check_same(grid, "image and labels");
        same.map_err(Error::from)?;
    }
    let metric = Metric::of(grid);
    let slices = grid.size()[axis];
    // Each slice, the values once, and each slice's share of the search in space.
    let values = image.map_or(0, |_| slices);
    work.set_total(2 * slices + values);
    let found = outline::slices(labels, axis, &metric, work);
    work.check()?;
    let counts = found.iter().map(|(label, shape)| (*label, shape.voxels));
    let counts: BTreeMap<T, usize> = counts.collect();
    let mut intensities = match image {
        Some(image) => intensity::of_labels(image.channel(0), labels.data(), &counts, work),
        None => BTreeMap::new(),
    };
    work.check()?;
    work.advance(values);
    let searched: Vec<(T, Outline, Option<Pair>)> = found
        .into_iter()
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|(label, shape)| {
            let pair = diameter::longest(&shape.points, &metric, work);
            (label, shape, pair)
        })
        .collect();
    let measured = searched.into_iter().filter_map(|(label, shape, pair)| {
        Some(LabelMeasures {
            label: label.into(),
            voxels: shape.voxels,
            volume: shape.voxels as f64 * grid.voxel_volume(),
            intensity: intensities.remove(&label),
            slice_diameter: shape.in_slice?.diameter(grid),
            diameter: pair?.diameter(grid),
        })
    });
    let measured = measured.collect();
    work.finish()?;
    Ok(measured)
}

/// Whether no voxel of one grid lies off that of another by more than a part of a voxel, as by rounding in headers.
fn is_near(a: &Geometry, b: &Geometry) -> bool {
    let last = a.size().map(|n| n.saturating_sub(1) as f64);
    let corners = (0..8).map(|corner| [0, 1, 2].map(|i| last[i] * f64::from(corner >> i & 1)));
    let off = |index: [f64; 3]| {
        let other = b.world_to_index(a.index_to_world(index));
        (0..3).any(|i| (other[i] - index[i]).abs() > NEAR)
    };
    a.size() == b.size() && !corners.into_iter().any(off)
}

#[cfg(test)]
mod tests;
