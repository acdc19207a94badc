//! The updates of a control, the newest of each stage: a slow reader misses some, but never the last.

use crate::{Progress, lock};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Updates that wait to be read.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    changed: Condvar,
    abandoned: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Progress>,
    closed: bool,
}

impl Mailbox {
    /// Keeps an update in place of an older one of the same stage; `false` when the reader was dropped.
    pub fn put(&self, progress: &Progress) -> bool {
        if self.abandoned.load(Ordering::Relaxed) {
            return false;
        }
        let mut state = lock(&self.state);
        let same =
            |old: &&mut Progress| old.stage == progress.stage && old.within == progress.within;
        match state.waiting.iter_mut().find(same) {
            Some(old) => *old = progress.clone(),
            None => state.waiting.push_back(progress.clone()),
        }
        drop(state);
        self.changed.notify_all();
        true
    }

    pub fn close(&self) {
        lock(&self.state).closed = true;
        self.changed.notify_all();
    }
}

/// An iterator over the updates of a [`crate::Control`]. Of each stage the newest update waits to be read, so a slow
/// reader costs the work neither time nor memory. It ends with the work.
///
/// ```
/// use vesalius_control::Control;
///
/// let control = Control::new();
/// let mut updates = control.subscribe();
/// assert!(updates.try_next().is_none(), "nothing has started");
/// let stage = control.stage("cases", 10);
/// for _ in 0..10 {
///     stage.advance(1);
/// }
/// // Ten updates were published, and the newest is kept.
/// assert_eq!(updates.try_next().unwrap().done, 10);
/// drop(stage);
/// assert!(updates.next().is_none() && updates.has_ended());
/// ```
#[derive(Debug)]
pub struct Updates {
    mailbox: Arc<Mailbox>,
}

impl Updates {
    pub(crate) fn new(mailbox: Arc<Mailbox>) -> Self {
        Self { mailbox }
    }

    /// The next update if one waits; does not wait itself.
    pub fn try_next(&mut self) -> Option<Progress> {
        lock(&self.mailbox.state).waiting.pop_front()
    }

    /// The next update, or nothing when the work has ended or `limit` has passed without one; see
    /// [`Updates::has_ended`].
    pub fn next_within(&mut self, limit: Duration) -> Option<Progress> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let state = lock(&self.mailbox.state);
        let waited = self.mailbox.changed.wait_timeout_while(state, limit, idle);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }

    /// Whether the work has ended and every update was read.
    pub fn has_ended(&self) -> bool {
        let state = lock(&self.mailbox.state);
        state.closed && state.waiting.is_empty()
    }
}

impl Iterator for Updates {
    type Item = Progress;

    fn next(&mut self) -> Option<Progress> {
        let idle = |state: &mut State| state.waiting.is_empty() && !state.closed;
        let state = lock(&self.mailbox.state);
        let waited = self.mailbox.changed.wait_while(state, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting.pop_front()
    }
}

impl Drop for Updates {
    fn drop(&mut self) {
        self.mailbox.abandoned.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crate::Control;
    use std::time::Duration;

    #[test]
    fn a_slow_reader_gets_the_newest_of_each_stage() {
        let control = Control::new();
        let mut updates = control.subscribe();
        let cases = control.stage("cases", 3);
        for _ in 0..3 {
            let windows = cases.control().stage("windows", 100);
            (0..100).for_each(|_| windows.advance(1));
            cases.advance(1);
        }
        assert!(!updates.has_ended());
        drop(cases);
        let read: Vec<String> = updates.by_ref().map(|update| update.to_string()).collect();
        assert_eq!(read, ["cases 3 of 3", "cases: windows 100 of 100"]);
        assert!(updates.has_ended());
        assert!(updates.next().is_none());
    }

    #[test]
    fn waiting_for_an_update_has_a_limit() {
        let control = Control::new();
        let mut updates = control.subscribe();
        assert!(updates.next_within(Duration::from_millis(1)).is_none());
        assert!(!updates.has_ended());
        let stage = control.stage("steps", None);
        stage.set(7);
        assert_eq!(
            updates.next_within(Duration::from_secs(60)).unwrap().done,
            7
        );
        assert!(updates.try_next().is_none());
    }

    #[test]
    fn a_reader_that_is_gone_is_forgotten() {
        let control = Control::new();
        drop(control.subscribe());
        let stage = control.stage("steps", 2);
        stage.advance(1);
        assert!(crate::lock(&control.shared.mailboxes).is_empty());
    }

    #[test]
    fn stages_advance_from_many_threads() {
        let control = Control::new();
        let stage = control.stage("blocks", 800);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..100).for_each(|_| stage.advance(1)));
            }
        });
        assert_eq!(stage.done(), 800);
    }
}
