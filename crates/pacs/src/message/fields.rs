//! Numbers of command elements and kinds of messages (PS3.7 annex E), and requests and responses built of them.

use super::Command;
use crate::Status;

/// Element numbers of group 0000.
pub(crate) mod element {
    pub const GROUP_LENGTH: u16 = 0x0000;
    pub const AFFECTED_CLASS: u16 = 0x0002;
    pub const REQUESTED_CLASS: u16 = 0x0003;
    pub const FIELD: u16 = 0x0100;
    pub const MESSAGE_ID: u16 = 0x0110;
    pub const RESPONDED_ID: u16 = 0x0120;
    pub const DESTINATION: u16 = 0x0600;
    pub const PRIORITY: u16 = 0x0700;
    pub const DATA_SET_TYPE: u16 = 0x0800;
    pub const STATUS: u16 = 0x0900;
    pub const COMMENT: u16 = 0x0902;
    pub const AFFECTED_INSTANCE: u16 = 0x1000;
    pub const REQUESTED_INSTANCE: u16 = 0x1001;
    pub const EVENT_TYPE: u16 = 0x1002;
    pub const ACTION_TYPE: u16 = 0x1008;
    pub const COMPLETED: u16 = 0x1021;
    pub const FAILED: u16 = 0x1022;
    pub const WARNING: u16 = 0x1023;
}

/// Kinds of messages.
pub(crate) mod field {
    pub const C_STORE_RQ: u16 = 0x0001;
    pub const C_GET_RQ: u16 = 0x0010;
    pub const C_FIND_RQ: u16 = 0x0020;
    pub const C_MOVE_RQ: u16 = 0x0021;
    pub const C_ECHO_RQ: u16 = 0x0030;
    pub const N_EVENT_REPORT_RQ: u16 = 0x0100;
    pub const N_ACTION_RQ: u16 = 0x0130;
    pub const C_CANCEL_RQ: u16 = 0x0FFF;
    /// The bit that makes a response's kind of a request's.
    pub const RESPONSE: u16 = 0x8000;
}

/// A request that is being built.
pub(crate) struct Request {
    command: Command,
    kind: u16,
    has_data_set: bool,
}

impl Request {
    pub fn new(kind: u16, id: u16) -> Self {
        let number = match kind {
            field::C_CANCEL_RQ => element::RESPONDED_ID,
            _ => element::MESSAGE_ID,
        };
        Self {
            command: Command::default()
                .with_u16(element::FIELD, kind)
                .with_u16(number, id),
            kind,
            has_data_set: false,
        }
    }

    /// The class; that of an N-ACTION is the requested one.
    pub fn class(mut self, uid: &str) -> Self {
        let number = match self.kind {
            field::N_ACTION_RQ => element::REQUESTED_CLASS,
            _ => element::AFFECTED_CLASS,
        };
        self.command = self.command.with_uid(number, uid);
        self
    }

    /// The object; that of an N-ACTION is the requested one.
    pub fn instance(mut self, uid: &str) -> Self {
        let number = match self.kind {
            field::N_ACTION_RQ => element::REQUESTED_INSTANCE,
            _ => element::AFFECTED_INSTANCE,
        };
        self.command = self.command.with_uid(number, uid);
        self
    }

    pub fn u16(mut self, number: u16, value: u16) -> Self {
        self.command = self.command.with_u16(number, value);
        self
    }

    pub fn text(mut self, number: u16, text: &str) -> Self {
        self.command = self.command.with_text(number, text);
        self
    }

    pub fn data_set(mut self) -> Self {
        self.has_data_set = true;
        self
    }

    pub fn command(self) -> Command {
        self.command.with_data_set(self.has_data_set)
    }
}

impl Command {
    /// The response to a request without a data set: its number and the identifiers that it named, repeated.
    pub(crate) fn response(&self, status: Status) -> Command {
        let kind = self.u16(element::FIELD).unwrap_or(0) | field::RESPONSE;
        let id = self.u16(element::MESSAGE_ID).unwrap_or(0);
        let mut answer = Command::default()
            .with_u16(element::FIELD, kind)
            .with_u16(element::RESPONDED_ID, id)
            .with_u16(element::STATUS, status.0);
        let pairs = [
            (element::AFFECTED_CLASS, element::AFFECTED_CLASS),
            (element::REQUESTED_CLASS, element::AFFECTED_CLASS),
            (element::AFFECTED_INSTANCE, element::AFFECTED_INSTANCE),
            (element::REQUESTED_INSTANCE, element::AFFECTED_INSTANCE),
        ];
        for (from, to) in pairs {
            if let Some(uid) = self.text(from) {
                answer = answer.with_uid(to, &uid);
            }
        }
        for number in [element::ACTION_TYPE, element::EVENT_TYPE] {
            if let Some(value) = self.u16(number) {
                answer = answer.with_u16(number, value);
            }
        }
        answer.with_data_set(false)
    }
}
