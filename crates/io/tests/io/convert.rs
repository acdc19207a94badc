//! Conversion keeps what both formats can hold.

use crate::dicom_writer::{save, slice};
use std::path::Path;
use vesalius_io::{
    ConvertOptions, Extension, LabelName, ReadOptions, VoxelType, WriteOptions, convert, open,
    probe, read_as, read_label_names, write_labels_with, write_with,
};
use vesalius_volume::{Geometry, LabelMap, Volume};

const NAMES: [&str; 8] = [
    "a.nii", "a.nii.gz", "a.hdr", "a.img.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr",
];

fn grid() -> Geometry {
    let turned = [[0.8, -0.6, 0.0], [0.6, 0.8, 0.0], [0.0, 0.0, 1.0]];
    Geometry::from_parts([4, 3, 2], [0.5, 0.75, 2.5], [-10.0, 4.0, 7.0], turned).unwrap()
}

fn same(path: &Path, volume: &Volume<i16>) {
    let found = read_as::<i16>(path).unwrap();
    assert_eq!(found.data(), volume.data(), "{}", path.display());
    assert!(found.geometry().is_same(volume.geometry()));
    assert_eq!(probe(path).unwrap().voxel_type, VoxelType::I16);
}

#[test]
fn every_format_becomes_every_other() {
    let folder = tempfile::tempdir().unwrap();
    let volume = Volume::from_fn(grid(), |[x, y, z]| (x * 100 + y * 10 + z) as i16 - 200);
    for from in NAMES {
        let input = folder.path().join("in").join(from);
        std::fs::create_dir_all(input.parent().unwrap()).unwrap();
        write_with(&input, &volume, &WriteOptions::default()).unwrap();
        for to in NAMES {
            let output = folder.path().join(to);
            convert(&input, &output, &ConvertOptions::default()).unwrap();
            same(&output, &volume);
        }
        std::fs::remove_dir_all(input.parent().unwrap()).unwrap();
    }
    let series = folder.path().join("series");
    std::fs::create_dir(&series).unwrap();
    for z in 0..3i16 {
        let scaled: &[(u32, &[u8; 2], &[u8])] = &[(0x0028_1052, b"DS", b"-1000")];
        let bytes = slice(f64::from(z), [z; 6], scaled);
        save(&series, &z.to_string(), &bytes);
    }
    let volume = read_as::<i16>(&series).unwrap();
    for to in NAMES {
        let output = folder.path().join(to);
        // i16 - 1000 does not fit i16, so the type is given.
        let options = ConvertOptions {
            write: WriteOptions {
                voxel_type: Some(VoxelType::I16),
                ..WriteOptions::default()
            },
            ..ConvertOptions::default()
        };
        convert(&series, &output, &options).unwrap();
        same(&output, &volume);
    }
}

#[test]
fn texts_extensions_and_space_stay_from_nifti_to_nifti() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("a.nii.gz"), folder.path().join("b.hdr"));
    let volume = Volume::filled(grid(), 7u8);
    let written = WriteOptions {
        description: "from a scanner".to_owned(),
        intent_name: "mask".to_owned(),
        space_code: 4,
        extensions: vec![Extension {
            code: 6,
            data: b"a comment of 24 bytes...".to_vec(),
        }],
        ..WriteOptions::default()
    };
    write_with(&input, &volume, &written).unwrap();
    convert(&input, &output, &ConvertOptions::default()).unwrap();
    let image = open(&output).unwrap();
    assert_eq!(image.extensions(), written.extensions);
    let texts = &image.info().metadata;
    assert_eq!(texts["descrip"], "from a scanner");
    assert_eq!(texts["intent_name"], "mask");
    assert_eq!(texts["sform_code"], "4");
}

#[test]
fn scaled_values_are_written_as_what_they_mean() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("a.nii"), folder.path().join("b.nrrd"));
    for (stored, meant) in [
        (VoxelType::I16, VoxelType::F32),
        (VoxelType::I32, VoxelType::F64),
    ] {
        let options = WriteOptions {
            voxel_type: Some(stored),
            ..WriteOptions::default()
        };
        write_with(&input, &Volume::filled(grid(), 3i16), &options).unwrap();
        let mut bytes = std::fs::read(&input).unwrap();
        bytes[112..116].copy_from_slice(&0.5f32.to_le_bytes());
        std::fs::write(&input, bytes).unwrap();
        convert(&input, &output, &ConvertOptions::default()).unwrap();
        assert_eq!(probe(&output).unwrap().voxel_type, meant);
        assert_eq!(read_as::<f64>(&output).unwrap().data(), [1.5; 24]);
    }
}

