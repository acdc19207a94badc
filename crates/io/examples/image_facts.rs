//! Prints what is read from each path as one JSON line: size, channels, affine and a check sum of
//! the voxels as little-endian f64, or the error. A file without a position is read again with an
//! assumed one, which is printed. `tests/parity/images.py` compares it with SimpleITK and nibabel.

use vesalius_io::{FourthAxis, ReadOptions, read_as_with};

fn main() {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    };
    for path in std::env::args().skip(1) {
        let assume = ReadOptions {
            assume_spacing: Some([1.0; 3]),
            ..options.clone()
        };
        let strict = read_as_with::<f64>(&path, &options);
        let refused = strict.as_ref().err().map(ToString::to_string);
        match strict.or_else(|_| read_as_with::<f64>(&path, &assume)) {
            Ok(volume) => {
                let mut check = flate2::Crc::new();
                for value in volume.data() {
                    check.update(&value.to_le_bytes());
                }
                let geometry = volume.geometry();
                println!(
                    "{{\"size\": {:?}, \"channels\": {}, \"affine\": {:?}, \"crc\": {}, \"refused\": {}}}",
                    geometry.size(),
                    volume.channels(),
                    geometry.affine().rows(),
                    check.sum(),
                    serde_json::json!(refused)
                );
            }
            Err(error) => println!("{{\"error\": {}}}", serde_json::json!(error.to_string())),
        }
    }
}
