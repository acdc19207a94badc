//! What a program adds to a run: callbacks that receive every event and may steer what follows, and hooks with
//! access to the run's state.

use crate::config::bad;
use crate::{Error, Event, Result, RunProgress, RunState};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Receives every event of a run and may steer it: end it, change the learning rate, request a validation. A closure
/// `FnMut(&Event, &mut TrainingControl) -> Result<()>` is one.
pub trait Callback: Send {
    /// Called after the logs and the observer, on the thread that trains, which waits.
    ///
    /// # Errors
    /// An error ends the run after the current step or validation, with its checkpoint written; [`crate::fit`] returns
    /// it. [`crate::Error::custom`] makes an error of a text or of another error.
    fn on_event(&mut self, event: &Event, control: &mut TrainingControl) -> Result<()>;

    /// Called when the run's folder is ready, before the first event: of a new run, or of a resumed one.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_begin(&mut self, _run: &RunState<'_>) -> Result<()> {
        Ok(())
    }

    /// Called after each validation, once the checkpoint and, for a better one, the model folder are written.
    ///
    /// # Errors
    /// An error ends the run.
    fn on_validated(&mut self, _run: &RunState<'_>) -> Result<()> {
        Ok(())
    }

    /// Called when the run ends, done, stopped or cancelled, and everything is written.
    ///
    /// # Errors
    /// An error is what [`crate::fit`] returns.
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

/// What a callback may change of a run. It takes effect once the current step or validation is done.
#[derive(Debug)]
pub struct TrainingControl {
    step: u64,
    steps: Option<u64>,
    /// What schedule and warm-up give for the next step.
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
    /// Steps done.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Steps in all; unknown while a run of so many minutes measures its speed.
    pub fn steps(&self) -> Option<u64> {
        self.steps
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.fixed.unwrap_or(self.scheduled * self.factor)
    }

    /// Multiplies the learning rate from the next step on: all that the schedule gives, or the rate that was set. A
    /// resumed run keeps the factor.
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

    /// Sets the learning rate from the next step on, in place of schedule and warm-up. A resumed run keeps it.
    ///
    /// # Errors
    /// A rate that is negative or not finite.
    pub fn set_learning_rate(&mut self, rate: f64) -> Result<()> {
        check("the learning rate", rate)?;
        self.fixed = Some(rate);
        Ok(())
    }

    /// Returns to the schedule's learning rate, after [`TrainingControl::set_learning_rate`].
    pub fn follow_schedule(&mut self) {
        self.fixed = None;
    }

    /// Validates before the next step; of no effect without held-out cases, or while a validation ends.
    pub fn validate(&mut self) {
        self.asked.validation = true;
    }

    /// Ends the run: it is saved, its report is not `finished`, and it can be resumed.
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

/// The callbacks of a run, called in order. Clones share them.
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
    /// One callback.
    pub fn of(callback: impl Callback + 'static) -> Self {
        Self::default().with(callback)
    }

    /// And another.
    #[must_use]
    pub fn with(self, callback: impl Callback + 'static) -> Self {
        self.with_shared(Arc::new(Mutex::new(callback)))
    }

    /// Adds another callback, which the caller can read during the run and afterwards.
    #[must_use]
    pub fn with_shared(mut self, callback: Arc<Mutex<dyn Callback>>) -> Self {
        self.0.push(callback);
        self
    }

    /// These, and then the others.
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

/// Passes events to the observer and the callbacks of a run, and keeps their requests until the run carries them out.
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

    /// Passes on an event; `scheduled` is the learning rate of schedule and warm-up for the next step.
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

    /// Calls every callback, until one fails.
    pub fn each(&self, mut call: impl FnMut(&mut dyn Callback) -> Result<()>) -> Result<()> {
        for callback in &self.callbacks.0 {
            let mut callback = callback.lock().unwrap_or_else(PoisonError::into_inner);
            call(&mut *callback)?;
        }
        Ok(())
    }

    /// Takes a callback's request for a validation; true if there was one since the last call.
    pub fn take_validation(&mut self) -> bool {
        std::mem::take(&mut self.asked.validation)
    }

    /// Whether a callback ends the run, by asking or by an error.
    pub fn ends(&self) -> bool {
        self.asked.stop || self.failure.is_some()
    }

    /// The error of a callback.
    pub fn take_failure(&mut self) -> Option<Error> {
        self.failure.take()
    }
}
