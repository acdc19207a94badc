//! Diameters against all pairs of faces, on grids with axes of any direction.

use super::*;
use vesalius_volume::{Affine, Geometry};

/// Random numbers from 0 to 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn grids(size: [usize; 3]) -> Vec<Geometry> {
    let linears = [
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
        [[-0.7, 0.0, 0.0], [0.0, -0.8, 0.0], [0.0, 0.0, 5.0]],
        [[0.0, 0.0, -2.5], [0.9, 0.0, 0.0], [0.0, -0.9, 0.0]],
        [[0.56, -0.36, 1.2], [0.42, 0.48, -1.6], [0.0, 0.8, 0.3]],
    ];
    let grid = |linear| Geometry::new(size, Affine::from_linear(linear, [12.0, -40.0, 7.0])?);
    linears
        .into_iter()
        .map(|linear| grid(linear).unwrap())
        .collect()
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt()
}

/// The middles of the faces of a label's voxels that border on others, with their slices.
fn faces(
    labels: &LabelMap<u16>,
    label: u16,
    axes: &[usize],
    axis: usize,
) -> Vec<(usize, [f64; 3])> {
    let grid = labels.geometry();
    let is_label = |index: [i64; 3]| {
        let inside = (0..3).all(|i| (0..grid.size()[i] as i64).contains(&index[i]));
        inside && labels.get(index.map(|v| v as usize)) == label
    };
    let mut found = Vec::new();
    for offset in 0..grid.voxel_count() {
        let index = grid.index(offset).map(|v| v as i64);
        for &along in axes.iter().filter(|_| is_label(index)) {
            for side in [-1, 1] {
                let mut next = index;
                next[along] += side;
                if !is_label(next) {
                    let mut face = index.map(|v| v as f64);
                    face[along] += side as f64 / 2.0;
                    found.push((index[axis] as usize, grid.index_to_world(face)));
                }
            }
        }
    }
    found
}

fn by_all_pairs(faces: &[(usize, [f64; 3])], in_slice: bool) -> f64 {
    let mut longest = 0.0f64;
    for (i, a) in faces.iter().enumerate() {
        for b in &faces[i..] {
            if !in_slice || a.0 == b.0 {
                longest = longest.max(distance(a.1, b.1));
            }
        }
    }
    longest
}

/// Blobs, noise and single voxels.
fn shapes(grid: Geometry, random: &mut Random) -> LabelMap<u16> {
    let middle: [f64; 3] = std::array::from_fn(|i| random.next() * grid.size()[i] as f64);
    let noise = random.next() * 0.1;
    let lone = std::array::from_fn(|i| (random.next() * grid.size()[i] as f64) as usize);
    LabelMap::from_fn(grid, |index| {
        let at: f64 = (0..3)
            .map(|i| ((index[i] as f64 - middle[i]) / 3.0).powi(2))
            .sum();
        match (index == lone, at < 1.0, random.next() < noise) {
            (true, ..) => 7,
            (_, true, _) => 2,
            (.., true) => 3,
            _ => 0,
        }
    })
}

