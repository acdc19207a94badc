//! Fuzzes the reader of NRRD files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| shared::read_bytes(&shared::behind(b"NRRD000", b"NRRD0004\n", bytes)));
