//! Fuzzes the reader of dicom files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use shared::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    read_bytes(&[&[0; 128], &b"DICM"[..], bytes].concat());
});
