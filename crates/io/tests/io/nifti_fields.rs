//! What a NIfTI header holds beside the voxels: its two positions, and the fields that conversions keep.

use crate::shared::shared;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ConvertOptions, Error, Extension, FourthAxis, ImageInfo, NiftiForm, ReadOptions, Remedy,
    WriteOptions, convert, open, probe, probe_with, read, write, write_labels_with, write_with,
};
use vesalius_volume::{Geometry, LabelMap, Volume, Warning};

fn grid() -> Geometry {
    let grid = Geometry::axis_aligned([6, 5, 4], [1.0, 1.0, 2.0]).unwrap();
    grid.with_origin([-3.0, 8.0, 1.0]).unwrap()
}

/// A NIfTI-1 file, uncompressed, whose bytes `change` alters.
fn changed(folder: &Path, image: &Volume<i16>, change: impl Fn(&mut Vec<u8>)) -> PathBuf {
    let path = folder.join("scan.nii");
    write(&path, image).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    change(&mut bytes);
    std::fs::write(&path, bytes).unwrap();
    path
}

fn put_reals(bytes: &mut [u8], at: usize, values: &[f32]) {
    for (i, value) in values.iter().enumerate() {
        bytes[at + 4 * i..][..4].copy_from_slice(&value.to_le_bytes());
    }
}

/// sform (code 2) as written, qform (code 1) 12 mm further along x and turned by 90° about z.
fn two_forms(folder: &Path) -> PathBuf {
    changed(folder, &Volume::filled(grid(), 7), |bytes| {
        bytes[252..256].copy_from_slice(&[1, 0, 2, 0]);
        put_reals(bytes, 256, &[0.0, 0.0, 0.5f32.sqrt(), 9.0, 8.0, 1.0]);
    })
}

fn reading(form: NiftiForm) -> ReadOptions {
    ReadOptions {
        form,
        ..ReadOptions::default()
    }
}

fn disagreement(info: &ImageInfo) -> (f64, f64, &str) {
    let found = info.warnings.iter().find_map(|warning| match warning {
        Warning::FormsDisagree {
            apart,
            degrees,
            taken,
            ..
        } => Some((*apart, *degrees, taken.as_str())),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no warning among {:?}", info.warnings))
}

/// The bytes of the header that place the voxels: pixdim, the codes, quaternion, offsets and rows.
fn placing(path: &Path) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    [&bytes[76..92], &bytes[252..328]].concat()
}

#[test]
fn forms_that_disagree_are_told_in_millimetres_and_degrees_and_either_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_forms(folder.path());
    let info = probe(&path).unwrap();
    let (apart, degrees, taken) = disagreement(&info);
    // The first voxel is the one that is moved most; the others are turned back towards their place.
    assert!((apart - 12.0).abs() < 1e-5, "{apart}");
    assert!(
        (degrees - 90.0).abs() < 1e-4 && taken == "sform",
        "{degrees} {taken}"
    );
    assert!(info.geometry.is_same(&grid()));
    let sform = probe_with(&path, &reading(NiftiForm::Sform)).unwrap();
    assert_eq!(sform.geometry, info.geometry);
    let qform = probe_with(&path, &reading(NiftiForm::Qform)).unwrap();
    assert_eq!(disagreement(&qform).2, "qform");
    let origin = qform.geometry.origin();
    assert_eq!(origin, [9.0, 8.0, 1.0]);
    let along_x = qform.geometry.index_to_world([1.0, 0.0, 0.0]);
    assert!((along_x[0] - 9.0).abs() < 1e-5 && (along_x[1] - 9.0).abs() < 1e-5);
}

