//! Files from end to end, in one binary: the readers are generic, so each binary compiles them again.

mod analyze;
mod composite;
mod control;
mod convert;
mod custom_format;
mod dicom;
mod dicom_rules;
mod dicom_writer;
mod foreign;
mod formats;
#[cfg(target_os = "linux")]
mod full_disk;
mod hostile;
mod label_values;
mod memory;
mod mgh;
mod mosaic;
mod mutations;
mod nifti;
mod nifti_fields;
mod nrrd;
mod numpy;
mod parity;
mod segmentation;
mod shared;
mod slicer;
mod streams;
mod tiff;
mod warnings;
