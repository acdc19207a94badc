//! Networks of MONAI and nnU-Net with their own weights: the same input gives the same output.
//!
//! The cases (architecture, weights, input, output) are made by Python scripts and are in the optional folder
//! `../shared/golden/networks` next to the repository.

#[path = "common/shared.rs"]
mod shared;

use shared::golden_networks;
use std::path::{Path, PathBuf};
use vesalius_networks::{Network, NetworkConfig, Weights};
use vesalius_tensor::{Device, Tensor, values_of};

/// Largest difference as a share of the largest output.
const TOLERANCE: f32 = 1e-4;

fn golden() -> Option<PathBuf> {
    golden_networks("networks against the peers' outputs")
}

/// Shape and values of a little-endian `float32` array in C order, version 1 of the format.
fn read_npy(path: &Path) -> (Vec<usize>, Vec<f32>) {
    let bytes = std::fs::read(path).unwrap();
    assert_eq!(&bytes[..6], b"\x93NUMPY");
    let length = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..10 + length]).unwrap();
    assert!(header.contains("'<f4'") && header.contains("'fortran_order': False"));
    let shape = header.split_once("'shape': (").unwrap().1;
    let shape = shape.split_once(')').unwrap().0;
    let shape: Vec<usize> = shape
        .split(',')
        .filter_map(|n| n.trim().parse().ok())
        .collect();
    let values = bytes[10 + length..]
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect();
    (shape, values)
}

/// A tensor of rank 5; a 2-D one gains an axis of one slice.
fn tensor(path: &Path, device: &Device) -> Tensor<5> {
    let (mut shape, values) = read_npy(path);
    if shape.len() == 4 {
        shape.insert(2, 1);
    }
    Tensor::from_data(burn::tensor::TensorData::new(values, shape), device)
}

/// The original network with the original weights.
fn network(folder: &Path, device: &Device) -> (Network, Weights) {
    let text = std::fs::read_to_string(folder.join("architecture.json")).unwrap();
    let config =
        NetworkConfig::from_monai_or_nnunet(&serde_json::from_str(&text).unwrap()).unwrap();
    let weights = Weights::open(folder.join("weights.pt")).unwrap();
    let network = config.init(device).unwrap().load(&weights).unwrap();
    (network, weights)
}

/// The largest difference to the original output, as a share of its largest value.
fn difference(folder: &Path) -> f32 {
    let device = Device::flex();
    let (network, _) = network(folder, &device);
    let output = network
        .try_forward(tensor(&folder.join("input.npy"), &device))
        .unwrap()
        .swap_remove(0);
    let expected = tensor(&folder.join("output.npy"), &device);
    assert_eq!(output.dims(), expected.dims());
    let (found, expected) = (values_of(output).unwrap(), values_of(expected).unwrap());
    let largest = expected.iter().fold(0.0f32, |most, v| most.max(v.abs()));
    let gap = found
        .iter()
        .zip(&expected)
        .fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    gap / largest
}

macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                let Some(folder) = golden() else { return };
                let difference = difference(&folder.join(stringify!($name)));
                println!("{}: {difference:.1e}", stringify!($name));
                assert!(difference <= TOLERANCE, "{difference}");
            }
        )+
    };
}

cases!(
    monai_unet_3d_residual,
    monai_unet_2d_plain,
    monai_basic_unet,
    monai_dynunet,
    monai_segresnet,
    monai_segresnet_ds,
    monai_attention_unet,
    monai_unetr,
    monai_swin_unetr,
    nnunet_plain_3d,
    nnunet_plain_2d,
    nnunet_residual_encoder_3d,
);

/// Stored weights are loaded and saved unchanged, tensors that are derived and never used included.
#[test]
fn transformers_give_the_peers_state_dict_back() {
    let Some(folder) = golden() else { return };
    for case in ["monai_unetr", "monai_swin_unetr"] {
        let (network, theirs) = network(&folder.join(case), &Device::flex());
        let ours = network.export_weights();
        assert!(ours.names().eq(theirs.names()), "{case}");
        for (name, stored) in theirs.iter() {
            let found = ours.get(name).unwrap();
            assert_eq!(found.shape(), stored.shape(), "{name}");
            assert!(
                found.values().unwrap() == stored.values().unwrap(),
                "{name}"
            );
        }
    }
}

/// More cases than are kept in the shared folder, in the folder that this variable names.
#[test]
fn every_other_case() {
    let Some(folder) = std::env::var_os("VESALIUS_GOLDEN_NETWORKS") else {
        println!("skipped: further networks (VESALIUS_GOLDEN_NETWORKS is not set)");
        return;
    };
    let mut wrong = Vec::new();
    for case in std::fs::read_dir(folder).unwrap() {
        let path = case.unwrap().path();
        let difference = difference(&path);
        println!("{}: {difference:.1e}", path.display());
        if difference.is_nan() || difference > TOLERANCE {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
