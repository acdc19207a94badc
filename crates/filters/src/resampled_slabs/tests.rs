//! Slabs against the whole.

use super::*;
use crate::resample::{Extrapolation, LabelInterpolation, target_grid};
use crate::{flip, permute, resample_labels};

const OUTSIDE: [Extrapolation; 3] = [
    Extrapolation::Value(-5.0),
    Extrapolation::ValueBeyondCentres(-5.0),
    Extrapolation::Edge,
];

fn image() -> Volume<f32> {
    let (c, s) = (0.3f64.cos(), 0.3f64.sin());
    let direction = [[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, -1.0]];
    let grid = Geometry::from_parts([7, 6, 90], [0.5, 0.7, 1.5], [-12.0, 30.0, 8.0], direction);
    Volume::from_fn(grid.unwrap(), |[x, y, z]| {
        ((x * 31 + y * 17 + z * 57) % 23) as f32 / 7.0
    })
}

/// Grids that lie to the image's in every way: along it, flipped, its axes in other orders, oblique, its own, apart.
fn targets(image: &Volume<f32>) -> Vec<Geometry> {
    let grid = image.geometry();
    let finer = target_grid(grid, [0.6, 0.6, 1.1], Default::default()).unwrap();
    let depth = finer.size()[2];
    let wider = finer.region([-1, 0, -4], [9, 8, depth + 7]).unwrap();
    let oblique = [[0.8, 0.0, 0.6], [0.0, 1.0, 0.0], [-0.6, 0.0, 0.8]];
    let start = grid.index_to_world([1.0, 1.0, 40.0]);
    let oblique = Geometry::from_parts([9, 8, 31], [0.7, 0.6, 0.9], start, oblique).unwrap();
    vec![
        wider,
        wider.flipped([true, false, true]),
        wider.permuted([1, 0, 2]),
        wider.permuted([2, 1, 0]),
        wider.permuted([1, 2, 0]).flipped([false, true, false]),
        oblique,
        *grid,
        grid.region([2, 1, 30], [3, 9, 70]).unwrap(),
        finer.region([0, 0, 4000], [5, 5, 9]).unwrap(),
    ]
}

fn joined<T: Voxel>(
    resampler: SlabResampler<T>,
    source: &mut impl SlabSource<T>,
    slices: usize,
) -> Vec<T> {
    let resampler = resampler.slices(slices).unwrap();
    let control = Control::new();
    let slabs = resampler.slabs(source, &control);
    slabs.flat_map(|slab| slab.unwrap()).collect()
}

#[test]
fn slabs_of_images_are_the_whole_to_the_bit() {
    let image = image();
    let whole_numbers = image.map(|v| (v * 100.0) as i16);
    for target in targets(&image) {
        for interpolation in [Interpolation::Nearest, Interpolation::Linear] {
            for outside in OUTSIDE {
                let options = ResampleOptions {
                    interpolation,
                    outside,
                };
                let whole = resample(&image, &target, &options).unwrap();
                let whole_of_whole = resample(&whole_numbers, &target, &options).unwrap();
                for slices in [2, 13] {
                    let grid = image.geometry();
                    let of_real = SlabResampler::image(grid, &target, &options).unwrap();
                    let bits = |values: &[f32]| -> Vec<u32> {
                        values.iter().map(|v| v.to_bits()).collect()
                    };
                    let found = joined(of_real, &mut &image, slices);
                    assert!(bits(&found) == bits(whole.data()), "{target:?} {options:?}");
                    let of_whole = SlabResampler::image(grid, &target, &options).unwrap();
                    let found = joined(of_whole, &mut &whole_numbers, slices);
                    assert!(found == whole_of_whole.data(), "{target:?} {options:?}");
                }
            }
        }
    }
}

