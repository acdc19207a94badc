//! Runs the command as a user without rights, to test files that may not be read or written: permissions do not
//! restrict the superuser, and tests often run as superuser.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

/// `nobody`.
const USER: u32 = 65534;

/// Gives a file or folder these permissions, such as `0o755`.
pub fn allow(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs `vesalius` in a folder as a user whom permissions restrict; `None`, and a line that says so, where this
/// process may not become another user (with `VESALIUS_REQUIRE_OTHER_USER=1` that is an error).
pub fn without_rights(folder: &Path, arguments: &[&str]) -> Option<Output> {
    // What this process makes belongs to its user.
    let own = tempfile::tempdir().unwrap();
    let is_superuser = std::fs::metadata(own.path()).unwrap().uid() == 0;
    let command = |binary: &Path| {
        let mut command = Command::new(binary);
        command.current_dir(folder).args(arguments);
        if is_superuser {
            command.uid(USER).gid(USER);
        }
        command.output()
    };
    let binary = Path::new(env!("CARGO_BIN_EXE_vesalius"));
    let mut result = command(binary);
    if result
        .as_ref()
        .is_err_and(|e| e.kind() == std::io::ErrorKind::PermissionDenied)
    {
        // The folder of the build is closed to others.
        let copy = own.path().join("vesalius");
        std::fs::copy(binary, &copy).unwrap();
        allow(own.path(), 0o755);
        allow(&copy, 0o755);
        result = command(&copy);
    }
    match result {
        Ok(output) => Some(output),
        Err(error) => {
            let required = std::env::var_os("VESALIUS_REQUIRE_OTHER_USER");
            assert!(
                required.is_none_or(|value| value != "1"),
                "the command cannot be run as another user: {error}"
            );
            println!("skipped: the command cannot be run as another user ({error})");
            None
        }
    }
}
