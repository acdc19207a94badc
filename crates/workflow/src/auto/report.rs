//! The page about a work folder, and its numbers.

use super::{AutoEvent, Observer, Result};
use vesalius_auto::{WorkFolder, write_report};

/// Writes report.html and report.json.
///
/// # Errors
/// Nothing trained yet, files that cannot be read, a folder that cannot be written.
pub fn report(work: &WorkFolder, observer: &Observer) -> Result<()> {
    let path = write_report(work, &work.plans()?)?;
    observer(&AutoEvent::Reported(&path));
    Ok(())
}
