//! How many steps a run has: as told, or what a number of epochs or minutes comes to.

use super::Run;
use crate::{Duration, Error, Event, FitOptions, Progress, Result, TrainingConfig, TrainingData};

/// Minutes become steps after at least so many, the first of which, that find caches cold, do not
/// count; a long run looks longer, for a minute at most.
const WARM_UP_STEPS: u64 = 12;
const COLD_STEPS: usize = 2;
const WARM_UP_SHARE: f64 = 0.02;
const WARM_UP_SECONDS: f64 = 60.0;

/// The length of a run and what was seen of its speed.
pub(super) struct Plan {
    duration: Duration,
    steps_an_epoch: f64,
    step_seconds: Vec<f64>,
}

impl Plan {
    pub fn new(config: &TrainingConfig, data: &TrainingData, options: &FitOptions) -> Result<Self> {
        let duration = options.duration.or(config.duration).ok_or(Error::BadValue {
            key: "duration".to_owned(),
            found: "not set".to_owned(),
            expected: "`duration: {steps: N}`, `{epochs: N}` or `{minutes: M}` in the config, or `--steps`, `--epochs`, `--minutes`",
        })?;
        duration.check()?;
        let cases = data.training.names().len();
        if cases == 0 {
            return crate::config::bad("dataset", "no training case", "at least one");
        }
        Ok(Self {
            duration,
            steps_an_epoch: cases as f64 / config.patches_per_step() as f64,
            step_seconds: Vec::new(),
        })
    }

    /// Sets the number of steps where it is known already. A number set anew makes a run that had
    /// ended early go on.
    pub fn begin(&self, progress: &mut Progress) {
        let steps = match self.duration {
            Duration::Steps(steps) => steps,
            Duration::Epochs(epochs) => (epochs * self.steps_an_epoch).ceil().max(1.0) as u64,
            Duration::Minutes(_) => return,
        };
        progress.steps = Some(steps);
    }
}

impl Run<'_> {
    /// Turns minutes into steps once it was seen how long a step takes.
    pub(super) fn plan_steps(&mut self, step_seconds: f64) -> Result<()> {
        let (Duration::Minutes(minutes), None) = (self.plan.duration, self.progress.steps) else {
            return Ok(());
        };
        self.plan.step_seconds.push(step_seconds);
        let whole = minutes * 60.0;
        let look = (whole * WARM_UP_SHARE).min(WARM_UP_SECONDS);
        let seconds = self.progress.seconds;
        let enough = self.progress.step >= WARM_UP_STEPS && seconds >= look;
        if !enough && seconds < whole {
            return Ok(());
        }
        let seen = &self.plan.step_seconds;
        let warm = seen.get(COLD_STEPS..).filter(|times| !times.is_empty());
        let times = warm.unwrap_or(seen);
        let seconds_per_step = times.iter().sum::<f64>() / times.len() as f64;
        let left = (whole - seconds).max(0.0);
        let steps = self.progress.step + (left / seconds_per_step) as u64;
        self.progress.steps = Some(steps);
        self.tell(Event::Planned {
            steps,
            seconds_per_step,
        })
    }
}
