//! The number of steps of a run: the given one, or that of a number of epochs or minutes.

use super::Run;
use super::budget::Budget;
use super::cut::{Cut, Wanted};
use crate::{
    Duration, Error, Event, FitOptions, KeptFree, Result, RunProgress, TrainingConfig, TrainingData,
};
use std::time::Instant;

/// Minutes become steps after at least so many. The first of them, with cold caches, do not count; a long run
/// measures longer, for a minute at most.
const WARM_UP_STEPS: u64 = 12;
const COLD_STEPS: usize = 2;
const WARM_UP_SHARE: f64 = 0.02;
const WARM_UP_SECONDS: f64 = 60.0;
/// Shares of the time at which the number is adjusted: the machine's load may have changed.
const LOOKS: [f64; 6] = [0.1, 0.25, 0.5, 0.75, 0.9, 0.97];
/// What is kept free for validations, as a multiple of what they took: the machine's load may change.
const MARGIN: f64 = 1.2;
/// The share of the minutes that work after the run may have kept free.
const SHARE_AFTER: f64 = 0.25;

/// Seconds of a resumed run whose time is over: it makes a step, and ends.
const SHORTEST: f64 = 0.001;
/// Cases that a report segments for its pictures, and the share of the minutes that this may have kept free.
const PICTURES: f64 = 3.0;
const SHARE_OF_PICTURES: f64 = 0.03;

/// How long a run is.
#[derive(Debug, Clone, Copy)]
enum Length {
    Of(Duration),
    Until(Instant),
}

/// The length of a run and what was seen of its speed.
pub(super) struct Plan {
    length: Length,
    steps_an_epoch: f64,
    /// When this process's part began, and the seconds before the last resume.
    began: Instant,
    before: f64,
    /// The minutes, where the length is given in them.
    budget: Option<Budget>,
    /// Seconds from step to step since the last look, validations left out.
    laps: Vec<f64>,
    lap_began: Instant,
    /// The share of the time at which the next look is.
    next_look: f64,
    /// Validations of the config.
    times: u64,
    /// What all of the validations take, once that was seen, and what of them is made.
    validations: Option<(Wanted, Cut)>,
    /// Time kept free after the run.
    kept_free: KeptFree,
    /// Seconds that a checkpoint took lately.
    pub save_seconds: f64,
}

impl Plan {
    pub fn new(config: &TrainingConfig, data: &TrainingData, options: &FitOptions) -> Result<Self> {
        let length = match options.ends {
            Some(ends) => Length::Until(ends),
            None => Length::Of(duration(config, options)?),
        };
        let cases = data.training.names().len();
        if cases == 0 {
            return crate::config::bad("dataset", "no training case", "at least one");
        }
        let nothing_held_out = data.validation.names().is_empty();
        Ok(Self {
            length,
            steps_an_epoch: cases as f64 / config.patches_per_step() as f64,
            began: options.began.unwrap_or_else(Instant::now),
            before: 0.0,
            budget: None,
            laps: Vec::new(),
            lap_began: Instant::now(),
            next_look: LOOKS[0],
            times: match nothing_held_out {
                true => 0,
                false => config.validation.times,
            },
            validations: None,
            kept_free: options.kept_free,
            save_seconds: 0.0,
        })
    }

    /// Sets the number of steps where it is known already. A new number makes a run that had ended early continue.
    pub fn begin(&mut self, progress: &mut RunProgress) {
        // A checkpoint of an earlier version has only the seconds of training.
        let before = progress.elapsed.max(progress.seconds);
        self.before = before;
        let seconds = match self.length {
            Length::Of(Duration::Steps(steps)) => {
                progress.steps = Some(steps);
                return;
            }
            Length::Of(Duration::Epochs(epochs)) => {
                let steps = (epochs * self.steps_an_epoch).ceil().max(1.0) as u64;
                progress.steps = Some(steps);
                return;
            }
            Length::Of(Duration::Minutes(minutes)) => minutes * 60.0,
            Length::Until(ends) => {
                let part = ends.saturating_duration_since(self.began);
                before + part.as_secs_f64().max(SHORTEST)
            }
        };
        let budget = Budget::new(seconds, before, self.began);
        self.next_look = look_after(before / budget.whole());
        self.budget = Some(budget);
    }

