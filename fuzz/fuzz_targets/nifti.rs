//! Fuzzes the reader of NIfTI-1 and NIfTI-2: single files, compressed files and pairs.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| shared::read_bytes(bytes));
