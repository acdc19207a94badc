//! All volumes of a DICOM series as channels of one image.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use std::path::Path;
use vesalius_io::{
    ConvertOptions, Error, FourthAxis, ReadOptions, Remedy, VolumeChoice, convert, probe_with,
    read_as, read_as_with,
};

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

fn all() -> ReadOptions {
    ReadOptions {
        volume: VolumeChoice::All,
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::new()
    }
}

/// Volumes of two slices with b-values and acquisition times; the voxels of each hold its number.
fn diffusion(folder: &Path, b_values: &[f64]) {
    for (i, b) in b_values.iter().enumerate() {
        let bytes = b.to_le_bytes();
        let time = format!("1012{:02}", 2 * i);
        let changes: [Change; 2] = [
            (0x0018_9087, b"FD", &bytes),
            (0x0008_0032, b"TM", time.as_bytes()),
        ];
        for z in [0.0, 3.0] {
            save(
                folder,
                &format!("{i}-{z}"),
                &slice(z, [i as i16; 6], &changes),
            );
        }
    }
}

#[test]
fn all_volumes_become_channels_in_the_order_of_their_keys() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    diffusion(at, &[1600.0, 0.0, 800.0]);
    let volume = read_as_with::<u8>(at, &all()).unwrap();
    assert_eq!(
        (volume.channels(), volume.geometry().size()),
        (3, [3, 2, 2])
    );
    assert_eq!(volume.data(), [[1u8; 12], [2; 12], [0; 12]].concat());
    let info = probe_with(at, &all()).unwrap();
    assert_eq!(info.channels, 3);
    assert_eq!(info.metadata["Volumes"], "b 0; b 800; b 1600");
    assert_eq!(info.metadata["DiffusionBValue"], "0; 800; 1600");
    assert_eq!(info.metadata["AcquisitionTime"], "101202; 101204; 101200");
    let target = at.join("all.nii.gz");
    let options = ConvertOptions {
        read: all(),
        ..ConvertOptions::default()
    };
    convert(at, &target, &options).unwrap();
    let back = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::new()
    };
    assert_eq!(
        read_as_with::<u8>(&target, &back).unwrap().data(),
        volume.data()
    );
}

#[test]
fn a_fourth_axis_must_be_asked_for_and_needs_one_series_on_one_grid() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    diffusion(at, &[0.0, 800.0]);
    let refused = ReadOptions {
        fourth_axis: FourthAxis::Refuse,
        ..all()
    };
    for error in [
        read_as_with::<u8>(at, &refused).unwrap_err(),
        probe_with(at, &refused).unwrap_err(),
    ] {
        assert!(
            matches!(&error, Error::FourthAxis { extent, .. } if extent == &[3, 2, 2, 2]),
            "{error}"
        );
        assert_eq!(error.remedy(), Some(Remedy::FourthAxisAsChannels));
        assert!(error.to_string().contains("b 0; b 800"), "{error}");
    }
    // Channels alone choose no volume.
    let only = ReadOptions {
        volume: VolumeChoice::Only,
        ..all()
    };
    let error = read_as_with::<u8>(at, &only).unwrap_err();
    assert!(matches!(error, Error::SeveralVolumes { .. }), "{error}");
    // One volume has a slice more.
    let b = 0f64.to_le_bytes();
    save(at, "more", &slice(6.0, [7; 6], &[(0x0018_9087, b"FD", &b)]));
    let error = read_as_with::<u8>(at, &all()).unwrap_err().to_string();
    assert!(
        error.contains("[3, 2, 3]") && error.contains("VolumeChoice::Named"),
        "{error}"
    );
    let error = probe_with(at, &all()).unwrap_err().to_string();
    assert!(error.contains("`b 800` has [3, 2, 2]"), "{error}");
    // Another series beside it has to be chosen against.
    std::fs::remove_file(at.join("more")).unwrap();
    save(
        at,
        "other",
        &slice(0.0, [7; 6], &[(0x0020_000E, b"UI", b"1.2.5")]),
    );
    let error = read_as_with::<u8>(at, &all()).unwrap_err();
    assert!(matches!(error, Error::SeveralSeries { .. }), "{error}");
    let named = ReadOptions {
        series: Some("1.2.3".to_owned()),
        ..all()
    };
    assert_eq!(read_as_with::<u8>(at, &named).unwrap().channels(), 2);
}

#[test]
fn one_volume_is_one_channel_and_types_hold_all() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    save(at, "a", &slice(0.0, [3; 6], &[]));
    assert_eq!(read_as_with::<u8>(at, &all()).unwrap().channels(), 1);
    let changes: [Change; 2] = [(0x0028_1053, b"DS", b"0.5"), (0x0018_0081, b"DS", b"9")];
    save(at, "b", &slice(0.0, [3; 6], &changes));
    let info = probe_with(at, &all()).unwrap();
    assert_eq!(info.voxel_type, vesalius_io::VoxelType::F32);
    let volume = read_as_with::<f32>(at, &all()).unwrap();
    assert_eq!(volume.data(), [[3.0; 6], [1.5; 6]].concat());
    assert!(read_as::<f32>(at).is_err());
}

#[test]
fn the_shared_series_have_all_their_volumes_as_channels() {
    for (case, key, values) in [
        ("dicom/dwi_std", "DiffusionBValue", "0; 800; 1600"),
        (
            "dicom/ct_two_kernels",
            "ConvolutionKernel",
            "B30f; B80f; B60f",
        ),
        (
            "dicom/dyn_time_only",
            "AcquisitionTime",
            "101200.00; 101201.00; 101202.00",
        ),
        ("enh/dyn_pet", "TemporalPositionIdentifier", "1; 2; 3"),
    ] {
        let Some(path) = shared(&format!("cases/images/{case}")) else {
            return;
        };
        let info = probe_with(&path, &all()).unwrap();
        let mut found: Vec<&str> = info.metadata[key].split("; ").collect();
        let mut wanted: Vec<&str> = values.split("; ").collect();
        if key == "ConvolutionKernel" {
            found.sort_unstable();
            wanted.sort_unstable();
        }
        assert_eq!(found, wanted, "{case}");
        let volume = read_as_with::<f64>(&path, &all()).unwrap();
        assert_eq!(volume.channels(), 3);
        for number in 1..=3usize {
            let one = ReadOptions {
                volume: number.to_string().as_str().into(),
                ..ReadOptions::new()
            };
            let one = read_as_with::<f64>(&path, &one).unwrap();
            let voxels = one.data().len();
            assert!(
                volume.data()[(number - 1) * voxels..number * voxels] == *one.data(),
                "{case}"
            );
        }
    }
}
