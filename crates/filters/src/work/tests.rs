//! Every function with a control: the results of its plain form, all of its progress, and where it is cancelled.

mod resampling;

use crate::*;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use vesalius_control::Control;
use vesalius_volume::{ErrorKind, Geometry, LabelMap, Volume};

fn image() -> Volume<f32> {
    let grid = Geometry::axis_aligned([40, 36, 30], [1.0, 1.0, 2.0]).unwrap();
    Volume::from_fn(grid, |[x, y, z]| {
        (10 + (x * 31 + y * 17 + z * 57) % 23) as f32
    })
}

fn mask() -> LabelMap<u8> {
    LabelMap::from_fn(*image().geometry(), |[x, y, z]| {
        u8::from((x * y + z) % 7 == 0)
    })
}

/// Hollow boxes of several labels, near enough to each other that they meet as they grow.
fn labels() -> LabelMap<u8> {
    LabelMap::from_fn(*image().geometry(), |index| {
        let within = |from: usize, to: usize| index.iter().all(|i| (from..to).contains(&(i % 10)));
        let number = index[0] / 10 + 4 * (index[1] / 10) + 16 * (index[2] / 10);
        let here = within(1, 9) && !within(4, 6);
        if here { 1 + (number % 5) as u8 } else { 0 }
    })
}

/// Which functions were called.
#[derive(Default)]
struct Called(BTreeSet<String>);

impl Called {
    /// Calls a function, named first in `what`, with a control that is cancelled before, with one that is cancelled
    /// in the middle, and with one that only watches: whole results are those of the plain function.
    fn both<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        plain: Result<T>,
        watched: impl Fn(&Control) -> Result<T>,
    ) {
        let name = what.split(' ').next().unwrap_or_default();
        self.0.insert(name.to_owned());
        let control = Control::new();
        let last = Arc::new(Mutex::new((0, None)));
        control.on_progress({
            let last = last.clone();
            move |progress| {
                let mut last = last.lock().unwrap();
                assert!(progress.done >= last.0, "what is done never becomes less");
                *last = (progress.done, progress.total);
            }
        });
        assert!(watched(&control).unwrap() == plain.unwrap(), "{what}");
        let (done, total) = *last.lock().unwrap();
        assert_eq!(Some(done), total, "{what}");

        let control = Control::new();
        let most = Arc::new(Mutex::new(0));
        control.on_progress({
            let (control, most) = (control.clone(), most.clone());
            move |progress| {
                let mut most = most.lock().unwrap();
                *most = progress.done.max(*most);
                if progress.done > 0 {
                    control.cancel();
                }
            }
        });
        let refused = watched(&control).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Cancelled, "{what}: {refused}");
        // Each thread finishes the part that it had started.
        let total = total.unwrap();
        assert!(
            *most.lock().unwrap() < total || total < 8,
            "{what}: {most:?} of {total}"
        );

        let control = Control::new();
        control.cancel();
        control.on_progress(|progress| assert_eq!(progress.done, 0));
        let refused = watched(&control).unwrap_err();
        assert!(matches!(refused, Error::Cancelled(_)), "{what}: {refused}");
    }
}

#[test]
fn every_function_with_a_control_is_cancelled_within_and_gives_the_same_otherwise() {
    let mut called = Called::default();
    components(&mut called);
    morphology(&mut called);
    regions(&mut called);
    smoothing(&mut called);
    intensities(&mut called);
    resampling::between_grids(&mut called);
    resampling::as_nnunet(&mut called);
    let exported = include_str!("../lib.rs").split(|c: char| !c.is_alphanumeric() && c != '_');
    let exported = exported.filter(|word| word.len() > 5 && word.ends_with("_with"));
    let exported: BTreeSet<String> = exported.map(str::to_owned).collect();
    assert!(exported.contains("median_with"));
    assert_eq!(called.0, exported);
}

