//! Images in Zstandard, which are read and not written: files of its own programs (`tests/parity/zstd_files.py` makes
//! them), damage, frames that need more than the file holds, and small files that unpack to much.

use crate::foreign::saved;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::path::{Path, PathBuf};
use vesalius_io::{
    ConvertOptions, Error, Format, ImageBytes, ReadOptions, Slab, WriteOptions, check_name,
    convert, describe, is_image, open, open_with, probe, read, read_as, read_as_with, read_labels,
    to_bytes, write,
};
use vesalius_registry::Registry;
use vesalius_volume::{ErrorKind, Geometry, Volume, Warning};

/// Bytes as one frame, with a check sum.
pub fn packed(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec(bytes, CompressionLevel::Fastest)
}

fn data(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/zstd");
    folder.join(name)
}

fn plain() -> Volume<i16> {
    read_as(data("plain.nii")).unwrap()
}

/// Those of one and of several frames, with and without a check sum and a stated length.
const READABLE: [&str; 6] = [
    "sized",
    "streamed",
    "unchecked",
    "window_128",
    "frames",
    "skippable",
];

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(data(&format!("{name}.nii.zst"))).unwrap()
}

/// A frame header without check sum and stated length, with a window of 1 MiB.
const HEADER: [u8; 6] = [0x28, 0xb5, 0x2f, 0xfd, 0, 0x50];

/// The header of a block: 0 is one of plain bytes, 1 one of a repeated byte.
fn block(kind: u32, length: usize, is_last: bool) -> [u8; 3] {
    let word = (length as u32) << 3 | kind << 1 | u32::from(is_last);
    [word as u8, (word >> 8) as u8, (word >> 16) as u8]
}

/// Bytes, and 128 KiB of zeros so many times.
fn bomb(first: &[u8], times: usize) -> Vec<u8> {
    let mut frame = HEADER.to_vec();
    frame.extend(block(0, first.len(), false));
    frame.extend(first);
    for i in 0..times {
        frame.extend(block(1, 1 << 17, i + 1 == times));
        frame.push(0);
    }
    frame
}

#[test]
fn files_of_zstd_programs_are_read_by_every_way_in() {
    let folder = tempfile::tempdir().unwrap();
    for name in READABLE {
        // The content decides, not the name.
        for ending in ["nii.zst", "nii", "nii.gz", "img"] {
            let path = saved(folder.path(), &format!("{name}.{ending}"), &bytes(name));
            let image: Volume<i16> = read_as(&path).unwrap();
            assert_eq!(image, plain(), "{name}.{ending}");
            // The header of the made image has no unit.
            let unit = [Warning::UnitMissing { code: 0 }];
            assert_eq!(image.warnings(), unit);
        }
        let path = data(&format!("{name}.nii.zst"));
        let info = probe(&path).unwrap();
        assert_eq!((info.format, info.compressed), (Format::Nifti1, true));
        let opened = open(&path).unwrap();
        let slabs = opened.slabs::<i16>(2).unwrap();
        let slabs: Vec<Slab<i16>> = slabs.collect::<Result<_, _>>().unwrap();
        let values = slabs.into_iter().flat_map(|slab| slab.volume.into_data());
        assert_eq!(values.collect::<Vec<_>>(), plain().data(), "{name}");
        let part = opened.read_region::<i16>([3, 2, 4], [5, 1, 1]).unwrap();
        assert_eq!(part.data()[4], plain().get(0, [7, 2, 4]), "{name}");
        let held = ImageBytes::new(bytes(name)).format(Format::Nifti1);
        let options = ReadOptions::default();
        assert_eq!(held.read_as::<i16>(&options).unwrap(), plain(), "{name}");
        assert_eq!(described(&path), [Format::Nifti1]);
    }
    // Gzip under the other's name.
    let gzip = to_bytes(&plain(), Format::Nifti1, &WriteOptions::default()).unwrap();
    let path = saved(folder.path(), "gzip.nii.zst", &gzip);
    assert_eq!(read_as::<i16>(&path).unwrap().data(), plain().data());
}

fn described(path: &Path) -> Vec<Format> {
    let found = describe(path).unwrap();
    found.iter().filter_map(|one| one.format).collect()
}

#[test]
fn blocks_that_refer_to_earlier_ones_are_read() {
    let image: Volume<i32> = read_as(data("blocks.nii.zst")).unwrap();
    let grid = *image.geometry();
    let made = Volume::from_fn(grid, |[x, y, z]| ((x * x + 3 * y * (z / 4)) % 1021) as i32);
    assert_eq!(grid.size(), [96, 80, 40]);
    assert_eq!(image, made);
}

