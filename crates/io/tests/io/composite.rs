//! Colours and complex numbers: refused until the options say what becomes of them.

use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ColorAs, ComplexAs, Error, ReadOptions, Remedy, VoxelType, open_with, probe_with, read_as_with,
    read_with, write,
};
use vesalius_volume::{Geometry, Volume, Warning};

fn grid() -> Geometry {
    Geometry::axis_aligned([3, 2, 2], [1.0; 3]).unwrap()
}

/// A NIfTI-1 file of 3 × 2 × 2 voxels of another datatype, with these bytes.
fn nifti(folder: &Path, datatype: i16, bits: i16, voxels: &[u8]) -> PathBuf {
    let path = folder.join("a.nii");
    write(&path, &Volume::filled(grid(), 0u8)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[70..72].copy_from_slice(&datatype.to_le_bytes());
    bytes[72..74].copy_from_slice(&bits.to_le_bytes());
    bytes.truncate(352);
    bytes.extend(voxels);
    std::fs::write(&path, &bytes).unwrap();
    path
}

/// An NRRD file whose first axis has this kind.
fn nrrd(folder: &Path, kind: &str, parts: usize, number: &str, voxels: &[u8]) -> PathBuf {
    let path = folder.join("a.nrrd");
    let header = format!(
        "NRRD0005\ntype: {number}\ndimension: 4\nspace: LPS\nsizes: {parts} 3 2 2\n\
         space directions: none (1,0,0) (0,1,0) (0,0,1)\nkinds: {kind} domain domain domain\n\
         endian: little\nspace origin: (0,0,0)\nencoding: raw\n\n"
    );
    std::fs::write(&path, [header.as_bytes(), voxels].concat()).unwrap();
    path
}

fn color(color: ColorAs) -> ReadOptions {
    ReadOptions {
        color,
        ..ReadOptions::default()
    }
}

fn complex(complex: ComplexAs) -> ReadOptions {
    ReadOptions {
        complex,
        ..ReadOptions::default()
    }
}

/// Whole, lean, by region and by slabs: the same values.
fn every_way(path: &Path, options: &ReadOptions) -> Volume<f32> {
    let whole = read_with(path, options).unwrap();
    let file = open_with(path, options).unwrap();
    assert_eq!(file.info().channels, whole.channels());
    assert_eq!(file.read_lean::<f32>().unwrap(), whole);
    let region = file.read_region::<f32>([1, 0, 1], [2, 2, 1]).unwrap();
    for (channel, index) in [(0, [0, 0, 0]), (whole.channels() - 1, [1, 1, 0])] {
        let [x, y, z] = index;
        let there = whole.get(channel, [x + 1, y, z + 1]);
        assert_eq!(region.get(channel, index), there);
    }
    for slab in file.slabs::<f32>(1).unwrap() {
        let slab = slab.unwrap();
        assert_eq!(slab.volume.channels(), whole.channels());
        assert_eq!(slab.volume.get(0, [2, 1, 0]), whole.get(0, [2, 1, slab.z]));
    }
    whole
}

#[test]
fn colours_are_refused_until_brightness_or_channels_are_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for parts in [3, 4] {
        let voxels: Vec<u8> = (0..12 * parts).map(|i| (i * 5) as u8).collect();
        let kind = ["RGB-color", "RGBA-color"][parts - 3];
        let datatype = [128, 2304][parts - 3];
        for path in [
            nifti(at, datatype, 8 * parts as i16, &voxels),
            nrrd(at, kind, parts, "uchar", &voxels),
        ] {
            let error = read_with(&path, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Color { .. }), "{error}");
            assert_eq!(error.remedy(), Some(Remedy::ChooseColor));
            // The header can be listed.
            assert!(probe_with(&path, &ReadOptions::default()).is_ok());
            let channels = every_way(&path, &color(ColorAs::Channels));
            assert_eq!(channels.channels(), parts);
            let light = every_way(&path, &color(ColorAs::Luminance));
            for at in 0..12 {
                let part = |i: usize| f64::from(voxels[at * parts + i]);
                let index = grid().index(at);
                assert_eq!(f64::from(channels.get(parts - 1, index)), part(parts - 1));
                let expected = 0.299 * part(0) + 0.587 * part(1) + 0.114 * part(2);
                assert!((f64::from(light.get(0, index)) - expected).abs() < 1e-4);
            }
            let told = light.warnings().iter();
            let dropped = |w: &Warning| matches!(w, Warning::FieldIgnored { .. });
            assert_eq!(told.filter(|w| dropped(w)).count(), parts - 3);
        }
    }
    // Greys keep their values, also as whole numbers.
    let greys: Vec<u8> = (0..12).flat_map(|i| [i * 20 + 7; 3]).collect();
    let path = nifti(at, 128, 24, &greys);
    let light = read_as_with::<u8>(&path, &color(ColorAs::Luminance)).unwrap();
    assert_eq!(light.get(0, [2, 1, 1]), 11 * 20 + 7);
}