#[test]
fn a_form_that_is_not_there_is_refused_with_the_one_that_is() {
    let folder = tempfile::tempdir().unwrap();
    for (at, wanted, other) in [
        (252, NiftiForm::Qform, "NiftiForm::Sform"),
        (254, NiftiForm::Sform, "NiftiForm::Qform"),
    ] {
        let path = changed(folder.path(), &Volume::filled(grid(), 7), |bytes| {
            bytes[at..at + 2].fill(0);
        });
        let error = probe_with(&path, &reading(wanted)).unwrap_err();
        assert!(matches!(error, Error::NoSuchForm { .. }), "{error}");
        assert_eq!(error.remedy(), Some(Remedy::ChooseForm));
        let text = error.to_string();
        assert!(text.contains(other) && text.contains("scan.nii"), "{text}");
        assert!(probe(&path).is_ok());
    }
    let path = changed(folder.path(), &Volume::filled(grid(), 7), |bytes| {
        bytes[252..256].fill(0);
    });
    let error = probe_with(&path, &reading(NiftiForm::Qform)).unwrap_err();
    assert!(error.to_string().contains("assume_spacing"), "{error}");
    let error = probe(&path).unwrap_err();
    assert!(matches!(error, Error::NoGeometry { .. }), "{error}");
}

#[test]
fn both_forms_travel_with_conversions_and_with_results_on_the_same_grid() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_forms(folder.path());
    for form in [NiftiForm::Automatic, NiftiForm::Qform] {
        let copy = folder.path().join("copy.nii");
        let options = ConvertOptions {
            read: reading(form),
            ..ConvertOptions::default()
        };
        convert(&path, &copy, &options).unwrap();
        assert_eq!(placing(&copy), placing(&path), "{form:?}");
        let info = probe_with(&path, &reading(form)).unwrap();
        let labels = LabelMap::<u16>::from_fn(info.geometry, |[x, ..]| x as u16);
        let mask = folder.path().join("mask.nii");
        write_labels_with(&mask, &labels, &WriteOptions::new().like(&info)).unwrap();
        assert_eq!(placing(&mask), placing(&path), "{form:?}");
        assert_eq!(
            probe_with(&mask, &reading(form)).unwrap().geometry,
            info.geometry
        );
    }
}

#[test]
fn a_changed_grid_is_written_with_forms_that_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = two_forms(folder.path());
    let info = probe(&path).unwrap();
    let part = info.geometry.region([1, 0, 0], [3, 5, 4]).unwrap();
    let out = folder.path().join("part.nii");
    write_with(
        &out,
        &Volume::filled(part, 1u8),
        &WriteOptions::new().like(&info),
    )
    .unwrap();
    let written = probe(&out).unwrap();
    assert_eq!(written.geometry, part);
    assert_eq!(written.warnings, []);
    assert_eq!(
        (
            &*written.metadata["sform_code"],
            &*written.metadata["qform_code"]
        ),
        ("2", "2")
    );
    let qform = probe_with(&out, &reading(NiftiForm::Qform)).unwrap();
    assert!(qform.geometry.is_same(&part));
}

#[test]
fn a_form_that_cannot_be_used_is_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = changed(folder.path(), &Volume::filled(grid(), 7), |bytes| {
        put_reals(bytes, 280, &[0.0; 12]);
    });
    let copy = folder.path().join("copy.nii");
    let converted = convert(&path, &copy, &ConvertOptions::default()).unwrap();
    let unusable = |w: &Warning| matches!(w, Warning::SformUnusable { .. });
    assert!(converted.warnings.iter().any(unusable));
    let info = probe(&copy).unwrap();
    assert!(info.geometry.is_same(&grid()) && info.warnings.is_empty());
}

/// Bytes of NIfTI-1 fields that have no place in a volume: where, how many, what.
const KEPT: [(usize, usize, &str); 10] = [
    (39, 1, "dim_info"),
    (56, 14, "intent_p1 to intent_code"),
    (74, 2, "slice_start"),
    (92, 16, "pixdim[4] to pixdim[7]"),
    (120, 4, "slice_end, slice_code, xyzt_units"),
    (124, 16, "cal_max, cal_min, slice_duration, toffset"),
    (148, 80, "descrip"),
    (228, 24, "aux_file"),
    (328, 16, "intent_name"),
    (40, 16, "dim"),
];

