//! Segmentation as a service: a queue on disk, an HTTP interface and a web page.
//!
//! The server knows no network. What segments is an [`Engine`]; the command `vesalius serve` has one over model folders.
//!
//! # Contents
//!
//! | topic | items |
//! |---|---|
//! | all of it | [`serve()`], [`Setup`], [`Config`], [`LimitsConfig`] |
//! | what segments | [`Engine`], [`ModelInfo`], [`LabelInfo`], [`Task`], [`Warm`] |
//! | the queue | [`Queue`], [`Workers`], [`Job`], [`JobId`], [`State`], [`JobView`] |
//! | limits | [`Limits`], [`Room`], [`Refusal`] |
//! | what is sent | [`Upload`], [`Request`], [`InputKind`] |
//! | results | [`Version`], [`LabelVolume`], [`VersionError`], [`Delivery`], [`DeliveryError`], [`NoDelivery`] |
//! | HTTP | [`router`], [`bind`], [`Bound`], [`Listen`], [`TlsFiles`], [`Access`], [`Token`], [`LICENCES`] |
//! | errors | [`Error`](enum@Error) |

#![forbid(unsafe_code)]

mod archive;
mod config;
mod delivery;
mod disk;
mod engine;
mod error;
mod http;
mod idle;
mod input;
mod job;
mod limits;
mod listen;
mod queue;
mod serve;
mod spool;
mod token;
mod totals;
mod upload;
mod versions;
mod warm;
mod worker;

pub use config::{Config, LimitsConfig};
pub use delivery::{Delivery, DeliveryError, NoDelivery};
pub use disk::Room;
pub use engine::{
    Engine, EngineError, LABELS_FILE, LabelInfo, ModelInfo, PROBABILITIES_FILE, Task,
};
pub use error::{Error, Refusal};
pub use http::{Access, LICENCES, router};
pub use job::{InputKind, Job, JobId, LabelVolume, State, Version};
pub use limits::Limits;
pub use listen::{Bound, Listen, TlsFiles, bind};
pub use queue::{JobView, Queue};
pub use serve::{Setup, serve};
pub use token::Token;
pub use upload::{Request, Upload};
pub use versions::VersionError;
pub use warm::Warm;
pub use worker::Workers;
