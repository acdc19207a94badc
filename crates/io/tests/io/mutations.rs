//! Files with a few bytes changed, cut or doubled are read or refused, never the end of the program.
//! `VESALIUS_MUTATIONS` sets how many for each file; a hundred times the usual is a night's work.

use crate::analyze::analyze;
use crate::numpy::{npy, npz};
use crate::zstd;
use std::io::Write;
use std::path::Path;
use vesalius_io::{
    ColorAs, ComplexAs, Format, FourthAxis, LabelChannels, ReadOptions, WriteOptions,
    describe_with, open_with, read_as_with, read_labels_with, to_bytes, write,
};
use vesalius_volume::{Geometry, Volume};

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

/// Small files of the formats that `tests/data/images` has none of.
fn make(folder: &Path) {
    let grid = Geometry::axis_aligned([4, 3, 2], [1.0, 1.0, 2.0]).unwrap();
    let image = Volume::new(grid, 2, (0..48i16).collect()).unwrap();
    for name in ["a.mgh", "a.mgz"] {
        write(folder.join(name), &image).unwrap();
    }
    let plain = WriteOptions {
        compress: false,
        ..WriteOptions::default()
    };
    let nifti = to_bytes(&image, Format::Nifti1, &plain).unwrap();
    std::fs::write(folder.join("a.nii.zst"), zstd::packed(&nifti)).unwrap();
    analyze(folder, |_| ());
    let bytes: Vec<u8> = (0..192).collect();
    let arrays = [
        ("c.npy", npy("<i2", false, "4, 3, 2, 2", &bytes[..96])),
        ("f.npy", npy(">f4", true, "4, 3, 2", &bytes[..96])),
        ("complex.npy", npy("<c8", false, "4, 3, 2", &bytes)),
        (
            "a.npz",
            npz(&[("a.npy", &npy("|u1", false, "4, 3, 2", &bytes[..24]))]),
        ),
    ];
    let header = |kind: &str, encoding: &str| {
        format!(
            "NRRD0005\ntype: uchar\ndimension: 4\nspace: scanner-xyz\nsizes: 3 4 3 2\n\
             space directions: none (1,0,0) (0,1,0) (0,0,2)\nkinds: {kind} domain domain domain\n\
             space origin: (0,0,0)\nencoding: {encoding}\n\n"
        )
    };
    let mut packed = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packed.write_all(&bytes[..72]).unwrap();
    let packed = packed.finish().unwrap();
    let inside = header("domain", "raw").replace("none (1,0,0)", "(1,0,0) none");
    let nrrds = [
        (
            "color.nrrd",
            header("RGB-color", "raw").into_bytes(),
            bytes[..72].to_vec(),
        ),
        ("bzip2.nrrd", header("list", "bzip2").into_bytes(), packed),
        (
            "hex.nrrd",
            header("list", "hex").into_bytes(),
            vec![b'3'; 144],
        ),
        ("inside.nrrd", inside.into_bytes(), bytes[..72].to_vec()),
        (
            "lines.nrrd",
            header("list", "raw\nline skip: 1").into_bytes(),
            vec![b'\n'; 73],
        ),
    ];
    let nrrds = nrrds.map(|(name, header, data)| (name, [header, data].concat()));
    for (name, bytes) in arrays.into_iter().chain(nrrds) {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

#[test]
fn changed_files_are_read_or_refused() {
    let count: usize = std::env::var("VESALIUS_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(30);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let made = tempfile::tempdir().unwrap();
    make(made.path());
    let listed = |folder: &Path| std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = listed(&folder)
        .chain(listed(made.path()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        color: ColorAs::Luminance,
        complex: ComplexAs::Magnitude,
        label_channels: LabelChannels::Largest,
        assume_spacing: Some([1.0; 3]),
        max_bytes: 1 << 20,
        ..ReadOptions::default()
    };
    let place = tempfile::tempdir().unwrap();
    // The voxels of the changed ANALYZE headers.
    std::fs::copy(made.path().join("a.img"), place.path().join("a.img")).unwrap();
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
            let _ = read_labels_with::<u16>(&path, &options);
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