#[test]
fn nifti_to_nifti_keeps_what_has_no_place_in_a_volume() {
    let folder = tempfile::tempdir().unwrap();
    let image = Volume::new(grid(), 3, vec![5i16; 360]).unwrap();
    let write_options = WriteOptions {
        description: "TE=30; Time=10".to_owned(),
        intent_name: "z".to_owned(),
        auxiliary_file: "none".to_owned(),
        extensions: vec![Extension {
            code: 4,
            data: vec![3; 24],
        }],
        ..WriteOptions::default()
    };
    let path = folder.path().join("run.nii");
    write_with(&path, &image, &write_options).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[39] = 0b11_10_01;
    put_reals(&mut bytes, 56, &[1.5, 2.5, -3.0]);
    bytes[68..70].copy_from_slice(&5i16.to_le_bytes());
    bytes[74..76].copy_from_slice(&1i16.to_le_bytes());
    put_reals(&mut bytes, 92, &[2.0, 0.5, 0.25, 4.0]);
    bytes[120..122].copy_from_slice(&3i16.to_le_bytes());
    bytes[122] = 4;
    bytes[123] = 2 | 16;
    put_reals(&mut bytes, 124, &[900.0, -100.0, 0.5, 12.0]);
    std::fs::write(&path, &bytes).unwrap();
    let mut options = ConvertOptions::default();
    options.read.fourth_axis = FourthAxis::Channels;
    let (nrrd, copy) = (
        folder.path().join("run.nrrd"),
        folder.path().join("copy.nii"),
    );
    convert(&path, &copy, &options).unwrap();
    let found = std::fs::read(&copy).unwrap();
    for (at, length, name) in KEPT {
        assert_eq!(found[at..at + length], bytes[at..at + length], "{name}");
    }
    assert_eq!(found[348..], bytes[348..], "extensions and voxels");
    // Other formats have no place for them, and are read as before.
    convert(&path, &nrrd, &options).unwrap();
    assert!(probe(&nrrd).unwrap().nifti.is_none());
    // NIfTI-2 keeps them too.
    options.write.nifti_version = vesalius_io::NiftiVersion::Two;
    let second = folder.path().join("second.nii");
    convert(&path, &second, &options).unwrap();
    let (old, new) = (probe(&path).unwrap(), probe(&second).unwrap());
    assert_eq!(new.nifti, old.nifti);
    assert_eq!(new.metadata, old.metadata);
    assert_eq!(
        open(&second).unwrap().extensions(),
        open(&path).unwrap().extensions()
    );
}

#[test]
fn vectors_stay_on_the_fifth_axis() {
    let folder = tempfile::tempdir().unwrap();
    let image = Volume::new(grid(), 3, (0..360).collect()).unwrap();
    let path = changed(folder.path(), &image, |bytes| {
        bytes[40] = 5;
        bytes[48..52].copy_from_slice(&[1, 0, 3, 0]);
        bytes[68..70].copy_from_slice(&1007i16.to_le_bytes());
    });
    let mut options = ConvertOptions::default();
    options.read.fourth_axis = FourthAxis::Channels;
    let copy = folder.path().join("copy.nii");
    convert(&path, &copy, &options).unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), std::fs::read(path).unwrap());
}

#[test]
fn a_label_map_on_the_grid_of_an_image_has_not_its_range_and_intent() {
    let folder = tempfile::tempdir().unwrap();
    let path = changed(folder.path(), &Volume::filled(grid(), 7), |bytes| {
        bytes[68..70].copy_from_slice(&5i16.to_le_bytes());
        put_reals(bytes, 124, &[900.0, -100.0, 0.5, 12.0]);
    });
    let info = probe(&path).unwrap();
    let mask = folder.path().join("mask.nii");
    let labels = LabelMap::<u16>::from_fn(grid(), |_| 1);
    write_labels_with(&mask, &labels, &WriteOptions::new().like(&info)).unwrap();
    let fields = probe(&mask).unwrap().nifti.unwrap();
    assert_eq!(
        (fields.intent_code, fields.shown, fields.toffset),
        (0, [0.0; 2], 0.0)
    );
}

