//! The status of a response, with its meaning in words.

use std::fmt;

/// The status of a DIMSE response (PS3.7 annex C, PS3.4).
///
/// ```
/// use vesalius_pacs::Status;
///
/// assert!(Status::SUCCESS.is_success());
/// assert!(Status(0xA700).is_failure());
/// assert_eq!(Status(0xA700).to_string(), "0xA700 (out of resources)");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(
    /// The code.
    pub u16,
);

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self(0x0000);
    /// A result, more of which follow.
    pub const PENDING: Self = Self(0xFF00);
    /// A result, more of which follow; some keys were not matched.
    pub const PENDING_WARNING: Self = Self(0xFF01);
    /// Ended by a request to cancel.
    pub const CANCELLED: Self = Self(0xFE00);
    /// Sub-operations ended, and one or more of them failed.
    pub const SOME_FAILED: Self = Self(0xB000);
    /// The disk is full, or a limit is reached: it may succeed later.
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// The data set is not what the command announced.
    pub const DATA_SET_MISMATCH: Self = Self(0xA900);
    /// The data set cannot be read.
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// The object is refused: the sender is not allowed to send it.
    pub const NOT_AUTHORISED: Self = Self(0x0124);
    /// Another object of the same identifier exists.
    pub const DUPLICATE_INSTANCE: Self = Self(0x0111);
    /// The receiver failed.
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// The class is not supported.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// An identifier is not valid.
    pub const INVALID_INSTANCE: Self = Self(0x0117);
    /// No such object.
    pub const NO_SUCH_INSTANCE: Self = Self(0x0112);
    /// The operation is not known.
    pub const UNRECOGNISED_OPERATION: Self = Self(0x0211);
    /// An attribute that was expected is missing.
    pub const MISSING_ATTRIBUTE: Self = Self(0x0120);

    /// Done, without a remark.
    pub fn is_success(self) -> bool {
        self == Self::SUCCESS
    }

    /// More responses follow.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PENDING | Self::PENDING_WARNING)
    }

    /// Done, with a remark: elements were coerced or discarded, or some sub-operations failed.
    pub fn is_warning(self) -> bool {
        matches!(self.0, 0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF)
    }

    /// Ended by a request to cancel.
    pub fn is_cancelled(self) -> bool {
        self == Self::CANCELLED
    }

    /// Not done.
    pub fn is_failure(self) -> bool {
        !(self.is_success() || self.is_pending() || self.is_warning() || self.is_cancelled())
    }

    /// Whether the same request may succeed later: the peer was out of resources or failed in processing.
    pub fn may_succeed_later(self) -> bool {
        matches!(self.0, 0xA700..=0xA7FF | 0x0110 | 0x0213)
    }

    /// What the code means.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0x0000 => "success",
            0x0001 | 0x0107 | 0x0116 => "success with a warning",
            0x0105 => "no such attribute",
            0x0106 => "invalid attribute value",
            0x0110 => "processing failure",
            0x0111 => "another object of this identifier exists",
            0x0112 => "no such object",
            0x0113 => "no such event type",
            0x0114 => "no such argument",
            0x0115 => "invalid argument value",
            0x0117 => "invalid identifier of an object",
            0x0118 => "no such class",
            0x0119 => "class and object conflict",
            0x0120 => "missing attribute",
            0x0121 => "missing attribute value",
            0x0122 => "class not supported",
            0x0123 => "no such action",
            0x0124 => "not authorised",
            0x0210 => "duplicate invocation",
            0x0211 => "unrecognised operation",
            0x0212 => "mistyped argument",
            0x0213 => "resource limitation",
            0xA701 => "out of resources: cannot count the matches",
            0xA702 => "out of resources: cannot perform the sub-operations",
            0xA700..=0xA7FF => "out of resources",
            0xA801 => "the destination of a move is not known to the peer",
            0xA900..=0xA9FF => "the data set does not fit the class or the command",
            0xB000 => "some sub-operations failed, or elements were coerced",
            0xB001..=0xBFFF => "success with a warning",
            0xC000..=0xCFFF => "cannot understand or process",
            0xFE00 => "cancelled",
            0xFF00 | 0xFF01 => "pending",
            _ => "a status that the standard does not name",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:04X} ({})", self.0, self.meaning())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_of_exactly_one_class() {
        for code in 0..=u16::MAX {
            let status = Status(code);
            let classes = [
                status.is_success(),
                status.is_pending(),
                status.is_warning(),
                status.is_cancelled(),
                status.is_failure(),
            ];
            assert_eq!(classes.iter().filter(|&&is| is).count(), 1, "{status}");
        }
    }
}
