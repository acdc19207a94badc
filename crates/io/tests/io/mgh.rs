//! MGH and MGZ from end to end.

use crate::foreign::{assuming, channels};
use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ConvertOptions, FileVoxel, Format, ReadOptions, VoxelType, WriteOptions, convert, is_image,
    open_with, probe, read, read_as, read_as_with, read_labels, read_with, strip_extension,
    to_bytes, write, write_labels, write_with,
};
use vesalius_volume::{Affine, Geometry, LabelMap, Volume, Warning};

fn oblique(size: [usize; 3]) -> Geometry {
    let linear = [[-0.91, 0.12, 0.31], [0.1, 0.93, -0.4], [0.05, 0.2, 2.7]];
    Geometry::new(
        size,
        Affine::from_linear(linear, [90.1, -126.3, -72.7]).unwrap(),
    )
    .unwrap()
}

fn mgh_round_trip<T: FileVoxel>(folder: &Path, value: impl Fn(usize) -> T) {
    for (name, frames) in [("a.mgh", 1), ("a.mgz", 1), ("a.mgh.gz", 2), ("a.mgh", 2)] {
        let path = folder.join(name);
        let grid = oblique([5, 4, 3]);
        let data: Vec<T> = (0..60 * frames).map(&value).collect();
        let image = Volume::new(grid, frames, data).unwrap();
        write(&path, &image).unwrap();
        let info = probe(&path).unwrap();
        assert_eq!((info.format, info.voxel_type), (Format::Mgh, T::TYPE));
        assert_eq!(
            (info.compressed, info.channels),
            (name.ends_with('z'), frames)
        );
        let back = read_as_with::<T>(&path, &channels(ReadOptions::default())).unwrap();
        assert!(back.geometry().is_same(&grid) && back.warnings().is_empty());
        assert_eq!(back.data(), image.data(), "{name}");
        let file = open_with(&path, &channels(ReadOptions::default())).unwrap();
        let part = file.read_region::<T>([2, 1, 1], [1, 1, 2]).unwrap();
        assert_eq!(part.get(0, [0, 0, 1]), image.get(0, [2, 1, 2]));
    }
}

#[test]
fn mgh_keeps_every_type_that_it_has_and_the_position() {
    let folder = tempfile::tempdir().unwrap();
    mgh_round_trip::<u8>(folder.path(), |i| i as u8 * 2);
    mgh_round_trip::<i16>(folder.path(), |i| i as i16 * -271);
    mgh_round_trip::<u16>(folder.path(), |i| i as u16 * 517);
    mgh_round_trip::<i32>(folder.path(), |i| i as i32 * -70_001);
    mgh_round_trip::<f32>(folder.path(), |i| (i as f32).sqrt());
    let path = folder.path().join("b.mgz");
    let wide = Volume::filled(oblique([3, 3, 3]), 0.5f64);
    let error = write(&path, &wide).unwrap_err().to_string();
    assert!(
        error.contains("f64") && error.contains("voxel_type"),
        "{error}"
    );
    let options = WriteOptions {
        voxel_type: Some(VoxelType::F32),
        ..WriteOptions::default()
    };
    write_with(&path, &wide, &options).unwrap();
    assert!(
        to_bytes(&wide, Format::Mgh, &options)
            .unwrap()
            .starts_with(&[0x1f, 0x8b])
    );
    write_labels(
        &path,
        &LabelMap::<u16>::from_fn(oblique([3, 3, 3]), |[x, ..]| x as u16),
    )
    .unwrap();
    assert_eq!(read_labels(&path).unwrap().data()[..3], [0, 1, 2]);
    assert!(is_image("subject/T1.mgz") && strip_extension("subject/T1.mgz") == "T1");
}

/// The bytes of a small MGH file, changed.
fn mgh(folder: &Path, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("changed.mgh");
    write(&path, &Volume::filled(oblique([4, 4, 4]), 5i16)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn mgh_without_a_position_is_told_and_what_follows_the_voxels_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let unplaced = mgh(folder.path(), |bytes| {
        bytes[28..90].fill(0);
        bytes.extend([7; 20]);
    });
    let image = read(&unplaced).unwrap();
    assert!(
        matches!(image.warnings(), [Warning::PositionAssumed { taken, .. }] if taken.contains("coronal")),
        "{:?}",
        image.warnings()
    );
    // x to the left, y downwards, z to the front, around the world's origin.
    assert_eq!(image.geometry().origin(), [2.0, -2.0, 2.0]);
    let given = read_with(&unplaced, &assuming([2.0; 3])).unwrap();
    assert!(matches!(given.warnings(), [Warning::SpacingAssumed { .. }]));
    assert_eq!(given.geometry().spacing(), [2.0; 3]);
}

#[test]
fn mgh_that_lies_is_refused_by_field() {
    let folder = tempfile::tempdir().unwrap();
    let word = |at: usize, value: i32| {
        mgh(folder.path(), |bytes| {
            bytes[at..at + 4].copy_from_slice(&value.to_be_bytes())
        })
    };
    for (at, value, needle) in [
        (4, 0, "positive"),
        (8, -4, "positive"),
        (16, i32::MIN, "positive"),
        (20, 6, "type 6"),
        (12, 5, "truncated"),
        (4, i32::MAX, "bytes"),
        (30, 0, "changed.mgh"),
        (42, f32::NAN.to_bits() as i32, "changed.mgh"),
        (78, f32::INFINITY.to_bits() as i32, "changed.mgh"),
    ] {
        let error = read(word(at, value)).unwrap_err().to_string();
        assert!(
            error.contains(needle) && error.contains("changed.mgh"),
            "{at}: {error}"
        );
    }
    let whole = std::fs::read(mgh(folder.path(), |_| ())).unwrap();
    for length in [4, 24, 30, 89, 90, 283, 284, 300, whole.len() - 1] {
        let path = mgh(folder.path(), |bytes| bytes.truncate(length));
        assert!(read(path).is_err(), "{length}");
    }
}

/// Values that nibabel reads.
#[test]
fn a_shared_mgz_is_what_nibabel_reads() {
    let Some(path) = shared("cases/images/nifti/brain.mgz") else {
        return;
    };
    let image = read_as::<i16>(&path).unwrap();
    assert_eq!(image.geometry().size(), [20, 18, 10]);
    let rows = image.geometry().affine().rows();
    for (i, spacing) in [0.7, 0.7, 3.0].into_iter().enumerate() {
        assert!(
            (rows[i][i] - spacing).abs() < 1e-6 && rows[i][3].abs() < 1e-6,
            "{rows:?}"
        );
    }
    assert_eq!((image.get(0, [0; 3]), image.get(0, [3, 2, 1])), (419, 397));
    let sum: i64 = (1..)
        .zip(image.data())
        .map(|(n, &v)| n * i64::from(v))
        .sum();
    assert_eq!(sum, 3_329_316_377);
    let folder = tempfile::tempdir().unwrap();
    let (nifti, again) = (folder.path().join("a.nii.gz"), folder.path().join("a.mgz"));
    convert(&path, &nifti, &ConvertOptions::default()).unwrap();
    convert(&nifti, &again, &ConvertOptions::default()).unwrap();
    let back = read_as::<i16>(&again).unwrap();
    assert_eq!(back.data(), image.data());
    assert!(back.geometry().is_same(image.geometry()));
}