#[test]
fn a_folder_and_a_conversion_take_it_as_any_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path(), "scan.nii.zst", &bytes("sized"));
    assert!(is_image(&path));
    assert_eq!(vesalius_io::strip_extension(&path), "scan");
    assert_eq!(described(folder.path()), [Format::Nifti1]);
    let output = folder.path().join("scan.nrrd");
    convert(&path, &output, &ConvertOptions::default()).unwrap();
    assert_eq!(read_as::<i16>(&output).unwrap().data(), plain().data());
    let mgh = to_bytes(
        &plain(),
        Format::Mgh,
        &WriteOptions {
            compress: false,
            ..Default::default()
        },
    );
    let path = saved(folder.path(), "a.mgh.zst", &packed(&mgh.unwrap()));
    assert_eq!(read_as::<i16>(&path).unwrap().data(), plain().data());
    let labels = Volume::from_fn(*plain().geometry(), |[x, ..]| (x % 3) as u8);
    let bytes = to_bytes(
        &labels,
        Format::Nifti1,
        &WriteOptions {
            compress: false,
            ..Default::default()
        },
    );
    let path = saved(folder.path(), "labels.nii.zst", &packed(&bytes.unwrap()));
    assert_eq!(read_labels(&path).unwrap().data()[..4], [0, 1, 2, 0]);
}

#[test]
fn nothing_is_written_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.nii.zst");
    let errors = [
        write(&path, &plain()).unwrap_err(),
        check_name(&path, &Registry::default()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        let text = error.to_string();
        assert!(
            text.contains("Zstandard") && text.contains(".nii.gz"),
            "{text}"
        );
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn frames_that_need_more_than_the_file_holds_are_refused_by_name() {
    let options = ReadOptions::default();
    for (name, what, remedy) in [
        ("dictionary", "dictionary 77", "-D"),
        ("window_2048", "a window of 2048 MiB", "--long"),
    ] {
        let path = data(&format!("{name}.nii.zst"));
        let errors = [
            read(&path).unwrap_err(),
            probe(&path).unwrap_err(),
            describe(&path).unwrap_err(),
            ImageBytes::new(bytes(name)).read(&options).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            let text = error.to_string();
            assert!(text.contains(what) && text.contains(remedy), "{text}");
        }
    }
    // The second frame, which only reading reaches.
    let folder = tempfile::tempdir().unwrap();
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8];
    let first = packed(&std::fs::read(data("plain.nii")).unwrap()[..700]);
    let path = saved(folder.path(), "a.nii.zst", &[&first[..], &header].concat());
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("a window of 2048 MiB"), "{error}");
}

#[test]
fn what_is_cut_is_told_to_be_cut() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sized", "streamed", "unchecked", "frames", "skippable"] {
        let whole = bytes(name);
        for length in 0..whole.len() {
            let path = saved(folder.path(), "a.nii.zst", &whole[..length]);
            let error = read(&path).unwrap_err();
            match length {
                // No whole magic number.
                0..4 => assert!(matches!(error, Error::NotAnImage { .. }), "{error}"),
                _ if name == "skippable" && length < 16 => {}
                _ => assert_eq!(
                    error.kind(),
                    ErrorKind::Corrupt,
                    "{name}, {length}: {error}"
                ),
            }
        }
    }
    // Where only the second frame is cut, the place is known.
    let path = saved(folder.path(), "a.nii.zst", &bytes("frames")[..500]);
    let error = read(&path).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Truncated {
                offset: 700,
                expected: 2272,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_flipped_bit_is_found() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["sized", "streamed", "frames"] {
        let whole = bytes(name);
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let path = saved(folder.path(), "a.nii.zst", &changed);
            // A bit that says whether there is a check sum, or one that no decoder looks at.
            match read_as::<i16>(&path) {
                Ok(image) => assert_eq!(image.data(), plain().data(), "{name}, bit {bit}"),
                Err(error) => assert!(!error.to_string().contains("panicked"), "{error}"),
            }
        }
    }
}

#[test]
fn a_header_that_states_another_length_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut longer = bytes("sized");
    // 2272 less 256, in two bytes.
    assert_eq!(longer[5..7], [0xe0, 0x07]);
    longer[5] += 1;
    let path = saved(folder.path(), "a.nii.zst", &longer);
    let error = read(&path).unwrap_err().to_string();
    assert!(
        error.contains("states 2273 bytes, and there are 2272"),
        "{error}"
    );
    // A frame of plain bytes that states too few; its window is what it states.
    let content = std::fs::read(data("plain.nii")).unwrap();
    let mut short = vec![0x28, 0xb5, 0x2f, 0xfd, 0x60];
    short.extend((2000u16 - 256).to_le_bytes());
    for (i, half) in content.chunks(1136).enumerate() {
        short.extend(block(0, half.len(), i == 1));
        short.extend(half);
    }
    let path = saved(folder.path(), "b.nii.zst", &short);
    let error = read(&path).unwrap_err().to_string();
    assert!(
        error.contains("states 2000 bytes, and there are more"),
        "{error}"
    );
}

