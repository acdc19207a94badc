//! Networks by themselves, without a model folder: architectures in a peer's words or ours, weights that
//! someone has, and one raw tensor through both. Volumes go through a [`Segmenter`](crate::prelude::Segmenter).

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_networks::{NetworkConfig, Weights};
use vesalius_tensor::{Device, Tensor, tensor_from_values, values_of};

/// What can go wrong with a network and its files.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read, or holds something else.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what is expected.
        reason: String,
    },
    /// A network, its weights or its input.
    #[error(transparent)]
    Network(#[from] vesalius_networks::Error),
    /// A device that does not do what it should.
    #[error(transparent)]
    Tensor(#[from] vesalius_tensor::Error),
    /// A file that cannot be written.
    #[error(transparent)]
    Io(#[from] vesalius_io::Error),
}

/// The result of this module's functions.
pub type Result<T> = std::result::Result<T, Error>;

fn wrong(path: &Path, reason: impl ToString) -> Error {
    Error::File {
        path: path.to_path_buf(),
        reason: reason.to_string(),
    }
}

/// The network that a file describes: MONAI's `{"_target_": …}` (also as `network_def` of a bundle's
/// `inference.json`), nnU-Net's `network_class_name` with `arch_kwargs`, `input_channels` and
/// `num_classes`, or our own form, as under `network:` of a model.yaml. JSON or YAML.
///
/// # Errors
/// When the file is neither, or names what is not understood.
pub fn read_architecture(path: impl AsRef<Path>) -> Result<NetworkConfig> {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path).map_err(|e| wrong(path, e))?;
    let described: Value = serde_saphyr::from_str(&text)
        .map_err(|e| wrong(path, format!("it is neither JSON nor YAML ({e})")))?;
    let inner = ["network_def", "network"]
        .iter()
        .find_map(|key| described.get(key));
    let architecture = inner.unwrap_or(&described);
    let peers = ["_target_", "network_class_name", "UNet_class_name"];
    if peers.iter().any(|key| architecture.get(key).is_some()) {
        return NetworkConfig::from_peer(architecture).map_err(|e| wrong(path, e));
    }
    let config: NetworkConfig = serde_json::from_value(architecture.clone()).map_err(|e| {
        let forms =
            "MONAI's `_target_`, nnU-Net's `network_class_name`, or our own, such as `unet: {…}`";
        wrong(
            path,
            format!("it describes no network: {e}; expected {forms}"),
        )
    })?;
    config.check().map_err(|e| wrong(path, e))
}

/// Opens weights and, where a network is given, checks that they are its own and nothing else; then
/// they come with every name of the peer's state dict, so that its own code loads them strictly.
///
/// # Errors
/// When the file is none, or lists what is missing, left over or of another shape.
pub fn read_weights(path: impl AsRef<Path>, network: Option<&NetworkConfig>) -> Result<Weights> {
    let path = path.as_ref();
    let weights = Weights::open(path)?;
    let Some(config) = network else {
        return Ok(weights);
    };
    let loaded = config.init(&Device::flex())?.load(&weights);
    Ok(loaded.map_err(|e| wrong(path, e))?.peer_weights())
}

/// Runs a network with weights from elsewhere on one tensor and writes what comes out, both as NumPy's
/// `.npy` of 32-bit floats: `[N, C, Z, Y, X]`, or `[N, C, Y, X]` for a 2-D network. Axes stay as they
/// are: what a peer's array held along its first spatial axis goes in and comes out along the first.
///
/// # Errors
/// As the files and the network say.
pub fn run(
    network: &NetworkConfig,
    weights: &Weights,
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    device: &Device,
) -> Result<Vec<usize>> {
    let network = network.init(device)?.load(weights)?;
    let (tensor, flat) = read_tensor(input.as_ref(), device)?;
    let result = network.try_forward(tensor)?.swap_remove(0);
    write_tensor(output.as_ref(), result, flat)
}

/// The tensor in a file, and whether it has two spatial axes.
fn read_tensor(path: &Path, device: &Device) -> Result<(Tensor<5>, bool)> {
    let array: ArrayD<f32> = ndarray_npy::read_npy(path)
        .map_err(|e| wrong(path, format!("{e}; a .npy of 32-bit floats is expected")))?;
    let (n, c, size, flat) = match *array.shape() {
        [n, c, z, y, x] => (n, c, [x, y, z], false),
        [n, c, y, x] => (n, c, [x, y, 1], true),
        ref other => {
            let expected = "[N, C, Z, Y, X], or [N, C, Y, X] for a 2-D network";
            let reason = format!("its shape is {other:?}; {expected} is expected");
            return Err(wrong(path, reason));
        }
    };
    let values = array.into_iter().collect();
    Ok((tensor_from_values(values, n, c, size, device)?, flat))
}

fn write_tensor(path: &Path, tensor: Tensor<5>, flat: bool) -> Result<Vec<usize>> {
    let mut shape = tensor.dims().to_vec();
    if flat {
        shape.remove(2);
    }
    let array =
        ArrayD::from_shape_vec(IxDyn(&shape), values_of(tensor)?).map_err(|e| wrong(path, e))?;
    let mut bytes = Vec::new();
    ndarray_npy::WriteNpyExt::write_npy(&array, &mut bytes).map_err(|e| wrong(path, e))?;
    vesalius_io::write_bytes_atomically(path, &bytes)?;
    Ok(shape)
}