fn components(called: &mut Called) {
    let options = ComponentOptions::default();
    for map in [mask(), labels()] {
        let plain = connected_components(&map, &options);
        called.both("connected_components_with", plain, |control| {
            connected_components_with(&map, &options, control)
        });
        let plain = keep_largest(&map, &options);
        called.both("keep_largest_with", plain, |control| {
            keep_largest_with(&map, &options, control)
        });
        let plain = keep_largest_and_equals(&map, &options);
        called.both("keep_largest_and_equals_with", plain, |control| {
            keep_largest_and_equals_with(&map, &options, control)
        });
        let plain = keep_larger_than(&map, 20.0, &options);
        called.both("keep_larger_than_with", plain, |control| {
            keep_larger_than_with(&map, 20.0, &options, control)
        });
        let seeds = [[2, 2, 2], [7, 1, 0], [39, 35, 29]];
        let plain = keep_touching(&map, &seeds, &options);
        called.both("keep_touching_with", plain, |control| {
            keep_touching_with(&map, &seeds, &options, control)
        });
        let plain = component_statistics(&map, &options);
        called.both("component_statistics_with", plain, |control| {
            component_statistics_with(&map, &options, control)
        });
    }
}

fn morphology(called: &mut Called) {
    let element = Element::millimetres(Shape::Ball, [3.0; 3]);
    let nothing = LabelMap::<u8>::background(*image().geometry());
    assert_eq!(
        dilate_with(&nothing, &element, &Control::new()).unwrap(),
        nothing
    );
    for map in [mask(), labels()] {
        let plain = dilate(&map, &element);
        called.both("dilate_with", plain, |control| {
            dilate_with(&map, &element, control)
        });
        for border in [Border::Foreground, Border::Background] {
            let plain = erode(&map, &element, border);
            called.both("erode_with", plain, |control| {
                erode_with(&map, &element, border, control)
            });
        }
        let plain = opening(&map, &element);
        called.both("opening_with", plain, |control| {
            opening_with(&map, &element, control)
        });
        let plain = closing(&map, &element);
        called.both("closing_with", plain, |control| {
            closing_with(&map, &element, control)
        });
        for slices in [None, Some(0), Some(1), Some(2)] {
            let options = HoleOptions {
                slices,
                ..HoleOptions::default()
            };
            let plain = fill_holes(&map, &options);
            called.both("fill_holes_with", plain, |control| {
                fill_holes_with(&map, &options, control)
            });
        }
    }
    let (image, connectivity) = (image(), Connectivity::Edges);
    let lower = image.map(|value| value - 9.0);
    for way in [Reconstruction::ByDilation, Reconstruction::ByErosion] {
        let plain = reconstruct(&lower, &image, way, connectivity);
        called.both("reconstruct_with", plain, |control| {
            reconstruct_with(&lower, &image, way, connectivity, control)
        });
    }
}

fn regions(called: &mut Called) {
    let (image, mask, labels) = (image(), mask(), labels());
    let plain = distance_map::<_, f32>(&mask);
    called.both("distance_map_with", plain, |control| {
        distance_map_with(&mask, control)
    });
    let plain = signed_distance::<_, f32>(&mask);
    called.both("signed_distance_with", plain, |control| {
        signed_distance_with(&mask, control)
    });
    let (size, spacing) = (mask.geometry().size(), mask.geometry().spacing());
    let plain = squared_distance::<f32, u8>(mask.data(), size, spacing, |v| v != 0);
    called.both("squared_distance_with", plain, |control| {
        squared_distance_with(mask.data(), size, spacing, |v| v != 0, control)
    });
    for line in [true, false] {
        let options = WatershedOptions {
            line,
            ..WatershedOptions::default()
        };
        let plain = watershed(&image, &labels, &options);
        called.both("watershed_with", plain, |control| {
            watershed_with(&image, &labels, &options, control)
        });
    }
    let connectivity = Connectivity::Corners;
    let plain = label_contour(&labels, connectivity);
    called.both("label_contour_with", plain, |control| {
        label_contour_with(&labels, connectivity, control)
    });
    let options = MeasureOptions::default();
    let plain = measure_labels(&labels, Some(&image), options);
    called.both("measure_labels_with", plain, |control| {
        measure_labels_with(&labels, Some(&image), options, control)
    });
    called.both("label_shapes_with", Ok(label_shapes(&labels)), |control| {
        label_shapes_with(&labels, control)
    });
    let plain = label_intensities(&image, &labels);
    called.both("label_intensities_with", plain, |control| {
        label_intensities_with(&image, &labels, control)
    });
    called.both("marching_cubes_with", marching_cubes(&image, 20.0), |c| {
        marching_cubes_with(&image, 20.0, c)
    });
    called.both("label_surface_with", label_surface(&labels, 2), |control| {
        label_surface_with(&labels, 2, control)
    });
    let none = label_surface_with(&labels, 77, &Control::new());
    assert_eq!(none.unwrap(), Mesh::default());
}

