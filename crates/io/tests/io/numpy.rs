//! NumPy's arrays and archives of them, which have no position and whose axes have no names.

use crate::foreign::{assuming, channels, saved};
use crate::shared::shared;
use std::io::Write;
use vesalius_io::{
    ArrayAxes, ComplexAs, Error, ReadOptions, Remedy, open_with, probe_with, read, read_as_with,
    read_with,
};

/// A `.npy` file as NumPy writes it.
pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut text =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': ({shape}), }}");
    while (text.len() + 11) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let length = (text.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], text.as_bytes(), data].concat()
}

#[test]
fn numpy_arrays_of_every_order_are_read_with_a_spacing() {
    let folder = tempfile::tempdir().unwrap();
    // The value of array[a, b, c] is 100 a + 10 b + c; the shape is (2, 3, 4).
    let value = |a: usize, b: usize, c: usize| (100 * a + 10 * b + c) as u16;
    let c_order: Vec<u16> = (0..24).map(|i| value(i / 12, i / 4 % 3, i % 4)).collect();
    let f_order: Vec<u16> = (0..24).map(|i| value(i % 2, i / 2 % 3, i / 6)).collect();
    for (fortran, values) in [(false, &c_order), (true, &f_order)] {
        for big in [false, true] {
            let bytes = |v: &u16| {
                if big {
                    v.to_be_bytes()
                } else {
                    v.to_le_bytes()
                }
            };
            let data: Vec<u8> = values.iter().flat_map(bytes).collect();
            let descr = if big { ">u2" } else { "<u2" };
            let path = saved(
                folder.path(),
                "a.npy",
                &npy(descr, fortran, "2, 3, 4", &data),
            );
            let error = read(&path).unwrap_err();
            assert_eq!(error.remedy(), Some(Remedy::AssumeSpacing), "{error}");
            let options = assuming([0.5, 1.0, 2.0]);
            let image = read_as_with::<u16>(&path, &options).unwrap();
            assert_eq!(image.geometry().size(), [2, 3, 4]);
            assert_eq!(image.geometry().spacing(), [0.5, 1.0, 2.0]);
            assert_eq!(image.get(0, [1, 2, 3]), 123);
            let told = image.warnings()[0].to_string();
            assert!(told.contains("x, y, z"), "{told}");
            let zyx = ReadOptions {
                array_axes: ArrayAxes::Zyx,
                ..options
            };
            let image = read_as_with::<u16>(&path, &zyx).unwrap();
            assert_eq!(image.geometry().size(), [4, 3, 2]);
            assert_eq!(image.get(0, [3, 2, 1]), 123);
            let part = open_with(&path, &zyx).unwrap();
            let part = part.read_region::<u16>([2, 1, 0], [1, 1, 2]).unwrap();
            assert_eq!(part.data(), [12, 112]);
        }
    }
    let plane = saved(
        folder.path(),
        "b.npy",
        &npy("|i1", false, "2, 3", &[1, 2, 3, 4, 5, 6]),
    );
    let image = read_with(&plane, &assuming([1.0; 3])).unwrap();
    assert_eq!(
        (image.geometry().size(), image.get(0, [1, 2, 0])),
        ([2, 3, 1], 6.0)
    );
}

#[test]
fn numpy_channels_are_the_last_axis_or_the_first_and_complex_numbers_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = (0..48).collect();
    let path = saved(
        folder.path(),
        "a.npy",
        &npy("|u1", false, "2, 3, 4, 2", &data),
    );
    let error = read_with(&path, &assuming([1.0; 3])).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::FourthAxisAsChannels));
    let image = read_with(&path, &channels(assuming([1.0; 3]))).unwrap();
    assert_eq!(
        (
            image.channels(),
            image.get(1, [1, 2, 3]),
            image.get(0, [1, 2, 3])
        ),
        (2, 47.0, 46.0)
    );
    let zyx = ReadOptions {
        array_axes: ArrayAxes::Zyx,
        ..channels(assuming([1.0; 3]))
    };
    let image = read_with(&path, &zyx).unwrap();
    assert_eq!((image.geometry().size(), image.channels()), ([2, 4, 3], 2));
    assert_eq!(image.get(1, [0, 0, 0]), 24.0);
    let parts: Vec<u8> = (0..48i32).flat_map(|i| (i as f32).to_le_bytes()).collect();
    for (fortran, axes) in [
        (false, ArrayAxes::Xyz),
        (true, ArrayAxes::Xyz),
        (false, ArrayAxes::Zyx),
    ] {
        let path = saved(
            folder.path(),
            "c.npy",
            &npy("<c8", fortran, "2, 3, 4", &parts),
        );
        let options = ReadOptions {
            array_axes: axes,
            complex: ComplexAs::Channels,
            ..assuming([1.0; 3])
        };
        let image = read_with(&path, &options).unwrap();
        let last = image.geometry().size().map(|n| n - 1);
        assert_eq!((image.get(0, last), image.get(1, last)), (46.0, 47.0));
        // The second value of the array is along its axis that varies fastest.
        let next = match (fortran, axes) {
            (false, ArrayAxes::Xyz) => [0, 0, 1],
            _ => [1, 0, 0],
        };
        assert_eq!((image.get(0, next), image.get(1, next)), (2.0, 3.0));
        assert!(matches!(
            read_with(&path, &assuming([1.0; 3])),
            Err(Error::Complex { .. })
        ));
    }
}

