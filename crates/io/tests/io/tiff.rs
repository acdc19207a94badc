//! TIFFs as Python's tifffile and Pillow write them (`tests/parity/tiff.py`), and TIFFs that lie.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_io::{Error, ImageBytes, ReadOptions, read_picture, read_picture_with};
use vesalius_volume::ErrorKind;

#[derive(Deserialize)]
struct Expected {
    files: BTreeMap<String, Picture>,
}

#[derive(Deserialize)]
struct Picture {
    size: [usize; 3],
    channels: usize,
    values: Vec<f32>,
}

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

#[test]
fn every_packing_holds_what_tifffile_reads() {
    let text = std::fs::read_to_string(data().join("tiff.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    assert!(expected.files.len() > 20);
    let mut misses = Vec::new();
    for (name, expected) in expected.files {
        let read = read_picture(data().join("tiff").join(&name)).unwrap();
        assert_eq!(read.geometry().size(), expected.size, "{name}");
        assert_eq!(read.channels(), expected.channels, "{name}");
        let apart = read.data().iter().zip(&expected.values);
        let apart = apart.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // The standard leaves a decoder of JPEG one step a sample, which red and blue see 1.8-fold.
        let most = match name.as_str() {
            _ if !name.contains("jpeg") => 0.0,
            "jpeg_ycbcr.tif" => 2.0,
            "jpeg_subsampled.tif" => 3.0,
            _ => 1.0,
        };
        if apart > most {
            misses.push((name, apart));
        }
    }
    assert!(misses.is_empty(), "{misses:?}");
}

/// A little-endian TIFF of one page, with these tags (a 32-bit number each) and bytes behind.
fn page(tags: &[(u16, u32)], next: u32, data: &[u8]) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0".to_vec();
    bytes.extend((tags.len() as u16).to_le_bytes());
    for &(tag, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(4u16.to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend(next.to_le_bytes());
    bytes.extend(data);
    bytes
}

/// The tags of a page of 8 bits, whose pixels follow its directory.
fn tags(width: u32, height: u32, compression: u32, length: u32) -> [(u16, u32); 9] {
    [
        (256, width),
        (257, height),
        (258, 8),
        (259, compression),
        (262, 1),
        (273, 8 + 2 + 9 * 12 + 4),
        (277, 1),
        (278, height),
        (279, length),
    ]
}

fn refused(bytes: &[u8]) -> Error {
    ImageBytes::new(bytes)
        .read_picture(&ReadOptions::new())
        .unwrap_err()
}

#[test]
fn pages_that_go_round_and_sizes_that_lie_are_refused_at_once() {
    let good = page(&tags(4, 2, 1, 8), 0, &[7; 8]);
    let read = ImageBytes::new(&good[..]).read_picture(&ReadOptions::new());
    assert_eq!(read.unwrap().data(), [7.0; 8]);
    // The page that follows is the page itself.
    let round = refused(&page(&tags(4, 2, 1, 8), 8, &[7; 8]));
    assert!(round.to_string().contains("without an end"), "{round}");
    for compression in [1, 5, 7, 8, 32_773] {
        // 900 million pixels in 8 bytes, which fit the limit; and more than fit.
        let lies = refused(&page(&tags(30_000, 30_000, compression, 8), 0, &[7; 8]));
        assert_eq!(lies.kind(), ErrorKind::Corrupt, "{compression}: {lies}");
        let huge = refused(&page(&tags(u32::MAX, u32::MAX, compression, 8), 0, &[7; 8]));
        assert!(
            matches!(huge, Error::TooLarge { .. }),
            "{compression}: {huge}"
        );
    }
    let nothing = refused(&page(&tags(0, 2, 1, 8), 0, &[7; 8]));
    assert_eq!(nothing.kind(), ErrorKind::Corrupt, "{nothing}");
    let rows = tags(4, 2, 1, 8).map(|(tag, v)| (tag, if tag == 278 { 0 } else { v }));
    assert_eq!(refused(&page(&rows, 0, &[7; 8])).kind(), ErrorKind::Corrupt);
    let small = ReadOptions {
        max_bytes: 16,
        ..ReadOptions::new()
    };
    let limited = ImageBytes::new(good).read_picture(&small).unwrap_err();
    assert!(matches!(limited, Error::TooLarge { .. }), "{limited}");
}

#[test]
fn files_that_are_cut_or_changed_anywhere_are_read_or_refused() {
    let mut state = 11u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let small = ReadOptions {
        max_bytes: 1 << 20,
        ..ReadOptions::new()
    };
    for entry in std::fs::read_dir(data().join("tiff")).unwrap() {
        let whole = std::fs::read(entry.unwrap().path()).unwrap();
        for _ in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(3) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            bytes.truncate(bytes.len() - random(bytes.len() / 2));
            // Neither panics nor takes more than the limit.
            if let Ok(picture) = ImageBytes::new(bytes).read_picture(&small) {
                assert!(picture.data().len() * 4 <= 1 << 20);
            }
        }
    }
}

#[test]
fn what_is_not_read_says_what_is() {
    let message = |tag: u16, value: u32| {
        let changed = tags(4, 2, 1, 8).map(|(t, v)| (t, if t == tag { value } else { v }));
        let refused = refused(&page(&changed, 0, &[7; 8]));
        assert_eq!(refused.kind(), ErrorKind::Unsupported);
        refused.to_string()
    };
    assert!(message(259, 4).contains("LZW, deflate"));
    assert!(message(262, 0).contains("0 as black"));
    assert!(message(258, 12).contains("8, 16 or 32 bits"));
    let control = Control::new();
    control.cancel();
    let path = data().join("tiff/lzw_strips.tif");
    let cancelled = read_picture_with(&path, &ReadOptions::new().control(control)).unwrap_err();
    assert_eq!(cancelled.kind(), ErrorKind::Cancelled);
}
