//! Messages on an association: a command set, and the data set that may follow it, each in parts.

use super::Association;
use crate::message::Command;
use crate::net::{Kind, Part, encode, parse, part_header};
use crate::{Error, Result};
use dicom_ul::pdu::Pdu;
use std::io::Read;
use std::time::{Duration, Instant};

/// The longest command set (see [`Command::decode`]).
const LONGEST_COMMAND: usize = 1 << 16;

/// What a peer sends while no data set is expected.
pub(crate) enum Event {
    /// A command in the context with this number.
    Command(u8, Command),
    /// The peer wants to end the association, and was answered.
    Released,
}

impl Association {
    /// Sends a command set, in PDUs of its own.
    pub fn send_command(&mut self, context: u8, command: &Command) -> Result<()> {
        let bytes = command.encode();
        self.send_parts(context, true, &mut bytes.as_slice())
    }

    /// Sends a data set, in PDUs of its own.
    pub fn send_data(&mut self, context: u8, data: &mut dyn Read) -> Result<()> {
        self.send_parts(context, false, data)
    }

    fn send_parts(&mut self, context: u8, is_command: bool, from: &mut dyn Read) -> Result<()> {
        // Two buffers' worth would need a copy; instead one byte more than a part is read, which tells what is the last.
        let mut out = std::mem::take(&mut self.out);
        let whole = 12 + self.part;
        out.resize(whole + 1, 0);
        let mut held = fill(from, &mut out[12..])?;
        loop {
            let is_last = held <= self.part;
            let length = held.min(self.part);
            out[..12].copy_from_slice(&part_header(context, is_command, is_last, length));
            self.wire.send(&out[..12 + length])?;
            if is_last {
                break;
            }
            out[12] = out[whole];
            held = 1 + fill(from, &mut out[13..])?;
        }
        self.out = out;
        Ok(())
    }

    /// The next command, or the wish to end the association.
    pub fn receive_event(&mut self, wait: Duration, waiting_for: &'static str) -> Result<Event> {
        let mut bytes = Vec::new();
        let mut first = None;
        let mut wait = wait;
        let mut started: Option<Instant> = None;
        loop {
            if self.place >= self.body.len() && !self.next_data(wait, waiting_for)? {
                return Ok(Event::Released);
            }
            // A command is short: all of it must come in the time of a PDU, however many parts it has.
            let after = self.wire.timeouts.pdu;
            if started.get_or_insert_with(Instant::now).elapsed() > after {
                let waiting_for = "the rest of a command";
                return Err(Error::Timeout { waiting_for, after });
            }
            wait = after;
            let (part, next) = Part::at(&self.body, self.place)?;
            self.place = next;
            let context = *first.get_or_insert(part.context);
            if !part.is_command || part.context != context {
                return Err(Error::protocol(
                    "a part of a data set where a command was expected",
                ));
            }
            if bytes.len() + part.bytes.len() > LONGEST_COMMAND {
                return Err(Error::protocol("a command set of more than 65,536 bytes"));
            }
            bytes.extend(part.bytes);
            if part.is_last {
                self.known(context)?;
                return Ok(Event::Command(context, Command::decode(&bytes)?));
            }
        }
    }

    /// A command that must come.
    pub fn receive_command(&mut self, waiting_for: &'static str) -> Result<(u8, Command)> {
        match self.receive_event(self.wire.timeouts.response, waiting_for)? {
            Event::Command(context, command) => Ok((context, command)),
            Event::Released => Err(Error::Closed(waiting_for)),
        }
    }

    /// Receives the data set that follows a command, and passes its bytes on as they come. Returns their number.
    pub fn receive_data(
        &mut self,
        context: u8,
        limit: u64,
        to: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let (started, mut total) = (Instant::now(), 0);
        loop {
            let wait = self.wire.timeouts.pdu;
            if self.place >= self.body.len() && !self.next_data(wait, "the rest of a data set")? {
                return Err(Error::protocol("a release within a data set"));
            }
            let (part, next) = Part::at(&self.body, self.place)?;
            if part.is_command || part.context != context {
                return Err(Error::protocol(
                    "a command where a part of a data set was expected",
                ));
            }
            total += part.bytes.len() as u64;
            if total > limit {
                return Err(Error::TooLarge {
                    what: "a data set",
                    found: total,
                    limit,
                });
            }
            to(part.bytes)?;
            self.place = next;
            if part.is_last {
                return Ok(total);
            }
            self.fast_enough(started, total)?;
        }
    }