#[test]
fn names_and_colours_of_labels_go_along() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let names = vec![LabelName {
        value: 2,
        name: "left \\ \"kidney\"".to_owned(),
        color: [255, 0, 51],
        layer: 0,
    }];
    let labels = LabelMap::from_fn(grid(), |[x, ..]| x as u16);
    let with_names = WriteOptions {
        labels: names.clone(),
        ..WriteOptions::default()
    };
    write_labels_with(at("a.seg.nrrd"), &labels, &with_names).unwrap();
    let options = ConvertOptions {
        labels: true,
        ..ConvertOptions::default()
    };
    // NRRD keeps them inside, also as a plain image.
    convert(at("a.seg.nrrd"), at("b.nrrd"), &options).unwrap();
    assert_eq!(probe(at("b.nrrd")).unwrap().labels, names);
    convert(at("a.seg.nrrd"), at("c.nrrd"), &ConvertOptions::default()).unwrap();
    assert_eq!(probe(at("c.nrrd")).unwrap().labels, names);
    // NIfTI gets them in a second file.
    let converted = convert(at("a.seg.nrrd"), at("d.nii.gz"), &options).unwrap();
    assert_eq!(converted.label_names, Some(at("d.label")));
    let read = read_label_names(at("d.label")).unwrap();
    assert_eq!((read[1].value, read[1].color), (2, [255, 0, 51]));
    // And back, out of the label file.
    let back = ConvertOptions {
        memory: None,
        labels: true,
        read: ReadOptions::default(),
        write: WriteOptions {
            labels: read,
            ..WriteOptions::default()
        },
    };
    convert(at("d.nii.gz"), at("e.seg.nrrd"), &back).unwrap();
    assert_eq!(
        probe(at("e.seg.nrrd")).unwrap().labels[1].color,
        [255, 0, 51]
    );
    assert_eq!(probe(at("e.seg.nrrd")).unwrap().voxel_type, VoxelType::U8);
    // A map of real numbers is no label map.
    write_with(
        at("real.nii"),
        &Volume::filled(grid(), 0.5f32),
        &WriteOptions::default(),
    )
    .unwrap();
    let error = convert(at("real.nii"), at("f.nii"), &options)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("0.5") && error.contains("whole number"),
        "{error}"
    );
    assert!(!at("f.nii").exists());
}

/// The same conversion within little memory and within all.
fn is_the_same_within(memory: u64, input: &Path, output: &Path, options: &ConvertOptions) {
    let small = ConvertOptions {
        memory: Some(memory),
        ..options.clone()
    };
    let whole = convert(input, output, options).unwrap();
    let expected = std::fs::read(output).unwrap();
    std::fs::remove_file(output).unwrap();
    assert_eq!(convert(input, output, &small).unwrap(), whole);
    assert!(
        std::fs::read(output).unwrap() == expected,
        "{} to {}",
        input.display(),
        output.display()
    );
}

#[test]
fn a_conversion_within_little_memory_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([13, 11, 9], [0.5, 1.0, 2.0]).unwrap();
    let values =
        |channels: usize| (0..channels * grid.voxel_count()).map(|at| (at * 7919 % 4001) as i16);
    for channels in [1, 2] {
        let image = Volume::new(grid, channels, values(channels).collect()).unwrap();
        for input in ["a.nii", "a.nii.gz", "a.mha", "a.nrrd", "a.mgz"] {
            let input = folder.path().join(input);
            vesalius_io::write(&input, &image).unwrap();
            for output in ["b.nii", "b.nii.gz", "b.mha", "b.nrrd", "b.mgh"] {
                for compress in [true, false] {
                    let mut options = ConvertOptions::default();
                    options.read.fourth_axis = vesalius_io::FourthAxis::Channels;
                    options.write.compress = compress;
                    for memory in [1, 2000] {
                        let output = folder.path().join(output);
                        is_the_same_within(memory, &input, &output, &options);
                    }
                }
            }
        }
    }
    let series = folder.path().join("series");
    std::fs::create_dir(&series).unwrap();
    for z in 0..7i16 {
        let bytes = crate::dicom_writer::slice(f64::from(z) * 2.0, [z, 2, 3, 4, 5, -z], &[]);
        crate::dicom_writer::save(&series, &format!("{z}.dcm"), &bytes);
    }
    for output in ["c.nii", "c.nii.gz", "c.mha"] {
        let output = folder.path().join(output);
        for memory in [1, 60] {
            is_the_same_within(memory, &series, &output, &ConvertOptions::default());
        }
    }
}

