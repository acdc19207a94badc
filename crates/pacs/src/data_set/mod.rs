//! Data sets: what is read of received ones, whole ones of queries and answers, and their transfer syntax.

mod convert;
mod header;
mod instance;
mod part_ten;
mod read;
mod walk;

pub(crate) use convert::convert;
pub use header::Header;
pub use instance::{Frame, InstanceHeader};
pub use part_ten::FileMeta;
pub(crate) use part_ten::{meta_bytes, open};
pub(crate) use read::{decode, encode};
