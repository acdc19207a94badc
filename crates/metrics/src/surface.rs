//! The distances between the surfaces of two masks, as every surface measure needs them.

use crate::bitmask::{Bits, Bounds};
use crate::nearest_distance::{Bins, distances};
use crate::rows::Metric;
use crate::surface_elements;
use crate::{Result, Target, bounding_boxes};
use vesalius_volume::{Label, LabelMap, limits};

/// What counts as the surface of a mask; tools differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Surface {
    /// Foreground voxels with a face to the background or to the border of the image, each
    /// counted once: MONAI and MedPy.
    #[default]
    EdgeVoxels,
    /// The corners between foreground and background voxels, weighted with the area (mm²) of the surface
    /// there: DeepMind's `surface-distance`.
    Areas,
    /// All foreground voxels: ITK's Hausdorff filter.
    AllVoxels,
}

/// Distances (mm) from one surface to the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Directed {
    bins: Bins,
    weight: f64,
    /// Weights are areas, not counts.
    weighted: bool,
}

impl Directed {
    fn new(bins: Bins, weighted: bool) -> Self {
        Self {
            weight: bins.iter().map(|bin| bin.1).sum(),
            bins,
            weighted,
        }
    }

    /// Number of voxels, or area in mm², of the surface measured from.
    pub fn weight(&self) -> f64 {
        self.weight
    }

    /// Different distances in rising order, each with the voxels or area that have it.
    pub fn bins(&self) -> &[(f64, f64)] {
        &self.bins
    }

    /// The mean distance; `None` for a surface of no weight.
    pub fn mean(&self) -> Option<f64> {
        let sum: f64 = self.bins.iter().map(|(d, w)| d * w).sum();
        (self.weight > 0.0).then(|| sum / self.weight)
    }

    /// The largest distance.
    pub fn largest(&self) -> Option<f64> {
        self.bins.last().map(|bin| bin.0)
    }

    /// A percentile from 0 to 100. Of voxels as NumPy and PyTorch have it, linear between the two
    /// nearest; of areas as DeepMind has it, the first distance that reaches the share.
    pub fn percentile(&self, percent: f64) -> Option<f64> {
        let share = (percent / 100.0).clamp(0.0, 1.0);
        if self.weighted {
            let mut sum = 0.0;
            let reached = self.bins.iter().find(|(_, weight)| {
                sum += weight;
                // Areas are products of spacings, and sums in another order differ as well.
                limits::at_least(sum / self.weight, share)
            });
            return reached.or(self.bins.last()).map(|bin| bin.0);
        }
        if self.bins.is_empty() {
            return None;
        }
        let place = (self.weight - 1.0) * share;
        let (low, high) = (self.at(place.floor())?, self.at(place.ceil())?);
        Some(low + (high - low) * place.fract())
    }

    /// The distance at a place in the list of all voxels' distances.
    fn at(&self, place: f64) -> Option<f64> {
        let mut sum = 0.0;
        let bin = self.bins.iter().find(|(_, weight)| {
            sum += weight;
            sum > place
        });
        bin.or(self.bins.last()).map(|bin| bin.0)
    }

    /// How much of the surface is within a tolerance (mm).
    pub fn within(&self, tolerance: f64) -> f64 {
        let near = self.bins.iter();
        let near = near.take_while(|(distance, _)| limits::at_most(*distance, tolerance));
        near.map(|bin| bin.1).sum()
    }

    fn joined(&self, other: &Self) -> Self {
        let mut bins: Bins = self.bins.iter().chain(&other.bins).copied().collect();
        bins.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self::new(bins, self.weighted)
    }
}

