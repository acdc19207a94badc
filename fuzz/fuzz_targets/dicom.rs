//! Fuzzes the reader of DICOM files: elements, sequences, directories, functional groups, pixels.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let preamble = [&[0; 128][..], b"DICM"].concat();
    shared::read_bytes(&shared::behind(&preamble, &preamble, bytes));
});
