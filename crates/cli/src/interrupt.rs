//! Ctrl-C and polite kills (INT, TERM, HUP): work that can save is asked to, the second time the process
//! ends; other work ends at once, and leaves no half-written file.

use std::sync::OnceLock;
use vesalius::control::Control;

/// What the first signal cancels; none for commands that save nothing.
static CONTROL: OnceLock<Control> = OnceLock::new();

/// Handles signals for the whole command.
pub fn install() {
    let installed = ctrlc::set_handler(|| {
        match CONTROL.get() {
            Some(control) if !control.is_cancelled() => {
                control.cancel();
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

/// A handle that the first Ctrl-C (or a polite kill) cancels.
pub fn control() -> Control {
    CONTROL.get_or_init(Control::new).clone()
}
