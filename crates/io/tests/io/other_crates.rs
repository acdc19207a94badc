//! Objects of the crates `nifti` and `dicom-object`.

use crate::dicom_writer::{save, slice};
use nifti::{NiftiObject, ReaderOptions};
use std::path::Path;
use vesalius_io::{
    Format, ImageBytes, ReadOptions, WriteOptions, list_series, nifti_object, read, write,
};
use vesalius_volume::{Affine, Geometry, Volume};

#[test]
fn an_object_that_the_crate_nifti_read_is_the_volume_that_this_crate_reads() {
    let images = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images");
    let mut compared = 0;
    for entry in std::fs::read_dir(images).unwrap() {
        let path = entry.unwrap().path();
        let name = path.to_string_lossy().into_owned();
        if !(name.ends_with(".nii") || name.ends_with(".nii.gz")) {
            continue;
        }
        let (Ok(mine), Ok(object)) = (read(&path), ReaderOptions::new().read_file(&path)) else {
            continue;
        };
        let handed = ImageBytes::from(&object)
            .read(&ReadOptions::default())
            .unwrap();
        assert!(handed.geometry().is_same(mine.geometry()), "{name}");
        assert_eq!(handed.data(), mine.data(), "{name}");
        compared += 1;
    }
    assert!(compared > 3, "{compared}");
}

#[test]
fn a_volume_goes_to_the_crate_nifti_and_back_with_its_geometry() {
    let affine = Affine::from_linear(
        [[-0.5, 0.1, 0.0], [0.1, 0.5, 0.0], [0.0, 0.0, -2.0]],
        [3.0, -4.0, 5.5],
    );
    let grid = Geometry::new([3, 4, 5], affine.unwrap()).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y) as f32 - 0.25 * z as f32);
    let object = nifti_object(&image, &WriteOptions::default()).unwrap();
    assert_eq!(object.header().dim[..4], [3, 3, 4, 5]);
    let back = ImageBytes::from(&object)
        .read(&ReadOptions::default())
        .unwrap();
    assert_eq!(back.data(), image.data());
    assert!(back.geometry().is_same(&grid));
    // As by a file of this crate.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.nii");
    write(&path, &image).unwrap();
    assert_eq!(
        ReaderOptions::new().read_file(&path).unwrap().header(),
        object.header()
    );
    let info = ImageBytes::from(&object)
        .probe(&ReadOptions::default())
        .unwrap();
    assert_eq!(info.format, Format::Nifti1);
}

#[test]
fn the_data_sets_of_a_series_are_whole() {
    let folder = tempfile::tempdir().unwrap();
    for z in 0..3 {
        let changes: [(u32, &[u8; 2], &[u8]); 2] = [
            (0x0009_0010, b"LO", b"MAKER"),
            (0x0009_1001, b"LO", b"private"),
        ];
        let bytes = slice(f64::from(z) * 3.0, [z as i16; 6], &changes);
        save(folder.path(), &format!("{z}.dcm"), &with_meta(&bytes));
    }
    let series = &list_series(folder.path()).unwrap().series[0];
    let sets: Vec<_> = series.data_sets().map(Result::unwrap).collect();
    assert_eq!(sets.len(), 3);
    let private = sets[2].element(dicom_object::Tag(0x0009, 0x1001)).unwrap();
    assert_eq!(private.to_str().unwrap().trim(), "private");
    let pixels = sets[2]
        .element_by_name("PixelData")
        .unwrap()
        .to_bytes()
        .unwrap();
    assert_eq!(pixels[..2], [2, 0]);
    // Without the meta information that the standard asks for, the other crate gives up, by name.
    let other = tempfile::tempdir().unwrap();
    save(other.path(), "a.dcm", &slice(0.0, [0; 6], &[]));
    let series = &list_series(other.path()).unwrap().series[0];
    let error = series.data_sets().next().unwrap().unwrap_err().to_string();
    assert!(error.contains("dicom-object"), "{error}");
}

/// The file with the group length, class and instance of its meta information.
fn with_meta(bytes: &[u8]) -> Vec<u8> {
    use crate::dicom_writer::element;
    let meta = [
        element(0x0002_0002, b"UI", b"1.2.840.10008.5.1.4.1.1.2\0"),
        element(0x0002_0003, b"UI", b"1.2.3.4\0"),
        element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0"),
    ]
    .concat();
    let length = element(0x0002_0000, b"UL", &(meta.len() as u32).to_le_bytes());
    let old = element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0").len();
    [&bytes[..132], &length, &meta, &bytes[132 + old..]].concat()
}
