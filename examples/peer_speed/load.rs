//! What loading a file of weights takes, and nothing else.

use burn::tensor::Device;
use std::path::Path;
use vesalius::networks::{NetworkConfig, Weights};

/// Prints the largest resident size of the process, in MiB, once a file's weights stood in a network, its
/// size before, and that of the weights.
pub fn load(architecture: &Path, weights: &Path) -> crate::Result<()> {
    let empty = crate::resident("VmRSS:")?;
    let described: serde_json::Value = serde_json::from_slice(&std::fs::read(architecture)?)?;
    let network = NetworkConfig::from_monai_or_nnunet(&described)?.init(&Device::flex())?;
    let network = network.load(&Weights::open(weights)?)?;
    let peak = crate::resident("VmHWM:")?;
    let held = network.parameter_count() as f64 * 4.0 / f64::from(1 << 20);
    println!("load\tvesalius\t{peak:.0}\tempty\t{empty:.0}\tweights\t{held:.0}");
    Ok(())
}
