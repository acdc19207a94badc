//! Whether a run still learns: a loss that stops being a number or runs away ends it, with what to try.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Steps over which the first losses are averaged.
const FIRST_STEPS: u64 = 20;
/// How much of the smoothed loss stays at each step.
const SMOOTHING: f64 = 0.98;
/// A smoothed loss of so many times the first ones (and by 1 more) has run away.
const RUNAWAY: f64 = 3.0;

/// Statistics of the losses so far, from which a divergence is detected.
///
/// ```
/// use vesalius_training::DivergenceMonitor;
///
/// let mut monitor = DivergenceMonitor::default();
/// monitor.watch(1, 0.9, &[])?;
/// let error = monitor.watch(2, f32::NAN, &["case_07".to_owned()]).unwrap_err();
/// assert!(error.to_string().contains("case_07"));
/// # Ok::<(), vesalius_training::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DivergenceMonitor {
    steps: u64,
    first: f64,
    smooth: f64,
}

impl DivergenceMonitor {
    pub(crate) fn numbers(&mut self) -> [&mut f64; 2] {
        [&mut self.first, &mut self.smooth]
    }

    /// Takes the loss of step `step` on these cases.
    ///
    /// # Errors
    /// [`Error::Diverged`] for a loss that is not finite, or one that has run away.
    pub fn watch(&mut self, step: u64, loss: f32, cases: &[String]) -> Result<()> {
        let diverged = |smoothed: Option<f64>| {
            Err(Error::Diverged {
                step,
                loss,
                smoothed,
                cases: cases.join(", "),
                batch: None,
                layer: None,
            })
        };
        if !loss.is_finite() {
            return diverged(None);
        }
        let loss = f64::from(loss);
        self.steps += 1;
        if self.steps <= FIRST_STEPS {
            self.first += (loss - self.first) / self.steps as f64;
            self.smooth = self.first;
            return Ok(());
        }
        self.smooth = SMOOTHING * self.smooth + (1.0 - SMOOTHING) * loss;
        if self.smooth > self.first.abs() * RUNAWAY + 1.0 {
            return diverged(Some(self.smooth));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_is_no_number_names_the_cases_and_what_to_try() {
        let mut health = DivergenceMonitor::default();
        health.watch(1, 1.5, &[]).unwrap();
        let cases = ["a".to_owned(), "b".to_owned()];
        let error = health.watch(2, f32::NAN, &cases).unwrap_err().to_string();
        for word in ["NaN", "step 2", "a, b", "learning_rate"] {
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn noise_is_no_divergence_and_a_run_away_is() {
        let mut health = DivergenceMonitor::default();
        for step in 0..500 {
            let loss = if step % 7 == 0 { 3.0 } else { 0.5 };
            health.watch(step, loss, &[]).unwrap();
        }
        let ended = (500..2_000).find(|&step| health.watch(step, 40.0, &[]).is_err());
        assert!(ended.is_some_and(|step| step < 520), "{ended:?}");
    }
}
