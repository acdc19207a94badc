//! What sort of thing went wrong, for programs that decide by it.

/// What sort of thing went wrong. Every error of these crates has a `kind()`; the text says the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, a config or data that makes no sense, or parts that do not fit together: the caller's to change.
    BadInput,
    /// A file, a folder, a name or a device that is not there.
    NotFound,
    /// Something that makes sense and is not supported here, or was left out of this build.
    Unsupported,
    /// More memory than a limit, the machine or the device has.
    OutOfMemory,
    /// The work was cancelled by the caller.
    Cancelled,
    /// A file that is damaged or cut short, or numbers that are not finite.
    Corrupt,
    /// A folder or file that another process holds.
    Busy,
    /// The disk is full, a permission is missing, or the system failed to read or write.
    System,
    /// The device that computes failed.
    Device,
    /// A fault of the library itself.
    Internal,
}

impl ErrorKind {
    /// The kind of an error of the system.
    pub fn of_io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Io;
        match error.kind() {
            Io::NotFound => Self::NotFound,
            Io::InvalidData | Io::UnexpectedEof => Self::Corrupt,
            Io::OutOfMemory => Self::OutOfMemory,
            Io::Unsupported => Self::Unsupported,
            Io::InvalidInput | Io::IsADirectory | Io::NotADirectory => Self::BadInput,
            _ => Self::System,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_the_systems_and_a_missing_file_is_not_found() {
        use std::io::{Error, ErrorKind as Io};
        let kind = |kind: Io| ErrorKind::of_io(&Error::from(kind));
        assert_eq!(kind(Io::StorageFull), ErrorKind::System);
        assert_eq!(kind(Io::PermissionDenied), ErrorKind::System);
        assert_eq!(kind(Io::NotFound), ErrorKind::NotFound);
        assert_eq!(kind(Io::UnexpectedEof), ErrorKind::Corrupt);
    }
}
