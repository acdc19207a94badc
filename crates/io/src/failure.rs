//! Failures of the machine, not of the data: a full disk, a permission, a device that does not respond. Long
//! work stops at them and can continue when they are repaired; faults of a case or a config are left to
//! the caller.

use std::error::Error;
use std::io::ErrorKind;

/// `EIO`, which the standard library has no kind for.
const INPUT_OUTPUT: i32 = 5;

/// The failure of the machine among an error and its causes; `None` where there is none.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// use vesalius_io::machine_failure;
///
/// let full = vesalius_io::Error::Write {
///     path: "mask.nii.gz".into(),
///     source: Error::from(ErrorKind::StorageFull),
/// };
/// assert!(machine_failure(&full).is_some());
/// let absent = vesalius_io::Error::Read {
///     path: "scan.nii.gz".into(),
///     source: Error::from(ErrorKind::NotFound),
/// };
/// assert!(machine_failure(&absent).is_none());
/// ```
pub fn machine_failure<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a std::io::Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(system) = error.downcast_ref::<std::io::Error>() {
            if is_of_machine(system) {
                return Some(system);
            }
            // An error that was wrapped to carry a path is the inner one's cause.
            if let Some(found) = system
                .get_ref()
                .and_then(|inner| machine_failure(inner as &(dyn Error + 'static)))
            {
                return Some(found);
            }
        }
        cause = error.source();
    }
    None
}

fn is_of_machine(error: &std::io::Error) -> bool {
    let kind = matches!(
        error.kind(),
        ErrorKind::StorageFull
            | ErrorKind::QuotaExceeded
            | ErrorKind::PermissionDenied
            | ErrorKind::ReadOnlyFilesystem
            | ErrorKind::StaleNetworkFileHandle
    );
    kind || error.raw_os_error() == Some(INPUT_OUTPUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("a run failed")]
    struct Outer(#[source] crate::Error);

    fn write(source: io::Error) -> crate::Error {
        crate::Error::Write {
            path: "a.nii".into(),
            source,
        }
    }

    #[test]
    fn full_disks_lost_permissions_and_broken_devices_are_found_among_the_causes() {
        for source in [
            io::Error::from(ErrorKind::StorageFull),
            io::Error::from(ErrorKind::PermissionDenied),
            io::Error::from(ErrorKind::ReadOnlyFilesystem),
            io::Error::from_raw_os_error(INPUT_OUTPUT),
            io::Error::from_raw_os_error(28),
            io::Error::other(io::Error::from(ErrorKind::StorageFull)),
        ] {
            let text = source.to_string();
            assert!(machine_failure(&Outer(write(source))).is_some(), "{text}");
        }
    }

    #[test]
    fn what_data_are_to_blame_for_is_no_failure_of_the_machine() {
        for kind in [
            ErrorKind::NotFound,
            ErrorKind::InvalidData,
            ErrorKind::UnexpectedEof,
        ] {
            assert!(machine_failure(&Outer(write(io::Error::from(kind)))).is_none());
        }
    }
}
