//! The optional folder `../shared` beside the repository, for tests of this crate and of those above it.

use std::path::{Path, PathBuf};

/// Networks of the peers with weights, inputs and outputs; nothing, and a line that says what was skipped, where
/// the folder is not there. With `VESALIUS_REQUIRE_SHARED=1` its absence is an error.
pub fn golden_networks(skipped: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let found = ["../shared", "../../shared"]
        .iter()
        .map(|shared| root.join(shared).join("golden/networks"))
        .find(|folder| folder.is_dir());
    if found.is_none() {
        assert!(
            std::env::var_os("VESALIUS_REQUIRE_SHARED").is_none_or(|v| v != "1"),
            "../shared is required but was not found"
        );
        println!("skipped: {skipped} (../shared not found)");
    }
    found
}