#[test]
fn small_files_that_unpack_to_much_are_refused_before_the_memory_is_filled() {
    let folder = tempfile::tempdir().unwrap();
    let content = std::fs::read(data("plain.nii")).unwrap();
    // Behind the image: what is there is skipped, and too much is refused.
    let path = saved(folder.path(), "behind.nii.zst", &bomb(&content, 100));
    let options = ReadOptions {
        max_bytes: 1 << 20,
        ..ReadOptions::default()
    };
    let image: Volume<i16> = read_as_with(&path, &options).unwrap();
    assert_eq!(image.data(), plain().data());
    assert!(
        matches!(
            image.warnings(),
            [Warning::UnitMissing { .. }, Warning::SurplusData { .. }]
        ),
        "{:?}",
        image.warnings()
    );
    let path = saved(folder.path(), "far.nii.zst", &bomb(&content, 8300));
    let error = read_as_with::<i16>(&path, &options)
        .unwrap_err()
        .to_string();
    assert!(error.contains("bytes follow the voxels"), "{error}");
    // A header that announces as much as is there: the limit holds, and memory beyond it is not asked for.
    let mut header = content[..352].to_vec();
    header[42..48].copy_from_slice(&[0, 8, 0, 8, 0, 8]);
    let path = saved(folder.path(), "large.nii.zst", &bomb(&header, 300));
    let error = read_as_with::<i16>(&path, &options).unwrap_err();
    assert!(
        matches!(error, Error::TooLarge { needed, .. } if needed == 1 << 34),
        "{error}"
    );
    // Sixteen GiB out of 78 bytes.
    let path = saved(folder.path(), "lie.nii.zst", &bomb(&header, 3));
    let options = ReadOptions {
        max_bytes: 1 << 36,
        ..options
    };
    for error in [
        read_as_with::<i16>(&path, &options).unwrap_err(),
        open_with(&path, &options)
            .and_then(|file| file.read_lean::<i16>())
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[test]
fn a_large_image_is_read_into_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([256, 256, 140], [1.0, 1.0, 2.0]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| {
        ((x * 7919 + y * 104_729 + z * z * 31) % 4001) as i16
    });
    let raw = to_bytes(
        &image,
        Format::Nifti1,
        &WriteOptions {
            compress: false,
            ..Default::default()
        },
    );
    let raw = raw.unwrap();
    let whole = packed(&raw);
    let path = saved(folder.path(), "a.nii.zst", &whole);
    assert_eq!(read_as::<i16>(&path).unwrap(), image);
    assert_eq!(open(&path).unwrap().read_lean::<i16>().unwrap(), image);
    let path = saved(
        folder.path(),
        "b.nii.zst",
        &[&whole[..], b"garbage"].concat(),
    );
    let found = read_as::<i16>(&path).unwrap();
    assert_eq!((found.data(), found.warnings().len()), (image.data(), 1));
    let path = saved(folder.path(), "c.nii.zst", &whole[..whole.len() / 2]);
    let error = read_as::<i16>(&path).unwrap_err();
    assert!(
        matches!(error, Error::Truncated { offset, .. } if offset > 1 << 20),
        "{error}"
    );
    let mut changed = whole.clone();
    let end = changed.len() - 2;
    changed[end] ^= 1;
    let path = saved(folder.path(), "d.nii.zst", &changed);
    let error = read_as::<i16>(&path).unwrap_err().to_string();
    assert!(error.contains("check sum"), "{error}");
    // Eight bits a voxel hold none of its values above 255.
    let path = saved(folder.path(), "a.nii.zst", &whole);
    assert!(matches!(read_as::<u8>(&path), Err(Error::Value { .. })));
}

#[test]
fn what_is_no_image_is_named_with_what_it_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let nrrd = to_bytes(
        &plain(),
        Format::Nrrd,
        &WriteOptions {
            compress: false,
            ..Default::default()
        },
    );
    for (content, words) in [
        (
            b"notes of a meeting".to_vec(),
            ["Zstandard data with text", "notes"],
        ),
        (Vec::new(), ["Zstandard data with nothing", "empty"]),
        (nrrd.unwrap(), ["NRRD inside of Zstandard", "zstd -d"]),
        (packed(b"twice"), ["Zstandard data with", "28, b5, 2f, fd"]),
    ] {
        let path = saved(folder.path(), "a.nii.zst", &packed(&content));
        let error = read(&path).unwrap_err().to_string();
        assert!(words.iter().all(|word| error.contains(word)), "{error}");
    }
}