    /// Seconds of the run so far, with everything.
    pub fn elapsed(&self) -> f64 {
        self.before + self.began.elapsed().as_secs_f64()
    }

    /// The number of steps, where it is not one that minutes were turned into, which may still change.
    pub fn steps(&self, progress: &RunProgress) -> Option<u64> {
        match self.length {
            Length::Of(Duration::Minutes(_)) | Length::Until(_) => None,
            Length::Of(Duration::Steps(_) | Duration::Epochs(_)) => progress.steps,
        }
    }

    /// How often the held-out cases are scored.
    pub fn times(&self) -> u64 {
        self.validations.map_or(self.times, |(_, cut)| cut.times)
    }

    /// What of a validation is made, where it is not all of it.
    pub fn cut(&self) -> Option<Cut> {
        self.validations.map(|(_, cut)| cut)
    }

    /// The time at which a validation ends, done or not; `None` without minutes.
    pub fn validation_ends(&self) -> Option<Instant> {
        // Rather less is left for what follows than that the weights are chosen by a part of the cases.
        let free = self.seconds_after() / 2.0 + self.closing_seconds();
        Some(self.budget?.ends(free))
    }

    /// The time at which the run ends; `None` without minutes.
    pub fn ends(&self) -> Option<Instant> {
        Some(self.budget?.ends(0.0))
    }

    /// The minutes, in seconds, where the time of a validation is not known yet and is wanted.
    pub fn unknown_validation(&self) -> Option<f64> {
        let wanted = self.times > 0 && self.validations.is_none();
        self.budget.filter(|_| wanted).map(|budget| budget.whole())
    }

    /// Takes what validations cost, and cuts them to what the minutes allow.
    pub fn take_cost(&mut self, units: usize, seconds: f64, coarse: Option<f64>) {
        let Some(budget) = self.budget else { return };
        let wanted = Wanted {
            times: self.times,
            units,
            seconds,
            coarse,
        };
        self.validations = Some((wanted, wanted.cut(budget.whole())));
    }

    /// Takes what a validation of so many cases or patches cost in fact; the later ones become fewer where it was
    /// more than expected.
    pub fn take_validation(&mut self, units: usize, seconds: f64) {
        // The time from step to step is counted without it.
        self.lap_began = Instant::now();
        let (Some((wanted, cut)), Some(budget), true) =
            (&mut self.validations, self.budget, units > 0)
        else {
            return;
        };
        wanted.take_unit(*cut, seconds / units as f64);
        cut.times = cut.times.min(wanted.cut(budget.whole()).times.max(1));
    }

    /// Seconds to score a case or patch, uncut, where that is known.
    pub fn unit_seconds(&self) -> Option<f64> {
        self.validations.map(|(wanted, _)| wanted.seconds)
    }

    /// Seconds that a validation takes as it is made.
    fn validation_seconds(&self) -> f64 {
        let made = self.validations.filter(|(_, cut)| cut.times > 0);
        made.map_or(0.0, |(wanted, cut)| {
            wanted.unit_seconds(cut) * cut.units as f64
        })
    }

    /// Seconds to keep free for what comes after the run.
    fn seconds_after(&self) -> f64 {
        let Some(budget) = self.budget else {
            return 0.0;
        };
        let after = match (self.kept_free, self.validations) {
            (KeptFree::Seconds(seconds), _) => seconds,
            // Not a number where a case takes longer than the limit and nothing is kept.
            (KeptFree::Validations(times), Some((wanted, _))) if times > 0.0 => {
                times * wanted.seconds * wanted.units as f64
            }
            _ => 0.0,
        };
        after.min(SHARE_AFTER * budget.whole())
    }