#[test]
fn shared_files_with_two_positions_are_told_and_carried() {
    let folder = tempfile::tempdir().unwrap();
    for (name, least) in [
        ("qs_shift", 11.0),
        ("qs_spacing", 10.0),
        ("s_identity", 10.0),
    ] {
        let Some(path) = shared(&format!("cases/images/nifti/{name}.nii.gz")) else {
            return;
        };
        let info = probe(&path).unwrap();
        let (apart, degrees, _) = disagreement(&info);
        assert!(apart > least && degrees < 1e-3, "{name}: {apart} {degrees}");
        let copy = folder.path().join(format!("{name}.nii.gz"));
        convert(&path, &copy, &ConvertOptions::default()).unwrap();
        for form in [NiftiForm::Sform, NiftiForm::Qform] {
            let place = |path: &Path| probe_with(path, &reading(form)).unwrap().geometry;
            assert_eq!(place(&copy), place(&path), "{name} {form:?}");
        }
        let codes = |info: &ImageInfo| {
            let forms = info.nifti.as_ref().unwrap().forms.as_ref().unwrap();
            (forms.sform_code, forms.qform_code)
        };
        assert_eq!(codes(&probe(&copy).unwrap()), codes(&info), "{name}");
    }
}

#[test]
fn a_shared_file_without_codes_is_refused_with_the_remedy_that_works() {
    let Some(path) = shared("cases/images/nifti/no_codes.nii.gz") else {
        return;
    };
    let error = read(&path).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("assume_spacing") && text.contains("0.7"),
        "{text}"
    );
    let options = ReadOptions {
        assume_spacing: Some([0.7, 0.7, 3.0]),
        ..ReadOptions::default()
    };
    assert_eq!(
        probe_with(&path, &options).unwrap().geometry.size(),
        [20, 18, 10]
    );
}

#[test]
fn the_time_from_volume_to_volume_is_kept() {
    let Some(path) = shared("cases/images/nifti/fmri.nii.gz") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.nii.gz");
    let mut options = ConvertOptions::default();
    options.read.fourth_axis = FourthAxis::Channels;
    convert(&path, &copy, &options).unwrap();
    let fields = probe(&copy).unwrap().nifti.unwrap();
    assert_eq!((fields.steps[0], fields.units), (2.0, 10), "2 s; mm and s");
}

#[test]
fn right_angles_that_were_asked_for_are_written_and_not_the_old_forms() {
    let folder = tempfile::tempdir().unwrap();
    // A shear of a thousandth of a voxel: the grids are the same but for that.
    let linear = [[1.0, 0.0, 0.0005], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]];
    let affine = vesalius_volume::Affine::from_linear(linear, [0.0; 3]).unwrap();
    let sheared = Geometry::new([6, 5, 4], affine).unwrap();
    let (path, copy) = (folder.path().join("a.nii"), folder.path().join("b.nii"));
    write(&path, &Volume::filled(sheared, 1i16)).unwrap();
    let mut options = ConvertOptions::default();
    convert(&path, &copy, &options).unwrap();
    assert_eq!(placing(&copy), placing(&path));
    options.write.orthonormalise = true;
    convert(&path, &copy, &options).unwrap();
    let angles = |path: &Path| probe(path).unwrap().geometry.affine().linear()[0][2].abs();
    assert!(
        angles(&path) > 4e-4 && angles(&copy) < 3e-4,
        "{} {}",
        angles(&path),
        angles(&copy)
    );
}
