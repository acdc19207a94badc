//! Cancellation and progress of long work, one type for all crates.
//!
//! A caller makes a [`Control`], passes a clone to work that takes longer than a second, and keeps one to cancel it.
//! The work calls [`Control::check`] between its parts and opens a [`Stage`] for each count. [`Control::subscribe`]
//! returns the updates as an iterator that ends with the work.
//!
//! The start and end of each stage are also `tracing` events at level `DEBUG` with the target `vesalius`; the other
//! crates use this target for their warnings (`WARN`) and for the log of a training run (`INFO`, steps `DEBUG`).
//!
//! ```
//! use vesalius_control::{Cancelled, Control};
//!
//! fn work(control: &Control) -> Result<u64, Cancelled> {
//!     let stage = control.stage("slices", 4);
//!     let mut sum = 0;
//!     for slice in 0..4 {
//!         stage.control().check()?;
//!         sum += slice;
//!         stage.advance(1);
//!     }
//!     Ok(sum)
//! }
//!
//! let control = Control::new();
//! let updates = control.subscribe();
//! let worker = std::thread::spawn({
//!     let control = control.clone();
//!     move || work(&control)
//! });
//! // Ends when the outermost stage ends.
//! let last = updates.last().unwrap();
//! assert_eq!((last.done, last.total), (4, Some(4)));
//! assert_eq!(worker.join().unwrap(), Ok(6));
//!
//! control.cancel();
//! assert_eq!(work(&control), Err(Cancelled));
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | cancel | [`Control::cancel`], [`Control::check`], [`Control::until`], [`Control::child`], [`Cancelled`] |
//! | count | [`Control::stage`] opens a [`Stage`]; [`Control::silent`] |
//! | follow | [`Control::subscribe`] ([`Updates`], for another thread), [`Control::on_progress`] (a closure), [`Progress`] |

#![forbid(unsafe_code)]

mod progress;
mod stage;
mod updates;

pub use progress::Progress;
pub use stage::Stage;
pub use updates::Updates;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use updates::Mailbox;

/// The work was cancelled through its [`Control`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// A handle on long work: cancels it and passes its progress to subscribers. Clones share one state.
#[derive(Clone, Default)]
pub struct Control {
    cancelled: Flags,
    shared: Arc<Shared>,
    /// The stages that the work given this handle runs within, outermost first.
    within: Arc<[Arc<str>]>,
}

/// The flags of a handle and of those it was made from.
#[derive(Clone, Default)]
struct Flags {
    own: Arc<AtomicBool>,
    /// The moment from which on it counts as cancelled.
    until: Option<Instant>,
    outer: Option<Arc<Flags>>,
}

impl Flags {
    fn is_set(&self) -> bool {
        let late = || self.until.is_some_and(|until| Instant::now() >= until);
        self.own.load(Ordering::Acquire) || late()
    }
}

type Observer = dyn Fn(&Progress) + Send + Sync;

#[derive(Default)]
struct Shared {
    mailboxes: Mutex<Vec<Arc<Mailbox>>>,
    observers: Mutex<Vec<Arc<Observer>>>,
}

impl Control {
    /// A handle that is not cancelled and has no subscriber.
    pub fn new() -> Self {
        Self::default()
    }

    /// Cancels the work: it ends at its next [`Control::check`]. This is final; make a new handle for new work.
    pub fn cancel(&self) {
        self.cancelled.own.store(true, Ordering::Release);
    }

    /// Whether this handle, or one that it is a [child](Control::child) of, was cancelled.
    pub fn is_cancelled(&self) -> bool {
        let mut flags = Some(&self.cancelled);
        while let Some(at) = flags {
            if at.is_set() {
                return true;
            }
            flags = at.outer.as_deref();
        }
        false
    }

