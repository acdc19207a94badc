//! Entry point of resampling: chooses between a copy, resampling axis by axis and resampling point by point.

use super::axis::Axis;
use super::kernel::{Cubic, Kernel, Linear, Nearest};
use super::window::Window;
use super::{Extrapolation, Interpolation, ResampleOptions, points, separable, spline};
use crate::buffer;
use crate::grid::permute_within;
use crate::scalar::{Real, Sample};
use crate::work::Work;
use crate::{Error, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_volume::{Affine, Geometry, Volume};

/// A matrix entry that moves a coordinate by less than this over the whole grid counts as zero.
const PARALLEL: f64 = 1e-7;

/// The values of `input` at the voxels of `target`.
///
/// Integers are computed in `f64`, clamped and truncated as in ITK. Where the two grids' axes are
/// parallel the work is done axis by axis; where voxels coincide, values are copied.
///
/// # Errors
/// [`Error::NoVoxels`] when the input is empty; [`vesalius_volume::Error::OutOfMemory`] when the machine
/// cannot hold the result.
///
/// ```
/// use vesalius_filters::{Convention, ResampleOptions, resample, target_grid};
/// use vesalius_volume::{Geometry, Volume};
///
/// // Slices of 5 mm, resampled to 2.5 mm.
/// let grid = Geometry::axis_aligned([4, 4, 3], [1.0, 1.0, 5.0])?;
/// let image = Volume::from_fn(grid, |[_, _, z]| 100.0 * z as f32);
/// let target = target_grid(&grid, [1.0, 1.0, 2.5], Convention::Monai)?;
/// let fine = resample(&image, &target, &ResampleOptions::monai())?;
/// assert_eq!(fine.geometry().size(), [4, 4, 5]);
/// let column: Vec<f32> = (0..5).map(|z| fine.get(0, [0, 0, z])).collect();
/// assert_eq!(column, [0.0, 50.0, 100.0, 150.0, 200.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample<T: Sample>(
    input: &Volume<T>,
    target: &Geometry,
    options: &ResampleOptions,
) -> Result<Volume<T>> {
    resample_through(input, target, &Affine::IDENTITY, options)
}

/// The values of `input` at the points `map(p)`, for the world position `p` (RAS+ mm) of each
/// voxel of `target`: ITK's direction, from the output to the input.
///
/// # Errors
/// As [`resample`].
///
/// ```
/// use vesalius_filters::{ResampleOptions, resample_through};
/// use vesalius_volume::{Affine, Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([5, 2, 2], [1.0; 3])?;
/// let image = Volume::from_fn(grid, |[x, _, _]| x as f32);
/// // Position p of the result takes the value at p + 1.5 mm along x.
/// let shift = Affine::from_linear(Affine::IDENTITY.linear(), [1.5, 0.0, 0.0])?;
/// let moved = resample_through(&image, &grid, &shift, &ResampleOptions::default())?;
/// assert_eq!(moved.data()[..3], [1.5, 2.5, 3.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn resample_through<T: Sample>(
    input: &Volume<T>,
    target: &Geometry,
    map: &Affine,
    options: &ResampleOptions,
) -> Result<Volume<T>> {
    through(input, target, map, options, &Work::unwatched())
}

/// As [`resample_through`], cancelled and followed through a control, in the stage `resampling`.
///
/// # Errors
/// As [`resample_through`]; [`Error::Cancelled`].
pub fn resample_through_with<T: Sample>(
    input: &Volume<T>,
    target: &Geometry,
    map: &Affine,
    options: &ResampleOptions,
    control: &Control,
) -> Result<Volume<T>> {
    let work = resampling(control, target, input.channels());
    through(input, target, map, options, &work)
}

/// The work of resampling, counted in rows of the result.
pub(crate) fn resampling<'a>(control: &'a Control, target: &Geometry, channels: usize) -> Work<'a> {
    let [_, y, z] = target.size();
    Work::new(control, "resampling", y * z * channels)
}

