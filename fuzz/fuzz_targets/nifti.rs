//! Fuzzes the reader of nifti files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use shared::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    read_bytes(bytes);
});
