//! Files from end to end, in one binary: the readers are generic, so each binary compiles them again.

mod charset;
mod composite;
mod control;
mod convert;
mod custom_format;
mod dicom;
mod dicom_folders;
mod dicom_parts;
mod dicom_resampled;
mod dicom_rules;
mod dicom_values;
mod dicom_volumes;
mod dicom_writer;
mod formats;
#[cfg(target_os = "linux")]
mod full_disk;
mod hostile;
mod label_values;
mod memory;
mod mosaic;
mod mutations;
mod nifti;
mod nifti_fields;
mod nrrd;
mod other_crates;
mod parity;
mod root_place;
mod segmentation;
mod shared;
mod streams;
mod structures;
mod tiff;
mod warnings;
