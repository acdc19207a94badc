//! How full the disk below the spool is.

use std::path::Path;

/// The room on the disk that holds a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that may still be written.
    pub free: u64,
    /// Bytes of the whole disk.
    pub total: u64,
}

impl Room {
    /// The room at `path`; `None` where the system does not tell.
    #[cfg(unix)]
    pub fn at(path: &Path) -> Option<Self> {
        let told = rustix::fs::statvfs(path).ok()?;
        Some(Self {
            free: told.f_bavail.saturating_mul(told.f_frsize),
            total: told.f_blocks.saturating_mul(told.f_frsize),
        })
    }

    /// The room at `path`; `None` where the system does not tell.
    #[cfg(not(unix))]
    pub fn at(_path: &Path) -> Option<Self> {
        None
    }

    /// Whether `more` bytes fit, with `free` bytes left and at most the share `full` in use.
    pub fn allows(self, more: u64, free: u64, full: f64) -> bool {
        let left = self.free.saturating_sub(more);
        let used = 1.0 - left as f64 / self.total.max(1) as f64;
        self.free >= more && left >= free && used <= full
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_takes_work_only_within_both_watermarks() {
        let room = Room {
            free: 40,
            total: 100,
        };
        assert!(room.allows(10, 30, 0.7));
        assert!(!room.allows(10, 31, 0.7), "too little left");
        assert!(!room.allows(11, 0, 0.7), "too full");
        assert!(!room.allows(41, 0, 1.0), "does not fit");
    }
}
