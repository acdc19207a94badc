//! Sampling voxel by voxel: where a row of the target lies in the source is found once, then every
//! channel and the labels are taken from there.
//!
//! Linear and nearest agree with PyTorch's `grid_sample` (2.15, `align_corners=False`).

use super::place::{image_at, label_at};
use super::{GridMap, ImageSampling, Sampling};
use crate::Result;
use rayon::prelude::*;
use vesalius_filters::vectorised;
use vesalius_volume::{Affine, LabelMap, Volume};

/// Places in a source's index space, for a row of target voxels.
pub(crate) struct Places {
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Places {
    pub fn new(length: usize) -> Self {
        Self {
            x: vec![0.0; length],
            y: vec![0.0; length],
            z: vec![0.0; length],
        }
    }

    pub fn len(&self) -> usize {
        self.x.len()
    }

    pub fn get(&self, i: usize) -> [f64; 3] {
        [self.x[i], self.y[i], self.z[i]]
    }

    pub fn set(&mut self, i: usize, place: [f64; 3]) {
        [self.x[i], self.y[i], self.z[i]] = place;
    }

    /// The voxels `(0 …, y, z)` through an affine map.
    pub fn affine_row(&mut self, affine: &Affine, y: usize, z: usize) {
        let start = affine.apply([0.0, y as f64, z as f64]);
        let linear = affine.linear();
        for (axis, places) in [&mut self.x, &mut self.y, &mut self.z]
            .into_iter()
            .enumerate()
        {
            let (start, step) = (start[axis], linear[axis][0]);
            for (i, place) in places.iter_mut().enumerate() {
                *place = start + step * i as f64;
            }
        }
    }

    /// Every place through a map.
    pub fn each(&mut self, map: impl Fn([f64; 3]) -> [f64; 3]) {
        for i in 0..self.len() {
            self.set(i, map(self.get(i)));
        }
    }
}

/// The first of eight neighbours and the steps to the others, for places with all of them.
struct Taps {
    /// Offset of the neighbour with the smallest index; negative where one is missing.
    offset: Vec<isize>,
    x: Vec<f32>,
    y: Vec<f32>,
    z: Vec<f32>,
}

impl Taps {
    fn new(length: usize) -> Self {
        Self {
            offset: vec![-1; length],
            x: vec![0.0; length],
            y: vec![0.0; length],
            z: vec![0.0; length],
        }
    }
}

/// From a voxel to its neighbours along y and z (and x); 0 along an axis of one voxel.
fn strides(size: [usize; 3]) -> [usize; 3] {
    let full = [1, size[0], size[0] * size[1]];
    std::array::from_fn(|axis| if size[axis] > 1 { full[axis] } else { 0 })
}

vectorised! {
    fn locate(
        x: &[f64],
        y: &[f64],
        z: &[f64],
        size: [usize; 3],
        offset: &mut [isize],
        tx: &mut [f32],
        ty: &mut [f32],
        tz: &mut [f32],
    ) {
        let n = x.len();
        let (y, z, offset) = (&y[..n], &z[..n], &mut offset[..n]);
        let (tx, ty, tz) = (&mut tx[..n], &mut ty[..n], &mut tz[..n]);
        // Along an axis of one voxel only its centre has all neighbours: itself.
        let last = size.map(|n| if n > 1 { n as f64 - 1.0 } else { f64::MIN_POSITIVE });
        let (row, slice) = (size[0] as f64, (size[0] * size[1]) as f64);
        for i in 0..n {
            let (fx, fy, fz) = (x[i].floor(), y[i].floor(), z[i].floor());
            let inside = (x[i] >= 0.0) & (x[i] < last[0]) & (y[i] >= 0.0) & (y[i] < last[1])
                & (z[i] >= 0.0) & (z[i] < last[2]);
            let first = fz * slice + fy * row + fx;
            offset[i] = if inside { first as isize } else { -1 };
            tx[i] = (x[i] - fx) as f32;
            ty[i] = (y[i] - fy) as f32;
            tz[i] = (z[i] - fz) as f32;
        }
    }
}

vectorised! {
    fn mix(
        source: &[f32],
        stride: [usize; 3],
        offset: &[isize],
        tx: &[f32],
        ty: &[f32],
        tz: &[f32],
        out: &mut [f32],
    ) {
        let n = out.len();
        let (offset, tx, ty, tz) = (&offset[..n], &tx[..n], &ty[..n], &tz[..n]);
        let [sx, sy, sz] = stride;
        for i in 0..n {
            if offset[i] < 0 {
                continue;
            }
            let o = offset[i] as usize;
            debug_assert!(o + sx + sy + sz < source.len());
            // SAFETY: `locate` gives an offset only where the voxel and its neighbours towards larger
            // indices lie in the volume that `source` holds, a channel of this size.
            let at = |o: usize| unsafe { *source.get_unchecked(o) };
            let (x, y, z) = (tx[i], ty[i], tz[i]);
            let line = |o: usize| {
                let (a, b) = (at(o), at(o + sx));
                a + (b - a) * x
            };
            let (a, b) = (line(o), line(o + sy));
            let near = a + (b - a) * y;
            let (a, b) = (line(o + sz), line(o + sz + sy));
            let far = a + (b - a) * y;
            out[i] = near + (far - near) * z;
        }
    }
}

/// Buffers of a thread for the rows it works on.
struct Scratch {
    places: Places,
    taps: Taps,
}

impl Scratch {
    fn new(length: usize) -> Self {
        Self {
            places: Places::new(length),
            taps: Taps::new(length),
        }
    }

