//! MGH, ANALYZE 7.5 and NumPy from end to end, and files of neighbours, which are refused by their name.

use crate::shared::shared;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ArrayAxes, ComplexAs, ConvertOptions, Error, FileVoxel, Format, FourthAxis, ReadOptions,
    Remedy, VoxelType, WriteOptions, convert, is_image, open, open_with, probe, probe_with, read,
    read_as, read_as_with, read_labels, read_with, strip_extension, to_bytes, write, write_labels,
    write_with,
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

fn assuming(spacing: [f64; 3]) -> ReadOptions {
    ReadOptions {
        assume_spacing: Some(spacing),
        ..ReadOptions::default()
    }
}

fn channels(options: ReadOptions) -> ReadOptions {
    ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..options
    }
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

/// An ANALYZE pair of 3 × 2 × 2 voxels of two bytes.
pub fn analyze(folder: &Path, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("a.hdr");
    let grid = Geometry::axis_aligned([3, 2, 2], [0.5, 0.5, 4.0]).unwrap();
    write(&path, &Volume::new(grid, 1, (0..12i16).collect()).unwrap()).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(348);
    bytes[252..348].fill(0);
    bytes[112..120].fill(0);
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn analyze_is_read_with_a_spacing_and_what_is_guessed_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = analyze(folder.path(), |_| ());
    for path in [path.clone(), path.with_extension("img")] {
        let error = read(&path).unwrap_err();
        assert_eq!(error.remedy(), Some(Remedy::AssumeSpacing), "{error}");
        let text = error.to_string();
        assert!(
            text.contains("[0.5, 0.5, 4.0]") && text.contains("left and right"),
            "{text}"
        );
        let image = read_as_with::<i16>(&path, &assuming([0.5, 0.5, 4.0])).unwrap();
        assert!(image.data().iter().copied().eq(0..12));
        assert!(matches!(image.warnings(), [Warning::SpacingAssumed { .. }]));
        assert_eq!(image.geometry().spacing(), [0.5, 0.5, 4.0]);
    }
    let info = probe_with(&path, &assuming([1.0; 3])).unwrap();
    assert!(info.format == Format::Analyze && info.nifti.is_none());
    // SPM's factor of the values.
    let scaled = analyze(folder.path(), |b| {
        b[112..116].copy_from_slice(&0.5f32.to_le_bytes())
    });
    let image = read_with(&scaled, &assuming([1.0; 3])).unwrap();
    assert_eq!(image.get(0, [2, 1, 1]), 5.5);
    assert!(matches!(image.warnings()[1], Warning::FieldTakenAs { .. }));
    // A header that lies.
    for (at, value) in [(40, 0i16), (42, -1), (44, 3000), (70, 128), (72, 8)] {
        let bad = analyze(folder.path(), |b| {
            b[at..at + 2].copy_from_slice(&value.to_le_bytes())
        });
        assert!(read_with(&bad, &assuming([1.0; 3])).is_err(), "{at}");
    }
    std::fs::remove_file(path.with_extension("img")).unwrap();
    let alone = analyze(folder.path(), |_| ());
    std::fs::remove_file(alone.with_extension("img")).unwrap();
    let error = read_with(&alone, &assuming([1.0; 3])).unwrap_err();
    assert!(error.to_string().contains("a.img"), "{error}");
}

#[test]
fn a_shared_analyze_pair_is_refused_with_the_remedy_that_reads_it() {
    let Some(path) = shared("cases/images/nifti/analyze.hdr") else {
        return;
    };
    assert!(matches!(read(&path), Err(Error::NoGeometry { .. })));
    let image = read_with(&path, &assuming([0.7, 0.7, 3.0])).unwrap();
    assert_eq!(image.get(0, [3, 2, 1]), 397.0);
}

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

