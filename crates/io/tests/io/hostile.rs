//! Hostile input that no one format owns: bombs, frames of another size than the header says, links
//! that go round, and a folder of many files.

use crate::dicom_writer::{save, slice};
use std::io::Write;
use std::path::Path;
use std::time::Instant;
use vesalius_io::{Error, ReadOptions, describe, probe, read, read_as, read_as_with, write};
use vesalius_volume::{Geometry, Volume};

fn small(limit: u64) -> ReadOptions {
    ReadOptions {
        max_bytes: limit,
        ..ReadOptions::default()
    }
}

#[test]
fn a_gzip_bomb_behind_a_small_image_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("a.nii");
    let grid = Geometry::axis_aligned([4; 3], [1.0; 3]).unwrap();
    write(&plain, &Volume::filled(grid, 3u8)).unwrap();
    let path = folder.path().join("bomb.nii.gz");
    let mut encoder = flate2::write::GzEncoder::new(
        std::fs::File::create(&path).unwrap(),
        flate2::Compression::best(),
    );
    encoder.write_all(&std::fs::read(&plain).unwrap()).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..200 {
        encoder.write_all(&zeros).unwrap();
    }
    encoder.finish().unwrap();
    // The image is whole, so it is read, and the 200 MiB after it are never in memory.
    let started = Instant::now();
    assert_eq!(
        read_as_with::<u8>(&path, &small(1 << 20)).unwrap().data(),
        [3; 64]
    );
    assert!(started.elapsed().as_secs() < 20);
}

#[test]
fn a_deflated_dicom_bomb_stops_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    let uid = b"1.2.840.10008.1.2.1.99";
    file.extend([2, 0, 0x10, 0, b'U', b'I', uid.len() as u8, 0]);
    file.extend(uid);
    let mut encoder = flate2::write::DeflateEncoder::new(file, flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&zeros).unwrap();
    }
    let path = save(folder.path(), "bomb.dcm", &encoder.finish().unwrap());
    let error = read_as_with::<u8>(&path, &small(1 << 22)).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { limit, .. } if limit == 1 << 22),
        "{error}"
    );
}

#[test]
fn zlib_that_promises_more_than_it_can_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let header = "ObjectType = Image\nNDims = 3\nDimSize = 2000 2000 1000\nElementSpacing = 1 1 1\n\
                  ElementType = MET_UCHAR\nCompressedData = True\nElementDataFile = LOCAL\n";
    let mut encoder =
        flate2::write::ZlibEncoder::new(header.as_bytes().to_vec(), flate2::Compression::best());
    encoder.write_all(&[0; 5000]).unwrap();
    let path = save(folder.path(), "lie.mha", &encoder.finish().unwrap());
    let error = read_as::<u8>(&path).unwrap_err();
    assert!(
        matches!(error, Error::Truncated { offset: 5000, .. }),
        "{error}"
    );
}

/// A file of `tests/data/images` whose Rows say 14 where the code has 13 lines.
#[test]
fn frames_of_another_size_than_rows_and_columns_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    for name in [
        "ct_rle.dcm",
        "ct_jpeg_lossless.dcm",
        "ct_jpeg_2000.dcm",
        "ct_jpeg_ls.dcm",
    ] {
        let mut bytes = std::fs::read(images.join(name)).unwrap();
        let rows = [0x28, 0, 0x10, 0, b'U', b'S', 2, 0, 13, 0];
        let at = bytes.windows(10).position(|w| w == rows).unwrap();
        for other in [14, 12] {
            bytes[at + 8] = other;
            let path = save(folder.path(), name, &bytes);
            let result = read(&path);
            if name == "ct_rle.dcm" && other == 12 {
                // RLE does not say how many values it holds; what is too much is left.
                assert_eq!(result.unwrap().geometry().size()[1], 12);
                continue;
            }
            let error = result.unwrap_err();
            assert!(
                matches!(error, Error::Compression { .. }) && error.to_string().contains(name),
                "{error}"
            );
        }
    }
}

#[test]
fn raw_frames_that_are_cut_short_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let short = slice(0.0, [1; 6], &[(0x7FE0_0010, b"OW", &[1, 2, 3, 4])]);
    let path = save(folder.path(), "short.dcm", &short);
    let error = read(path).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Truncated {
                expected: 12,
                offset: 4,
                ..
            }
        ),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn links_that_go_round_are_followed_once() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    save(at, "a.dcm", &slice(0.0, [1; 6], &[]));
    std::os::unix::fs::symlink(at, at.join("round")).unwrap();
    std::os::unix::fs::symlink(at, at.join("again")).unwrap();
    assert_eq!(describe(at).unwrap().len(), 1);
    assert_eq!(read_as::<u8>(at).unwrap().data(), [1; 6]);
}

#[test]
fn a_thousand_files_are_listed_quickly() {
    let folder = tempfile::tempdir().unwrap();
    for z in 0..1000 {
        let bytes = slice(f64::from(z), [z as i16; 6], &[]);
        save(folder.path(), &format!("{z:04}"), &bytes);
    }
    let started = Instant::now();
    let info = probe(folder.path()).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(info.geometry.size(), [3, 2, 1000]);
    println!("probe of 1000 DICOM files: {:.1} ms", seconds * 1e3);
    // Fifty times what it takes: only work that grows with the square of the files would fail.
    assert!(seconds < 10.0, "{seconds} s");
}

/// Found by fuzzing: letters outside of ASCII where the transfer syntax was cut in two.
#[test]
fn a_transfer_syntax_of_strange_letters_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let mut bytes = std::fs::read(images.join("ct_rle.dcm")).unwrap();
    let uid = b"1.2.840.10008.1.2.5";
    let at = bytes.windows(uid.len()).position(|w| w == uid).unwrap();
    bytes[at + 13..at + 19].fill(0xC9);
    let path = save(folder.path(), "strange.dcm", &bytes);
    let error = read(path).unwrap_err().to_string();
    assert!(
        error.contains("strange.dcm") && error.contains("transfer syntax"),
        "{error}"
    );
}
