//! Fuzzes the reader of label description files; what is read is written and read to the same again.

#![no_main]

mod shared;

use libfuzzer_sys::fuzz_target;
use vesalius_io::{read_label_names, write_label_names};

fuzz_target!(|bytes: &[u8]| {
    let path = shared::file("x.label", bytes);
    if let Ok(first) = read_label_names(&path) {
        write_label_names(&path, &first).expect("what was read can be written");
        let mut second = read_label_names(&path).expect("what was written can be read");
        if first.iter().all(|label| label.value != 0) {
            second.remove(0);
        }
        assert!(first.len() == second.len());
        assert!(first.iter().zip(&second).all(|(a, b)| (a.value, a.color) == (b.value, b.color)));
    }
});