    fn find(&mut self, map: &GridMap, y: usize, z: usize, size: [usize; 3]) {
        map.row(y, z, &mut self.places);
        let (p, t) = (&self.places, &mut self.taps);
        locate(
            &p.x,
            &p.y,
            &p.z,
            size,
            &mut t.offset,
            &mut t.x,
            &mut t.y,
            &mut t.z,
        );
    }

    fn image(&self, source: &[f32], size: [usize; 3], sampling: &Sampling, out: &mut [f32]) {
        let t = &self.taps;
        let linear = sampling.image == ImageSampling::Linear;
        if linear {
            mix(source, strides(size), &t.offset, &t.x, &t.y, &t.z, out);
        }
        for (i, value) in out.iter_mut().enumerate() {
            if !linear || t.offset[i] < 0 {
                *value = image_at(source, size, self.places.get(i), sampling);
            }
        }
    }

    fn labels(&self, source: &[u16], size: [usize; 3], sampling: &Sampling, out: &mut [u16]) {
        let [sx, sy, sz] = strides(size);
        let corners = [0, sx, sy, sx + sy, sz, sx + sz, sy + sz, sx + sy + sz];
        for (i, value) in out.iter_mut().enumerate() {
            // Away from the borders of labels all eight neighbours agree.
            let same = usize::try_from(self.taps.offset[i]).ok().and_then(|o| {
                let first = source[o];
                let differs = corners.iter().fold(0, |d, c| d | (source[o + c] ^ first));
                (differs == 0).then_some(first)
            });
            *value = same.unwrap_or_else(|| label_at(source, size, self.places.get(i), sampling));
        }
    }
}

/// One slice of every channel and of the labels.
#[derive(Default)]
struct Slice<'a> {
    channels: Vec<&'a mut [f32]>,
    labels: Option<&'a mut [u16]>,
}

/// Image and labels in one pass.
pub(super) fn both(
    map: &GridMap,
    image: &Volume<f32>,
    labels: Option<&LabelMap>,
    sampling: &Sampling,
) -> Result<(Volume<f32>, Option<LabelMap>)> {
    let voxels = map.target.voxel_count();
    let mut out = vec![0.0f32; voxels * image.channels()];
    let mut out_labels = labels.map(|_| vec![0u16; voxels]);
    if voxels > 0 && image.geometry().voxel_count() > 0 {
        let source_labels = labels.map(LabelMap::data);
        fill(
            map,
            image,
            source_labels,
            sampling,
            &mut out,
            out_labels.as_deref_mut(),
        );
    }
    let moved = Volume::new(map.target, image.channels(), out)?;
    let out_labels = out_labels
        .map(|l| LabelMap::new(map.target, l))
        .transpose()?;
    Ok((moved, out_labels))
}

