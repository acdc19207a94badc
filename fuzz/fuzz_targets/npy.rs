//! Fuzzes the readers of NumPy's `.npy` and `.npz` files.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| match bytes.starts_with(b"PK\x03\x04") {
    true => shared::read_bytes(bytes),
    false => shared::read_bytes(&shared::behind(b"\x93NUMPY", b"\x93NUMPY\x01\0", bytes)),
});
