//! What a reader decides where the file is ambiguous, wrong or incomplete is in the result, and is refused
//! where the options require that.

use crate::dicom_writer::{save, slice};
use std::path::{Path, PathBuf};
use vesalius_io::{
    ConvertOptions, DicomOptions, Error, OnWarning, ReadOptions, UnevenSlices, convert, describe,
    probe, probe_with, read_as_with, read_labels, read_with, write,
};
use vesalius_volume::{Affine, Geometry, Volume, Warning};

/// A NIfTI file with some bytes of its header changed.
fn nifti(folder: &Path, changes: &[(usize, &[u8])]) -> PathBuf {
    let path = folder.join("a.nii");
    let grid = Geometry::axis_aligned([4, 3, 2], [1.0, 1.5, 2.0]).unwrap();
    write(&path, &Volume::filled(grid, 3u8)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    for (at, value) in changes {
        bytes[*at..*at + value.len()].copy_from_slice(value);
    }
    std::fs::write(&path, bytes).unwrap();
    path
}

/// The warnings of a file, by header and by voxels alike; refused where that is required.
fn warnings(path: &Path, options: &ReadOptions) -> Vec<Warning> {
    let found = read_as_with::<f32>(path, options)
        .unwrap()
        .warnings()
        .to_vec();
    let info = probe_with(path, options).unwrap();
    assert_eq!(format!("{:?}", info.warnings), format!("{found:?}"));
    let strict = ReadOptions {
        on_warning: OnWarning::Refuse,
        ..options.clone()
    };
    let refused = read_with(path, &strict).err();
    match found.first() {
        None => assert!(refused.is_none(), "{refused:?}"),
        Some(first) => {
            let text = refused.unwrap().to_string();
            assert!(text.contains(&first.to_string()), "{text}");
            assert!(matches!(
                probe_with(path, &strict),
                Err(Error::Warned { .. })
            ));
        }
    }
    found
}

/// Tag, value type and value of an element.
type Change<'a> = (u32, &'a [u8; 2], &'a [u8]);

fn f32s(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

#[test]
fn a_plain_file_has_none() {
    let folder = tempfile::tempdir().unwrap();
    let usual = ReadOptions::default();
    assert_eq!(warnings(&nifti(folder.path(), &[]), &usual), []);
    for name in ["a.mha", "a.nrrd"] {
        let path = folder.path().join(name);
        let grid = Geometry::axis_aligned([4, 3, 2], [1.0, 1.5, 2.0]).unwrap();
        write(&path, &Volume::filled(grid, 3i16)).unwrap();
        assert_eq!(warnings(&path, &usual), [], "{name}");
    }
}

#[test]
fn nifti_positions_and_scalings_that_are_decided_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let usual = ReadOptions::default();
    let of = |changes: &[(usize, &[u8])]| warnings(&nifti(folder.path(), changes), &usual);
    let nan = f32s(&[f32::NAN]);
    // srow_x
    let found = of(&[(280, &nan)]);
    assert!(matches!(&found[..], [Warning::SformUnusable { reason }] if reason.contains("NaN")));
    // scl_slope 0 with an intercept, NaN without, and an intercept that is none.
    let found = of(&[(112, &f32s(&[0.0, 7.0]))]);
    let [slope, intercept] = [0.0, 7.0];
    assert_eq!(found, [Warning::NoScaling { slope, intercept }]);
    let found = of(&[(112, &nan)]);
    assert!(matches!(found[..], [Warning::NoScaling { slope, .. }] if slope.is_nan()));
    let found = of(&[(116, &nan)]);
    assert!(matches!(found[..], [Warning::NoScaling { slope: 1.0, .. }]));
    // qoffset_x moved by 5 mm
    let found = of(&[(268, &f32s(&[5.0]))]);
    assert!(
        matches!(found[..], [Warning::FormsDisagree { apart, .. }] if (apart - 5.0).abs() < 1e-6)
    );
    // xyzt_units
    assert_eq!(of(&[(123, &[0])]), [Warning::UnitMissing { code: 0 }]);
    // No sform, a spacing of 0 along y, a quaternion of length 2.
    let no_sform: (usize, &[u8]) = (254, &[0, 0]);
    let found = of(&[no_sform, (84, &f32s(&[-1.5]))]);
    let found_as = "-1.5".to_owned();
    assert_eq!(
        found,
        [Warning::AxisSpacingAssumed {
            axis: 1,
            found: found_as,
            spacing: 1.5
        }]
    );
    let found = of(&[no_sform, (256, &f32s(&[2.0, 0.0, 0.0]))]);
    assert_eq!(found, [Warning::QuaternionNormalised { length: 2.0 }]);
    // No form at all.
    let options = ReadOptions {
        assume_spacing: Some([2.0; 3]),
        ..ReadOptions::default()
    };
    let path = nifti(folder.path(), &[no_sform, (252, &[0, 0])]);
    let found = warnings(&path, &options);
    assert!(
        matches!(&found[..], [Warning::SpacingAssumed { spacing, found }] if *spacing == [2.0; 3] && found.contains("both 0"))
    );
    assert_eq!(
        read_labels(nifti(folder.path(), &[(123, &[0])]))
            .unwrap()
            .warnings()
            .len(),
        1
    );
}

#[test]
fn text_headers_that_leave_something_open_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let usual = ReadOptions::default();
    let path = save(
        folder.path(),
        "a.mha",
        b"ObjectType = Image\nNDims = 2\nDimSize = 2 2\nElementSpacing = 1 1\nDistanceUnits = cm\n\
          ElementToIntensityFunctionSlope = 2\nElementToIntensityFunctionOffset = 0.0\n\
          ElementType = MET_SHORT\nElementDataFile = LOCAL\n\0\0\0\0\0\0\0\0",
    );
    let found = warnings(&path, &usual);
    let missing: Vec<&str> = found
        .iter()
        .filter_map(|warning| match warning {
            Warning::PositionAssumed { missing, .. } => Some(missing.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(missing, ["TransformMatrix", "Offset"]);
    let ignored: Vec<(&str, &str)> = found
        .iter()
        .filter_map(|warning| match warning {
            Warning::FieldIgnored { field, value } => Some((field.as_str(), value.as_str())),
            _ => None,
        })
        .collect();
    let expected = [
        ("ElementToIntensityFunctionSlope", "2"),
        ("DistanceUnits", "cm"),
    ];
    assert_eq!(ignored, expected);
    assert!(found.contains(&Warning::ByteOrderAssumed));
    let axis = found
        .iter()
        .any(|w| matches!(w, Warning::AxisSpacingAssumed { axis: 2, .. }));
    assert!(axis && found.len() == 6, "{found:?}");
    let path = save(
        folder.path(),
        "a.nrrd",
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: raw\nspace: RAS\nold min: 3\n\
          space units: \"m\" \"m\" \"m\"\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n\0\0",
    );
    let found = warnings(&path, &usual);
    let fields: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert!(
        fields.len() == 2 && fields[0].contains("old min") && fields[1].contains("space units"),
        "{fields:?}"
    );
    let path = save(
        folder.path(),
        "b.nrrd",
        b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 1 1\nencoding: text\nspace: RAS\n\
          space directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n\n1 2 3 4\n",
    );
    let volume = read_with(&path, &usual).unwrap();
    assert!(matches!(
        volume.warnings(),
        [Warning::SurplusData { bytes: 4, .. }]
    ));
}

#[test]
fn dicom_series_that_are_decided_are_told() {
    let usual = ReadOptions::default();
    let series = |changes: &[(f64, &[Change])]| {
        let folder = tempfile::tempdir().unwrap();
        for (i, (z, changes)) in changes.iter().enumerate() {
            save(
                folder.path(),
                &format!("{i}.dcm"),
                &slice(*z, [1; 6], changes),
            );
        }
        folder
    };
    let plain = series(&[(0.0, &[]), (3.0, &[])]);
    assert_eq!(warnings(plain.path(), &usual), []);
    let one = series(&[(0.0, &[])]);
    let attribute = "SliceThickness".to_owned();
    let spacing = 3.0;
    assert_eq!(
        warnings(one.path(), &usual),
        [Warning::ThicknessAsSpacing { attribute, spacing }]
    );
    let slope = (0x0028_1053, b"DS", &b"0"[..]);
    let bad = series(&[(0.0, &[slope]), (3.0, &[slope]), (6.0, &[])]);
    let found = warnings(bad.path(), &usual);
    assert!(
        matches!(&found[..], [Warning::ScalingReplaced { attribute, frames: 2, .. }] if attribute == "RescaleSlope"),
        "{found:?}"
    );
    let comma = (0x0028_1052, b"DS", &b"-10,5"[..]);
    let found = warnings(series(&[(0.0, &[comma]), (3.0, &[comma])]).path(), &usual);
    assert!(matches!(&found[..], [Warning::ScalingReplaced { found, .. }] if found == "-10,5"));
    let inverted = (0x0028_0004, b"CS", &b"MONOCHROME1"[..]);
    let found = warnings(
        series(&[(0.0, &[inverted]), (3.0, &[inverted])]).path(),
        &usual,
    );
    assert!(matches!(
        &found[..],
        [Warning::LowValuesBright { inverted: false }]
    ));
    let long = (0x7FE0_0010, b"OW", &[0u8; 20][..]);
    let found = warnings(series(&[(0.0, &[long]), (3.0, &[])]).path(), &usual);
    assert!(matches!(found[..], [Warning::SurplusData { bytes: 8, .. }]));
    // A slice that lost its pixels ends the stack early.
    let lost = (0x7FE0_0010, b"OW", &[][..]);
    let found = warnings(
        series(&[(0.0, &[]), (3.0, &[]), (6.0, &[lost])]).path(),
        &usual,
    );
    assert!(
        matches!(&found[..], [Warning::FilesLeftOut { count: 1, first, .. }] if first.ends_with("2.dcm"))
    );
    let uneven = series(&[(0.0, &[]), (3.0, &[]), (9.0, &[])]);
    let options = ReadOptions {
        dicom: DicomOptions {
            uneven_slices: UnevenSlices::Interpolate,
            ..DicomOptions::default()
        },
        ..ReadOptions::default()
    };
    assert_eq!(
        warnings(uneven.path(), &options),
        [Warning::SlicesInterpolated {
            files: 3,
            slices: 4,
            smallest: 3.0,
            largest: 6.0
        }]
    );
    assert_eq!(describe(one.path()).unwrap()[0].warnings.len(), 1);
}

#[test]
fn converting_carries_them_and_tells_of_axes_put_at_right_angles() {
    let folder = tempfile::tempdir().unwrap();
    let linear = [[1.0, 0.0, 0.3], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
    let sheared = Geometry::new([5; 3], Affine::from_linear(linear, [0.0; 3]).unwrap()).unwrap();
    let (from, to) = (folder.path().join("a.nii"), folder.path().join("b.mha"));
    write(&from, &Volume::filled(sheared, 1u8)).unwrap();
    assert_eq!(probe(&from).unwrap().warnings, []);
    let mut options = ConvertOptions::default();
    assert_eq!(convert(&from, &to, &options).unwrap().warnings, []);
    options.write.orthonormalise = true;
    let found = convert(&from, &to, &options).unwrap().warnings;
    assert!(
        matches!(found[..], [Warning::ShearDropped { apart }] if apart > 0.3),
        "{found:?}"
    );
}
