//! The same bits with one thread and with three.

use crate::peers::*;
use vesalius_filters::*;

/// Runs a filter in pools of one and of three threads and compares what comes out.
fn same_with_any_threads<T: PartialEq + Send>(what: &str, filter: impl Fn() -> T + Send + Sync) {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(&filter)
    };
    assert!(run(1) == run(3), "{what} depends on the number of threads");
}

#[test]
fn results_do_not_depend_on_threads() {
    let (image, mask) = (image32(), labels("mask", "mask"));
    let labels = labels("labels", "oblique");
    let options = ResampleOptions {
        interpolation: Interpolation::Cubic,
        outside: Extrapolation::Edge,
    };
    same_with_any_threads("resample", || {
        resample(&image, &grid("finer"), &options).unwrap()
    });
    same_with_any_threads("smooth", || recursive_gaussian(&image, [2.0; 3]).unwrap());
    same_with_any_threads("diffusion", || {
        curvature_anisotropic_diffusion(&image, &DiffusionOptions::default()).unwrap()
    });
    same_with_any_threads("components", || {
        connected_components(&mask, &ComponentOptions::default()).unwrap()
    });
    same_with_any_threads("distance", || signed_distance::<u8, f32>(&mask).unwrap());
    same_with_any_threads("shapes", || label_shapes(&labels));
    let options = N4Options {
        iterations: vec![4, 4],
        ..Default::default()
    };
    same_with_any_threads("N4", || {
        n4_bias_field_correction(&image, Some(&labels), &options).unwrap()
    });
}
