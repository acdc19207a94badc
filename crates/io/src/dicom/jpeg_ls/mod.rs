//! JPEG-LS (ITU-T T.87), lossless and near-lossless, one component of up to 16 bits: the crates
//! that decode it need a C++ compiler and CMake.

mod bits;
mod context;
mod gradients;
mod header;
mod runs;
mod scan;

use bits::Plain;
use scan::Scan;

/// Decodes one grey image of the expected size; an error says what is wrong with the bytes.
pub(super) fn decode(bytes: &[u8], width: usize, height: usize) -> Result<Vec<u16>, String> {
    let (parameters, scan) = header::markers(bytes)?;
    if (parameters.width, parameters.height) != (width, height) {
        return Err(format!(
            "its JPEG-LS has {} × {} pixels, expected {width} × {height}",
            parameters.width, parameters.height
        ));
    }
    Scan::new(&parameters, &Plain::new(&bytes[scan..])).run()
}
