//! How many connections there are: those without an association yet, and associations.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Connections without an association. One more ends the oldest, which then has had its time: peers that ask at once are
/// answered although others ask for nothing.
const MOST_WAITING: usize = 128;

/// The connections of a server.
#[derive(Clone)]
pub(crate) struct Slots {
    most_open: usize,
    inner: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: VecDeque<(u64, TcpStream)>,
    open: usize,
    threads: usize,
}

/// A connection that counts until this is dropped.
pub(crate) struct Slot {
    slots: Slots,
    number: u64,
    is_open: bool,
}

impl Slots {
    pub fn new(most_open: usize) -> Self {
        Self {
            most_open,
            inner: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many associations are open.
    pub fn open(&self) -> usize {
        self.state().open
    }

    /// A new connection; nothing where the system has no more descriptors.
    pub fn begin(&self, socket: &TcpStream) -> Option<Slot> {
        let copy = socket.try_clone().ok()?;
        let mut state = self.state();
        if state.waiting.len() >= MOST_WAITING
            && let Some((_, oldest)) = state.waiting.pop_front()
        {
            let _ = oldest.shutdown(Shutdown::Both);
        }
        state.next += 1;
        let number = state.next;
        state.waiting.push_back((number, copy));
        state.threads += 1;
        Some(Slot {
            slots: self.clone(),
            number,
            is_open: false,
        })
    }

    /// Waits until no connection is left.
    pub fn wait_for_end(&self, time: Duration) {
        let state = self.state();
        let busy = |state: &mut State| state.threads > 0;
        let _ = self.inner.1.wait_timeout_while(state, time, busy);
    }
}

impl Slot {
    /// The connection becomes an association, unless there are as many as may be.
    pub fn open(&mut self) -> bool {
        let mut state = self.slots.state();
        if state.open >= self.slots.most_open {
            return false;
        }
        state.waiting.retain(|(number, _)| *number != self.number);
        state.open += 1;
        self.is_open = true;
        true
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.state();
        state.waiting.retain(|(number, _)| *number != self.number);
        state.open -= usize::from(self.is_open);
        state.threads -= 1;
        self.slots.inner.1.notify_all();
    }
}
