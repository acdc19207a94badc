//! The optional folder `../shared` next to the repository, for tests of this crate and of those above it.

use std::path::{Path, PathBuf};

/// Networks of MONAI and nnU-Net with weights, inputs and outputs; `None`, and a line that names what was skipped,
/// where the folder is absent. With `VESALIUS_REQUIRE_SHARED=1` its absence is an error.
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
