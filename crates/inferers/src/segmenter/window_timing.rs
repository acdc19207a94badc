//! The time of a model's windows: measured while they run, reported with the next plan.

use crate::{Estimate, MemoryPlan};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Seconds that a voxel of a window took in the images so far.
#[derive(Debug, Default)]
pub(super) struct WindowTiming(Mutex<Option<f64>>);

impl WindowTiming {
    fn known(&self) -> Option<f64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, seconds: f64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
    }
}

/// Reports a plan with its time: at once where that is known, after the first two batches where it is not.
pub(super) struct Announcement<'a> {
    timing: &'a WindowTiming,
    plan: MemoryPlan,
    /// Voxels of all windows together.
    work: f64,
    tell: Option<&'a (dyn Fn(&MemoryPlan) + Send + Sync)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    begun: Option<Instant>,
    /// When the first batch was done, and its windows: it allocates memory and is slower than the rest.
    warm: Option<(Instant, usize)>,
    told: bool,
}

impl<'a> Announcement<'a> {
    /// Of a plan whose windows have so many voxels, `batch` of them at a time.
    pub fn new(
        timing: &'a WindowTiming,
        plan: &MemoryPlan,
        (window, batch): (usize, usize),
        tell: Option<&'a (dyn Fn(&MemoryPlan) + Send + Sync)>,
    ) -> Self {
        let announcement = Self {
            timing,
            plan: plan.clone(),
            work: plan.windows as f64 * window as f64,
            tell,
            state: Mutex::default(),
        };
        match timing.known() {
            Some(timing) => {
                let seconds = timing * announcement.work;
                announcement.say(Some(Estimate::EarlierImages(seconds)));
            }
            // The first batch is all there is.
            None if plan.windows <= batch => announcement.say(None),
            None => {}
        }
        announcement
    }

    /// So many windows are done.
    pub fn advanced(&self, done: usize) {
        let (each, told) = {
            let mut state = self.lock();
            let begun = *state.begun.get_or_insert_with(Instant::now);
            // Where there is hardly more than the first batch, its own time is used.
            if done > 0 && state.warm.is_none() && self.plan.windows > 2 * done {
                state.warm = Some((Instant::now(), done));
                return;
            }
            let (since, before) = state.warm.unwrap_or((begun, 0));
            let each = since.elapsed().as_secs_f64() / done.saturating_sub(before).max(1) as f64;
            (each, state.told || done <= before)
        };
        if !told {
            let seconds = each * self.plan.windows as f64;
            self.say(Some(Estimate::FirstWindows(seconds)));
        }
    }

    /// All windows are done.
    pub fn finished(&self) {
        let begun = self.lock().begun;
        if let (Some(begun), true) = (begun, self.work > 0.0) {
            self.timing
                .remember(begun.elapsed().as_secs_f64() / self.work);
        }
        // Where no window was worth running.
        self.say(None);
    }

    fn say(&self, time: Option<Estimate>) {
        if std::mem::replace(&mut self.lock().told, true) {
            return;
        }
        if let Some(tell) = self.tell {
            tell(&MemoryPlan {
                time,
                ..self.plan.clone()
            });
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spilled;

    fn plan(windows: usize) -> MemoryPlan {
        MemoryPlan {
            stripes: vec![],
            slab: 8,
            spilled: Spilled::default(),
            windows,
            windows_unlimited: windows,
            peak: 0,
            time: None,
        }
    }

    #[test]
    fn the_first_windows_tell_and_the_next_image_knows() {
        let told = Mutex::new(Vec::new());
        let tell = |plan: &MemoryPlan| told.lock().unwrap().push(plan.time);
        let timing = WindowTiming::default();
        let run = |windows: usize| {
            let announcement = Announcement::new(&timing, &plan(windows), (1000, 2), Some(&tell));
            let before = told.lock().unwrap().len();
            announcement.advanced(0);
            // The first batch does not count: it may be slow.
            std::thread::sleep(std::time::Duration::from_millis(40));
            announcement.advanced(2);
            std::thread::sleep(std::time::Duration::from_millis(2));
            announcement.advanced(4);
            announcement.advanced(windows);
            announcement.finished();
            before
        };
        assert_eq!(run(10), 0, "not before the first windows");
        assert_eq!(run(10), 2, "before them");
        let told = told.lock().unwrap();
        assert!(matches!(told[0], Some(Estimate::FirstWindows(s)) if (0.01..0.2).contains(&s)));
        assert!(matches!(told[1], Some(Estimate::EarlierImages(s)) if s >= 0.002));
        assert_eq!(told.len(), 2);
    }

    #[test]
    fn a_single_batch_is_told_at_once() {
        let told = Mutex::new(0);
        let tell = |_: &MemoryPlan| *told.lock().unwrap() += 1;
        let timing = WindowTiming::default();
        drop(Announcement::new(&timing, &plan(1), (1000, 2), Some(&tell)));
        assert_eq!(*told.lock().unwrap(), 1);
    }
}
