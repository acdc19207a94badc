//! A disk of a few kilobytes, to test commands on a full disk. Needs the right to mount a file system in memory; a
//! test without it prints a line that it was skipped.

use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A small file system in memory, unmounted at the end, however the test ends.
pub struct SmallDisk(TempDir);

impl SmallDisk {
    /// A disk of this size, such as `300k` or `13m`; `None` where this process may not mount.
    pub fn mount(size: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        if mount(&format!("size={size}"), folder.path()) {
            return Some(Self(folder));
        }
        println!("skipped: full disk (no right to mount a file system in memory)");
        None
    }

    /// The folder that is the disk.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes the disk larger or smaller; what is on it stays.
    pub fn resize(&self, size: &str) {
        assert!(mount(&format!("remount,size={size}"), self.path()));
    }

    /// Forbids (`ro`) or allows (`rw`) writing to it for every user.
    pub fn allow(&self, mode: &str) {
        assert!(mount(&format!("remount,{mode}"), self.path()));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn mount(options: &str, folder: &Path) -> bool {
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", options, "none"])
        .arg(folder)
        .output();
    mounted.is_ok_and(|output| output.status.success())
}
