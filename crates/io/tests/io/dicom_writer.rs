//! DICOM files made for tests, explicit little-endian: a slice with changes, sequences, directories.

#![allow(dead_code)]

use std::path::{Path, PathBuf};

/// One element, explicit value types, little-endian.
pub fn element(tag: u32, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(kind);
    let padded = value.len().next_multiple_of(2);
    if matches!(kind, b"OW" | b"OB" | b"SQ") {
        bytes.extend([0, 0]);
        bytes.extend((padded as u32).to_le_bytes());
    } else {
        bytes.extend((padded as u16).to_le_bytes());
    }
    bytes.extend(value);
    bytes.resize(bytes.len() + padded - value.len(), b' ');
    bytes
}

/// A slice of 3 × 2 voxels; `changes` replace or add elements.
pub fn slice(z: f64, values: [i16; 6], changes: &[(u32, &[u8; 2], &[u8])]) -> Vec<u8> {
    let position = format!("-10\\-20\\{z}");
    let pixels: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let word = |v: u16| v.to_le_bytes().to_vec();
    let mut elements: Vec<(u32, [u8; 2], Vec<u8>)> = vec![
        (0x0008_0060, *b"CS", b"CT".to_vec()),
        (0x0008_103E, *b"LO", b"thorax".to_vec()),
        (0x0010_0010, *b"PN", b"Doe^Jane".to_vec()),
        (0x0018_0050, *b"DS", b"3".to_vec()),
        (0x0020_000E, *b"UI", b"1.2.3".to_vec()),
        (0x0020_0011, *b"IS", b"4".to_vec()),
        (0x0020_0032, *b"DS", position.into_bytes()),
        (0x0020_0037, *b"DS", b"1\\0\\0\\0\\1\\0".to_vec()),
        (0x0020_0052, *b"UI", b"1.2.9".to_vec()),
        (0x0028_0002, *b"US", word(1)),
        (0x0028_0010, *b"US", word(2)),
        (0x0028_0011, *b"US", word(3)),
        (0x0028_0030, *b"DS", b"0.5\\0.25".to_vec()),
        (0x0028_0100, *b"US", word(16)),
        (0x0028_0101, *b"US", word(16)),
        (0x0028_0102, *b"US", word(15)),
        (0x0028_0103, *b"US", word(1)),
        (0x7FE0_0010, *b"OW", pixels),
    ];
    for (tag, kind, value) in changes {
        elements.retain(|e| e.0 != *tag);
        if !value.is_empty() {
            elements.push((*tag, **kind, value.to_vec()));
        }
    }
    elements.sort_by_key(|e| e.0);
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"));
    for (tag, kind, value) in elements {
        bytes.extend(element(tag, &kind, &value));
    }
    bytes
}

pub fn save(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

/// A sequence of items, each the bytes of its elements.
pub fn sequence(tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
    let mut value = Vec::new();
    for item in items {
        value.extend([0xFE, 0xFF, 0, 0xE0]);
        value.extend((item.len() as u32).to_le_bytes());
        value.extend(item);
    }
    element(tag, b"SQ", &value)
}

/// Writes a DICOMDIR that names these files, with `\\` between folders.
pub fn directory(folder: &Path, names: &[&[u8]]) -> PathBuf {
    let records: Vec<Vec<u8>> = names
        .iter()
        .map(|name| element(0x0004_1500, b"CS", name))
        .collect();
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    bytes.extend(element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"));
    bytes.extend(sequence(0x0004_1220, &records));
    save(folder, "DICOMDIR", &bytes)
}
