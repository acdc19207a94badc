//! Command sets: what a message asks for or answers. Data sets follow them on the same association.

mod command;
mod fields;

pub use command::Command;
pub(crate) use fields::{Request, element, field};
