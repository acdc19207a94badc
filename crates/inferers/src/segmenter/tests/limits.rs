//! Windows, numbers and grids at their limits are errors, never a panic.

use super::*;
use crate::{Inferer, MultiScale, Patches, Slice, SlidingWindow, TestTime, WindowRule};

/// A network whose patches must be multiples of a number.
struct Divided(usize);
impl PatchNetwork for Divided {
    fn forward(&self, patches: Tensor<5>) -> vesalius_networks::Result<Tensor<5>> {
        Ok(patches)
    }
    fn divisor(&self) -> [usize; 3] {
        [self.0; 3]
    }
}

#[test]
fn windows_at_their_limits_are_errors() {
    let image = image();
    let windows = |change: &dyn Fn(&mut SlidingWindow)| {
        let mut windows = SlidingWindow {
            patch_size: [8; 3],
            ..SlidingWindow::default()
        };
        change(&mut windows);
        windows
    };
    let wrong = [
        windows(&|w| w.batch_size = 0),
        windows(&|w| w.overlap = 1.0),
        windows(&|w| w.overlap = f64::NAN),
        windows(&|w| w.patch_size = [i64::MAX; 3]),
        windows(&|w| w.patch_size = [i64::MIN; 3]),
        windows(&|w| w.patch_size = [65_000; 3]),
        windows(&|w| w.patch_size = [0, 8, 8]),
    ];
    for windows in wrong {
        let inferer = Inferer::SlidingWindow(windows.clone());
        let inside = Box::new(inferer.clone());
        let scales = MultiScale {
            scales: vec![1.0, 2.0],
            inferer: inside.clone(),
        };
        let views = TestTime {
            views: vec![serde_saphyr::from_str("[flip: {axes: [x], probability: 1}]").unwrap()],
            inferer: inside,
            ..TestTime::default()
        };
        for inferer in [
            inferer,
            Inferer::MultiScale(scales),
            Inferer::TestTime(views),
        ] {
            let refused = inferer.run(&image, &Divided(1), &Device::flex());
            assert!(refused.is_err(), "{inferer:?}");
        }
    }
    for patches in [
        Patches {
            patch_size: [usize::MAX; 3],
            ..Patches::default()
        },
        Patches {
            overlap: 1.0,
            ..Patches::default()
        },
        Patches {
            batch_size: 0,
            ..Patches::default()
        },
    ] {
        assert!(patches.run(&image, &Divided(1), &Device::flex()).is_err());
    }
    let slice = Slice {
        batch_size: 0,
        ..Slice::default()
    };
    assert!(slice.run(&image, &Divided(1), &Device::flex()).is_err());
    // What a network divides by may be too long as well.
    for divisor in [usize::MAX, usize::MAX / 2, 1 << 40, 1 << 17] {
        let refused = windows(&|_| ()).run(&image, &Divided(divisor), &Device::flex());
        assert!(refused.is_err(), "{divisor}");
    }
    // Larger than the image, or more at a time than there are, is none of a mistake.
    for windows in [
        windows(&|w| w.patch_size = [64, 8, 8]),
        windows(&|w| w.batch_size = usize::MAX),
        windows(&|w| w.overlap = 0.999_999_999),
        windows(&|w| (w.overlap, w.rule) = (0.999_999_999, WindowRule::Nnunet)),
    ] {
        let fits = windows.check();
        assert!(fits.is_ok(), "{windows:?}");
    }
    let huge = windows(&|w| (w.patch_size, w.batch_size) = ([64, 8, 8], usize::MAX));
    // Weighed and divided by the weights: equal but for rounding.
    let answer = huge.run(&image, &Divided(0), &Device::flex()).unwrap();
    let pairs = answer.data().iter().zip(image.data());
    for (answer, image) in pairs {
        assert!(
            (answer - image).abs() <= 1e-6 * image.abs(),
            "{answer} for {image}"
        );
    }
}

#[test]
fn places_and_weights_of_any_window_are_numbers_or_errors() {
    for rule in [WindowRule::Monai, WindowRule::Nnunet] {
        for overlap in [
            -1.0,
            0.0,
            0.5,
            0.999_999_999_9,
            1.0,
            2.0,
            f64::NAN,
            f64::INFINITY,
        ] {
            for (size, window) in [(0, 0), (0, 4), (9, 4), (9, 0), (9, usize::MAX), (1, 1)] {
                let starts = rule.starts(size, window, overlap);
                assert!(
                    !starts.is_empty() && starts.len() < 1000,
                    "{overlap} {size} {window}"
                );
                let last = size.saturating_sub(window);
                assert!(starts.iter().all(|&start| start <= last), "{starts:?}");
            }
        }
        let blending = crate::Blending::Gaussian;
        assert!(rule.weights([usize::MAX; 3], blending).is_err());
        assert!(rule.weights([0, 4, 4], blending).unwrap().is_empty());
    }
}

#[test]
fn margins_of_a_region_end_with_the_image() {
    let stage: crate::RegionStage = serde_saphyr::from_str(&format!(
        "{{model: coarse, margin: [{0}, {0}, {0}], millimetres: [1e300, 0, 0]}}",
        usize::MAX
    ))
    .unwrap();
    let grid = Geometry::axis_aligned([5, 4, 3], [1.0; 3]).unwrap();
    let labels = vesalius_volume::LabelMap::from_fn(grid, |at| u16::from(at == [2, 2, 1]));
    let bounds = stage.bounds(&labels).unwrap();
    assert_eq!((bounds.start, bounds.size), ([0; 3], grid.size()));
}
