//! Multi-frame files whose frames have their places from the root: doses, reconstructions of nuclear medicine, old CT.

use crate::dicom_writer::{save, sequence, slice};
use crate::shared::shared;
use std::path::PathBuf;
use vesalius_io::{Error, read};
use vesalius_volume::{Volume, Warning};

/// As SimpleITK and dcm2niix place them; the sum is SimpleITK's of the stored values.
#[test]
fn every_shared_multi_frame_file_is_placed_as_by_the_peers() {
    for (name, origin, step, sum) in [
        ("dicom/rtdose", [10.0, 20.0, 5.0], 3.0, 158.2832),
        ("dicom/rtdose_abs", [10.0, 20.0, 5.0], 3.0, 158.2832),
        // Stacked against the normal, from 0 down to -28.
        ("dicom/nm_recon", [10.0, 20.0, -28.0], 4.0, 1_582_832.0),
        ("enh/mf_ct_root_only", [10.0, 20.0, 5.0], 3.0, 1_582_832.0),
    ] {
        let Some(path) = shared(&format!("cases/images/{name}")) else {
            return;
        };
        let image = read(path).unwrap();
        let geometry = image.geometry();
        assert_eq!(geometry.size(), [16, 12, 8], "{name}");
        let corner = geometry.affine().apply([0.0; 3]);
        assert!(
            (0..3).all(|i| (corner[i] - origin[i]).abs() < 1e-9),
            "{name}: {corner:?}"
        );
        assert_eq!(geometry.spacing(), [1.0, 1.0, step], "{name}");
        let total: f64 = image.data().iter().map(|v| f64::from(*v)).sum();
        assert!((total / sum - 1.0).abs() < 1e-6, "{name}: {total}");
        // The first stored frame lies at the position that the file states.
        let first = if name.contains("nm") { 7 } else { 0 };
        let scale = if name.contains("dose") { 1e-4 } else { 1.0 };
        assert!(
            (image.get(0, [0, 0, first]) - 1701.0 * scale).abs() < 1e-6,
            "{name}"
        );
        assert_eq!(image.warnings(), [], "{name}");
    }
}

/// Three frames of 3 × 2 voxels of ones, twos and threes.
fn frames(changes: &[(u32, &[u8; 2], &[u8])]) -> Vec<u8> {
    let pixels: Vec<u8> = (1..=3i16)
        .flat_map(|v| [v; 6])
        .flat_map(i16::to_le_bytes)
        .collect();
    let mut all: Vec<(u32, &[u8; 2], &[u8])> =
        vec![(0x0028_0008, b"IS", b"3"), (0x7FE0_0010, b"OW", &pixels)];
    all.extend_from_slice(changes);
    slice(10.0, [0; 6], &all)
}

fn saved(changes: &[(u32, &[u8; 2], &[u8])]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = save(folder.path(), "a.dcm", &frames(changes));
    (folder, path)
}

fn heights(image: &Volume<f32>) -> Vec<f64> {
    let depth = image.geometry().size()[2];
    let affine = image.geometry().affine();
    (0..depth)
        .map(|z| affine.apply([0.0, 0.0, z as f64])[2])
        .collect()
}

#[test]
fn distances_thicknesses_and_offsets_place_the_frames_and_a_thickness_is_told() {
    let (_folder, path) = saved(&[(0x0018_0088, b"DS", b"2.5")]);
    let image = read(path).unwrap();
    assert_eq!(
        (heights(&image), image.warnings().len()),
        (vec![10.0, 12.5, 15.0], 0)
    );
    let (_folder, path) = saved(&[]);
    let image = read(path).unwrap();
    assert_eq!(heights(&image), [10.0, 13.0, 16.0]);
    assert!(matches!(
        image.warnings(),
        [Warning::ThicknessAsSpacing { spacing: 3.0, .. }]
    ));
    // Doses that go down, and whose normal points down: z coordinates count.
    let dose = (0x0008_0060, b"CS", &b"RTDOSE"[..]);
    let scaling = (0x3004_000E, b"DS", &b"0.5"[..]);
    for orientation in ["1\\0\\0\\0\\1\\0", "1\\0\\0\\0\\-1\\0"] {
        for offsets in ["0\\-2\\-4", "10\\8\\6"] {
            let (_folder, path) = saved(&[
                dose,
                scaling,
                (0x3004_000C, b"DS", offsets.as_bytes()),
                (0x0020_0037, b"DS", orientation.as_bytes()),
            ]);
            let image = read(path).unwrap();
            let found = heights(&image);
            let first = found.iter().position(|z| *z == 10.0).unwrap();
            let last = found.iter().position(|z| *z == 6.0).unwrap();
            assert_eq!(image.get(0, [0, 0, first]), 0.5, "{orientation} {offsets}");
            assert_eq!(image.get(0, [0, 0, last]), 1.5, "{orientation} {offsets}");
        }
    }
}

#[test]
fn a_dose_without_its_scaling_is_told_and_offsets_that_contradict_the_file_are_refused() {
    let dose = (0x0008_0060, b"CS", &b"RTDOSE"[..]);
    let (_folder, path) = saved(&[dose, (0x3004_000C, b"DS", b"0\\3\\6")]);
    let image = read(path).unwrap();
    assert!(
        matches!(image.warnings(), [Warning::ScalingReplaced { attribute, .. }] if attribute == "DoseGridScaling"),
        "{:?}",
        image.warnings()
    );
    for offsets in ["0\\3", "1\\4\\7", "0\\nan\\6", "0\\3\\6\\9"] {
        let (_folder, path) = saved(&[dose, (0x3004_000C, b"DS", offsets.as_bytes())]);
        let error = read(path).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("GridFrameOffsetVector") || text.contains("osition"),
            "{text}"
        );
    }
}

#[test]
fn frames_that_follow_each_other_in_time_are_no_volume() {
    // FrameIncrementPointer names FrameTime; nuclear medicine without a reconstruction.
    let by_time: [(u32, &[u8; 2], &[u8]); 1] = [(0x0028_0009, b"AT", &[0x18, 0, 0x63, 0x10])];
    let projections: [(u32, &[u8; 2], &[u8]); 2] = [
        (0x0008_0060, b"CS", b"NM"),
        (0x0008_0008, b"CS", b"ORIGINAL\\PRIMARY\\TOMO\\EMISSION"),
    ];
    for changes in [&by_time[..], &projections[..]] {
        let (_folder, path) = saved(changes);
        assert!(matches!(read(path), Err(Error::Slices { .. })));
    }
}

#[test]
fn a_detector_states_the_place_of_nuclear_medicine() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = frames(&[
        (0x0008_0060, b"CS", b"NM"),
        (
            0x0008_0008,
            b"CS",
            b"ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION",
        ),
        (0x0018_0088, b"DS", b"-3"),
        (0x0020_0032, b"DS", b""),
        (0x0020_0037, b"DS", b""),
    ]);
    let item = [
        crate::dicom_writer::element(0x0020_0032, b"DS", b"-10\\-20\\30"),
        crate::dicom_writer::element(0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0"),
    ]
    .concat();
    let detector = sequence(0x0054_0022, &[item]);
    // Before the pixels, which are the last element.
    let at = bytes.len() - 36 - 12;
    let bytes = [&bytes[..at], &detector, &bytes[at..]].concat();
    let image = read(save(folder.path(), "nm.dcm", &bytes)).unwrap();
    assert_eq!(heights(&image), [24.0, 27.0, 30.0]);
    assert_eq!(image.get(0, [0, 0, 2]), 1.0);
}
