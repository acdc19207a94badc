//! Ctrl-C and the signals INT, TERM and HUP: work that can save is cancelled, and a second Ctrl-C ends the process; TERM and HUP
//! given again do not cut its saving short, as schedulers repeat them. Other work is cancelled and ends within two seconds. No
//! half-written file is left.

use crate::stages;
use std::process::ExitCode;
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
    let installed = on_signals(|is_interrupt| match WORK.get() {
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
        Some(work) if work.saves && !is_interrupt => {}
        _ => end(),
    });
    if let Err(error) = installed {
        complain!("warning: Ctrl-C will not save ({error})");
    }
}

/// Calls `act` at each signal, with whether it is Ctrl-C's.
#[cfg(unix)]
fn on_signals(act: impl Fn(bool) + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let thread = std::thread::Builder::new().name("signals".to_owned());
    thread.spawn(move || signals.forever().for_each(|signal| act(signal == SIGINT)))?;
    Ok(())
}

#[cfg(not(unix))]
fn on_signals(act: impl Fn(bool) + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || act(true))
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

/// The exit code of a command that failed: 75 (`EX_TEMPFAIL`) where a signal stopped work that saves what is done, so that the
/// same command goes on with it and a scheduler can run it again.
pub fn exit_code() -> ExitCode {
    match WORK.get() {
        Some(work) if work.saves && work.control.is_cancelled() => ExitCode::from(75),
        _ => ExitCode::FAILURE,
    }
}

/// Whether work was stopped that saves nothing.
pub fn was_stopped() -> bool {
    WORK.get()
        .is_some_and(|work| !work.saves && work.control.is_cancelled())
}