pub fn npz(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn an_archive_of_arrays_gives_its_only_one_or_the_one_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let one = npy("|u1", true, "2, 1, 1", &[3, 4]);
    let two = npy("|u1", true, "3, 1, 1", &[5, 6, 7]);
    let path = saved(folder.path(), "a.npz", &npz(&[("image.npy", &one)]));
    let image = read_as_with::<u8>(&path, &assuming([1.0; 3])).unwrap();
    assert_eq!(image.data(), [3, 4]);
    assert!(probe_with(&path, &assuming([1.0; 3])).unwrap().compressed);
    let path = saved(
        folder.path(),
        "b.npz",
        &npz(&[("image.npy", &one), ("mask.npy", &two)]),
    );
    let error = read_with(&path, &assuming([1.0; 3])).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::NameArray));
    assert!(error.to_string().contains("image, mask"), "{error}");
    let named = |name: &str| ReadOptions {
        array: Some(name.to_owned()),
        ..assuming([1.0; 3])
    };
    assert_eq!(
        read_as_with::<u8>(&path, &named("mask")).unwrap().data(),
        [5, 6, 7]
    );
    assert!(matches!(
        read_with(&path, &named("other")),
        Err(Error::SeveralArrays { .. })
    ));
    // More than is allowed, and damage.
    let zeros = npy("|u1", true, "1000, 1000, 10", &vec![0; 10_000_000]);
    let bomb = saved(folder.path(), "bomb.npz", &npz(&[("image.npy", &zeros)]));
    let limited = ReadOptions {
        max_bytes: 1 << 20,
        ..assuming([1.0; 3])
    };
    assert!(matches!(
        read_with(&bomb, &limited),
        Err(Error::TooLarge { .. })
    ));
    let whole = std::fs::read(&path).unwrap();
    for length in (40..whole.len()).step_by(13) {
        let cut = saved(folder.path(), "cut.npz", &whole[..length]);
        assert!(read_with(&cut, &named("mask")).is_err(), "{length}");
    }
}

#[test]
fn arrays_that_lie_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let whole = npy("<f4", false, "2, 2, 2", &[0; 32]);
    for length in [6, 8, 9, 10, 11, 60, 127, 128, 140, 159] {
        let path = saved(folder.path(), "cut.npy", &whole[..length]);
        assert!(read_with(&path, &assuming([1.0; 3])).is_err(), "{length}");
    }
    let mut long = whole.clone();
    long[6..12].copy_from_slice(&[2, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
    let mut version = whole.clone();
    version[6] = 9;
    for bytes in [
        long,
        version,
        npy("<f4", false, "0, 2, 2", &[]),
        npy("<f4", false, "8,", &[0; 32]),
        npy("<f4", false, "2, 2, 2, 1, 1", &[0; 32]),
        npy(
            "<f4",
            false,
            "99999999999, 99999999999, 99999999999",
            &[0; 32],
        ),
        npy("<f4", false, "2000, 2000, 2000", &[0; 32]),
        npy("|O", false, "2, 2, 2", &[0; 32]),
        npy("<f2", false, "2, 2, 2", &[0; 32]),
    ] {
        let path = saved(folder.path(), "bad.npy", &bytes);
        let error = read_with(&path, &assuming([1.0; 3])).unwrap_err();
        assert!(error.to_string().contains("bad.npy"), "{error}");
    }
}

#[test]
fn a_shared_array_is_read_with_a_spacing() {
    let Some(path) = shared("cases/images/nifti/arr.npy") else {
        return;
    };
    let error = read(&path).unwrap_err();
    assert_eq!(error.remedy(), Some(Remedy::AssumeSpacing), "{error}");
    let image = read_as_with::<i16>(&path, &assuming([0.7, 0.7, 3.0])).unwrap();
    assert_eq!(image.geometry().size(), [20, 18, 10]);
    assert_eq!(
        (image.get(0, [3, 2, 1]), image.get(0, [0, 0, 1])),
        (397, 535)
    );
}

#[test]
fn an_array_in_an_archive_that_was_made_to_fill_the_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = npy("|u1", true, "2, 1, 1", &[3, 4]);
    bytes.resize(200 << 20, 0);
    let path = saved(folder.path(), "a.npz", &npz(&[("a.npy", &bytes)]));
    let error = read_with(&path, &assuming([1.0; 3])).unwrap_err();
    assert!(error.to_string().contains("200 times"), "{error}");
    // As many zeros as the header announces are an array.
    let bytes = npy("|u1", true, "1024, 1024, 80", &vec![0; 80 << 20]);
    let path = saved(folder.path(), "b.npz", &npz(&[("a.npy", &bytes)]));
    let image = read_as_with::<u8>(&path, &assuming([1.0; 3])).unwrap();
    assert_eq!(image.data().len(), 80 << 20);
}
