//! Reports of training runs, as callbacks of [`vesalius_training::fit`]: [`TensorBoard`]'s event files with curves and
//! pictures, and [`HtmlReport`], one self-contained page. `fit` itself writes only checkpoints, logs and the model folder.
//!
//! ```
//! use vesalius_networks::{NetworkConfig, UNetConfig};
//! use vesalius_reports::{REPORT_FILE, TENSORBOARD_FOLDER};
//! use vesalius_training::{
//!     Case, FitOptions, MemoryCases, TrainingConfig, TrainingData, fit, synthetic::Spheres,
//! };
//! use vesalius_volume::LabelScheme;
//!
//! let network = NetworkConfig::UNet(UNetConfig {
//!     channels: vec![2, 4],
//!     strides: vec![2.into()],
//!     ..UNetConfig::default()
//! });
//! let config = TrainingConfig::new(network).patch([8, 8, 8]).steps(2);
//! let labels = LabelScheme::exclusive(&[("a", 1), ("b", 2), ("c", 3)])?;
//! let case = |number| {
//!     let subject = Spheres { size: [20, 24], ..Spheres::default() }.subject(1, number)?;
//!     Case::new(subject, &labels, &config.preprocessing)
//! };
//! let data = TrainingData {
//!     dataset: "spheres".to_owned(),
//!     channels: vec!["made".to_owned()],
//!     training: MemoryCases::shared([case(0)?]),
//!     validation: MemoryCases::shared([case(1)?]),
//!     labels: labels.clone(),
//!     warnings: Vec::new(),
//! };
//! let folder = tempfile::tempdir()?;
//! let output = folder.path().join("model");
//! let options = FitOptions {
//!     output: output.clone(),
//!     callbacks: vesalius_reports::all(),
//!     ..FitOptions::default()
//! };
//! fit(&config, &data, &options, &mut |_| ())?;
//! assert!(output.join(REPORT_FILE).is_file() && output.join(TENSORBOARD_FOLDER).is_dir());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | all reports at once | [`all`] |
//! | one page | [`HtmlReport`], [`REPORT_FILE`] |
//! | TensorBoard | [`TensorBoard`], [`TENSORBOARD_FOLDER`] |
//! | warnings of runs | [`logged_warnings`] |

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
