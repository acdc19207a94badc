//! Ctrl-C and polite kills (INT, TERM, HUP): work that can save is asked to, the second time the process
//! ends; other work ends at once, and leaves no half-written file.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use vesalius::control::Control;

/// What the first signal stops; none for commands that save nothing.
static STOP: OnceLock<Stop> = OnceLock::new();

/// One stop for work that takes a [`Control`] and for work that looks at a flag.
#[derive(Default)]
struct Stop {
    control: Control,
    flag: Arc<AtomicBool>,
}

/// Handles signals for the whole command.
pub fn install() {
    let installed = ctrlc::set_handler(|| {
        match STOP.get() {
            Some(stop) if !stop.flag.swap(true, Ordering::Relaxed) => {
                stop.control.cancel();
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
    STOP.get_or_init(Stop::default).flag.clone()
}

/// A handle that the first Ctrl-C (or a polite kill) cancels.
pub fn control() -> Control {
    STOP.get_or_init(Stop::default).control.clone()
}
