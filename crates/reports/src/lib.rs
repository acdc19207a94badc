//! What a training run draws, as callbacks of [`vesalius_training::fit`], which alone writes checkpoints, logs and the
//! model folder: [`TensorBoard`]'s event files with curves and pictures, and [`HtmlReport`], one page to send or to keep.
//!
//! ```no_run
//! use vesalius_training::FitOptions;
//!
//! let options = FitOptions {
//!     callbacks: vesalius_reports::all(),
//!     ..FitOptions::default()
//! };
//! ```

#![forbid(unsafe_code)]

mod curves;
mod event_file;
mod html;
mod machine;
mod page;
mod picture;
mod protobuf;
mod tensorboard;

pub use html::{HtmlReport, REPORT_FILE};
pub use page::logged_warnings;
pub use tensorboard::{TENSORBOARD_FOLDER, TensorBoard};

use vesalius_training::{Callbacks, Error};

/// Both, for one run.
pub fn all() -> Callbacks {
    Callbacks::of(TensorBoard::default()).with(HtmlReport::default())
}

/// An error of drawing as an error of the run.
fn drawn<T>(result: vesalius_view::Result<T>) -> vesalius_training::Result<T> {
    result.map_err(Error::custom)
}

#[cfg(test)]
mod tests;
