//! What nibabel and SimpleITK read from the same files: voxels identical, affine within 1e-5 mm.
//! `tests/parity/images.py` made the files and the numbers; the versions are in `images.json`.

use crate::shared::shared;
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_io::{FourthAxis, ReadOptions, read_as_with};

fn data() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data")
}

fn expected(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(data().join(name)).unwrap()).unwrap()
}

/// What differs between a file and the reference's numbers.
fn difference(path: &Path, peer: &Value) -> Option<String> {
    let options = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        series: peer["series"].as_str().map(str::to_owned),
        ..ReadOptions::default()
    };
    let volume = match read_as_with::<f64>(path, &options) {
        Ok(volume) => volume,
        Err(error) => return Some(error.to_string()),
    };
    let size: Vec<usize> = serde_json::from_value(peer["size"].clone()).unwrap();
    if volume.geometry().size()[..] != size || peer["channels"] != volume.channels() {
        return Some(format!("size {:?}", volume.geometry().size()));
    }
    let affine: [[f64; 4]; 4] = serde_json::from_value(peer["affine"].clone()).unwrap();
    for (ours, theirs) in volume.geometry().affine().rows().iter().zip(&affine) {
        if ours.iter().zip(theirs).any(|(a, b)| (a - b).abs() > 1e-5) {
            return Some(format!("affine {ours:?}, the peer's {theirs:?}"));
        }
    }
    let mut check = flate2::Crc::new();
    volume
        .data()
        .iter()
        .for_each(|value| check.update(&value.to_le_bytes()));
    (peer["crc"] != check.sum()).then(|| format!("voxels, such as {:?}", &volume.data()[..3]))
}

#[test]
fn generated_files_are_what_the_peers_say() {
    let all = expected("images.json");
    let files = all["files"].as_array().unwrap();
    assert!(files.len() >= 60, "the matrix shrank to {}", files.len());
    let wrong: Vec<String> = files
        .iter()
        .filter_map(|peer| {
            let name = peer["file"].as_str().unwrap();
            let found = difference(&data().join("images").join(name), peer)?;
            Some(format!("{name}: {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Enhanced multi-frame CT, MR and PET with frames out of order, scaled one by one and of two echoes;
/// a PET series with a slope for each slice. `tests/parity/dicom_enhanced.py` made files and numbers.
#[test]
fn multi_frame_files_and_pet_are_what_their_attributes_say() {
    let all = expected("enhanced.json");
    let wrong: Vec<String> = all["files"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|peer| {
            let name = peer["file"].as_str().unwrap();
            let found = difference(&data().join("enhanced").join(name), peer)?;
            Some(format!("{name}: {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn real_series_are_what_the_peers_say() {
    let Some(folder) = shared("data") else {
        return;
    };
    let all = expected("images.json");
    let wrong: Vec<String> = all["shared"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|peer| {
            let name = peer["folder"].as_str().unwrap();
            Some(format!("{name}: {}", difference(&folder.join(name), peer)?))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
