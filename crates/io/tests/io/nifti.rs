//! NIfTI files from end to end: what is written is read back to the bit, and what is wrong with a
//! file is said with its name, its place and a remedy.

use std::path::{Path, PathBuf};
use vesalius_io::{
    Error, Extension, FileVoxel, Format, FourthAxis, ReadOptions, VoxelType, WriteOptions, open,
    probe, read, read_as, read_as_with, read_labels, read_labels_as, write, write_labels,
    write_with,
};
use vesalius_volume::{Affine, Geometry, LabelMap, Volume};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// An oblique left-handed grid whose numbers are f32, so that NIfTI-1 keeps them to the bit.
fn oblique(size: [usize; 3]) -> Geometry {
    let f = |v: f32| f64::from(v);
    let linear = [
        [f(-0.91), f(0.12), f(0.31)],
        [f(0.1), f(0.93), f(-0.4)],
        [f(0.05), f(0.2), f(2.7)],
    ];
    Geometry::new(
        size,
        Affine::from_linear(linear, [f(90.1), f(-126.3), f(-72.7)]).unwrap(),
    )
    .unwrap()
}

fn round_trip<T: FileVoxel>(folder: &Path, name: &str, value: impl Fn(usize) -> T) {
    let geometry = oblique([5, 3, 4]);
    let volume = Volume::new(geometry, 1, (0..60).map(value).collect()).unwrap();
    let path = folder.join(name);
    write(&path, &volume).unwrap();
    assert_eq!(read_as::<T>(&path).unwrap(), volume, "{name}");
    assert_eq!(probe(&path).unwrap().voxel_type, T::TYPE);
}

#[test]
fn every_type_comes_back_to_the_bit() {
    let folder = folder();
    for ending in ["nii", "nii.gz", "hdr", "img.gz"] {
        let name = |t: &str| format!("{t}.{ending}");
        let at = folder.path();
        round_trip::<u8>(at, &name("u8"), |i| i as u8 * 4);
        round_trip::<i8>(at, &name("i8"), |i| i as i8 - 30);
        round_trip::<u16>(at, &name("u16"), |i| u16::MAX - i as u16);
        round_trip::<i16>(at, &name("i16"), |i| i16::MIN + i as i16);
        round_trip::<u32>(at, &name("u32"), |i| u32::MAX - i as u32);
        round_trip::<i32>(at, &name("i32"), |i| i32::MIN + i as i32);
        round_trip::<u64>(at, &name("u64"), |i| u64::MAX - i as u64);
        round_trip::<i64>(at, &name("i64"), |i| i64::MIN + i as i64);
        round_trip::<f32>(at, &name("f32"), |i| (i as f32).sqrt());
        round_trip::<f64>(at, &name("f64"), |i| (i as f64).sqrt());
    }
}

#[test]
fn labels_take_the_smallest_type_and_must_be_whole() {
    let folder = folder();
    let path = folder.path().join("labels.nii.gz");
    for (largest, stored) in [
        (255u32, VoxelType::U8),
        (256, VoxelType::U16),
        (70_000, VoxelType::U32),
    ] {
        let labels = LabelMap::from_fn(oblique([3, 3, 3]), |[x, ..]| x as u32 * largest / 2);
        write_labels(&path, &labels).unwrap();
        assert_eq!(probe(&path).unwrap().voxel_type, stored);
        assert_eq!(read_labels_as::<u32>(&path).unwrap(), labels);
    }
    let too_large = read_labels(&path).unwrap_err().to_string();
    assert!(
        too_large.contains("70000") && too_large.contains("65535"),
        "{too_large}"
    );
    let mut half = Volume::filled(oblique([3, 3, 3]), 1.0f32);
    half.data_mut()[14] = 1.5;
    write(&path, &half).unwrap();
    let error = read_labels(&path).unwrap_err();
    assert!(
        matches!(&error, Error::Value { value, index: [2, 1, 1], .. } if value == "1.5"),
        "{error}"
    );
}

#[test]
fn channels_are_a_fourth_axis_that_must_be_asked_for() {
    let folder = folder();
    let path = folder.path().join("two.nii.gz");
    let volume = Volume::new(oblique([2, 3, 4]), 2, (0..48).map(|i| i as f32).collect()).unwrap();
    write(&path, &volume).unwrap();
    let error = read(&path).unwrap_err();
    assert!(
        matches!(&error, Error::FourthAxis { extent, .. } if extent == &[2, 3, 4, 2]),
        "{error}"
    );
    assert!(error.to_string().contains("FourthAxis::Channels"));
    assert_eq!(probe(&path).unwrap().channels, 2);
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    };
    assert_eq!(read_as_with::<f32>(&path, &options).unwrap(), volume);
}

