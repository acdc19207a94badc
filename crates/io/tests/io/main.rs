//! Files from end to end, in one binary: the readers are generic, so each binary compiles them anew.

mod dicom;
mod formats;
#[cfg(target_os = "linux")]
mod full_disk;
mod mutations;
mod nifti;
mod parity;
