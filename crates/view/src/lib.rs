//! Pictures of volumes and labels: slices, overlays, montages, charts and pages.
//!
//! A [`Scene`] holds what is shown; [`Montage`], [`ThreePlanes`] and [`Animation`] draw it. Results are bytes or text
//! that the caller writes. Axial and coronal slices follow the radiological convention: the patient's right is on the
//! left of the picture, anterior or superior is up; sagittal slices face left.
//!
//! ```
//! use vesalius_view::{Montage, Page, Scene, Window};
//! use vesalius_volume::{Geometry, LabelMap, Volume};
//!
//! // A CT of 32 × 24 × 10 voxels of 1 × 1 × 3 mm, with a segmentation.
//! let grid = Geometry::axis_aligned([32, 24, 10], [1.0, 1.0, 3.0])?;
//! let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
//! let found = LabelMap::from_fn(grid, |[x, y, z]| u16::from(x > 8 && y > 8 && z > 2));
//! let scene = Scene { prediction: Some(&found), ..Scene::of(&image) };
//! let window = Window::level(40.0, 400.0);
//! let picture = Montage { slices: 2, window, ..Montage::default() }.draw(&scene)?;
//!
//! let mut page = Page::new("Case 1");
//! page.picture(&picture, "two slices")?;
//! assert!(page.html().contains("two slices"));
//! # Ok::<(), vesalius_view::Error>(())
//! ```
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | what is shown | [`Scene`], [`label_names`], [`Window`], [`Overlay`], [`Plane`], [`Slicing`] |
//! | how it is drawn | [`Montage`], [`ThreePlanes`], [`ResultSheet`] (with a table and a notice), [`Animation`] (GIF) |
//! | results | [`Picture`] (PNG), [`Colour`], [`label_colour`] |
//! | curves | [`Chart`] (SVG), [`Curve`], [`Marks`], [`Scale`] |
//! | pages | [`Page`] (one HTML file) |

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
mod result_sheet;
mod scene;
mod text;
mod three_planes;
mod window;

pub use animation::Animation;
pub use chart::{Chart, Curve, Marks, Scale};
pub use colour::Colour;
pub use error::Error;
pub use montage::Montage;
pub use page::Page;
pub use panel::Overlay;
pub use picture::Picture;
pub use plane::{Plane, Slicing};
pub use result_sheet::{ResultSheet, SheetRow};
pub use scene::{Scene, label_names};
pub use three_planes::ThreePlanes;
pub use vesalius_volume::label_colour;
pub use window::Window;

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