    /// For use between the parts of long work, with `?`.
    ///
    /// # Errors
    /// [`Cancelled`] once the handle was cancelled.
    ///
    /// ```
    /// use vesalius_control::{Cancelled, Control};
    ///
    /// fn count(control: &Control) -> Result<u32, Cancelled> {
    ///     for _case in 0..3 {
    ///         control.check()?;
    ///     }
    ///     Ok(3)
    /// }
    ///
    /// let control = Control::new();
    /// assert_eq!(count(&control), Ok(3));
    /// control.cancel();
    /// assert_eq!(count(&control), Err(Cancelled));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check(&self) -> Result<(), Cancelled> {
        match self.is_cancelled() {
            true => Err(Cancelled),
            false => Ok(()),
        }
    }

    /// A handle for a part of the work: cancelling it leaves the rest running, cancelling this one ends both.
    /// Its progress goes where this one's goes.
    ///
    /// ```
    /// use vesalius_control::Control;
    ///
    /// let study = Control::new();
    /// let (first, second) = (study.child(), study.child());
    /// first.cancel();
    /// assert!(first.is_cancelled() && !second.is_cancelled() && !study.is_cancelled());
    /// study.cancel();
    /// assert!(second.is_cancelled());
    /// ```
    pub fn child(&self) -> Self {
        self.nested(None)
    }

    /// A [child](Control::child) that counts as cancelled from `moment` on. This handle stays as it was, so a
    /// caller can distinguish a time limit from a cancellation.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use vesalius_control::Control;
    ///
    /// let control = Control::new();
    /// assert!(control.until(Instant::now()).is_cancelled() && !control.is_cancelled());
    /// assert!(!control.until(Instant::now() + Duration::from_secs(60)).is_cancelled());
    /// ```
    pub fn until(&self, moment: Instant) -> Self {
        self.nested(Some(moment))
    }

    /// A [child](Control::child) whose progress is not published to this handle's subscribers: for work that is not
    /// counted.
    ///
    /// ```
    /// use vesalius_control::Control;
    ///
    /// let control = Control::new();
    /// let mut updates = control.subscribe();
    /// let cases = control.stage("cases", 2);
    /// cases.control().silent().stage("reading", 100).advance(50);
    /// drop(cases);
    /// assert_eq!(updates.next().unwrap().to_string(), "cases 0 of 2");
    /// assert!(updates.next().is_none(), "the silent stage is not among the updates");
    /// ```
    pub fn silent(&self) -> Self {
        Self {
            shared: Arc::default(),
            within: Arc::default(),
            ..self.child()
        }
    }

    fn nested(&self, until: Option<Instant>) -> Self {
        Self {
            cancelled: Flags {
                own: Arc::default(),
                until,
                outer: Some(Arc::new(self.cancelled.clone())),
            },
            ..self.clone()
        }
    }

    /// Opens a stage that counts to `total`; it ends when the returned value is dropped. Stages opened from
    /// [`Stage::control`] are nested in it.
    pub fn stage(&self, name: impl Into<Arc<str>>, total: impl Into<Option<u64>>) -> Stage {
        Stage::open(self, name.into(), total.into())
    }

    /// The updates from here on, as an iterator that waits for each. It ends with the outermost stage that is
    /// opened through this handle, so subscribe before the work begins, and again before the next work.
    pub fn subscribe(&self) -> Updates {
        let mailbox = Arc::new(Mailbox::default());
        let mut mailboxes = lock(&self.shared.mailboxes);
        mailboxes.push(mailbox.clone());
        Updates::new(mailbox)
    }

    /// Calls `observer` with every update, on the thread that makes the progress: it must be quick.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use std::sync::Arc;
    /// use vesalius_control::Control;
    ///
    /// let control = Control::new();
    /// let done = Arc::new(AtomicU64::new(0));
    /// control.on_progress({
    ///     let done = done.clone();
    ///     move |progress| done.store(progress.done, Ordering::Relaxed)
    /// });
    /// let windows = control.stage("windows", 12);
    /// windows.advance(5);
    /// assert_eq!(done.load(Ordering::Relaxed), 5);
    /// ```
    pub fn on_progress(&self, observer: impl Fn(&Progress) + Send + Sync + 'static) {
        lock(&self.shared.observers).push(Arc::new(observer));
    }

    /// Passes an update to all observers and subscribers.
    fn publish(&self, progress: &Progress) {
        // The observers are called without the lock, so that they may add others.
        let observers = lock(&self.shared.observers).clone();
        for observer in observers {
            observer(progress);
        }
        let mut mailboxes = lock(&self.shared.mailboxes);
        mailboxes.retain(|mailbox| mailbox.put(progress));
    }

    /// Ends all subscriptions; the outermost stage has ended.
    fn close(&self) {
        for mailbox in lock(&self.shared.mailboxes).drain(..) {
            mailbox.close();
        }
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control")
            .field("cancelled", &self.is_cancelled())
            .field("within", &self.within)
            .finish_non_exhaustive()
    }
}

/// The moment `seconds` after `start`; `None` for negative seconds, and for more than a clock can tell.
///
/// ```
/// use std::time::{Duration, Instant};
/// use vesalius_control::moment_after;
///
/// let now = Instant::now();
/// assert_eq!(moment_after(now, 1.5), Some(now + Duration::from_millis(1500)));
/// assert_eq!(moment_after(now, f64::INFINITY), None);
/// ```
pub fn moment_after(start: Instant, seconds: f64) -> Option<Instant> {
    let seconds = Duration::try_from_secs_f64(seconds).ok()?;
    start.checked_add(seconds)
}

/// Every change under these locks is complete, so a panic elsewhere leaves a valid state.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
