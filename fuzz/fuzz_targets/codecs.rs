//! Fuzzes Vesalius's own pixel codecs: RLE and JPEG-LS. They run under the guard that catches panics of other crates;
//! the fuzzer's hook sees a panic before that guard does.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((syntax, size, bits, packed)) = shared::chosen(bytes, &[".5", ".4.80"]) {
        shared::read_bytes(&shared::encapsulated(syntax, size, bits, packed));
    }
});