    /// The data set that follows a command, in memory.
    pub fn receive_bytes(&mut self, context: u8) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let limit = self.wire.limits.in_memory;
        self.receive_data(context, limit, &mut |part| {
            bytes.extend(part);
            Ok(())
        })?;
        Ok(bytes)
    }

    /// Whether a message has run for long and brings next to nothing.
    fn fast_enough(&self, started: Instant, total: u64) -> Result<()> {
        let time = started.elapsed();
        let allowed = self.wire.timeouts.pdu;
        let expected = time.as_secs().saturating_mul(self.wire.limits.slowest);
        match time > allowed && total < expected {
            true => Err(Error::Timeout {
                waiting_for: "a data set, which came too slowly,",
                after: allowed,
            }),
            false => Ok(()),
        }
    }

    fn known(&self, context: u8) -> Result<()> {
        match self.context_of(context) {
            Some(_) => Ok(()),
            None => Err(Error::protocol(
                "a message in a context that was not accepted",
            )),
        }
    }

    /// Receives the next PDU with data; `false` for the wish to end the association, which is answered.
    fn next_data(&mut self, wait: Duration, waiting_for: &'static str) -> Result<bool> {
        self.place = 0;
        let kind = self.wire.receive(&mut self.body, wait, false, waiting_for);
        let kind = kind.inspect_err(|_| self.body.clear())?;
        match kind {
            // An empty PDU has no part; the next call receives another.
            Kind::Data if self.body.is_empty() => Err(Error::protocol("a PDU without a part")),
            Kind::Data => Ok(true),
            kind => {
                let body = std::mem::take(&mut self.body);
                self.other(kind, &body)
            }
        }
    }

    fn other(&mut self, kind: Kind, body: &[u8]) -> Result<bool> {
        match kind {
            Kind::ReleaseRequest => {
                self.wire.send(&encode(&Pdu::ReleaseRP)?)?;
                Ok(false)
            }
            Kind::Abort => Err(aborted(body)),
            _ => Err(Error::protocol("a PDU that belongs elsewhere")),
        }
    }

    /// Asks for the end, and waits for the answer.
    pub(super) fn send_release(&mut self) -> Result<()> {
        self.wire.send(&encode(&Pdu::ReleaseRQ)?)?;
        let end = Instant::now() + self.wire.timeouts.release;
        loop {
            let wait = end.saturating_duration_since(Instant::now());
            let body = &mut self.body;
            match self
                .wire
                .receive(body, wait, true, "the answer to a release")?
            {
                Kind::ReleaseReply => return Ok(()),
                // Both asked at once.
                Kind::ReleaseRequest => self.wire.send(&encode(&Pdu::ReleaseRP)?)?,
                Kind::Data => {}
                Kind::Abort => return Err(aborted(&[])),
                _ => return Err(Error::protocol("a PDU that belongs elsewhere")),
            }
        }
    }
}

/// The error for an abort of the peer.
pub(super) fn aborted(body: &[u8]) -> Error {
    use dicom_ul::pdu::AbortRQSource::ServiceProvider;
    let by = match parse(Kind::Abort, body) {
        Ok(Pdu::AbortRQ {
            source: ServiceProvider(reason),
        }) => reason.to_string(),
        _ => "no reason given".to_owned(),
    };
    Error::Aborted(by)
}

/// Reads until the buffer is full or nothing is left.
fn fill(from: &mut dyn Read, buffer: &mut [u8]) -> Result<usize> {
    let mut held = 0;
    while held < buffer.len() {
        match from.read(&mut buffer[held..]) {
            Ok(0) => break,
            Ok(count) => held += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("reading what is to be sent", error)),
        }
    }
    Ok(held)
}
