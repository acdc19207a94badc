//! Lines on stdout and stderr that may fail: a full disk or a closed terminal behind them is one error at
//! the end, not a panic in the middle of work.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// The first failure of stdout.
static FAILED: Mutex<Option<io::Error>> = Mutex::new(None);

/// Whether notes are left out.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Whether every stage is printed.
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Sets how much is printed: `--quiet` and `--verbose`.
pub fn set(quiet: bool, verbose: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Whether notes and progress are left out.
pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Whether every stage is printed.
pub fn is_verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// Prints a result to stdout, as `println!` does; a failure is reported at the end of the command.
macro_rules! out {
    ($($part:tt)*) => {
        $crate::print::to_stdout(::std::format_args!("{}\n", ::std::format_args!($($part)*)))
    };
}

/// Prints a message to stderr, as `eprintln!` does, unless `--quiet` was given.
macro_rules! note {
    ($($part:tt)*) => {
        if !$crate::print::is_quiet() {
            $crate::print::to_stderr(::std::format_args!("{}\n", ::std::format_args!($($part)*)))
        }
    };
}

/// Prints an error or a warning to stderr; a failure of that is ignored.
macro_rules! complain {
    ($($part:tt)*) => {
        $crate::print::to_stderr(::std::format_args!("{}\n", ::std::format_args!($($part)*)))
    };
}

/// What [`out!`] does.
pub fn to_stdout(text: Arguments) {
    crate::stages::clear();
    let mut stdout = io::stdout().lock();
    keep(stdout.write_fmt(text));
}

/// What [`note!`] and [`complain!`] do.
pub fn to_stderr(text: Arguments) {
    crate::stages::clear();
    // Without stderr a failure cannot be reported.
    let text = text.to_string();
    let text = crate::wording::for_the_command(&text);
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn keep(result: io::Result<()>) {
    let Err(error) = result else {
        return;
    };
    if let Ok(mut failed) = FAILED.lock() {
        failed.get_or_insert(error);
    }
}

/// Flushes stdout; the first thing that failed there.
pub fn finish() -> Result<(), Box<dyn std::error::Error>> {
    keep(io::stdout().lock().flush());
    let failed = FAILED.lock().map_or(None, |mut failed| failed.take());
    match failed {
        Some(error) => Err(format!(
            "cannot write the results to stdout: {error}; free space there, or write them to another place"
        )
        .into()),
        None => Ok(()),
    }
}
