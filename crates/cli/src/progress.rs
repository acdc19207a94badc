//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use vesalius::inferers::ByteSize;
use vesalius::training::Event;

/// Lines that are not on a terminal are printed no faster than this.
const SECONDS_BETWEEN_LINES: u64 = 10;

/// Whether stderr is a terminal that shall show how far work is.
fn shows_bars() -> bool {
    std::io::stderr().is_terminal() && !crate::print::is_quiet()
}

/// Shows the progress of a training run.
pub struct TrainingProgress {
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
    loss: Option<f32>,
    dice: Option<f64>,
    pace: Pace,
}

/// How fast this process trains. A resumed run's clock counts the time before it too, so the speed comes
/// from the steps of this process alone.
#[derive(Default)]
struct Pace {
    /// The run's clock at the last step.
    seconds: Option<f64>,
    /// Samples a second, of late.
    speed: Option<f64>,
}

impl Pace {
    /// Takes a step at a time of the run's clock; the speed, from the second step on.
    fn step(&mut self, seconds: f64, patches: u64) -> Option<f64> {
        if let Some(before) = self.seconds.replace(seconds) {
            let speed = patches as f64 / (seconds - before).max(1e-9);
            let smooth = |before: f64| 0.95 * before + 0.05 * speed;
            self.speed = Some(self.speed.map_or(speed, smooth));
        }
        self.speed
    }
}

impl TrainingProgress {
    /// A bar on a terminal, plain lines elsewhere.
    pub fn new() -> Self {
        let bar = shows_bars().then(|| {
            // The template is a constant that parses; a bar without style still counts.
            let style =
                ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {elapsed} (left {eta})");
            ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self {
            bar,
            last_line: None,
            loss: None,
            dice: None,
            pace: Pace::default(),
        }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &Event) {
        match event {
            Event::Started {
                step,
                training_cases,
                validation_cases,
                parameters,
            } => {
                if let Some(bar) = &self.bar {
                    // The time left is counted from here.
                    bar.set_position(*step);
                    bar.reset_eta();
                }
                let from = if *step > 0 {
                    format!(", going on after step {step}")
                } else {
                    String::new()
                };
                self.line(&format!(
                    "training on {training_cases} cases, {validation_cases} held out, {parameters} parameters{from}"
                ));
            }
            Event::Warning { warning } => {
                if let Some(line) = crate::warnings::first_time("", warning) {
                    self.line(&line);
                }
            }
            Event::CaseSkipped { case, reason } => {
                self.line(&format!("warning: case {case} is left out: {reason}"));
            }
            Event::StoppedEarly { step, validations } => self.line(&format!(
                "ended after step {step}: {validations} validations without a gain"
            )),
            Event::Planned {
                steps,
                seconds_per_step,
            } => {
                self.line(&format!(
                    "{:.0} ms a step: {steps} steps in the time given",
                    seconds_per_step * 1e3
                ));
            }
            Event::Step { .. } => self.step(event),
            Event::ValidatedCase { done, cases } => {
                if let Some(bar) = &self.bar {
                    bar.set_message(format!("segmenting held-out case {done} of {cases}"));
                }
            }
            Event::Validated {
                step,
                dice,
                labels,
                best,
                ..
            } => {
                self.dice = Some(*dice);
                let each: Vec<String> = labels
                    .iter()
                    .map(|(name, dice)| format!("{name} {dice:.4}"))
                    .collect();
                let best = if *best { ", the best so far" } else { "" };
                self.line(&format!(
                    "step {step}: mean Dice {dice:.4} ({}){best}",
                    each.join(", ")
                ));
            }
            Event::Stopped { step } => {
                self.line(&format!("stopped after step {step}; go on with --resume"))
            }
            _ => {}
        }
    }

    fn step(&mut self, event: &Event) {
        let Event::Step {
            step,
            steps,
            loss,
            patches,
            seconds,
            memory,
            ..
        } = event
        else {
            return;
        };
        let smooth = self.loss.map_or(*loss, |before| 0.9 * before + 0.1 * loss);
        self.loss = Some(smooth);
        let speed = self.pace.step(*seconds, *patches);
        let mut text = format!("loss {smooth:.4}");
        if let Some(dice) = self.dice {
            text += &format!(" dice {dice:.4}");
        }
        if let Some(speed) = speed {
            text += &format!(" {speed:.1} samples/s");
        }
        if let Some(bytes) = memory {
            text += &format!(" {}", ByteSize(*bytes));
        }
        if let Some(bar) = &self.bar {
            bar.set_length(steps.unwrap_or(*step));
            bar.set_position(*step);
            bar.set_message(text);
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= Duration::from_secs(SECONDS_BETWEEN_LINES))
        {
            let of = steps.map_or(String::new(), |steps| format!(" of {steps}"));
            let left = steps.zip(speed).map_or(String::new(), |(steps, speed)| {
                let left = steps.saturating_sub(*step) as f64 * *patches as f64 / speed;
                format!(", {left:.0} s left")
            });
            note!("step {step}{of}: {text}{left}");
            self.last_line = Some(Instant::now());
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => note!("{text}"),
        }
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Counts cases that are looked at on several threads.
pub struct CaseProgress {
    bar: Option<ProgressBar>,
}

impl CaseProgress {
    /// A bar on a terminal, one line elsewhere.
    pub fn new(cases: usize) -> Self {
        let bar = shows_bars().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cases {elapsed}");
            ProgressBar::new(cases as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if bar.is_none() {
            note!("reading {cases} cases");
        }
        Self { bar }
    }

    /// So many cases are done.
    pub fn show(&self, done: u64) {
        if let Some(bar) = &self.bar {
            bar.set_position(done);
        }
    }
}

impl Drop for CaseProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_of_a_resumed_run_is_that_of_its_own_steps() {
        let mut pace = Pace::default();
        // 1,000 s before this process, then two samples in a quarter of a second, step after step.
        assert_eq!(pace.step(1000.25, 2), None);
        for step in 2..50 {
            assert_eq!(pace.step(1000.0 + 0.25 * f64::from(step), 2), Some(8.0));
        }
    }
}
