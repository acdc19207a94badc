//! The stored numbers, and how far ours may be from them.

use serde_json::Value;
use std::path::PathBuf;
use std::sync::LazyLock;
use vesalius_volume::{Affine, Geometry, LabelMap, Volume};

static STORED: LazyLock<(Value, Vec<u8>)> = LazyLock::new(|| {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let json = std::fs::read(folder.join("peers.json")).unwrap();
    let bytes = std::fs::read(folder.join("peers.bin")).unwrap();
    (serde_json::from_slice(&json).unwrap(), bytes)
});

/// An array as `f64`, x fastest.
pub fn array(name: &str) -> Vec<f64> {
    let (json, bytes) = &*STORED;
    let entry = &json["arrays"][name];
    let count: usize = entry["shape"]
        .as_array()
        .unwrap_or_else(|| panic!("no array {name}"))
        .iter()
        .map(|n| n.as_u64().unwrap() as usize)
        .product();
    let bytes = &bytes[entry["offset"].as_u64().unwrap() as usize..];
    macro_rules! read {
        ($type:ty) => {
            bytes
                .chunks_exact(size_of::<$type>())
                .take(count)
                .map(|b| <$type>::from_le_bytes(b.try_into().unwrap()) as f64)
                .collect()
        };
    }
    match entry["dtype"].as_str().unwrap() {
        "float64" => read!(f64),
        "float32" => read!(f32),
        "int16" => read!(i16),
        "uint16" => read!(u16),
        "uint8" => read!(u8),
        other => panic!("{name} has type {other}"),
    }
}

pub fn number(path: &[&str]) -> Value {
    path.iter().fold(STORED.0["numbers"].clone(), |value, key| {
        value[*key].clone()
    })
}

pub fn matrix(value: &Value) -> Affine {
    let row = |i: usize| -> [f64; 4] { std::array::from_fn(|j| value[i][j].as_f64().unwrap()) };
    Affine::new([row(0), row(1), row(2), row(3)]).unwrap()
}

pub fn triple(value: &Value) -> [f64; 3] {
    std::array::from_fn(|i| value[i].as_f64().unwrap())
}

pub fn grid(name: &str) -> Geometry {
    let entry = &STORED.0["grids"][name];
    let size = std::array::from_fn(|i| entry["size"][i].as_u64().unwrap() as usize);
    Geometry::new(size, matrix(&entry["affine"])).unwrap()
}

pub fn volume(name: &str, grid_name: &str) -> Volume<f64> {
    Volume::new(grid(grid_name), 1, array(name)).unwrap()
}

pub fn image() -> Volume<f64> {
    volume("image64", "oblique")
}

pub fn image32() -> Volume<f32> {
    image().map(|v| v as f32)
}

pub fn labels(name: &str, grid_name: &str) -> LabelMap<u8> {
    let values = array(name).into_iter().map(|v| v as u8).collect();
    LabelMap::new(grid(grid_name), values).unwrap()
}

/// The largest difference, over the range of what is expected.
pub fn difference(ours: &[f64], name: &str) -> f64 {
    let expected = array(name);
    assert_eq!(ours.len(), expected.len(), "{name}");
    let (low, high) = expected
        .iter()
        .fold((f64::MAX, f64::MIN), |(l, h), &v| (l.min(v), h.max(v)));
    let apart = ours.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    let largest = apart.fold(0.0, |worst: f64, d| {
        if d.is_nan() {
            f64::INFINITY
        } else {
            worst.max(d)
        }
    });
    largest / (high - low).max(f64::MIN_POSITIVE)
}

/// Fails when two arrays differ by more than `tolerance` of the range; prints how far they are.
pub fn close(ours: &[f64], name: &str, tolerance: f64) {
    let difference = difference(ours, name);
    println!("parity\t{name}\t{difference:.1e}");
    assert!(
        difference <= tolerance,
        "{name}: {difference:e} of the range, allowed {tolerance:e}"
    );
}

pub const F64: f64 = 1e-10;
pub const F32: f64 = 1e-5;

pub fn close64(ours: &Volume<f64>, name: &str) {
    close(ours.data(), name, F64);
}

pub fn close32(ours: &Volume<f32>, name: &str) {
    let ours: Vec<f64> = ours.data().iter().map(|&v| f64::from(v)).collect();
    close(&ours, name, F32);
}

/// Fails when any voxel differs.
pub fn same<T: Copy + Into<u32>>(ours: &[T], name: &str) {
    let expected = array(name);
    assert_eq!(ours.len(), expected.len(), "{name}");
    let wrong = ours
        .iter()
        .zip(&expected)
        .filter(|(a, b)| f64::from((**a).into()) != **b)
        .count();
    println!("parity\t{name}\t{wrong} voxels");
    assert_eq!(wrong, 0, "{name}: {wrong} of {} voxels differ", ours.len());
}

/// Fails when two numberings do not name the same sets.
pub fn same_sets(ours: &[u32], name: &str) {
    let expected = array(name);
    let (mut there, mut back) = (
        std::collections::HashMap::new(),
        std::collections::HashMap::new(),
    );
    for (&a, &b) in ours.iter().zip(&expected) {
        let b = b as u32;
        assert_eq!(*there.entry(a).or_insert(b), b, "{name}");
        assert_eq!(*back.entry(b).or_insert(a), a, "{name}");
    }
    println!("parity\t{name}\t0 voxels");
}
