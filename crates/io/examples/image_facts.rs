//! Prints what is read from each path as one JSON line: size, channels, affine and a check sum of
//! the voxels as little-endian f64, or the error. `tests/parity/images.py` compares it with peers.

use vesalius_io::{FourthAxis, ReadOptions, read_as_with};

fn main() {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    };
    for path in std::env::args().skip(1) {
        match read_as_with::<f64>(&path, &options) {
            Ok(volume) => {
                let mut check = flate2::Crc::new();
                for value in volume.data() {
                    check.update(&value.to_le_bytes());
                }
                let geometry = volume.geometry();
                println!(
                    "{{\"size\": {:?}, \"channels\": {}, \"affine\": {:?}, \"crc\": {}}}",
                    geometry.size(),
                    volume.channels(),
                    geometry.affine().rows(),
                    check.sum()
                );
            }
            Err(error) => println!("{{\"error\": {}}}", serde_json::json!(error.to_string())),
        }
    }
}