#[test]
fn complex_numbers_are_refused_until_a_part_of_them_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let parts = |i: usize| [3.0 * i as f32, -4.0 * i as f32];
    let voxels: Vec<u8> = (0..12).flat_map(parts).flat_map(f32::to_le_bytes).collect();
    let wide = (0..12)
        .flat_map(parts)
        .flat_map(|v| f64::from(v).to_le_bytes());
    let wide: Vec<u8> = wide.collect();
    let paths: [&dyn Fn() -> PathBuf; 3] = [
        &|| nifti(folder.path(), 32, 64, &voxels),
        &|| nifti(folder.path(), 1792, 128, &wide),
        &|| nrrd(folder.path(), "complex", 2, "float", &voxels),
    ];
    for make in paths {
        let path = make();
        let error = read_with(&path, &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Complex { .. }), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::ChooseComplex));
        let magnitude = every_way(&path, &complex(ComplexAs::Magnitude));
        assert_eq!(magnitude.get(0, grid().index(7)), 35.0);
        let phase = every_way(&path, &complex(ComplexAs::Phase));
        let angle = f64::from(phase.get(0, grid().index(7)));
        assert!((angle - (-4.0f64).atan2(3.0)).abs() < 1e-6);
        let both = every_way(&path, &complex(ComplexAs::Channels));
        assert_eq!(
            (both.get(0, grid().index(7)), both.get(1, grid().index(7))),
            (21.0, -28.0)
        );
    }
}

/// The parts of a voxel are together in the file, or each part is an image.
#[test]
fn parts_are_combined_wherever_their_axis_is() {
    let folder = tempfile::tempdir().unwrap();
    let part = |at: usize, part: usize| (at * 7 + part * 60) as u8;
    for place in 0..4 {
        let mut axes = vec![0, 1, 2];
        axes.insert(place, 3);
        let extent = [3, 2, 2, 3];
        let mut data = Vec::new();
        for at in 0..36 {
            let (mut rest, mut index) = (at, [0; 4]);
            for &axis in &axes {
                index[axis] = rest % extent[axis];
                rest /= extent[axis];
            }
            data.push(part(index[0] + 3 * index[1] + 6 * index[2], index[3]));
        }
        let vectors = ["(1,0,0)", "(0,1,0)", "(0,0,1)", "none"];
        let list = |words: &dyn Fn(usize) -> String| {
            axes.iter().map(|&a| words(a)).collect::<Vec<_>>().join(" ")
        };
        let header = format!(
            "NRRD0005\ntype: uchar\ndimension: 4\nspace: RAS\nsizes: {}\nspace directions: {}\n\
             kinds: {}\nspace origin: (0,0,0)\nencoding: gzip\n\n",
            list(&|a| extent[a].to_string()),
            list(&|a| vectors[a].to_owned()),
            list(&|a| if a == 3 { "RGB-color" } else { "domain" }.to_owned()),
        );
        let level = flate2::Compression::fast();
        let mut packed = flate2::write::GzEncoder::new(header.into_bytes(), level);
        std::io::Write::write_all(&mut packed, &data).unwrap();
        let bytes = packed.finish().unwrap();
        let path = folder.path().join("a.nrrd");
        std::fs::write(&path, bytes).unwrap();
        assert!(matches!(
            read_with(&path, &ReadOptions::default()),
            Err(Error::Color { .. })
        ));
        let light = every_way(&path, &color(ColorAs::Luminance));
        let value = |i: usize| f64::from(part(7, i));
        let expected = 0.299 * value(0) + 0.587 * value(1) + 0.114 * value(2);
        assert!(
            (f64::from(light.get(0, grid().index(7))) - expected).abs() < 1e-4,
            "{place}"
        );
    }
    // NumPy's arrays, whose axes are the other way round.
    for fortran in ["True", "False"] {
        let text = format!("{{'descr': '<c8', 'fortran_order': {fortran}, 'shape': (3, 2, 2)}}\n");
        let parts = (0..24).flat_map(|i| (i as f32).to_le_bytes());
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((text.len() as u16).to_le_bytes());
        bytes.extend(text.bytes().chain(parts));
        let path = folder.path().join("a.npy");
        std::fs::write(&path, bytes).unwrap();
        let options = ReadOptions {
            assume_spacing: Some([1.0; 3]),
            ..complex(ComplexAs::Magnitude)
        };
        let image = every_way(&path, &options);
        assert_eq!(image.get(0, [2, 1, 1]), 22f32.hypot(23.0));
    }
}

#[test]
fn colours_with_times_are_refused_and_lies_about_their_width_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = nifti(folder.path(), 128, 24, &[9; 72]);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[40] = 4;
    bytes[48] = 2;
    std::fs::write(&path, &bytes).unwrap();
    let error = read_with(&path, &color(ColorAs::Luminance)).unwrap_err();
    assert!(
        error.to_string().contains("split it into volumes"),
        "{error}"
    );
    let short = nifti(folder.path(), 128, 24, &[9; 35]);
    let error = read_with(&short, &color(ColorAs::Luminance)).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
    let width = nifti(folder.path(), 128, 8, &[9; 36]);
    let error = read_with(&width, &color(ColorAs::Luminance)).unwrap_err();
    assert!(error.to_string().contains("RGB24"), "{error}");
}

#[test]
fn shared_colours_and_complex_numbers_are_read_by_request() {
    let Some(rgb) = shared("cases/images/nifti/rgb.nii.gz") else {
        return;
    };
    assert_eq!(
        read_with(&rgb, &color(ColorAs::Channels))
            .unwrap()
            .channels(),
        3
    );
    assert_eq!(
        read_with(&rgb, &color(ColorAs::Luminance))
            .unwrap()
            .channels(),
        1
    );
    let info = probe_with(&rgb, &color(ColorAs::Luminance)).unwrap();
    assert_eq!((info.channels, info.voxel_type), (1, VoxelType::F32));
    let path = shared("cases/images/nifti/complex.nii.gz").unwrap();
    assert!(read_with(&path, &ReadOptions::default()).is_err());
    let magnitude = read_with(&path, &complex(ComplexAs::Magnitude)).unwrap();
    assert_eq!(magnitude.get(0, [3, 2, 1]), 397.0);
}
