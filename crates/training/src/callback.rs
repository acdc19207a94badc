//! Code of a program that a training run calls: for each event, with requests in return, and at the beginning, after
//! validations and at the end, with access to the state of the run.

use crate::config::bad;
use crate::{Error, Event, Result, RunProgress, RunState};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Receives every event of a run. It may end the run, change the learning rate or request a validation. A closure
/// `FnMut(&Event, &mut TrainingControl) -> Result<()>` is a callback too.
pub trait Callback: Send {
    /// Called for each event, after the event was logged and the observer was called. Training waits until it returns.
    ///
    /// # Errors
    /// An error ends the run after the current step or validation, and a checkpoint is written. [`crate::fit`] returns
    /// the error, and no further events are passed to callbacks. [`crate::Error::custom`] makes an error of a text or
    /// of another error.
    fn on_event(&mut self, event: &Event, control: &mut TrainingControl) -> Result<()>;

    /// Called when the folder of a new or resumed run is ready, before the first event.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_begin(&mut self, _run: &RunState<'_>) -> Result<()> {
        Ok(())
    }

    /// Called after each validation that has scores, when the checkpoint is written. If the weights are the best so
    /// far, the model folder is written as well.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_validated(&mut self, _run: &RunState<'_>) -> Result<()> {
        Ok(())
    }

    /// Called when a run is complete, stopped or cancelled, and all its files are written. It is not called if the run
    /// ends with an error.
    ///
    /// # Errors
    /// [`crate::fit`] returns the error.
    fn on_end(&mut self, _run: &RunState<'_>) -> Result<()> {
        Ok(())
    }
}

impl<F> Callback for F
where
    F: FnMut(&Event, &mut TrainingControl) -> Result<()> + Send,
{
    fn on_event(&mut self, event: &Event, control: &mut TrainingControl) -> Result<()> {
        self(event, control)
    }
}

/// The state of a run that a callback may read, and its requests. They take effect after the current step or validation.
#[derive(Debug)]
pub struct TrainingControl {
    step: u64,
    steps: Option<u64>,
    /// The learning rate of schedule and warm-up for the next step.
    scheduled: f64,
    factor: f64,
    fixed: Option<f64>,
    asked: Asked,
}

/// The requests of callbacks.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    stop: bool,
    validation: bool,
}

impl TrainingControl {
    /// The number of optimiser steps that are done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The number of steps of the whole run. `None` while a run whose length is given in minutes measures its speed.
    pub fn steps(&self) -> Option<u64> {
        self.steps
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.fixed.unwrap_or(self.scheduled * self.factor)
    }

    /// Multiplies the learning rate from the next step on. If [`TrainingControl::set_learning_rate`] has set a rate, it
    /// is multiplied; otherwise all later rates of the schedule are. Several factors are multiplied with each other. A
    /// resumed run keeps them.
    ///
    /// # Errors
    /// A factor that is negative or not finite.
    pub fn scale_learning_rate(&mut self, factor: f64) -> Result<()> {
        check("the factor on the learning rate", factor)?;
        match &mut self.fixed {
            Some(rate) => *rate *= factor,
            None => self.factor *= factor,
        }
        Ok(())
    }

    /// Sets the learning rate from the next step on, instead of that of schedule and warm-up. A resumed run keeps it.
    ///
    /// # Errors
    /// A rate that is negative or not finite.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check("the learning rate", rate)?;
        self.fixed = Some(rate);
        Ok(())
    }

    /// Returns to the learning rate of the schedule, with the factors of [`TrainingControl::scale_learning_rate`] that
    /// were given for it.
    pub fn follow_schedule(&mut self) {
        self.fixed = None;
    }

    /// Requests a validation before the next step. The request has no effect without held-out cases, or if it is made
    /// for an event of a validation.
    pub fn validate(&mut self) {
        self.asked.validation = true;
    }

    /// Ends the run after the current step or validation. Its checkpoint is written, so that it can be resumed, and
    /// `finished` of the report is `false`.
    pub fn stop(&mut self) {
        self.asked.stop = true;
    }
}

