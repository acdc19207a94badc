//! Sizes in words, and the room on a disk.

use std::fmt;
use std::path::Path;

/// A number of bytes, as a person reads it.
pub(crate) struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0..1_000_000 => write!(f, "{} bytes", self.0),
            1_000_000..1_000_000_000 => write!(f, "{:.1} MB", self.0 as f64 / 1e6),
            _ => write!(f, "{:.1} GB", self.0 as f64 / 1e9),
        }
    }
}

/// How many bytes this user can still write to the disk of a folder; `None` where the system does not say.
pub(crate) fn free(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let found = rustix::fs::statvfs(folder).ok()?;
        Some(found.f_bavail.saturating_mul(found.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}

/// Waits until what was written to the disk of a folder is durable.
pub(crate) fn settle(folder: &Path) -> std::io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        let handle = std::fs::File::open(folder)?;
        rustix::fs::syncfs(&handle)?;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = folder;
    Ok(())
}
