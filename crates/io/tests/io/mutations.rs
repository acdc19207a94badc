//! Files with a few bytes changed, cut or doubled are read or refused, never the end of the program.
//! `VESALIUS_MUTATIONS` sets how many for each file; a hundred times the usual is a night's work.

use std::path::Path;
use vesalius_io::{FourthAxis, ReadOptions, describe_with, open_with, read_as_with};

/// Numbers that repeat from run to run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        // Marsaglia's xorshift.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Numbers that headers trip over.
const STRANGE: [&[u8]; 8] = [
    &[0xFF, 0xFF, 0xFF, 0xFF],
    &[0, 0, 0, 0],
    &[0xFF, 0xFF, 0xFF, 0x7F],
    &[0, 0, 0, 0x80],
    &[0xFF, 0x7F],
    &[0, 0, 0xC0, 0x7F],
    b"-1",
    b"99999999999999999999",
];

fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(4) {
        // Headers come first: half of the changes go there.
        let reach = if dice.below(2) == 0 { 400 } else { usize::MAX };
        let at = dice.below(bytes.len().min(reach).max(1));
        match dice.below(5) {
            0 => bytes.truncate(at),
            1 => {
                let strange = STRANGE[dice.below(STRANGE.len())];
                let end = (at + strange.len()).min(bytes.len());
                let count = end - at;
                bytes[at..end].copy_from_slice(&strange[..count]);
            }
            2 => {
                let end = (at + 1 + dice.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << dice.below(8);
                }
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn changed_files_are_read_or_refused() {
    let count: usize = std::env::var("VESALIUS_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(30);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        assume_spacing: Some([1.0; 3]),
        max_bytes: 1 << 20,
        ..ReadOptions::default()
    };
    let place = tempfile::tempdir().unwrap();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    let mut read = 0;
    for file in &files {
        let whole = std::fs::read(file).unwrap();
        let path = place.path().join(file.file_name().unwrap());
        for _ in 0..count {
            let mut bytes = whole.clone();
            mutate(&mut bytes, &mut dice);
            std::fs::write(&path, &bytes).unwrap();
            read += usize::from(read_as_with::<f32>(&path, &options).is_ok());
            let _ = read_as_with::<u16>(&path, &options);
            let _ = describe_with(&path, &options);
            if let Ok(image) = open_with(&path, &options) {
                let _ = image.read_region::<f64>([0; 3], [1; 3]);
            }
        }
        std::fs::remove_file(path).unwrap();
    }
    // Changes to voxels alone do no harm, so some of the files are still images.
    assert!(read > 0);
}
