//! What every target does: the bytes as a file, read with a small memory limit in all ways there are.

use std::io::Write;
use vesalius_io::{FourthAxis, ReadOptions, describe_with, open_with, read_as_with};

/// Reads `bytes` as a file of its own; only a panic, an abort or a large allocation is a finding.
pub fn read_bytes(bytes: &[u8]) {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        assume_spacing: Some([1.0; 3]),
        max_bytes: 1 << 26,
        ..ReadOptions::default()
    };
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let _ = read_as_with::<f32>(file.path(), &options);
    let _ = read_as_with::<u16>(file.path(), &options);
    let _ = describe_with(file.path(), &options);
    if let Ok(image) = open_with(file.path(), &options) {
        let _ = image.read_region::<f64>([0; 3], [1; 3]);
    }
}
