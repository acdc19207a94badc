//! How many steps a run has: as told, or what a number of epochs or minutes comes to.

use super::Run;
use crate::{Duration, Error, Event, FitOptions, Progress, Result, TrainingConfig, TrainingData};

/// Minutes become steps after at least so many, the first of which, that find caches cold, do not
/// count; a long run looks longer, for a minute at most.
const WARM_UP_STEPS: u64 = 12;
const COLD_STEPS: usize = 2;
const WARM_UP_SHARE: f64 = 0.02;
const WARM_UP_SECONDS: f64 = 60.0;
/// Shares of the time at which the number is reckoned anew: another program may have come or gone.
const LOOKS: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.97];

/// The length of a run and what was seen of its speed.
pub(super) struct Plan {
    duration: Duration,
    steps_an_epoch: f64,
    /// Of the steps since the last look.
    step_seconds: Vec<f64>,
    /// The share of the time at which the next one is.
    next_look: f64,
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
            next_look: LOOKS[0],
        })
    }

    /// Sets the number of steps where it is known already. A number set anew makes a run that had
    /// ended early go on.
    pub fn begin(&mut self, progress: &mut Progress) {
        let steps = match self.duration {
            Duration::Steps(steps) => steps,
            Duration::Epochs(epochs) => (epochs * self.steps_an_epoch).ceil().max(1.0) as u64,
            Duration::Minutes(minutes) => {
                self.next_look = look_after(progress.seconds / (minutes * 60.0));
                return;
            }
        };
        progress.steps = Some(steps);
    }

    /// The number of steps, where it is not one that minutes were turned into, which may still change.
    pub fn steps(&self, progress: &Progress) -> Option<u64> {
        match self.duration {
            Duration::Minutes(_) => None,
            Duration::Steps(_) | Duration::Epochs(_) => progress.steps,
        }
    }

    /// Turns minutes into steps once it was seen how long a step takes, and again at some shares of the
    /// time: the seconds of a step, where the number changed by more than a little.
    fn look(&mut self, progress: &mut Progress, step_seconds: f64) -> Option<f64> {
        let Duration::Minutes(minutes) = self.duration else {
            return None;
        };
        self.step_seconds.push(step_seconds);
        let whole = minutes * 60.0;
        let seconds = progress.seconds;
        let is_due = match progress.steps {
            None => {
                let look = (whole * WARM_UP_SHARE).min(WARM_UP_SECONDS);
                seconds >= whole || progress.step >= WARM_UP_STEPS && seconds >= look
            }
            Some(_) => seconds >= self.next_look * whole,
        };
        if !is_due {
            return None;
        }
        let cold = progress.steps.map_or(COLD_STEPS, |_| 0);
        let warm = self.step_seconds.get(cold..).filter(|t| !t.is_empty());
        let times = warm.unwrap_or(&self.step_seconds);
        let seconds_per_step = times.iter().sum::<f64>() / times.len() as f64;
        let left = (whole - seconds).max(0.0);
        let steps = progress.step + (left / seconds_per_step) as u64;
        self.step_seconds.clear();
        self.next_look = look_after(seconds / whole);
        let before = progress.steps.replace(steps);
        let told = before.is_none_or(|before| before.abs_diff(steps) * 20 > before);
        told.then_some(seconds_per_step)
    }
}

/// The next share of the time at which the number of steps is reckoned anew.
fn look_after(share: f64) -> f64 {
    let next = LOOKS.into_iter().find(|&look| look > share);
    next.unwrap_or(f64::INFINITY)
}

impl Run<'_> {
    /// Plans the number of steps, where minutes were given, and tells of it.
    pub(super) fn plan_steps(&mut self, step_seconds: f64) -> Result<()> {
        let seconds_per_step = self.plan.look(&mut self.progress, step_seconds);
        match (seconds_per_step, self.progress.steps) {
            (Some(seconds_per_step), Some(steps)) => self.tell(Event::Planned {
                steps,
                seconds_per_step,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds that a run of some minutes takes whose steps take what `of` says of their number, and how
    /// often its number of steps was told.
    fn run(minutes: f64, of: impl Fn(u64) -> f64) -> (f64, usize) {
        let mut plan = Plan {
            duration: Duration::Minutes(minutes),
            steps_an_epoch: 10.0,
            step_seconds: Vec::new(),
            next_look: LOOKS[0],
        };
        let (mut progress, mut told) = (Progress::default(), 0);
        while progress.goes_on() {
            let seconds = of(progress.step);
            progress.step += 1;
            progress.seconds += seconds;
            told += usize::from(plan.look(&mut progress, seconds).is_some());
        }
        (progress.seconds, told)
    }

    #[test]
    fn minutes_are_kept_on_a_machine_whose_speed_changes() {
        assert_eq!(run(2.0, |_| 0.1).1, 1);
        let paces: [fn(u64) -> f64; 4] = [
            |_| 0.1,
            |step| if step < 40 { 0.4 } else { 0.1 },
            |step| if step < 300 { 0.05 } else { 0.2 },
            |step| 0.1 + 0.05 * (step as f64 / 40.0).sin(),
        ];
        for (number, pace) in paces.into_iter().enumerate() {
            let (seconds, _) = run(2.0, pace);
            assert!((114.0..126.0).contains(&seconds), "{number}: {seconds}");
        }
        // One step that takes longer than all.
        assert_eq!(run(0.1, |_| 30.0), (30.0, 1));
    }
}
