//! A disk that fills up while writing gives an error and leaves the old file as it was. Needs the
//! right to mount a small file system in memory; prints a note when it has none.

use std::process::Command;
use vesalius_io::{read_as, write};
use vesalius_volume::{Geometry, Volume};

/// Unmounts at the end, however the test ends.
struct Mounted<'a>(&'a std::path::Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn the_old_file_survives_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "none"])
        .arg(folder.path())
        .output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        println!("skipped: full disk (no right to mount a file system in memory)");
        return;
    }
    let _mounted = Mounted(folder.path());
    let volume = |n: usize| {
        let geometry = Geometry::axis_aligned([n, n, n], [1.0; 3]).unwrap();
        Volume::from_fn(geometry, |[x, y, z]| (x * 7 + y * 13 + z * z) as i32)
    };
    for name in ["a.nii", "a.nii.gz", "a.mha", "a.nrrd"] {
        let path = folder.path().join(name);
        let old = volume(8);
        write(&path, &old).unwrap();
        // Nothing that deflate could make small.
        let large = Geometry::axis_aligned([64; 3], [1.0; 3]).unwrap();
        let noise = Volume::from_fn(large, |[x, y, z]| {
            let hash = ((x + 64 * (y + 64 * z)) as u32).wrapping_mul(0x9E37_79B9);
            (hash ^ hash >> 15).wrapping_mul(0x85EB_CA6B) as i32
        });
        let error = write(&path, &noise).unwrap_err().to_string();
        assert!(error.contains("room") && error.contains(name), "{error}");
        assert_eq!(read_as::<i32>(&path).unwrap(), old);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 1, "no litter stays behind");
        std::fs::remove_file(&path).unwrap();
    }
}
