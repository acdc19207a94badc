//! From slices of logits on the network's grid to labels (and probabilities) on the file's: resampled,
//! activated and labelled slab by slab.

mod exporter;
mod labels;
mod meaning;
mod output;
mod scatter;
mod undone;
mod whole;

pub(crate) use exporter::Exporter;
pub(crate) use labels::LabelStore;
pub(crate) use meaning::Meaning;
pub(crate) use output::{Kept, Output};
pub(crate) use undone::{labels_undone, probabilities_undone, undone};
pub use whole::labels_on_file;
pub(crate) use whole::{askew, background, whole};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spilled;
    use crate::inferer::Pass;
    use crate::placement::Placement;
    use crate::progress::WindowCount;
    use crate::rows::{ImageRows, ScratchImage};
    use crate::sliding_window::WindowRun;
    use crate::{SkipWindows, SlidingWindow, WindowRule};
    use burn::tensor::{Device, Tensor};
    use vesalius_control::Control;
    use vesalius_filters::LinearParts;
    use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume};

    /// Three channels that differ with the place in the window.
    fn network(patch: Tensor<5>) -> Tensor<5> {
        let shifted = patch.clone().flip([2]) * 0.5;
        Tensor::cat(vec![patch.clone(), shifted, patch.flip([4]) * -0.3], 1)
    }

    fn image() -> Volume<f32> {
        let grid = Geometry::axis_aligned([20, 30, 17], [1.0; 3]).unwrap();
        Volume::from_fn(grid, |[x, y, z]| {
            ((x * 7 + y * 13 + z * 29) % 37) as f32 / 37.0
        })
    }

    fn run(
        windows: &SlidingWindow,
        placement: &Placement,
        image: &dyn ImageRows,
        (height, slab, spilled): (usize, usize, bool),
    ) -> (LabelMap, Vec<f32>) {
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        let mut output = {
            let spilled = Spilled {
                image: false,
                probabilities: spilled,
                labels: spilled,
            };
            let kept = Kept {
                probabilities: true,
                spilled,
                folder: &std::env::temp_dir(),
            };
            let stripes = placement.parts.target_size()[1].div_ceil(height);
            let meaning = Meaning::of_logits(&scheme);
            Output::new(placement, meaning, kept, (&Control::new(), stripes)).unwrap()
        };
        let rows = placement.parts.target_size()[1];
        for first in (0..rows).step_by(height) {
            let stripe = first..(first + height).min(rows);
            let mut exporter = Exporter::new(&mut output, stripe, slab);
            let pass = Pass {
                network: &network,
                device: &Device::flex(),
                windows: &WindowCount::new(&Control::new(), 1),
                check_layers: false,
            };
            let run = WindowRun {
                image,
                pass: &pass,
                rows: exporter.seen(),
                background: Some(vec![1.0, 0.0, 0.0]),
            };
            windows
                .run_slices(&run, &mut |slice| exporter.push(slice))
                .unwrap();
        }
        let (labels, probabilities) = output.finish();
        let map = probabilities.unwrap().into_map().unwrap();
        (labels.into_map().unwrap(), map.data().to_vec())
    }

    #[test]
    fn stripes_slabs_and_scratch_files_change_no_voxel() {
        let image = image();
        let scratch = ScratchImage::new(&image, &std::env::temp_dir()).unwrap();
        let windows = SlidingWindow {
            patch_size: [8, 9, 6],
            batch_size: 3,
            rule: WindowRule::Nnunet,
            ..SlidingWindow::default()
        };
        for (size, apart) in [
            ([20, 30, 17], None),
            ([31, 22, 40], None),
            ([20, 41, 9], Some(2)),
        ] {
            // The file's axes run otherwise than the network's, and the box is a part of it.
            let turned = Geometry::axis_aligned([size[0] + 3, size[1] + 1, size[2] + 2], [1.0; 3]);
            let placement = Placement {
                file: turned.unwrap().permuted([2, 0, 1]),
                order: [1, 2, 0],
                flips: [true, false, false],
                start: [2, 0, 1],
                parts: LinearParts::nnunet([20, 30, 17], size, apart).unwrap(),
                shares: None,
                spline: None,
                half: apart.is_some(),
            };
            let whole = run(&windows, &placement, &image, (1000, 8, false));
            for (height, slab) in [(7, 1), (4, 3), (1, 2)] {
                let parts = run(&windows, &placement, &scratch, (height, slab, true));
                assert_eq!(whole.0, parts.0, "{size:?} {height} {slab}");
                assert_eq!(whole.1, parts.1, "{size:?} {height} {slab}");
            }
            assert_eq!(whole.0.geometry(), &placement.file);
            assert!(whole.0.counts().len() > 1);
        }
    }

    #[test]
    fn skipped_windows_are_background() {
        let mut image = image();
        let plane = 20 * 30;
        // The last windows along z start at slice 11 and see nothing.
        image.data_mut()[11 * plane..].fill(0.0);
        let all = SlidingWindow {
            patch_size: [8, 9, 6],
            overlap: 0.0,
            ..SlidingWindow::default()
        };
        let skipping = SlidingWindow {
            skip: Some(SkipWindows {
                channel: 0,
                at_most: 0.0,
            }),
            ..all.clone()
        };
        let placement = Placement::identity(image.geometry()).unwrap();
        let (_, full) = run(&all, &placement, &image, (1000, 8, false));
        let (labels, skipped) = run(&skipping, &placement, &image, (1000, 8, false));
        assert_eq!(full[..11 * plane], skipped[..11 * plane]);
        let e = 1.0f32.exp();
        assert!((skipped[16 * plane] - e / (e + 2.0)).abs() < 1e-6);
        assert!(labels.data()[12 * plane..].iter().all(|&label| label == 0));
        let wrong = SlidingWindow {
            skip: Some(SkipWindows {
                channel: 1,
                at_most: 0.0,
            }),
            ..all
        };
        let refused = wrong.run(&image, &network, &Device::flex()).unwrap_err();
        assert!(refused.to_string().contains("skip.channel"));
    }
}
