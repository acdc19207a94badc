//! Fuzzes the reader of metaimage files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use shared::read_bytes;

fuzz_target!(|bytes: &[u8]| {
    read_bytes(&[b"ObjectType = Image\nNDims = 3\n", bytes].concat());
});
