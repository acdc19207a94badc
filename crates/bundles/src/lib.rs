//! MONAI bundles read without Python: the config of a folder or zip archive, with its references, macros and expressions, and
//! what it describes, as plain data.
//!
//! A [`Bundle`] has a [`Config`] and metadata. [`Bundle::describe`] gives a [`BundleDescription`]: the network by its class and
//! arguments, the weights' file, the steps before and after the network with every setting given, and the names of channels and
//! labels. Only what these depend on is looked up, so that expressions about files, devices and handlers are of no effect. What
//! is needed and not understood is an [`Error`] with its id; [`Config::set`] gives an id another value. No Python is run.
//!
//! | topic | items |
//! |---|---|
//! | a bundle | [`Bundle`], [`BundleOptions`] |
//! | its config | [`Config`], [`TextFormat`], [`CONSTANT_KEY`], [`FILE_KEY`], [`ENTRY_KEY`], [`TARGET_KEY`] |
//! | what it describes | [`BundleDescription`], [`About`], [`NetworkSpec`], [`WeightsSpec`], [`InfererSpec`], [`SlidingWindow`], [`Blending`], [`Padding`], [`Label`] |
//! | steps before the network | [`Step`], [`Placed`], [`Spacing`], [`CropForeground`], [`Interpolation`], [`ResizeMode`], [`Reader`], [`ChannelAxis`], [`Dtype`] |
//! | steps after the network | [`PostStep`], [`ValueKind`], [`Rule`], [`Save`] |
//! | notes and errors | [`Note`], [`Error`] |

#![forbid(unsafe_code)]

mod arithmetic;
mod bundle;
mod component;
mod config;
mod describe;
mod description;
mod error;
mod evaluate;
mod expression;
mod force;
mod limits;
mod macros;
mod names;
mod note;
mod post_step;
mod read;
mod resolve;
mod source;
mod step;
mod value;

pub use bundle::{Bundle, BundleOptions};
pub use config::Config;
pub use description::{
    About, Blending, BundleDescription, InfererSpec, Label, NetworkSpec, Padding, Placed,
    SlidingWindow, WeightsSpec,
};
pub use error::Error;
pub use note::Note;
pub use post_step::{PostStep, Rule, Save, ValueKind};
pub use read::TextFormat;
pub use step::{
    ChannelAxis, CropForeground, Dtype, Interpolation, Reader, ResizeMode, Spacing, Step,
};
pub use value::{CONSTANT_KEY, ENTRY_KEY, FILE_KEY, TARGET_KEY};

/// The result of this crate's fallible functions.
pub type Result<T> = std::result::Result<T, Error>;
