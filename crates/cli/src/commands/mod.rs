//! One file a command: its arguments, and what it prints.

pub mod auto;
pub mod clinic;
pub mod completions;
pub mod convert;
pub mod data;
pub mod doctor;
pub mod ensemble;
pub mod evaluate;
pub mod filter;
pub mod info;
pub mod man;
pub mod model;
pub mod pacs;
pub mod predict;
pub mod resample;
pub mod serve;
pub mod train;
pub mod transform;
pub mod view;

/// The result of a command: the error's text is the one sentence that the user reads.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;
