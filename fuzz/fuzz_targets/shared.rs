//! Shared by the targets: bytes as a file, read in all possible ways with a small memory limit.
//! Only a panic, an abort, a hang or a large allocation is a finding; errors are expected.

#![allow(dead_code)]

use std::path::PathBuf;
use std::sync::OnceLock;
use vesalius_io::{
    ColorAs, ComplexAs, DicomOptions, FourthAxis, LabelChannels, ReadOptions, Tilt, UnevenSlices,
    describe_with, open_with, read_as_with, read_labels_with,
};

/// A folder of this process, with data files that headers may name.
fn folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let name = format!("vesalius-fuzz-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        std::fs::write(folder.join("x.img"), [7; 4096]).expect("room for it");
        std::fs::write(folder.join("x.raw"), [7; 4096]).expect("room for it");
        folder
    })
}

/// Writes `bytes` into the file that stands at this name.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder().join(name);
    std::fs::write(&path, bytes).expect("room for it");
    path
}

/// Reads `bytes` as a file. Its name lets a NIfTI pair find its partner.
pub fn read_bytes(bytes: &[u8]) {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        color: ColorAs::Luminance,
        complex: ComplexAs::Magnitude,
        label_channels: LabelChannels::Largest,
        assume_spacing: Some([1.0; 3]),
        dicom: DicomOptions {
            uneven_slices: UnevenSlices::Interpolate,
            tilt: Tilt::KeepShear,
            ..DicomOptions::default()
        },
        max_bytes: 1 << 24,
        ..ReadOptions::default()
    };
    let path = file("x.hdr", bytes);
    let _ = read_as_with::<f32>(&path, &options);
    let _ = read_as_with::<u16>(&path, &ReadOptions { max_bytes: 1 << 24, ..ReadOptions::default() });
    let _ = read_labels_with::<u16>(&path, &options);
    let _ = describe_with(&path, &options);
    if let Ok(image) = open_with(&path, &options) {
        let _ = image.read_region::<f64>([0; 3], [1; 3]);
        for slab in image.slabs::<u8>(1).into_iter().flatten().take(4) {
            let _ = slab;
        }
    }
}

/// `bytes`, put behind `start` unless they begin as the format does.
pub fn behind(magic: &[u8], start: &[u8], bytes: &[u8]) -> Vec<u8> {
    if bytes.starts_with(magic) {
        bytes.to_vec()
    } else {
        [start, bytes].concat()
    }
}

/// A DICOM file of one frame whose pixel data are `packed`, in the transfer syntax 1.2.840.10008.1.2.`syntax`.
pub fn encapsulated(syntax: &str, [columns, rows]: [u16; 2], stored: u16, packed: &[u8]) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    let mut put = |tag: u32, kind: &[u8; 2], value: &[u8]| {
        file.extend(((tag >> 16) as u16).to_le_bytes());
        file.extend((tag as u16).to_le_bytes());
        file.extend(kind);
        file.extend((value.len().next_multiple_of(2) as u16).to_le_bytes());
        file.extend(value);
        file.resize(file.len().next_multiple_of(2), 0);
    };
    put(0x0002_0010, b"UI", format!("1.2.840.10008.1.2{syntax}").as_bytes());
    put(0x0028_0010, b"US", &rows.to_le_bytes());
    put(0x0028_0011, b"US", &columns.to_le_bytes());
    let allocated: u16 = if stored > 8 { 16 } else { 8 };
    put(0x0028_0100, b"US", &allocated.to_le_bytes());
    put(0x0028_0101, b"US", &stored.to_le_bytes());
    put(0x0028_0103, b"US", &1u16.to_le_bytes());
    file.extend([0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    for item in [&[][..], packed] {
        file.extend([0xFE, 0xFF, 0, 0xE0]);
        file.extend((item.len() as u32).to_le_bytes());
        file.extend(item);
    }
    file.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    file
}

/// The size, bits and codec that the first four bytes choose among `syntaxes`, and the rest.
pub fn chosen<'a>(bytes: &'a [u8], syntaxes: &[&'static str]) -> Option<(&'static str, [u16; 2], u16, &'a [u8])> {
    let [syntax, columns, rows, bits, packed @ ..] = bytes else {
        return None;
    };
    let syntax = syntaxes[usize::from(*syntax) % syntaxes.len()];
    let side = |byte: u8| u16::from(byte).max(1);
    Some((syntax, [side(*columns), side(*rows)], 1 + u16::from(*bits) % 16, packed))
}