fn smoothing(called: &mut Called) {
    let (image, mask) = (image(), mask());
    called.both("median_with", median(&image, [1; 3]), |control| {
        median_with(&image, [1; 3], control)
    });
    called.both("majority_with", majority(&mask, [1; 3]), |control| {
        majority_with(&mask, [1; 3], control)
    });
    for sigma in [[2.0; 3], [0.0, 0.0, 2.0], [2.0, 2.0, 0.0]] {
        let plain = recursive_gaussian(&image, sigma);
        called.both("recursive_gaussian_with", plain, |control| {
            recursive_gaussian_with(&image, sigma, control)
        });
    }
    let order = [Order::First, Order::Zero, Order::Second];
    let plain = recursive_gaussian_derivative(&image, [2.0; 3], order);
    called.both("recursive_gaussian_derivative_with", plain, |control| {
        recursive_gaussian_derivative_with(&image, [2.0; 3], order, control)
    });
    let options = DiscreteGaussianOptions::default();
    let plain = discrete_gaussian(&image, &options);
    called.both("discrete_gaussian_with", plain, |control| {
        discrete_gaussian_with(&image, &options, control)
    });
    let plain = gradient_magnitude(&image);
    called.both("gradient_magnitude_with", plain, |control| {
        gradient_magnitude_with(&image, control)
    });
    called.both("laplacian_with", laplacian(&image), |control| {
        laplacian_with(&image, control)
    });
    let plain = laplacian_sharpening(&image);
    called.both("laplacian_sharpening_with", plain, |control| {
        laplacian_sharpening_with(&image, control)
    });
    let options = UnsharpMaskOptions::default();
    called.both("unsharp_mask_with", unsharp_mask(&image, &options), |c| {
        unsharp_mask_with(&image, &options, c)
    });
    let options = DiffusionOptions::default();
    let plain = curvature_anisotropic_diffusion(&image, &options);
    called.both("curvature_anisotropic_diffusion_with", plain, |control| {
        curvature_anisotropic_diffusion_with(&image, &options, control)
    });
}

fn intensities(called: &mut Called) {
    let image = image();
    let options = N4Options {
        iterations: vec![3; 3],
        convergence_threshold: 0.0,
        ..N4Options::default()
    };
    let bias = |result: Result<N4Result<f32>>| result.map(|result| result.log_bias);
    let plain = bias(n4_bias_field_correction(
        &image,
        None::<&LabelMap>,
        &options,
    ));
    called.both("n4_bias_field_correction_with", plain, |control| {
        let mask = None::<&LabelMap>;
        bias(n4_bias_field_correction_with(
            &image, mask, &options, control,
        ))
    });
    for mask in [None, Some(&mask())] {
        let plain = normalise(&image, mask, Deviation::Sample);
        called.both("normalise_with", plain, |control| {
            normalise_with(&image, mask, Deviation::Sample, control)
        });
    }
    let options = HistogramMatchingOptions::default();
    let reference = image.map(|value| value * value);
    let plain = match_histogram(&image, &reference, &options);
    called.both("match_histogram_with", plain, |control| {
        match_histogram_with(&image, &reference, &options, control)
    });
    let options = ClaheOptions::default();
    let plain = clahe(&image, &options);
    called.both("clahe_with", plain, |control| {
        clahe_with(&image, &options, control)
    });
    let options = ScikitImageClaheOptions::default();
    let plain = clahe_scikit_image(&image, &options);
    called.both("clahe_scikit_image_with", plain, |control| {
        clahe_scikit_image_with(&image, &options, control)
    });
    let plain = multi_otsu_thresholds(&image, 3, 64);
    called.both("multi_otsu_thresholds_with", plain, |control| {
        multi_otsu_thresholds_with(&image, 3, 64, control)
    });
    let plain = multi_otsu_labels(&image, 3, 64);
    called.both("multi_otsu_labels_with", plain, |control| {
        multi_otsu_labels_with(&image, 3, 64, control)
    });
}