/// The distances between the surfaces of one target in one case, both ways.
///
/// ```
/// use vesalius_metrics::{Surface, SurfaceDistances, Target};
/// use vesalius_volume::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([8, 1, 1], [2.5, 1.0, 1.0])?;
/// let reference = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 1));
/// let prediction = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x == 1 || x == 3));
/// let target = Target::of_value(1);
/// let distances = SurfaceDistances::between(&reference, &prediction, &target, None, Surface::EdgeVoxels)?.unwrap();
/// // 2 voxels of 2.5 mm.
/// assert_eq!(distances.from_prediction.largest(), Some(5.0));
/// assert_eq!(distances.from_prediction.bins(), [(0.0, 1.0), (5.0, 1.0)]);
/// assert_eq!(distances.from_reference.largest(), Some(0.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct SurfaceDistances {
    /// From the reference's surface to the prediction's.
    pub from_reference: Directed,
    /// From the prediction's surface to the reference's.
    pub from_prediction: Directed,
}

impl SurfaceDistances {
    /// The distances of a target; `None` when one of the masks is empty. Voxels whose reference is
    /// `ignore` are background in both.
    ///
    /// # Errors
    /// [`crate::Error::Volume`] when the label maps lie on different grids.
    pub fn between<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        target: &Target,
        ignore: Option<u32>,
        surface: Surface,
    ) -> Result<Option<Self>> {
        let grid = reference.geometry();
        grid.check_same(prediction.geometry(), "reference and prediction")?;
        if grid.voxel_count() == 0 {
            return Ok(None);
        }
        let all = Bounds::of(grid.size());
        let masks = Masks::cut(reference, prediction, target, ignore, all);
        Ok(masks.distances(surface))
    }

    /// Both directions as one list.
    pub fn pooled(&self) -> Directed {
        self.from_reference.joined(&self.from_prediction)
    }
}

/// Reference and prediction of one target, in a box around both.
#[derive(Debug, Clone)]
pub(crate) struct Masks {
    pub reference: Bits,
    pub prediction: Bits,
    pub metric: Metric,
}

impl Masks {
    /// The masks inside `bounds`, in a smaller box where they fill little of it.
    pub fn cut<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        target: &Target,
        ignore: Option<u32>,
        bounds: Bounds,
    ) -> Self {
        let masks = Self::new(reference, prediction, target, ignore, bounds);
        let around = bounding_boxes::join(masks.reference.bounds(), masks.prediction.bounds());
        match around {
            Some(inner) if inner.voxels() * 2 < bounds.voxels() => {
                let moved = |at: [usize; 3]| std::array::from_fn(|i| at[i] + bounds.first[i]);
                let tight = Bounds {
                    first: moved(inner.first),
                    last: moved(inner.last),
                };
                Self::new(reference, prediction, target, ignore, tight)
            }
            _ => masks,
        }
    }

    fn new<R: Label, P: Label>(
        reference: &LabelMap<R>,
        prediction: &LabelMap<P>,
        target: &Target,
        ignore: Option<u32>,
        bounds: Bounds,
    ) -> Self {
        let grid = reference.geometry();
        let member = Membership::new(&target.labels);
        let reference_bits = Bits::build(grid.size(), bounds, |start, row| {
            let at = grid.offset(start);
            member.mark(&reference.data()[at..at + row.len()], row);
        });
        let prediction_bits = Bits::build(grid.size(), bounds, |start, row| {
            let at = grid.offset(start);
            member.mark(&prediction.data()[at..at + row.len()], row);
            if let Some(ignore) = ignore {
                let labels = &reference.data()[at..at + row.len()];
                for (byte, label) in row.iter_mut().zip(labels) {
                    *byte &= u8::from((*label).into() != ignore);
                }
            }
        });
        Self {
            reference: reference_bits,
            prediction: prediction_bits,
            metric: Metric::of(grid.affine()),
        }
    }

    /// `None` when one of the masks is empty.
    pub fn distances(&self, surface: Surface) -> Option<SurfaceDistances> {
        let (r, p, metric) = (&self.reference, &self.prediction, &self.metric);
        if r.count() == 0 || p.count() == 0 {
            return None;
        }
        let one = |_: usize, _: usize, _: usize| 1.0;
        let (from_reference, from_prediction) = match surface {
            Surface::EdgeVoxels => {
                let (r, p) = (r.edge(), p.edge());
                (
                    distances(&r, &p, metric, one),
                    distances(&p, &r, metric, one),
                )
            }
            Surface::AllVoxels => {
                let all = |from: &Bits, to: &Bits| {
                    let outside = from.without(to);
                    let shared = from.count() - outside.count();
                    let mut bins = vec![(0.0, shared as f64)];
                    bins.retain(|bin| bin.1 > 0.0);
                    bins.extend(distances(&outside, to, metric, one));
                    bins
                };
                (all(r, p), all(p, r))
            }
            Surface::Areas => {
                let areas = surface_elements::areas(metric.spacing());
                let (r_cells, p_cells) = (r.cells(), p.cells());
                let area = |bits: &Bits, x, y, z| areas[usize::from(bits.code(x, y, z))];
                (
                    distances(&r_cells, &p_cells, metric, |x, y, z| area(r, x, y, z)),
                    distances(&p_cells, &r_cells, metric, |x, y, z| area(p, x, y, z)),
                )
            }
        };
        let weighted = surface == Surface::Areas;
        Some(SurfaceDistances {
            from_reference: Directed::new(from_reference, weighted),
            from_prediction: Directed::new(from_prediction, weighted),
        })
    }
}

