//! Cancellation and progress of filters that take longer than a second: checked between slices or rows, reported
//! once per percent.

use crate::Result;
use std::sync::atomic::{AtomicU64, Ordering};
use vesalius_control::{Control, Stage};

/// The work of one filter, counted in parts; nothing where no caller follows it.
pub(crate) struct Work<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    control: &'a Control,
    stage: Stage,
    done: AtomicU64,
    told: AtomicU64,
    total: u64,
}

impl<'a> Work<'a> {
    /// Work that no caller follows.
    pub fn unwatched() -> Self {
        Self(None)
    }

    /// Work of so many parts, under a name.
    pub fn new(control: &'a Control, name: &'static str, total: usize) -> Self {
        let total = total as u64;
        Self(Some(Watched {
            control,
            stage: control.stage(name, total),
            done: AtomicU64::new(0),
            told: AtomicU64::new(0),
            total,
        }))
    }

    /// Whether the work was not cancelled.
    pub fn goes_on(&self) -> bool {
        self.0.as_ref().is_none_or(|w| !w.control.is_cancelled())
    }

    /// Does a part of the work that counts as so many parts, unless the work was cancelled; then what it writes
    /// stays as it is, and [`Work::check`] returns the error.
    pub fn part(&self, parts: usize, run: impl FnOnce()) {
        if self.goes_on() {
            run();
            self.advance(parts);
        }
    }

    /// So many parts more are done.
    pub fn advance(&self, parts: usize) {
        let Some(watched) = &self.0 else { return };
        let before = watched.done.fetch_add(parts as u64, Ordering::Relaxed);
        let percent = |done: u64| done.saturating_mul(100) / watched.total.max(1);
        let done = before + parts as u64;
        if percent(before) != percent(done) {
            // Threads arrive out of order; the reported count only grows.
            let told = watched.told.fetch_max(done, Ordering::Relaxed);
            watched.stage.advance(done.saturating_sub(told));
        }
    }

    /// # Errors
    /// [`crate::Error::Cancelled`] once the work was cancelled.
    pub fn check(&self) -> Result<()> {
        match &self.0 {
            Some(watched) => Ok(watched.control.check()?),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::*;
    use std::sync::{Arc, Mutex};
    use vesalius_control::Control;
    use vesalius_volume::{Affine, ErrorKind, Geometry, LabelMap, Volume};

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

    /// Runs with a control that is cancelled in the middle, and with one that only watches; whole results are
    /// those of the plain function.
    fn both<T: PartialEq + std::fmt::Debug>(
        what: &str,
        plain: Result<T>,
        watched: impl Fn(&Control) -> Result<T>,
    ) {
        let control = Control::new();
        let last = Arc::new(Mutex::new((0, None)));
        control.on_progress({
            let last = last.clone();
            move |progress| *last.lock().unwrap() = (progress.done, progress.total)
        });
        assert_eq!(watched(&control).unwrap(), plain.unwrap(), "{what}");
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
        control.cancel();
        assert!(watched(&control).is_err(), "{what}");
    }

    #[test]
    fn long_filters_are_cancelled_within_and_give_the_same_otherwise() {
        let (image, mask) = (image(), mask());
        both("median", median(&image, [1; 3]), |control| {
            median_with(&image, [1; 3], control)
        });
        both("majority", majority(&mask, [1; 3]), |control| {
            majority_with(&mask, [1; 3], control)
        });
        both("distances", distance_map::<_, f32>(&mask), |control| {
            distance_map_with(&mask, control)
        });
        both("signed", signed_distance::<_, f32>(&mask), |control| {
            signed_distance_with(&mask, control)
        });
        let components = ComponentOptions::default();
        both(
            "components",
            connected_components(&mask, &components),
            |c| connected_components_with(&mask, &components, c),
        );
        let diffusion = DiffusionOptions::default();
        let smooth = curvature_anisotropic_diffusion(&image, &diffusion);
        both("diffusion", smooth, |control| {
            curvature_anisotropic_diffusion_with(&image, &diffusion, control)
        });
        let n4 = N4Options {
            iterations: vec![3; 3],
            convergence_threshold: 0.0,
            ..N4Options::default()
        };
        let bias = |result: Result<N4Result<f32>>| result.map(|result| result.log_bias);
        let plain = bias(n4_bias_field_correction(&image, None::<&LabelMap>, &n4));
        both("N4", plain, |control| {
            let mask = None::<&LabelMap>;
            bias(n4_bias_field_correction_with(&image, mask, &n4, control))
        });
    }

    #[test]
    fn resampling_is_cancelled_along_axes_at_points_and_through_fields() {
        let (image, mask) = (image(), mask());
        let target = Geometry::axis_aligned([50, 41, 45], [0.8, 0.9, 1.3]).unwrap();
        let turn = Affine::new([
            [0.8, -0.6, 0.0, 3.0],
            [0.6, 0.8, 0.0, -2.0],
            [0.0, 0.0, 1.0, 0.5],
            [0.0, 0.0, 0.0, 1.0],
        ])
        .unwrap();
        for map in [Affine::IDENTITY, turn] {
            for interpolation in [
                Interpolation::Nearest,
                Interpolation::Linear,
                Interpolation::Cubic,
            ] {
                let options = ResampleOptions {
                    interpolation,
                    ..ResampleOptions::default()
                };
                let plain = resample_through(&image, &target, &map, &options);
                both(&format!("{interpolation:?}"), plain, |control| {
                    resample_through_with(&image, &target, &map, &options, control)
                });
            }
            for interpolation in [LabelInterpolation::Nearest, LabelInterpolation::Linear] {
                let options = LabelResampleOptions {
                    interpolation,
                    ..LabelResampleOptions::default()
                };
                let plain = resample_labels_through(&mask, &target, &map, &options);
                both(&format!("labels {interpolation:?}"), plain, |control| {
                    resample_labels_through_with(&mask, &target, &map, &options, control)
                });
            }
        }
        let field = Volume::new(target, 3, vec![1.5f32; 3 * target.voxel_count()]).unwrap();
        let options = ResampleOptions::default();
        both("field", resample_displaced(&image, &field, &options), |c| {
            resample_displaced_with(&image, &field, &options, c)
        });
        let options = LabelResampleOptions::default();
        let plain = resample_labels_displaced(&mask, &field, &options);
        both("labels by a field", plain, |control| {
            resample_labels_displaced_with(&mask, &field, &options, control)
        });
    }
}