fn through<T: Sample>(
    input: &Volume<T>,
    target: &Geometry,
    map: &Affine,
    options: &ResampleOptions,
    work: &Work,
) -> Result<Volume<T>> {
    let source = input.geometry();
    let index_map = IndexMap::new(source, target, map)?;
    let channels = input.channels();
    if target.voxel_count() == 0 {
        return Ok(Volume::new(*target, channels, Vec::new())?);
    }
    let parallel = index_map.parallel_order();
    if let Some(order) = parallel.filter(|&order| order != [0, 1, 2]) {
        let turned = permute_within(input, order, work)?;
        return through(&turned, target, map, options, work);
    }
    buffer::check::<T>(target, channels, 0)?;
    let copies = options.interpolation == Interpolation::Nearest || index_map.is_whole();
    if parallel.is_some() && copies {
        let axes = index_map.axes::<f32, Nearest, 1>(options.outside);
        let fill = outside_value::<T>(options.outside);
        let mut out = buffer::filled(fill, target.voxel_count() * channels);
        for (channel, out) in chunks(&mut out, channels) {
            let (from, size) = (input.channel(channel), target.size());
            separable::separable_nearest(from, source.size(), &axes, out, size, work);
        }
        work.check()?;
        return Ok(Volume::new(*target, channels, out)?);
    }
    if options.interpolation == Interpolation::Nearest {
        let fill = outside_value::<T>(options.outside);
        let mut out = buffer::filled(fill, target.voxel_count() * channels);
        let position = |i: [usize; 3]| index_map.position(i);
        for (channel, out) in chunks(&mut out, channels) {
            let (from, size) = (input.channel(channel), target.size());
            let from = Window::all(from, source.size());
            points::nearest(&from, &position, options.outside, out, size, work);
        }
        work.check()?;
        return Ok(Volume::new(*target, channels, out)?);
    }
    // Where the work is done in another type, both are in memory at the end.
    let beside = match T::as_work(&[]) {
        Some(_) => 0,
        None => size_of::<T>(),
    };
    buffer::check::<T::Work>(target, channels, beside)?;
    let fill = outside_value::<T::Work>(options.outside);
    let mut out = buffer::filled(fill, target.voxel_count() * channels);
    for (channel, out) in chunks(&mut out, channels) {
        let values = input.channel(channel);
        match T::as_work(values) {
            Some(values) => index_map.interpolate(values, options, out, work),
            None => {
                let values: Vec<T::Work> = values.par_iter().map(|v| v.to_work()).collect();
                index_map.interpolate(&values, options, out, work);
            }
        }
    }
    work.check()?;
    Ok(Volume::new(*target, channels, T::collect(out))?)
}

/// The outside value in a voxel type; border modes do not use it.
pub(crate) fn outside_value<T: Sample>(outside: Extrapolation) -> T {
    match outside {
        Extrapolation::Value(value) | Extrapolation::ValueBeyondCentres(value) => {
            T::from_work(T::Work::from_f64(value))
        }
        Extrapolation::Edge => T::default(),
    }
}

/// The channels of a buffer, with their numbers.
pub(crate) fn chunks<T>(out: &mut [T], channels: usize) -> impl Iterator<Item = (usize, &mut [T])> {
    let voxels = out.len() / channels.max(1);
    out.chunks_mut(voxels.max(1)).enumerate()
}

/// The affine map from a target grid's voxel index to a source grid's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndexMap {
    affine: Affine,
    source: [usize; 3],
    target: [usize; 3],
}

impl IndexMap {
    /// The map from `target`'s index over the world, moved by `map`, to `source`'s index.
    ///
    /// # Errors
    /// [`Error::NoVoxels`] when the source is empty.
    pub fn new(source: &Geometry, target: &Geometry, map: &Affine) -> Result<Self> {
        if source.voxel_count() == 0 {
            return Err(Error::NoVoxels {
                filter: "resample",
                size: source.size(),
            });
        }
        Ok(Self {
            affine: source.affine().inverse().after(map).after(target.affine()),
            source: source.size(),
            target: target.size(),
        })
    }

    /// Where a target voxel lies in the source's index space.
    #[inline(always)]
    pub fn position(&self, index: [usize; 3]) -> [f64; 3] {
        self.affine.apply(index.map(|v| v as f64))
    }

    /// The source axis that each target axis runs along, when each runs along one.
    pub(crate) fn parallel_order(&self) -> Option<[usize; 3]> {
        let linear = self.affine.linear();
        let mut order = [usize::MAX; 3];
        for (axis, slot) in order.iter_mut().enumerate() {
            let moves = |row: usize| {
                let length = self.target[axis].max(2) as f64;
                linear[row][axis].abs() * length > PARALLEL
            };
            let mut rows = (0..3).filter(|&row| moves(row));
            *slot = rows.next().filter(|_| rows.next().is_none())?;
        }
        let mut seen = order;
        seen.sort_unstable();
        (seen == [0, 1, 2]).then_some(order)
    }

    /// Whether, with parallel axes, every target voxel coincides with a source voxel or lies
    /// outside of the image.
    pub(crate) fn is_whole(&self) -> bool {
        let (linear, first) = (self.affine.linear(), self.affine.translation());
        let near = |v: f64, length: usize| (v - v.round()).abs() * (length as f64) < PARALLEL;
        (0..3)
            .all(|axis| near(linear[axis][axis], self.target[axis].max(1)) && near(first[axis], 1))
    }

    /// The tables of the three axes, when they are parallel in order.
    pub(crate) fn axes<R: Real, K: Kernel<N>, const N: usize>(
        &self,
        outside: Extrapolation,
    ) -> [Axis<R, N>; 3] {
        let (linear, first) = (self.affine.linear(), self.affine.translation());
        std::array::from_fn(|axis| {
            let (step, first) = (linear[axis][axis], first[axis]);
            Axis::new::<K>(self.target[axis], self.source[axis], step, first, outside)
        })
    }