#[test]
fn extensions_and_texts_are_kept() {
    let folder = folder();
    let path = folder.path().join("a.nii");
    let options = WriteOptions {
        description: "a scan".to_owned(),
        intent_name: "intensity".to_owned(),
        auxiliary_file: "b.nii".to_owned(),
        space_code: 4,
        extensions: vec![
            Extension {
                code: 6,
                data: b"a comment of any length".to_vec(),
            },
            Extension {
                code: 4,
                data: vec![7; 24],
            },
        ],
        ..WriteOptions::default()
    };
    let volume = Volume::filled(oblique([4, 4, 4]), 3u8);
    write_with(&path, &volume, &options).unwrap();
    let image = open(&path).unwrap();
    assert!(
        image.extensions()[0]
            .data
            .starts_with(b"a comment of any length")
    );
    assert_eq!(image.extensions()[1], options.extensions[1]);
    let texts = &image.info().metadata;
    assert_eq!(texts["descrip"], "a scan");
    assert_eq!(texts["sform_code"], "4");
    assert_eq!(image.read::<u8>().unwrap(), volume);
    let again = WriteOptions {
        extensions: image.extensions().to_vec(),
        ..options
    };
    let (second, first) = (folder.path().join("b.nii"), std::fs::read(&path).unwrap());
    write_with(&second, &volume, &again).unwrap();
    assert_eq!(std::fs::read(second).unwrap(), first);
}

