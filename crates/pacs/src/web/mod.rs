//! DICOMweb (PS3.18): a client of STOW-RS, QIDO-RS and WADO-RS, and the parser of multipart bodies for both sides.

mod client;
mod multipart;
mod qido;
mod stow;
mod wado;

pub use client::WebClient;
pub use multipart::{MediaType, Multipart, MultipartEvent, MultipartLimits};
