//! The time of a validation, measured before the first one where the run has minutes.

use super::Run;
use super::cut::Cut;
use crate::compute::catch_device_panic;
use crate::validate::segment;
use crate::{Result, ValidationOn};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use vesalius_control::{Control, moment_after};
use vesalius_inferers::{AxisOrder, AxisOrderAdapter, Inferer, PatchNetwork};
use vesalius_volume::Warning;

/// The share of the minutes that finding it out may take, and the share where not even the first windows of a case are
/// done by then: a case that takes longer has no place in the minutes.
const SHARE: f64 = 0.05;
const SHARE_OF_FIRST_WINDOWS: f64 = 0.2;
/// Reading and scoring a case, as a share of segmenting it.
const BESIDE: f64 = 0.2;
/// A training step of a patch, in passes through the network: one forwards, two backwards.
const PASSES_A_STEP: f64 = 3.0;

impl Run<'_> {
    /// Measures the time of a validation, if that is needed and unknown, and reports which part of it is made.
    pub(super) fn estimate_validation(&mut self) -> Result<()> {
        let Some(whole) = self.plan.unknown_validation() else {
            return Ok(());
        };
        match self.config.validation.on {
            ValidationOn::Patches(patches) => {
                let step = self.progress.seconds / self.progress.step.max(1) as f64;
                let seconds = step / (PASSES_A_STEP * self.config.patches_per_step() as f64);
                let patches = usize::try_from(patches).unwrap_or(usize::MAX);
                self.plan.take_cost(patches, seconds, None);
            }
            ValidationOn::Volumes => {
                // A run that is cancelled meanwhile ends after this step, saved, and measures it when it is resumed.
                let Some((seconds, coarse)) = self.time_of_a_case(whole)? else {
                    return Ok(());
                };
                let cases = self.data.validation.names().len();
                self.plan.take_cost(cases, seconds, coarse);
            }
        }
        self.tell_of_cut()
    }

    /// Seconds to score a held-out case, and what is left of them with windows side by side; from a part of a case
    /// where little of the `whole` seconds is not enough for it, and infinite where much is not enough for that part.
    /// Cases that are all broken cost nothing; nothing is known where the run was cancelled meanwhile.
    fn time_of_a_case(&self, whole: f64) -> Result<Option<(f64, Option<f64>)>> {
        let cases = &self.data.validation;
        let began = Instant::now();
        let usable = (0..cases.names().len()).find_map(|at| cases.get(at).ok()?.whole().ok());
        let Some(case) = usable else {
            return Ok(Some((0.0, None)));
        };
        let reading = began.elapsed().as_secs_f64();
        let network = self.kept_network();
        let inferer = self.config.inferer_in_use();
        let probe = Probe::within(&self.control, whole);
        let began = Instant::now();
        let device = self.device().clone();
        let found = catch_device_panic(&device, || {
            let labels = &self.data.labels;
            segment(&network, &case, labels, &inferer, &device, &probe.control)
        });
        let seconds = began.elapsed().as_secs_f64();
        let share = match found {
            Ok(_) => 1.0,
            Err(error) if !error.is_cancelled() => return Err(error),
            Err(_) if self.control.is_cancelled() => return Ok(None),
            Err(_) => probe.share(),
        };
        let size = case.subject().geometry().size();
        let turned = AxisOrderAdapter {
            network: &network,
            order: AxisOrder::Zyx,
        };
        let windows =
            |inferer: &Inferer| Some(inferer.window_count(size, turned.divisor())? as f64);
        let coarse = windows(&inferer.without_overlap()).zip(windows(&inferer));
        let coarse = coarse.map(|(few, all)| few / all.max(1.0));
        let seconds = (seconds / share + reading) * (1.0 + BESIDE);
        Ok(Some((seconds, coarse)))
    }

    fn tell_of_cut(&mut self) -> Result<()> {
        let Some(cut) = self.plan.cut() else {
            return Ok(());
        };
        let (of, unit) = match self.config.validation.on {
            ValidationOn::Patches(patches) => {
                (usize::try_from(patches).unwrap_or(usize::MAX), "patches")
            }
            ValidationOn::Volumes => (self.data.validation.names().len(), "held-out cases"),
        };
        let whole = Cut {
            times: self.config.validation.times,
            units: of,
            coarse: false,
        };
        if cut == whole {
            return Ok(());
        }
        self.warn(Warning::ValidationsCut {
            times: cut.times,
            of_times: whole.times,
            units: cut.units,
            of,
            unit: unit.to_owned(),
            side_by_side: cut.coarse,
        })
    }
}

/// A segmentation that ends after a short time and reports how much was done.
struct Probe {
    control: Control,
    share: Arc<Mutex<f64>>,
}

impl Probe {
    /// One within a run of so many seconds.
    fn within(control: &Control, whole: f64) -> Self {
        let now = Instant::now();
        let after = |share: f64| moment_after(now, share * whole);
        // Two handles, as the one that cancels must not hold itself.
        let outer = control.silent();
        let control = match after(SHARE_OF_FIRST_WINDOWS) {
            Some(moment) => outer.until(moment).silent(),
            None => outer.silent(),
        };
        let share = Arc::new(Mutex::new(0.0));
        let (known, enough) = (share.clone(), after(SHARE));
        control.on_progress(move |progress| {
            let total = progress.total.unwrap_or(0).max(1);
            let done = progress.done as f64 / total as f64;
            *known.lock().unwrap_or_else(PoisonError::into_inner) = done;
            if done > 0.0 && enough.is_some_and(|enough| Instant::now() >= enough) {
                outer.cancel();
            }
        });
        Self { control, share }
    }

    /// The share of its windows that it is done with.
    fn share(&self) -> f64 {
        *self.share.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
