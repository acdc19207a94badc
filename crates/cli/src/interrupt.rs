//! Ctrl-C: the first asks the work to save and stop, the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the first Ctrl-C (or a polite kill) sets.
pub fn stop_flag() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = stop.clone();
    let installed = ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(1);
        }
        eprintln!("\nstopping: what is done is being saved; press Ctrl-C again to end at once");
    });
    if let Err(error) = installed {
        eprintln!("warning: Ctrl-C will not save ({error})");
    }
    stop
}
