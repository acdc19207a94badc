//! Voxels between those of the slices: missing slices filled, a tilted gantry brought to right angles.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use std::path::Path;
use vesalius_io::{
    ConvertOptions, DicomOptions, Error, ReadOptions, Remedy, Tilt, UnevenSlices, VoxelType,
    convert, list_series_with, probe_with, read_as_with, read_labels_with,
};
use vesalius_volume::{Volume, Warning};

type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

fn with(dicom: DicomOptions) -> ReadOptions {
    ReadOptions {
        dicom,
        ..ReadOptions::new()
    }
}

fn filled(round: bool) -> ReadOptions {
    let dicom = DicomOptions {
        uneven_slices: UnevenSlices::Interpolate,
        ..DicomOptions::default()
    };
    ReadOptions {
        round,
        ..with(dicom)
    }
}

fn untilted(round: bool) -> ReadOptions {
    let dicom = DicomOptions {
        tilt: Tilt::Untilt,
        ..DicomOptions::default()
    };
    ReadOptions {
        round,
        ..with(dicom)
    }
}

#[test]
fn a_value_between_slices_is_real_or_rounded_and_never_a_dead_end() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (z, value) in [(0.0, 0), (3.0, 11), (9.0, 40)] {
        save(at, &format!("{z}"), &slice(z, [value; 6], &[]));
    }
    let error = read_as_with::<i16>(at, &filled(false)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::Interpolated {
                value: 25.5,
                index: [0, 0, 2],
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(error.remedy(), Some(Remedy::Round));
    let text = error.to_string();
    assert!(
        text.contains("read_as::<f32>") && text.contains("ReadOptions::round"),
        "{text}"
    );
    let along = |values: &[f64]| [values[0], values[6], values[12], values[18]];
    let real = read_as_with::<f64>(at, &filled(false)).unwrap();
    assert_eq!(along(real.data()), [0.0, 11.0, 25.5, 40.0]);
    let rounded = read_as_with::<i16>(at, &filled(true)).unwrap();
    assert_eq!(rounded.data()[12..18], [26; 6]);
    // A type of real numbers takes them as they are, also where rounding is allowed.
    assert_eq!(
        read_as_with::<f32>(at, &filled(true)).unwrap().data()[12],
        25.5
    );
    for (options, stored) in [
        (filled(false), VoxelType::F32),
        (filled(true), VoxelType::I16),
    ] {
        assert_eq!(
            list_series_with(at, &options).unwrap().series[0].voxel_type,
            stored
        );
        assert_eq!(probe_with(at, &options).unwrap().voxel_type, stored);
        let target = at.join("filled.nii");
        let options = ConvertOptions {
            read: options,
            ..ConvertOptions::default()
        };
        convert(at, &target, &options).unwrap();
        assert_eq!(
            probe_with(&target, &ReadOptions::new()).unwrap().voxel_type,
            stored
        );
        std::fs::remove_file(target).unwrap();
    }
    // A mean of two labels is no label, even where it is a whole number.
    for options in [filled(false), filled(true)] {
        let error = read_labels_with::<u16>(at, &options)
            .unwrap_err()
            .to_string();
        assert!(error.contains("no label"), "{error}");
    }
}

#[test]
fn the_shared_series_with_gaps_are_filled() {
    for (case, slices) in [("missing", 9), ("last_far", 21)] {
        let Some(path) = shared(&format!("cases/images/dicom/{case}")) else {
            return;
        };
        let rounded = read_as_with::<u16>(&path, &filled(true)).unwrap();
        let real = read_as_with::<f64>(&path, &filled(false)).unwrap();
        assert_eq!(real.geometry().size()[2], slices, "{case}");
        let nearest: Vec<u16> = real.data().iter().map(|v| v.round() as u16).collect();
        assert!(rounded.data() == nearest, "{case}");
        assert!(real.data().iter().any(|v| v.fract() != 0.0));
        assert!(read_as_with::<u16>(&path, &filled(false)).is_err());
        let told = |warning: &Warning| matches!(warning, Warning::SlicesInterpolated { .. });
        assert!(real.warnings().iter().any(told));
    }
}

/// Slices whose voxels are a linear function of their place, leaning along columns and rows.
fn leaning(folder: &Path, lean: [f64; 2], changes: &[Change]) {
    for z in 0..4 {
        let (x, y) = (
            -10.0 + lean[0] * f64::from(z),
            -20.0 + lean[1] * f64::from(z),
        );
        let position = format!("{x}\\{y}\\{}", 3 * z);
        // Columns are 0.25 mm apart, rows 0.5 mm.
        let value = |i: usize| {
            let (x, y) = (x + 0.25 * (i % 3) as f64, y + 0.5 * (i / 3) as f64);
            (1000.0 + 8.0 * x + 4.0 * y + 30.0 * f64::from(z)) as i16
        };
        let mut all: Vec<Change> = vec![(0x0020_0032, b"DS", position.as_bytes())];
        all.extend(changes);
        save(
            folder,
            &z.to_string(),
            &slice(0.0, std::array::from_fn(value), &all),
        );
    }
}

#[test]
fn a_tilted_stack_is_brought_to_right_angles_in_place() {
    for lean in [[0.0, 1.0], [0.0, -1.0], [0.5, 0.0], [-0.5, 1.5]] {
        let folder = tempfile::tempdir().unwrap();
        leaning(folder.path(), lean, &[]);
        let volume = read_as_with::<f64>(folder.path(), &untilted(false)).unwrap();
        assert!(
            matches!(volume.warnings(), [Warning::TiltResampled { degrees }] if *degrees > 5.0),
            "{:?}",
            volume.warnings()
        );
        let grid = volume.geometry();
        let rows = grid.affine().rows();
        assert_eq!([rows[0][2], rows[1][2], rows[2][2]], [0.0, 0.0, 3.0]);
        let [columns, count] = [
            3 + (3.0 * lean[0].abs() / 0.25) as usize,
            2 + (3.0 * lean[1].abs() / 0.5) as usize,
        ];
        assert_eq!(grid.size(), [columns, count, 4]);
        let lowest = volume.data().iter().copied().fold(f64::INFINITY, f64::min);
        let mut there = 0;
        for z in 0..4 {
            for y in 0..count {
                for x in 0..columns {
                    let value = volume.get(0, [x, y, z]);
                    let place = grid.affine().apply([x as f64, y as f64, z as f64]);
                    let meant = 1000.0 - 8.0 * place[0] - 4.0 * place[1] + 10.0 * place[2];
                    if value == meant {
                        there += 1;
                    } else {
                        assert_eq!(value, lowest, "{lean:?} {x} {y} {z}");
                    }
                }
            }
        }
        assert!(there >= 24, "every voxel of the slices is there: {there}");
    }
}

#[test]
fn what_no_slice_has_is_air_in_a_ct_in_hounsfield_units() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let down: Change = (0x0028_1052, b"DS", b"-1000");
    leaning(at, [0.0, 1.0], &[down]);
    let volume = read_as_with::<f32>(at, &untilted(false)).unwrap();
    assert_eq!(volume.get(0, [0, 7, 0]), -1024.0);
    let info = probe_with(at, &untilted(true)).unwrap();
    assert_eq!(info.voxel_type, VoxelType::I32);
    assert_eq!(
        probe_with(at, &untilted(false)).unwrap().voxel_type,
        VoxelType::F32
    );
    let rounded = read_as_with::<i16>(at, &untilted(true)).unwrap();
    assert_eq!(rounded.get(0, [0, 7, 0]), -1024);
    leaning(at, [0.0, 1.0], &[down, (0x0008_0060, b"CS", b"MR")]);
    let volume = read_as_with::<f32>(at, &untilted(false)).unwrap();
    let lowest = volume.data().iter().copied().fold(f32::INFINITY, f32::min);
    assert!(lowest > -1000.0 && volume.get(0, [0, 7, 0]) == lowest);
}