fn fill(
    map: &GridMap,
    image: &Volume<f32>,
    labels: Option<&[u16]>,
    sampling: &Sampling,
    out: &mut [f32],
    out_labels: Option<&mut [u16]>,
) {
    let [nx, ny, nz] = map.target.size();
    let size = image.geometry().size();
    let mut slices: Vec<Slice> = Vec::new();
    slices.resize_with(nz, Slice::default);
    for channel in out.chunks_mut(nx * ny * nz) {
        for (slice, part) in slices.iter_mut().zip(channel.chunks_mut(nx * ny)) {
            slice.channels.push(part);
        }
    }
    for (slice, part) in slices
        .iter_mut()
        .zip(out_labels.into_iter().flat_map(|l| l.chunks_mut(nx * ny)))
    {
        slice.labels = Some(part);
    }
    slices.into_par_iter().enumerate().for_each_init(
        || Scratch::new(nx),
        |scratch, (z, mut slice)| {
            for y in 0..ny {
                scratch.find(map, y, z, size);
                let row = y * nx..(y + 1) * nx;
                for (c, out) in slice.channels.iter_mut().enumerate() {
                    scratch.image(image.channel(c), size, sampling, &mut out[row.clone()]);
                }
                if let (Some(out), Some(source)) = (slice.labels.as_mut(), labels) {
                    scratch.labels(source, size, sampling, &mut out[row]);
                }
            }
        },
    );
}

/// Labels alone.
pub(super) fn labels(map: &GridMap, labels: &LabelMap, sampling: &Sampling) -> Result<LabelMap> {
    let [nx, ny, _] = map.target.size();
    let size = labels.geometry().size();
    let mut out = vec![0u16; map.target.voxel_count()];
    if !out.is_empty() && labels.geometry().voxel_count() > 0 {
        out.par_chunks_mut(nx * ny).enumerate().for_each_init(
            || Scratch::new(nx),
            |scratch, (z, slice)| {
                for (y, row) in slice.chunks_mut(nx).enumerate() {
                    scratch.find(map, y, z, size);
                    scratch.labels(labels.data(), size, sampling, row);
                }
            },
        );
    }
    Ok(LabelMap::new(map.target, out)?)
}

#[cfg(test)]
mod tests {
    use super::super::Stage;
    use super::*;
    use vesalius_volume::Geometry;

    #[test]
    fn odd_grids_are_sampled_as_one_place_at_a_time() {
        let sizes = [1usize, 2, 3, 5, 7, 17];
        let turned = Affine::new([
            [0.9, 0.2, -0.1, -0.4],
            [-0.2, 0.8, 0.3, 0.3],
            [0.1, -0.3, 1.1, -0.2],
            [0.0, 0.0, 0.0, 1.0],
        ]);
        for (index, &x) in sizes.iter().enumerate() {
            let size = [
                x,
                sizes[(index + 1) % 6].min(5),
                sizes[(index * 2) % 6].min(5),
            ];
            let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
            let target = Geometry::axis_aligned([7, 3, 2], [1.0; 3]).unwrap();
            let value = |[x, y, z]: [usize; 3]| ((x * 7 + y * 5 + z * 3) % 11) as f32 - 4.0;
            let image = Volume::from_fn(grid, value);
            let seen = LabelMap::from_fn(grid, |[x, y, z]| ((x + y + z) % 3) as u16);
            let sampling = Sampling::default();
            let map = GridMap::new(target, Stage::Affine(turned.clone().unwrap()));
            let (found, found_labels) = both(&map, &image, Some(&seen), &sampling).unwrap();
            let mut row = Places::new(7);
            for (at, &found) in found.data().iter().enumerate() {
                map.row(at / 7 % 3, at / 21, &mut row);
                let place = row.get(at % 7);
                let expected = image_at(image.data(), size, place, &sampling);
                assert!((found - expected).abs() < 1e-5, "{size:?} {place:?}");
                let expected = label_at(seen.data(), size, place, &sampling);
                assert_eq!(found_labels.as_ref().unwrap().data()[at], expected);
            }
        }
    }
}