/// Writes a small image and lets `change` spoil its bytes.
fn spoiled(folder: &Path, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("spoiled.nii");
    write(&path, &Volume::filled(oblique([4, 4, 4]), 5i16)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_slope_of_zero_or_nan_means_none() {
    let folder = folder();
    for slope in [0.0, f32::NAN, f32::INFINITY] {
        let path = spoiled(folder.path(), |bytes| {
            bytes[112..116].copy_from_slice(&slope.to_le_bytes());
            bytes[116..120].copy_from_slice(&f32::NAN.to_le_bytes());
        });
        assert!(read(&path).unwrap().data().iter().all(|&v| v == 5.0));
    }
    let path = spoiled(folder.path(), |bytes| {
        bytes[112..116].copy_from_slice(&0.5f32.to_le_bytes());
        bytes[116..120].copy_from_slice(&(-1024f32).to_le_bytes());
    });
    assert_eq!(read(&path).unwrap().data()[0], -1021.5);
    let error = read_as::<i16>(&path).unwrap_err().to_string();
    assert!(error.contains("-1021.5"), "{error}");
}

#[test]
fn a_header_that_contradicts_itself_is_refused_by_field() {
    let folder = folder();
    let put = |at: usize, value: i16| {
        spoiled(folder.path(), |bytes| {
            bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        })
    };
    for (at, value, needle) in [
        (40, 0, "dim[0] is 0"),
        (40, 8, "dim[0] is 8"),
        (42, -4, "dim[1] is -4"),
        (70, 128, "RGB24"),
        (70, 32, "complex64"),
        (70, 99, "datatype 99"),
        (72, 32, "bitpix is 32"),
        (42, 32_000, "truncated"),
    ] {
        let error = read(put(at, value)).unwrap_err().to_string();
        assert!(
            error.contains(needle) && error.contains("spoiled.nii"),
            "{error}"
        );
    }
    let no_codes = spoiled(folder.path(), |bytes| bytes[252..256].fill(0));
    let error = read(&no_codes).unwrap_err().to_string();
    assert!(error.contains("assume_spacing"), "{error}");
    let options = ReadOptions {
        assume_spacing: Some([1.0, 2.0, 3.0]),
        ..ReadOptions::default()
    };
    let assumed: Volume<f32> = read_as_with(&no_codes, &options).unwrap();
    assert_eq!(assumed.geometry().spacing(), [1.0, 2.0, 3.0]);
    let offset = spoiled(folder.path(), |b| {
        b[108..112].copy_from_slice(&100f32.to_le_bytes())
    });
    assert!(
        read(&offset)
            .unwrap_err()
            .to_string()
            .contains("vox_offset")
    );
}

#[test]
fn voxels_are_read_from_vox_offset_even_without_an_extender() {
    let folder = folder();
    let path = spoiled(folder.path(), |bytes| {
        bytes[108..112].copy_from_slice(&368f32.to_le_bytes());
        bytes.splice(352..352, [9; 16]);
    });
    assert!(read(&path).unwrap().data().iter().all(|&v| v == 5.0));
}

#[test]
fn files_that_are_something_else_are_named_for_what_they_are() {
    let folder = folder();
    let path = folder.path().join("text.nii.gz");
    for (content, needle) in [
        (&b"<html>not found</html>"[..], "web page"),
        (b"not found", "text that begins"),
        (b"", "nothing"),
        (b"PK\x03\x04....", "zip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(
            error.contains(needle) && error.contains("text.nii.gz"),
            "{error}"
        );
    }
    let missing = read(folder.path().join("none.nii"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.nii") && missing.contains("check the name"));
}

#[test]
fn truncation_is_named_with_the_offset() {
    let folder = folder();
    let path = folder.path().join("cut.nii.gz");
    let volume = Volume::from_fn(oblique([40, 40, 40]), |[x, y, z]| (x * y * z) as i16);
    write(&path, &volume).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for keep in [whole.len() / 2, whole.len() - 9] {
        std::fs::write(&path, &whole[..keep]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(error.to_string().contains("byte"), "{error}");
        assert!(
            matches!(error, Error::Truncated { .. } | Error::Compression { .. }),
            "{error}"
        );
    }
    let path = spoiled(folder.path(), |bytes| bytes.truncate(400));
    let error = read(path).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Truncated {
                offset: 400,
                expected: 480,
                ..
            }
        ),
        "{error}"
    );
    let path = spoiled(folder.path(), |bytes| bytes.truncate(348));
    assert!(matches!(read(path).unwrap_err(), Error::Truncated { .. }));
}

#[test]
fn a_value_that_the_chosen_type_cannot_hold_is_named() {
    let folder = folder();
    let path = folder.path().join("a.nii");
    let mut volume = Volume::filled(oblique([4, 4, 4]), 2.0f32);
    volume.data_mut()[21] = 2.25;
    let options = WriteOptions {
        voxel_type: Some(VoxelType::I16),
        ..WriteOptions::default()
    };
    let error = write_with(&path, &volume, &options)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("2.25") && error.contains("[1, 1, 1]"),
        "{error}"
    );
    assert!(!path.exists());
    let rounding = WriteOptions {
        round: true,
        ..options
    };
    write_with(&path, &volume, &rounding).unwrap();
    assert_eq!(read_as::<i16>(&path).unwrap().data()[21], 2);
    assert_eq!(probe(&path).unwrap().format, Format::Nifti1);
}

#[test]
fn a_header_that_asks_for_terabytes_is_refused_before_memory_is() {
    let folder = folder();
    let path = folder.path().join("bomb.nii.gz");
    write(&path, &Volume::filled(oblique([4, 4, 4]), 5u8)).unwrap();
    let mut bytes = Vec::new();
    let file = std::fs::File::open(&path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut bytes).unwrap();
    for at in [42, 44, 46] {
        bytes[at..at + 2].copy_from_slice(&20_000i16.to_le_bytes());
    }
    let out = std::fs::File::create(&path).unwrap();
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, &bytes).unwrap();
    encoder.finish().unwrap();
    assert!(matches!(read(&path).unwrap_err(), Error::TooLarge { .. }));
    let options = ReadOptions {
        max_bytes: u64::MAX,
        ..ReadOptions::default()
    };
    let error = read_as_with::<u8>(&path, &options).unwrap_err();
    assert!(
        matches!(error, Error::Truncated { offset: 416, .. }),
        "{error}"
    );
}

/// Found by fuzzing: a negative size reached beyond what a number of bytes can be.
#[test]
fn an_extension_of_a_negative_or_huge_size_is_no_extension() {
    let folder = folder();
    for size in [-1, i32::MIN, i32::MAX, 0, 7] {
        let path = spoiled(folder.path(), |bytes| {
            bytes[348] = 1;
            bytes[108..112].copy_from_slice(&368f32.to_le_bytes());
            let mut extension = [9; 16];
            extension[..4].copy_from_slice(&i32::to_le_bytes(size));
            bytes.splice(352..352, extension);
        });
        let image = open(&path).unwrap();
        assert!(image.extensions().is_empty(), "{size}");
        assert!(image.read::<i16>().unwrap().data().iter().all(|&v| v == 5));
    }
}
