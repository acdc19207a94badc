//! The kind of an error, for programs that decide by it.

/// The kind of an error. Every error of these crates has a `kind()`; its text gives the details.
///
/// ```
/// use vesalius_volume::{ErrorKind, Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([2, 2, 2], [1.0; 3])?;
/// let error = Volume::new(grid, 1, vec![0.0; 7]).unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::BadInput);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An option, a config or data that is not valid, or parts that do not fit together: the caller has to change it.
    BadInput,
    /// A file, a folder, a name or a device that is not there.
    NotFound,
    /// A valid request that is not supported, or not part of this build.
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
    ///
    /// ```
    /// use std::io::{Error, ErrorKind as Io};
    /// use vesalius_volume::ErrorKind;
    ///
    /// assert_eq!(ErrorKind::of_io(&Error::from(Io::NotFound)), ErrorKind::NotFound);
    /// assert_eq!(ErrorKind::of_io(&Error::from(Io::PermissionDenied)), ErrorKind::System);
    /// ```
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