#[test]
fn files_of_two_parts_within_little_memory_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([13, 11, 9], [0.5, 1.0, 2.0]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x * y * z * 31 % 997) as i16);
    let input = folder.path().join("a.nii");
    vesalius_io::write(&input, &image).unwrap();
    for (header, data) in [
        ("b.mhd", ["b.raw", "b.zraw"]),
        ("b.nhdr", ["b.raw", "b.raw.gz"]),
    ] {
        for compress in [false, true] {
            let mut options = ConvertOptions::default();
            options.write.compress = compress;
            let data = folder.path().join(data[usize::from(compress)]);
            convert(&input, folder.path().join(header), &options).unwrap();
            let expected = std::fs::read(&data).unwrap();
            std::fs::remove_file(&data).unwrap();
            is_the_same_within(2000, &input, &folder.path().join(header), &options);
            assert!(std::fs::read(&data).unwrap() == expected, "{header}");
        }
    }
}

#[test]
fn a_label_map_within_little_memory_gives_the_same_file() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([13, 11, 9], [0.5, 1.0, 2.0]).unwrap();
    let names: Vec<LabelName> = [1, 7, 9]
        .map(|n| LabelName::new(n, format!("part {n}")))
        .into();
    // The largest label, in the last slices, decides on the type; label 9 has no voxel.
    for largest in [7, 300, 70_000] {
        let label = |[x, y, z]: [usize; 3]| match [x / 4, y / 4, z / 7] {
            [1, 1, _] => 1,
            [0, 2, _] => 7,
            [2, _, 1] => largest,
            _ => 0,
        };
        let labels = vesalius_volume::LabelMap::<u32>::from_fn(grid, label);
        for input in ["a.nii", "a.nii.gz", "a.mha", "a.seg.nrrd"] {
            let input = folder.path().join(input);
            let named = WriteOptions {
                labels: names.clone(),
                // A file of real numbers is a label map too.
                voxel_type: input.ends_with("a.nii").then_some(VoxelType::F32),
                ..WriteOptions::default()
            };
            vesalius_io::write_labels_with(&input, &labels, &named).unwrap();
            for output in ["b.nii.gz", "b.mha", "b.seg.nrrd", "b.nhdr"] {
                for compress in [true, false] {
                    let mut options = ConvertOptions {
                        labels: true,
                        ..ConvertOptions::default()
                    };
                    options.write.compress = compress;
                    options.write.labels = names.clone();
                    let output = folder.path().join(output);
                    is_the_same_within(2500, &input, &output, &options);
                }
            }
        }
    }
    // What is no label map is refused as it is when it is read as a whole.
    let (input, output) = (folder.path().join("real.nii"), folder.path().join("c.nrrd"));
    vesalius_io::write(&input, &Volume::filled(grid, 2.5f32)).unwrap();
    let mut options = ConvertOptions {
        labels: true,
        ..ConvertOptions::default()
    };
    let whole = convert(&input, &output, &options).unwrap_err().to_string();
    options.memory = Some(2500);
    let slabs = convert(&input, &output, &options).unwrap_err().to_string();
    assert_eq!(whole, slabs);
    assert!(!output.exists());
}

#[test]
fn a_damaged_file_within_little_memory_is_refused_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([40, 30, 20], [1.0; 3]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x * y * z * 31 % 997) as i16);
    let (input, output) = (folder.path().join("a.nii.gz"), folder.path().join("b.nii"));
    vesalius_io::write(&input, &image).unwrap();
    let bytes = std::fs::read(&input).unwrap();
    let options = ConvertOptions {
        memory: Some(20_000),
        ..ConvertOptions::default()
    };
    let mut wrong_sum = bytes.clone();
    let end = wrong_sum.len() - 6;
    wrong_sum[end] ^= 1;
    for damaged in [&bytes[..bytes.len() / 2], &wrong_sum] {
        std::fs::write(&input, damaged).unwrap();
        let error = convert(&input, &output, &options).unwrap_err();
        assert!(error.to_string().contains("a.nii.gz"), "{error}");
        assert!(!output.exists());
    }
}
