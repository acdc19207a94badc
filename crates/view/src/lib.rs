//! Pictures of volumes and labels that need no viewer: slices, overlays, montages.
//!
//! Start at [`Scene`] (what is shown) and [`Montage`] (how). Everything ends in a [`Picture`],
//! whose bytes the caller writes; nothing here reads or writes files.
//!
//! Pictures follow the radiological convention: axial and coronal slices have the patient's right
//! on the left of the picture, anterior or superior is up; sagittal slices face left.

mod colour;
mod error;
mod montage;
mod panel;
mod picture;
mod plane;
mod scene;
mod text;
mod window;

pub use colour::{Colour, label_colour};
pub use error::Error;
pub use montage::Montage;
pub use panel::Overlay;
pub use picture::Picture;
pub use plane::{Plane, Slicing};
pub use scene::{Scene, label_names};
pub use window::Window;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
