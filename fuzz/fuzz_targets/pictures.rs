//! Fuzzes the reader of pictures: TIFF with its directories, PNG, JPEG.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| shared::read_bytes(bytes));