    /// Seconds for what is written after the last step: checkpoint, weights, and a report with pictures.
    fn closing_seconds(&self) -> f64 {
        let pictures = self.validations.zip(self.budget);
        let pictures = pictures.map_or(0.0, |((wanted, _), budget)| {
            (PICTURES * wanted.seconds).min(SHARE_OF_PICTURES * budget.whole())
        });
        0.3 + 3.0 * self.save_seconds + pictures
    }

    /// Seconds that are needed after the steps: for the validations that are left, and all that follows.
    fn reserved(&self, progress: &RunProgress) -> f64 {
        let times = self.times();
        let done = progress.steps.map_or(0, |steps| {
            progress.step.min(steps) * times.min(steps) / steps.max(1)
        });
        let left = times.saturating_sub(done).max(times.min(1));
        MARGIN * left as f64 * self.validation_seconds()
            + self.seconds_after()
            + self.closing_seconds()
    }

    /// The first step begins.
    pub fn start(&mut self) {
        self.lap_began = Instant::now();
    }

    /// Counts a step; returns whether the number of steps is to be adjusted.
    fn lap(&mut self, progress: &RunProgress) -> bool {
        let now = Instant::now();
        let seconds = (now - self.lap_began).as_secs_f64();
        self.lap_began = now;
        let Some(budget) = self.budget else {
            return false;
        };
        self.laps.push(seconds);
        self.is_due(progress, budget.whole(), budget.used())
    }

    fn is_due(&self, progress: &RunProgress, whole: f64, used: f64) -> bool {
        let late = used + self.reserved(progress) >= whole;
        match progress.steps {
            None => {
                let look = (whole * WARM_UP_SHARE).min(WARM_UP_SECONDS);
                let warm = progress.step >= WARM_UP_STEPS && progress.seconds >= look;
                late || warm
            }
            Some(_) => late || used >= self.next_look * whole,
        }
    }

    /// Turns the minutes into a number of steps: the seconds of a step, where the number changed by more than a
    /// little.
    fn count(&mut self, progress: &mut RunProgress, whole: f64, used: f64) -> Option<f64> {
        let cold = progress.steps.map_or(COLD_STEPS, |_| 0);
        let warm = self.laps.get(cold..).filter(|t| !t.is_empty());
        let times = warm.unwrap_or(&self.laps);
        let seconds_per_step = times.iter().sum::<f64>() / times.len().max(1) as f64;
        let left = (whole - used - self.reserved(progress)).max(0.0);
        let steps = progress.step + (left / seconds_per_step.max(1e-9)) as u64;
        self.laps.clear();
        self.next_look = look_after(used / whole);
        let before = progress.steps.replace(steps);
        let told = before.is_none_or(|before| before.abs_diff(steps) * 20 > before);
        told.then_some(seconds_per_step)
    }
}

fn duration(config: &TrainingConfig, options: &FitOptions) -> Result<Duration> {
    let duration = options.duration.or(config.duration).ok_or(Error::BadValue {
        key: "duration".to_owned(),
        found: "not set".to_owned(),
        expected: "`duration: {steps: N}`, `{epochs: N}` or `{minutes: M}` in the config, or `FitOptions::duration`",
    })?;
    duration.check()?;
    Ok(duration)
}

/// The next share of the time at which the number of steps is adjusted.
fn look_after(share: f64) -> f64 {
    let next = LOOKS.into_iter().find(|&look| look > share);
    next.unwrap_or(f64::INFINITY)
}

