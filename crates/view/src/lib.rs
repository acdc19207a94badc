//! Pictures of volumes and labels that need no viewer: slices, overlays, montages.
//!
//! Start at [`Scene`] (what is shown) and [`Montage`], [`ThreePlanes`] or [`Animation`] (how);
//! [`Chart`] draws curves and [`Page`] puts everything on one HTML page without other files.
//! Everything ends in bytes or text that the caller writes; nothing here touches files.
//!
//! Pictures follow the radiological convention: axial and coronal slices have the patient's right
//! on the left of the picture, anterior or superior is up; sagittal slices face left.

#![forbid(unsafe_code)]

mod animation;
mod chart;
mod colour;
mod error;
mod legend;
mod montage;
mod page;
mod panel;
mod picture;
mod plane;
mod scene;
mod text;
mod three_planes;
mod window;

pub use animation::Animation;
pub use chart::{Chart, Marks, Scale, Series};
pub use colour::Colour;
pub use error::Error;
pub use montage::Montage;
pub use page::Page;
pub use panel::Overlay;
pub use picture::Picture;
pub use plane::{Plane, Slicing};
pub use scene::{Scene, label_names};
pub use three_planes::ThreePlanes;
pub use vesalius_volume::label_colour;
pub use window::Window;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
