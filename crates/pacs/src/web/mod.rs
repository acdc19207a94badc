//! DICOMweb (PS3.18): a client of STOW-RS, QIDO-RS and WADO-RS, and the parser of multipart bodies for both sides.

mod client;
mod media_type;
mod multipart;
mod qido;
mod stow;
mod wado;

pub use client::WebClient;
pub use media_type::MediaType;
pub use multipart::{Multipart, MultipartEvent, MultipartLimits};