impl Run<'_> {
    /// Plans the number of steps, where minutes were given, and reports it.
    pub(super) fn plan_steps(&mut self) -> Result<()> {
        if !self.plan.lap(&self.progress) {
            return Ok(());
        }
        self.estimate_validation()?;
        let Some(budget) = self.plan.budget else {
            return Ok(());
        };
        let (whole, used) = (budget.whole(), budget.used());
        let seconds_per_step = self.plan.count(&mut self.progress, whole, used);
        self.plan.start();
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

    /// Validations: how often, of how many cases, seconds of one as expected, seconds of one in fact.
    type Validations = (u64, usize, f64, f64);

    /// Seconds that a run of some minutes takes whose steps take `of` their number, how often its number of steps was
    /// reported, and how often it was validated.
    fn run(minutes: f64, validations: Validations, of: impl Fn(u64) -> f64) -> (f64, usize, u64) {
        let now = Instant::now();
        let (times, units, expected, real) = validations;
        let mut plan = Plan {
            length: Length::Of(Duration::Minutes(minutes)),
            steps_an_epoch: 10.0,
            began: now,
            before: 0.0,
            budget: Some(Budget::new(minutes * 60.0, 0.0, now)),
            laps: Vec::new(),
            lap_began: now,
            next_look: LOOKS[0],
            times,
            validations: None,
            kept_free: KeptFree::Nothing,
            save_seconds: 0.0,
        };
        let whole = minutes * 60.0;
        let (mut progress, mut told, mut used, mut validated) = (RunProgress::default(), 0, 0.0, 0);
        while progress.goes_on() {
            let seconds = of(progress.step);
            progress.step += 1;
            progress.seconds += seconds;
            used += seconds;
            plan.laps.push(seconds);
            if plan.is_due(&progress, whole, used) {
                if plan.unknown_validation().is_some() {
                    plan.take_cost(units, expected, None);
                }
                told += usize::from(plan.count(&mut progress, whole, used).is_some());
            }
            let times = plan.times();
            if progress.validation_is_due(times) {
                let units = plan.cut().unwrap().units;
                used += real * units as f64;
                plan.take_validation(units, real * units as f64);
                validated += 1;
            }
        }
        (used, told, validated)
    }

    const NONE: Validations = (0, 0, 0.0, 0.0);

    #[test]
    fn minutes_are_kept_on_a_machine_whose_speed_changes() {
        assert_eq!(run(2.0, NONE, |_| 0.1).1, 1);
        let paces: [fn(u64) -> f64; 4] = [
            |_| 0.1,
            |step| if step < 40 { 0.4 } else { 0.1 },
            |step| if step < 300 { 0.05 } else { 0.2 },
            |step| 0.1 + 0.05 * (step as f64 / 40.0).sin(),
        ];
        for (number, pace) in paces.into_iter().enumerate() {
            let (seconds, _, _) = run(2.0, NONE, pace);
            assert!((114.0..126.0).contains(&seconds), "{number}: {seconds}");
        }
        // One step that takes longer than all.
        assert_eq!(run(0.1, NONE, |_| 30.0), (30.0, 1, 0));
    }

    #[test]
    fn validations_are_made_within_the_minutes() {
        // Validations that cost almost nothing, a tenth, and all of the minutes; as expected, twice and half of that.
        for (expected, times) in [(0.001, 8), (0.14, 4), (5.0, 1)] {
            for factor in [1.0, 2.0, 0.5] {
                let validations = (8, 42, expected, expected * factor);
                let (seconds, _, validated) = run(2.0, validations, |_| 0.1);
                // The only one comes after all steps, so that they cannot make up for what it takes more or less. One
                // that takes more is cut off by the clock, which there is none of here.
                let last = match times {
                    1 => 24.0 * (factor - 1.0_f64),
                    _ => 0.0,
                };
                let kept = 108.0 + last.min(0.0)..126.0 + last.max(0.0);
                assert!(kept.contains(&seconds), "{expected} × {factor}: {seconds}");
                assert!(
                    (1..=times).contains(&validated),
                    "{expected} × {factor}: {validated}"
                );
            }
        }
    }
}