fn saved(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
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
fn neighbours_are_refused_by_name_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let mut tar = vec![b'a'; 257];
    tar.extend(b"ustar\0");
    let zip = |name: &str| npz(&[(name, b"content")]);
    let cases: Vec<(Vec<u8>, &str, &str)> = vec![
        (b"\x89PNG\r\n\x1a\n".to_vec(), "PNG", "read_picture"),
        (b"\xff\xd8\xff\xe0".to_vec(), "JPEG picture", "PNG"),
        (b"GIF89a".to_vec(), "GIF", "PNG"),
        (b"BM....".to_vec(), "BMP", "read_picture"),
        (b"II*\0....".to_vec(), "TIFF", "read_picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n".to_vec(), "JPEG 2000", "TIFF"),
        (b"v/1\x01....".to_vec(), "OpenEXR", "NIfTI"),
        (b"%PDF-1.7".to_vec(), "PDF", "no volume"),
        (b"\x89HDF\r\n\x1a\n".to_vec(), "HDF5", "mnc2nii"),
        (b"CDF\x01....".to_vec(), "MINC 1", "mnc2nii"),
        (b"MATLAB 5.0 MAT-file".to_vec(), "MATLAB 5", "niftiwrite"),
        (b"MATLAB 7.3 MAT-file".to_vec(), "MATLAB 7.3", "niftiwrite"),
        (b"MATRIX72v\0".to_vec(), "ECAT 7", "dcm2niix"),
        (b"# vtk DataFile Version 3.0".to_vec(), "legacy VTK", "NRRD"),
        (
            b"<?xml version=\"1.0\"?>\n<VTKFile type=".to_vec(),
            "VTK XML",
            "NRRD",
        ),
        (b"solid mesh".to_vec(), "STL", "label map"),
        (b"ply\nformat ascii".to_vec(), "PLY", "label map"),
        (b"# x\nmtllib a.mtl\nv 0 0 0".to_vec(), "OBJ", "label map"),
        (
            b"\xff\xff\xfecreated by".to_vec(),
            "FreeSurfer surface",
            "label map",
        ),
        (
            b"# === DATA DESCRIPTION FILE ===".to_vec(),
            "Philips PAR",
            "dcm2niix",
        ),
        (b"##TITLE=Parameter List".to_vec(), "Bruker", "dcm2niix"),
        (b"!INTERFILE :=".to_vec(), "Interfile", "NIfTI"),
        (b"<?xml?><ismrmrdHeader>".to_vec(), "ISMRMRD", "reconstruct"),
        (b"<?xml?><xnat:MRSession".to_vec(), "XNAT", "download"),
        (b"{\"zarr_format\":3}".to_vec(), "Zarr", "NRRD"),
        (b"\x80\x04\x95..".to_vec(), "pickle", "numpy.save"),
        (b"IMGF....".to_vec(), "GE Signa", "DICOM"),
        (tar, "tar archive", "unpack"),
        (b"BZh91AY".to_vec(), "bzip2", "unpack"),
        (b"7z\xbc\xaf\x27\x1c".to_vec(), "7z", "unpack"),
        (zip("notes.txt"), "a zip archive", "unpack"),
        (zip("archive/data.pkl"), "PyTorch", "numpy.save"),
        (zip("a.zarr/.zarray"), "Zarr", "NRRD"),
        (zip("[Content_Types].xml"), "Office", "no volume"),
        (b"<!DOCTYPE html><p>404".to_vec(), "web page", "download"),
    ];
    for (bytes, name, remedy) in cases {
        for gzip in [false, true] {
            let mut bytes = bytes.clone();
            if gzip {
                let level = flate2::Compression::fast();
                let mut packed = flate2::write::GzEncoder::new(Vec::new(), level);
                packed.write_all(&bytes).unwrap();
                bytes = packed.finish().unwrap();
            }
            let path = saved(folder.path(), "scan.nii.gz", &bytes);
            let error = open(&path).unwrap_err();
            assert!(matches!(error, Error::NotAnImage { .. }), "{error}");
            let text = error.to_string();
            assert!(text.contains(name) && text.contains(remedy), "{text}");
            assert_eq!(text.contains("gzip data with"), gzip, "{text}");
        }
    }
}
