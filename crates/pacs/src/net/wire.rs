//! PDUs over a connection, each within a time: a peer that sends a byte now and then is ended as one that sends nothing.

use super::{Kind, Transport};
use crate::{Error, Limits, Result, Timeouts};
use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};
use vesalius_control::Control;

/// How often a wait looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(100);
/// Bytes read at once: memory grows with what has arrived, not with what was announced.
const CHUNK: usize = 1 << 16;

/// A connection on which PDUs are sent and received.
pub(crate) struct Wire {
    transport: Transport,
    pub limits: Limits,
    pub timeouts: Timeouts,
    pub control: Control,
}

impl Wire {
    pub fn new(
        transport: Transport,
        limits: Limits,
        timeouts: Timeouts,
        control: Control,
    ) -> Result<Self> {
        let failed = |source| Error::io("setting up the connection", source);
        transport.socket().set_nodelay(true).map_err(failed)?;
        transport.set_write_timeout(LOOK).map_err(failed)?;
        Ok(Self {
            transport,
            limits,
            timeouts,
            control,
        })
    }

    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// Receives a PDU: its kind; `body` is what follows its header. The first byte may take `wait`, the rest
    /// [`Timeouts::pdu`]; all may take `wait` where `wait_for_all`.
    pub fn receive(
        &mut self,
        body: &mut Vec<u8>,
        wait: Duration,
        wait_for_all: bool,
        waiting_for: &'static str,
    ) -> Result<Kind> {
        body.clear();
        let mut header = [0; 6];
        let first = Deadline::after(wait, waiting_for);
        self.read(&mut header[..1], &first)?;
        let whole = match wait_for_all {
            true => first,
            false => Deadline::after(self.timeouts.pdu, "the rest of a PDU"),
        };
        let kind = Kind::of(header[0])?;
        self.read(&mut header[1..], &whole)?;
        let [_, _, length @ ..] = header;
        let length = u32::from_be_bytes(length);
        let limit = kind.longest(&self.limits);
        if length > limit {
            return Err(Error::TooLarge {
                what: "a PDU",
                found: length.into(),
                limit: limit.into(),
            });
        }
        let length = length as usize;
        while body.len() < length {
            let start = body.len();
            body.resize(length.min(start + CHUNK), 0);
            self.read(&mut body[start..], &whole)?;
        }
        Ok(kind)
    }

    fn read(&mut self, mut buffer: &mut [u8], deadline: &Deadline) -> Result<()> {
        while !buffer.is_empty() {
            self.control.check()?;
            let left = deadline.left()?;
            let set = self.transport.set_read_timeout(left.min(LOOK));
            set.map_err(|source| Error::io("receiving", source))?;
            match self.transport.read(buffer) {
                Ok(0) => return Err(Error::Closed(deadline.waiting_for)),
                Ok(count) => buffer = &mut buffer[count..],
                Err(error) if is_wait(&error) => {}
                Err(error) => return Err(lost(error, deadline.waiting_for)),
            }
        }
        Ok(())
    }

    /// Sends the bytes of PDUs.
    pub fn send(&mut self, mut bytes: &[u8]) -> Result<()> {
        let slowest = self.limits.slowest.max(1);
        let allowed = self.timeouts.pdu + Duration::from_secs(bytes.len() as u64 / slowest);
        let deadline = Deadline::after(allowed, "sending to the peer");
        while !bytes.is_empty() {
            match self.transport.write(bytes) {
                Ok(0) => return Err(Error::Closed(deadline.waiting_for)),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if is_wait(&error) => {
                    deadline.left()?;
                    self.control.check()?;
                }
                Err(error) => return Err(lost(error, deadline.waiting_for)),
            }
        }
        loop {
            match self.transport.flush() {
                Ok(()) => return Ok(()),
                Err(error) if is_wait(&error) => {
                    deadline.left()?;
                }
                Err(error) => return Err(lost(error, deadline.waiting_for)),
            }
        }
    }

    /// Ends the sending, and waits a moment until the peer has read the end: closing at once could discard what was sent.
    pub fn close(mut self) {
        self.transport.finish_writing();
        let end = Instant::now() + Duration::from_millis(500);
        let mut rest = [0; 4096];
        while Instant::now() < end {
            let set = self.transport.set_read_timeout(LOOK);
            match set.and_then(|()| self.transport.read(&mut rest)) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if is_wait(&error) => {}
                Err(_) => return,
            }
        }
    }
}

fn is_wait(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn lost(error: std::io::Error, doing: &'static str) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe => Error::Closed(doing),
        // rustls reports what the peer did wrong so.
        ErrorKind::InvalidData => Error::Tls(error.to_string()),
        _ => Error::io(doing, error),
    }
}

/// The end of a wait.
struct Deadline {
    at: Instant,
    after: Duration,
    waiting_for: &'static str,
}

impl Deadline {
    fn after(after: Duration, waiting_for: &'static str) -> Self {
        Self {
            at: Instant::now() + after,
            after,
            waiting_for,
        }
    }

    fn left(&self) -> Result<Duration> {
        match self.at.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(left),
            _ => Err(Error::Timeout {
                waiting_for: self.waiting_for,
                after: self.after,
            }),
        }
    }
}
