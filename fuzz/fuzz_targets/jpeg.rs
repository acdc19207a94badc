//! Fuzzes JPEG and JPEG 2000, which others' crates decode. Their panics are caught and become the
//! file's error, so they are silenced here; aborts, hangs and memory errors are findings.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(
    init: std::panic::set_hook(Box::new(|_| {})),
    |bytes: &[u8]| {
        if let Some((syntax, size, bits, packed)) = shared::chosen(bytes, &[".4.70", ".4.90"]) {
            shared::read_bytes(&shared::encapsulated(syntax, size, bits, packed));
        }
    }
);