#[test]
fn every_way_to_treat_a_tilt_is_named_by_the_error_and_works() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    leaning(at, [0.0, 1.0], &[]);
    let error = read_as_with::<f32>(at, &ReadOptions::new())
        .unwrap_err()
        .to_string();
    for named in ["Tilt::Untilt", "Tilt::KeepShear"] {
        assert!(error.contains(named), "{error}");
    }
    let sheared = |dicom| read_as_with::<f32>(at, &with(dicom)).unwrap();
    let kept = sheared(DicomOptions {
        tilt: Tilt::KeepShear,
        ..DicomOptions::default()
    });
    assert_eq!(kept.geometry().size(), [3, 2, 4]);
    // A stack that does not lean is left as it is.
    let straight = tempfile::tempdir().unwrap();
    leaning(straight.path(), [0.0, 0.0], &[]);
    let left = read_as_with::<i16>(straight.path(), &untilted(false)).unwrap();
    assert!(left.warnings().is_empty() && left.geometry().size() == [3, 2, 4]);
    assert!(read_labels_with::<u16>(at, &untilted(true)).is_err());
}

#[test]
fn missing_slices_of_a_tilted_stack_are_filled_at_right_angles() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    leaning(at, [0.0, 0.25], &[]);
    let whole = read_as_with::<f64>(at, &untilted(false)).unwrap();
    std::fs::remove_file(at.join("1")).unwrap();
    let options = with(DicomOptions {
        tilt: Tilt::Untilt,
        uneven_slices: UnevenSlices::Interpolate,
        ..DicomOptions::default()
    });
    let filled = read_as_with::<f64>(at, &options).unwrap();
    assert_eq!(filled.geometry().size(), whole.geometry().size());
    // Values are linear in place, so that the missing slice is found again where both neighbours have voxels.
    assert_eq!(filled.get(0, [1, 1, 1]), whole.get(0, [1, 1, 1]));
}

/// The line of voxels along y at `[4, ?, z]`.
fn line(volume: &Volume<f64>, z: usize) -> Vec<f64> {
    let rows = volume.geometry().size()[1];
    (0..rows).map(|y| volume.get(0, [4, y, z])).collect()
}

#[test]
fn the_shared_tilted_series_is_as_simpleitk_resamples_it() {
    let Some(path) = shared("cases/images/dicom/tilt") else {
        return;
    };
    let volume = read_as_with::<f64>(&path, &untilted(false)).unwrap();
    // dcm2niix has the same grid.
    assert_eq!(volume.geometry().size(), [16, 17, 8]);
    // sitk.Resample of each slice, linear, onto the grid of the first, 17 rows high, with 0 outside.
    let third = [
        0.0, 0.0, 550.00158, 678.99094, 1560.50928, 1229.04310, 1221.08778, 1250.91618, 1324.60498,
        1276.97669, 1807.21550, 1735.16527, 1487.12296, 1289.0, 0.0, 0.0, 0.0,
    ];
    let last = [
        0.0, 0.0, 0.0, 0.0, 1004.0, 471.97829, 1033.13844, 1206.45895, 1039.21175, 929.98383,
        1218.51311, 923.58769, 842.00473, 1309.65939, 1413.00531, 947.58180, 0.0,
    ];
    for (z, expected) in [(3, third), (7, last)] {
        for (found, meant) in line(&volume, z).into_iter().zip(expected) {
            assert!((found - meant).abs() < 1e-5, "slice {z}: {found} {meant}");
        }
    }
}
