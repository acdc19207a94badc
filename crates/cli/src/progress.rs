//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::time::{Duration, Instant};
use vesalius::training::Event;

/// Lines that are not on a terminal come no faster than this.
const SECONDS_BETWEEN_LINES: u64 = 10;

/// Shows how a training run goes on.
pub struct TrainingProgress {
    bar: Option<ProgressBar>,
    last_line: Option<Instant>,
    loss: Option<f32>,
    dice: Option<f64>,
}

impl TrainingProgress {
    /// A bar on a terminal, plain lines elsewhere.
    pub fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
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
                let from = if *step > 0 {
                    format!(", going on after step {step}")
                } else {
                    String::new()
                };
                self.line(&format!(
                    "training on {training_cases} cases, {validation_cases} held out, {parameters} parameters{from}"
                ));
            }
            Event::Planned {
                steps,
                seconds_per_step,
            } => {
                self.line(&format!(
                    "{:.0} ms a step: {steps} steps in the time given",
                    seconds_per_step * 1e3
                ));
            }
            Event::Step {
                step,
                steps,
                loss,
                seconds,
                ..
            } => self.step(*step, *steps, *loss, *seconds),
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
        }
    }

    fn step(&mut self, step: u64, steps: Option<u64>, loss: f32, seconds: f64) {
        let smooth = self.loss.map_or(loss, |before| 0.9 * before + 0.1 * loss);
        self.loss = Some(smooth);
        let dice = self
            .dice
            .map_or(String::new(), |dice| format!(" dice {dice:.4}"));
        if let Some(bar) = &self.bar {
            bar.set_length(steps.unwrap_or(step));
            bar.set_position(step);
            bar.set_message(format!("loss {smooth:.4}{dice}"));
        } else if self
            .last_line
            .is_none_or(|last| last.elapsed() >= Duration::from_secs(SECONDS_BETWEEN_LINES))
        {
            let of = steps.map_or(String::new(), |steps| format!(" of {steps}"));
            let left = steps.map_or(String::new(), |steps| {
                let left = seconds / step as f64 * steps.saturating_sub(step) as f64;
                format!(", {:.0} s left", left)
            });
            eprintln!("step {step}{of}: loss {smooth:.4}{dice}{left}");
            self.last_line = Some(Instant::now());
        }
    }

    fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None => eprintln!("{text}"),
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
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cases {elapsed}");
            ProgressBar::new(cases as u64)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        if bar.is_none() {
            eprintln!("reading {cases} cases");
        }
        Self { bar }
    }

    /// One case more is done.
    pub fn advance(&self) {
        if let Some(bar) = &self.bar {
            bar.inc(1);
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