fn check(what: &str, number: f64) -> Result<()> {
    match number.is_finite() && number >= 0.0 {
        true => Ok(()),
        false => bad(what, number, "a number that is not negative"),
    }
}

/// The callbacks of a run, in the order in which they are called. Clones have the same callbacks, not copies of them.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use vesalius_training::{Callbacks, Event, TrainingControl};
///
/// // A callback that ends the run at a loss, and one that counts steps.
/// let end = |event: &Event, run: &mut TrainingControl| {
///     if matches!(event, Event::Step { loss, .. } if *loss < 0.1) {
///         run.stop();
///     }
///     Ok(())
/// };
/// let steps = Arc::new(Mutex::new(0));
/// let counted = Arc::clone(&steps);
/// let count = move |event: &Event, _: &mut TrainingControl| {
///     *counted.lock().unwrap() += u64::from(matches!(event, Event::Step { .. }));
///     Ok(())
/// };
/// let callbacks = Callbacks::of(end).with(count);
/// # let _ = callbacks;
/// ```
#[derive(Clone, Default)]
pub struct Callbacks(Vec<Arc<Mutex<dyn Callback>>>);

impl Callbacks {
    /// A list of one callback.
    pub fn of(callback: impl Callback + 'static) -> Self {
        Self::default().with(callback)
    }

    /// Adds another callback at the end.
    #[must_use]
    pub fn with(self, callback: impl Callback + 'static) -> Self {
        self.with_shared(Arc::new(Mutex::new(callback)))
    }

    /// Adds another callback at the end, which the caller can read during the run and afterwards.
    #[must_use]
    pub fn with_shared(mut self, callback: Arc<Mutex<dyn Callback>>) -> Self {
        self.0.push(callback);
        self
    }

    /// Adds the callbacks of another list at the end.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} callbacks", self.0.len())
    }
}

/// Passes events to the observer and the callbacks of a run, and keeps the requests of callbacks for the run.
pub(crate) struct Watch<'a> {
    observer: &'a mut dyn FnMut(&Event),
    callbacks: &'a Callbacks,
    asked: Asked,
    failure: Option<Error>,
}

impl<'a> Watch<'a> {
    pub fn new(observer: &'a mut dyn FnMut(&Event), callbacks: &'a Callbacks) -> Self {
        Self {
            observer,
            callbacks,
            asked: Asked::default(),
            failure: None,
        }
    }

    /// Passes an event to the observer and, unless a callback has failed, to the callbacks. `scheduled` is the learning
    /// rate of schedule and warm-up for the next step.
    pub fn tell(&mut self, event: &Event, progress: &mut RunProgress, scheduled: f64) {
        (self.observer)(event);
        if self.failure.is_some() {
            return;
        }
        let mut control = TrainingControl {
            step: progress.step,
            steps: progress.steps,
            scheduled,
            factor: progress.rate_factor,
            fixed: progress.fixed_rate,
            asked: self.asked,
        };
        for callback in &self.callbacks.0 {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = callback.on_event(event, &mut control) {
                self.failure = Some(error);
                break;
            }
        }
        progress.rate_factor = control.factor;
        progress.fixed_rate = control.fixed;
        self.asked = control.asked;
    }

    /// Whether there is no callback.
    pub fn is_empty(&self) -> bool {
        self.callbacks.0.is_empty()
    }

    /// Calls `call` with each callback, until one returns an error.
    ///
    /// # Errors
    /// That error.
    pub fn each(&self, mut call: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        for callback in &self.callbacks.0 {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            call(&mut *callback)?;
        }
        Ok(())
    }

    /// Whether a callback has requested a validation since the last call.
    pub fn take_validation(&mut self) -> bool {
        std::mem::take(&mut self.asked.validation)
    }

    /// Whether a callback has requested the end of the run or returned an error.
    pub fn ends(&self) -> bool {
        self.asked.stop || self.failure.is_some()
    }

    /// The error of a callback, if any; it is returned once.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}
