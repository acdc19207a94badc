//! Fuzzes the reader of MetaImage files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let start = b"ObjectType = Image\nNDims = 3\n";
    shared::read_bytes(&shared::behind(b"ObjectType = ", start, bytes));
});
