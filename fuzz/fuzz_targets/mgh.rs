//! Fuzzes the reader of FreeSurfer's MGH files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| shared::read_bytes(&shared::behind(
    b"\0\0\0\x01",
    b"\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\x02\0\0\0\x01\0\0\0",
    bytes
)));