#[test]
fn slabs_of_labels_are_the_whole() {
    let image = image();
    let labels = LabelMap::from_fn(*image.geometry(), |at| image.get(0, at) as u8);
    for target in targets(&image) {
        for interpolation in [
            LabelInterpolation::Nearest,
            LabelInterpolation::Linear,
            LabelInterpolation::Gaussian {
                sigma: [1.0, 1.5, 2.5],
                alpha: 2.0,
            },
        ] {
            for outside in [Extrapolation::Value(3.0), Extrapolation::Edge] {
                let options = LabelResampleOptions {
                    interpolation,
                    outside,
                };
                let whole = resample_labels(&labels, &target, &options).unwrap();
                let resampler = SlabResampler::labels(labels.geometry(), &target, &options);
                let found = joined(resampler.unwrap(), &mut &labels, 5);
                assert!(found == whole.data(), "{target:?} {options:?}");
            }
        }
    }
}

#[test]
fn a_spline_by_slabs_agrees_with_the_whole_and_is_refused_where_it_must_be_equal() {
    let image = image().map(f64::from);
    let target = targets(&self::image())[0];
    for outside in OUTSIDE {
        let options = ResampleOptions {
            interpolation: Interpolation::Cubic,
            outside,
        };
        let mut found = Vec::new();
        resample_slabs(&mut &image, &target, 13, &options, |_, slab| {
            found.extend_from_slice(slab.data());
            Ok(())
        })
        .unwrap();
        let whole = resample(&image, &target, &options).unwrap();
        assert_eq!(found.len(), whole.data().len());
        for (a, b) in found.iter().zip(whole.data()) {
            assert!((a - b).abs() <= 1e-9, "{a} {b}");
        }
        let refused = SlabResampler::<f64>::image(image.geometry(), &target, &options);
        let message = refused.unwrap_err().to_string();
        assert!(message.contains("nearest or linear"), "{message}");
    }
}

/// A volume that counts the most voxels that were asked for at once.
struct Counting<'a> {
    image: &'a Volume<f32>,
    most: usize,
}

impl SlabSource<f32> for Counting<'_> {
    fn geometry(&self) -> Geometry {
        *self.image.geometry()
    }

    fn read(&mut self, first: usize, last: usize) -> Result<Vec<f32>> {
        let values = (&mut &*self.image).read(first, last)?;
        self.most = self.most.max(values.len());
        Ok(values)
    }
}

#[test]
fn no_more_is_read_at_once_than_the_bytes_allow() {
    let image = image();
    let whole = 4 * image.data().len() as u64;
    let control = Control::new();
    let options = ResampleOptions::default();
    for (i, target) in targets(&image).iter().enumerate().take(6) {
        let resampler = || SlabResampler::<f32>::image(image.geometry(), target, &options);
        let needed = resampler().unwrap().needed(1);
        for bytes in [needed, needed.max(whole / 2), 10 * whole] {
            let resampler = resampler().unwrap().within(bytes).unwrap();
            assert!(resampler.needed(resampler.slices) <= bytes, "{i}");
            let mut source = Counting {
                image: &image,
                most: 0,
            };
            let slabs = resampler.slabs(&mut source, &control);
            let made = slabs.map(|slab| slab.unwrap().len()).sum::<usize>();
            assert_eq!(made, target.voxel_count());
            assert!(
                4 * source.most as u64 <= bytes,
                "{i}: {} {bytes}",
                source.most
            );
        }
        let refused = resampler().unwrap().within(needed - 1).unwrap_err();
        assert!(
            refused.to_string().contains(&needed.to_string()),
            "{refused}"
        );
    }
}

#[test]
fn cancelled_work_ends_with_its_error() {
    let image = image();
    let control = Control::new();
    let target = image.geometry();
    let resampler = SlabResampler::<f32>::image(target, target, &ResampleOptions::default());
    let resampler = resampler.unwrap();
    let mut source = &image;
    let mut slabs = resampler.slabs(&mut source, &control);
    assert!(slabs.next().unwrap().is_ok());
    control.cancel();
    assert!(matches!(slabs.next(), Some(Err(Error::Cancelled(_)))));
    assert!(slabs.next().is_none());
}

#[test]
fn turned_sources_are_read_to_their_last_slice() {
    let image = image();
    let turned = permute(&flip(&image, [false, false, true]).unwrap(), [2, 0, 1]).unwrap();
    let options = ResampleOptions::default();
    let resampler = SlabResampler::image(image.geometry(), turned.geometry(), &options);
    assert_eq!(joined(resampler.unwrap(), &mut &image, 2), turned.data());
}
