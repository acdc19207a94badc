//! Files beside the repository that some tests read.

use std::path::{Path, PathBuf};

/// A file or folder of `../shared`; `None`, with a line that says so, where it is absent, which
/// `VESALIUS_REQUIRE_SHARED` makes a failure.
pub fn shared(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none(),
        "../shared/{name} is required, but not there"
    );
    println!("skipped: ../shared/{name} is absent");
    None
}