#[test]
fn diameters_are_those_of_all_pairs_of_faces_whatever_the_axes() {
    let mut random = Random(5);
    for size in [[9, 8, 7], [1, 12, 5], [13, 1, 1], [6, 6, 6]] {
        for grid in grids(size) {
            for axis in 0..3 {
                let labels = shapes(grid, &mut random);
                let options = MeasureOptions::default().slices_along(axis);
                let measures = measure_labels::<_, f32>(&labels, None, options).unwrap();
                assert_eq!(
                    measures.len(),
                    labels.counts().keys().filter(|l| **l > 0).count()
                );
                for found in measures {
                    let plane: Vec<usize> = (0..3).filter(|i| *i != axis).collect();
                    let label = found.label as u16;
                    let all = faces(&labels, label, &[0, 1, 2], axis);
                    let flat = faces(&labels, label, &plane, axis);
                    let (longest, in_slice) =
                        (by_all_pairs(&all, false), by_all_pairs(&flat, true));
                    let what = format!("label {label}, {size:?}, slices along {axis}");
                    assert!((found.diameter.length - longest).abs() < 1e-9, "{what}");
                    assert!(
                        (found.slice_diameter.length - in_slice).abs() < 1e-9,
                        "{what}"
                    );
                    for (diameter, faces) in [(found.diameter, &all), (found.slice_diameter, &flat)]
                    {
                        let [a, b] = diameter.ends;
                        assert!((distance(a, b) - diameter.length).abs() < 1e-9, "{what}");
                        for end in [a, b] {
                            let on = faces.iter().any(|(_, face)| distance(*face, end) < 1e-9);
                            assert!(on, "{what}: an end lies on the surface");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_ball_is_as_long_as_it_is_wide() {
    // All directions are about equally long: the case in which the most pairs are near the longest.
    let grid = Geometry::axis_aligned([121, 121, 121], [1.0; 3]).unwrap();
    let labels = LabelMap::<u8>::from_fn(grid, |index| {
        let squared: f64 = index.iter().map(|&i| (i as f64 - 60.0).powi(2)).sum();
        u8::from(squared <= 58.0 * 58.0)
    });
    let found = &measure_labels::<_, f32>(&labels, None, MeasureOptions::default()).unwrap()[0];
    // 116 mm between centres of voxels along an axis, and one of two half voxels beyond them.
    assert_eq!(found.diameter.length, 117.0);
    assert_eq!(found.slice_diameter.length, 117.0);
    assert_eq!(found.volume, found.voxels as f64);
    assert_eq!(found.millilitres(), found.volume / 1000.0);
}

#[test]
fn values_that_are_not_finite_are_left_out_and_counted() {
    let grid = Geometry::axis_aligned([6, 1, 1], [2.0, 1.0, 1.0]).unwrap();
    let labels = LabelMap::<u16>::new(grid, vec![1, 1, 1, 1, 2, 3]).unwrap();
    let values = vec![1.0, 4.0, f32::NAN, 2.0, f32::INFINITY, -8.0];
    let image = Volume::new(grid, 1, values).unwrap();
    let measures = measure_labels(&labels, Some(&image), MeasureOptions::default()).unwrap();
    let first = measures[0].intensity.unwrap();
    assert_eq!((first.finite, first.not_finite), (3, 1));
    assert_eq!(
        (first.minimum, first.median, first.maximum),
        (1.0, 2.0, 4.0)
    );
    assert!((first.mean - 7.0 / 3.0).abs() < 1e-12);
    assert!((first.deviation.unwrap() - (7.0f64 / 3.0).sqrt()).abs() < 1e-12);
    assert_eq!(measures[1].intensity, None, "no value is finite");
    let one = measures[2].intensity.unwrap();
    assert_eq!((one.mean, one.median, one.deviation), (-8.0, -8.0, None));
    assert_eq!(
        (measures[0].volume, measures[0].diameter.length),
        (8.0, 8.0)
    );
}

#[test]
fn an_even_number_of_values_has_its_median_between_two() {
    let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3]).unwrap();
    let labels = LabelMap::<u16>::new(grid, vec![1; 4]).unwrap();
    let image = Volume::new(grid, 1, vec![9.0, -1.0, 3.0, 2.0]).unwrap();
    let measures = measure_labels(&labels, Some(&image), MeasureOptions::default()).unwrap();
    assert_eq!(measures[0].intensity.unwrap().median, 2.5);
}

#[test]
fn another_grid_an_axis_beyond_and_a_cancelled_control_are_errors() {
    let grid = Geometry::axis_aligned([4, 4, 4], [1.0; 3]).unwrap();
    let labels = LabelMap::<u16>::from_fn(grid, |_| 1);
    let other = Volume::filled(Geometry::axis_aligned([4, 4, 5], [1.0; 3]).unwrap(), 0.0f32);
    let options = MeasureOptions::default();
    for (shift, fits) in [(0.04, true), (0.06, false)] {
        let moved = grid.with_origin([0.0, -shift, 0.0]).unwrap();
        let image = Volume::filled(moved, 0.0f32);
        let measured = measure_labels(&labels, Some(&image), options);
        assert_eq!(measured.is_ok(), fits, "{shift} voxels off");
    }
    assert!(matches!(
        measure_labels(&labels, Some(&other), options),
        Err(Error::Volume(_))
    ));
    let beyond = measure_labels::<_, f32>(&labels, None, options.slices_along(3));
    assert!(matches!(
        beyond,
        Err(Error::BadOption {
            option: "slice_axis",
            ..
        })
    ));
    let control = Control::new();
    control.cancel();
    let cancelled = measure_labels_with::<_, f32>(&labels, None, options, &control);
    assert!(matches!(cancelled, Err(Error::Cancelled(_))));
    let none = LabelMap::<u16>::background(grid);
    assert!(
        measure_labels::<_, f32>(&none, None, options)
            .unwrap()
            .is_empty()
    );
}
