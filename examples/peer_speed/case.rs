//! A case of work to be timed; `main` does the timing.

use std::path::Path;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Work that is timed.
pub type Work = Box<dyn FnMut()>;

/// Prepares the work from the folder of files.
pub type Prepare = Box<dyn Fn(&Path) -> Result<Work>>;

/// A case: its name, how often it is timed, and the preparation of its work.
pub struct Case {
    pub name: String,
    #[allow(dead_code)] // `cargo bench` counts for itself.
    pub runs: usize,
    pub prepare: Prepare,
}
