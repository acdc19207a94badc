//! Ctrl-C and the signals INT, TERM and HUP: work that can save is cancelled, and a second signal ends the process;
//! other work is cancelled and ends within two seconds. No half-written file is left.

use crate::stages;
use std::sync::OnceLock;
use std::time::Duration;
use vesalius::control::Control;
use vesalius::workflow::output;

/// How long work that saves nothing may take to stop by itself.
const LONGEST_STOP: Duration = Duration::from_millis(1500);

/// What the first signal cancels; unset before a command has begun.
static WORK: OnceLock<Work> = OnceLock::new();

/// What runs.
struct Work {
    control: Control,
    /// Whether it saves what is done, for as long as that takes.
    saves: bool,
}

/// Handles signals for the whole command.
pub fn install() {
    let installed = ctrlc::set_handler(|| match WORK.get() {
        Some(work) if !work.control.is_cancelled() => {
            work.control.cancel();
            if work.saves {
                note!("\nstopping: what is done is being saved; press Ctrl-C again to end at once");
            } else {
                std::thread::spawn(|| {
                    std::thread::sleep(LONGEST_STOP);
                    stages::clear();
                    complain!("error: {STOPPED}");
                    end();
                });
            }
        }
        _ => end(),
    });
    if let Err(error) = installed {
        complain!("warning: Ctrl-C will not save ({error})");
    }
}

/// The message of a stopped command.
pub const STOPPED: &str = "stopped before the end; nothing is left half written";

/// Ends the process.
fn end() -> ! {
    vesalius::io::remove_unfinished();
    output::remove_made_folders();
    std::process::exit(1);
}

/// A handle that the first Ctrl-C (or INT, TERM or HUP) cancels, for work that saves what is done.
pub fn control() -> Control {
    work(true)
}

/// A handle that the first Ctrl-C (or INT, TERM or HUP) cancels, for work that saves nothing before its end; its
/// stages are shown where they take long.
pub fn followed() -> Control {
    work(false)
}

fn work(saves: bool) -> Control {
    let work = WORK.get_or_init(|| {
        let control = Control::new();
        if !saves {
            control.on_progress(stages::show);
        }
        Work { control, saves }
    });
    work.control.clone()
}

/// Whether work was stopped that saves nothing.
pub fn was_stopped() -> bool {
    WORK.get()
        .is_some_and(|work| !work.saves && work.control.is_cancelled())
}
