//! Ctrl-C and polite kills (INT, TERM, HUP): work that can save is asked to, the second time the process
//! ends; other work ends at once, and leaves no half-written file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// The flag of work that saves; none for commands that do not.
static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Handles signals for the whole command.
pub fn install() {
    let installed = ctrlc::set_handler(|| {
        match STOP.get() {
            Some(flag) if !flag.swap(true, Ordering::Relaxed) => {
                note!("\nstopping: what is done is being saved; press Ctrl-C again to end at once");
            }
            _ => {
                vesalius::io::remove_unfinished();
                std::process::exit(1);
            }
        };
    });
    if let Err(error) = installed {
        note!("warning: Ctrl-C will not save ({error})");
    }
}

/// A flag that the first Ctrl-C (or a polite kill) sets.
pub fn stop_flag() -> Arc<AtomicBool> {
    STOP.get_or_init(Arc::default).clone()
}