    /// Interpolates one channel.
    fn interpolate<R: Real>(
        &self,
        source: &[R],
        options: &ResampleOptions,
        out: &mut [R],
        work: &Work,
    ) {
        if out.is_empty() || !work.goes_on() {
            return;
        }
        if options.interpolation == Interpolation::Cubic {
            let border = match options.outside {
                Extrapolation::Edge => spline::Border::Edge,
                _ => spline::Border::Mirror,
            };
            let (coefficients, padded) = spline::coefficients(source, self.source, border, work);
            self.apply::<R, Cubic, 4>(&coefficients, padded, options.outside, out, work);
        } else {
            self.apply::<R, Linear, 2>(source, self.source, options.outside, out, work);
        }
    }

    fn apply<R: Real, K: Kernel<N>, const N: usize>(
        &self,
        source: &[R],
        padded: [usize; 3],
        outside: Extrapolation,
        out: &mut [R],
        work: &Work,
    ) {
        if self.parallel_order() == Some([0, 1, 2]) {
            let axes = self.axes::<R, K, N>(outside);
            separable::separable(source, padded, &axes, out, self.target, work);
        } else {
            let position = |i: [usize; 3]| self.position(i);
            let source = Window::all(source, padded);
            points::interpolate::<R, K, N>(&source, &position, outside, out, self.target, work);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::{flip, permute};
    use proptest::prelude::*;

    fn grid(size: [usize; 3]) -> Geometry {
        let (c, s) = (0.3f64.cos(), 0.3f64.sin());
        let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]];
        Geometry::from_parts(size, [0.5, 0.7, 3.0], [-12.0, 30.0, 8.0], direction).unwrap()
    }

    fn image(size: [usize; 3]) -> Volume<f64> {
        Volume::from_fn(grid(size), |[x, y, z]| {
            ((x * 31 + y * 17 + z * 7) % 23) as f64
        })
    }

    const ALL: [Interpolation; 3] = [
        Interpolation::Nearest,
        Interpolation::Linear,
        Interpolation::Cubic,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn to_its_own_grid_and_to_a_flip_of_it_is_a_copy(
            size in prop::array::uniform3(1usize..9),
            axes in prop::array::uniform3(any::<bool>()),
            order in prop::sample::select(vec![[0, 1, 2], [1, 0, 2], [2, 0, 1], [1, 2, 0]]),
        ) {
            let v = image(size);
            for interpolation in ALL {
                let options = ResampleOptions { interpolation, ..Default::default() };
                prop_assert_eq!(&resample(&v, v.geometry(), &options).unwrap(), &v);
                let turned = permute(&flip(&v, axes).unwrap(), order).unwrap();
                let ours = resample(&v, turned.geometry(), &options).unwrap();
                prop_assert_eq!(ours.data(), turned.data());
            }
        }

        #[test]
        fn the_axis_way_agrees_with_the_point_way(
            size in prop::array::uniform3(1usize..9),
            spacing in prop::array::uniform3(0.3f64..4.0),
            shift in prop::array::uniform3(-3.0f64..3.0),
        ) {
            let v = image(size);
            let target = super::super::target_grid(v.geometry(), spacing, Default::default()).unwrap();
            let mut rows = target.affine().rows();
            for (row, shift) in rows.iter_mut().zip(shift) { row[3] += shift; }
            let target = Geometry::new(target.size(), Affine::new(rows).unwrap()).unwrap();
            let map = IndexMap::new(v.geometry(), &target, &Affine::IDENTITY).unwrap();
            for outside in [Extrapolation::Value(-7.0), Extrapolation::ValueBeyondCentres(-7.0), Extrapolation::Edge] {
                let position = |i: [usize; 3]| map.position(i);
                let mut expected = vec![-7.0; target.voxel_count()];
                points::interpolate::<f64, Linear, 2>(&Window::all(v.data(), size), &position, outside, &mut expected, target.size(), &Work::unwatched());
                let options = ResampleOptions { interpolation: Interpolation::Linear, outside };
                let ours = resample(&v, &target, &options).unwrap();
                for (a, b) in ours.data().iter().zip(&expected) {
                    prop_assert!((a - b).abs() < 1e-6, "{} {}", a, b);
                }
            }
        }
    }

    #[test]
    fn a_linear_field_is_reproduced_between_voxels() {
        let g = grid([12, 9, 8]);
        let field = |p: [f64; 3]| 3.0 + 0.5 * p[0] - 2.0 * p[1] + 0.25 * p[2];
        let v = Volume::from_fn(g, |i| field(g.index_to_world(i.map(|v| v as f64))));
        let target = Geometry::from_parts(
            [6, 5, 4],
            [0.31, 0.4, 1.7],
            g.index_to_world([3.3, 3.1, 2.2]),
            [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]],
        )
        .unwrap();
        let options = ResampleOptions {
            interpolation: Interpolation::Linear,
            outside: Extrapolation::Value(f64::NAN),
        };
        let ours = resample(&v, &target, &options).unwrap();
        let mut found = 0;
        for offset in 0..target.voxel_count() {
            let p = target.index_to_world(target.index(offset).map(|v| v as f64));
            let index = g.world_to_index(p);
            if (0..3).all(|a| index[a] >= 0.0 && index[a] <= g.size()[a] as f64 - 1.0) {
                found += 1;
                assert!((ours.data()[offset] - field(p)).abs() < 1e-9);
            }
        }
        assert!(found > 20);
    }
}