/// Whether a label belongs to a target, a row at a time.
pub(crate) struct Membership {
    only: Option<u32>,
    sorted: Vec<u32>,
}

impl Membership {
    pub fn new(labels: &[u32]) -> Self {
        let mut sorted = labels.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        Self {
            only: (sorted.len() == 1).then(|| sorted[0]),
            sorted,
        }
    }

    /// Sets a byte to 1 for each label that belongs, to 0 for the others.
    pub fn mark<T: Label>(&self, labels: &[T], row: &mut [u8]) {
        let pairs = row.iter_mut().zip(labels);
        match self.only.map(T::try_from) {
            Some(Ok(wanted)) => pairs.for_each(|(byte, label)| *byte = u8::from(*label == wanted)),
            // A label that the map's type cannot hold is nowhere in it.
            Some(Err(_)) => row.fill(0),
            None => {
                let wanted: Vec<T> = self
                    .sorted
                    .iter()
                    .filter_map(|&v| T::try_from(v).ok())
                    .collect();
                for (byte, label) in pairs {
                    *byte = u8::from(wanted.contains(label));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(values: &[f64]) -> Directed {
        Directed::new(values.iter().map(|v| (*v, 1.0)).collect(), false)
    }

    #[test]
    fn percentiles_of_counts_are_those_of_numpy() {
        // numpy.percentile([0, 1, 2, 4, 8], [0, 50, 95, 100])
        let directed = counted(&[0.0, 1.0, 2.0, 4.0, 8.0]);
        let percentile = |p| directed.percentile(p).unwrap();
        assert_eq!(percentile(0.0), 0.0);
        assert_eq!(percentile(50.0), 2.0);
        assert!((percentile(95.0) - 7.2).abs() < 1e-12);
        assert_eq!(percentile(100.0), 8.0);
        let grouped = Directed::new(vec![(1.0, 3.0), (5.0, 2.0)], false);
        assert_eq!(grouped.percentile(50.0), Some(1.0));
        assert_eq!(grouped.percentile(62.5), Some(3.0));
        assert_eq!(grouped.mean(), Some(13.0 / 5.0));
    }

    #[test]
    fn percentiles_of_areas_take_the_first_that_reaches_the_share() {
        let directed = Directed::new(vec![(1.0, 0.5), (2.0, 0.45), (3.0, 0.05)], true);
        assert_eq!(directed.percentile(50.0), Some(1.0));
        assert_eq!(directed.percentile(95.0), Some(2.0));
        assert_eq!(directed.percentile(99.0), Some(3.0));
    }

    #[test]
    fn a_tolerance_includes_the_distance_that_equals_it() {
        let directed = counted(&[0.0, 0.9000000000000001, 1.8]);
        assert_eq!(directed.within(0.9), 2.0);
        assert_eq!(directed.within(0.8999), 1.0);
    }
}
