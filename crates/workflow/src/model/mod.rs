//! Networks and model folders as files: architectures in MONAI's, nnU-Net's or our own form, weights, one raw
//! tensor through both ([`run`]), what a path holds ([`inspect`](inspect())), and conversion ([`convert`](convert())).
//! Volumes go through a [`Segmenter`](vesalius_inferers::Segmenter).

mod convert;
mod inspect;
mod onnx_facts;
mod summary;

pub use convert::{CascadeMargin, Converted, Keep, cascade, convert};
pub use inspect::{Inspected, NetworkFacts, WeightFacts, inspect};
pub use onnx_facts::OnnxFacts;
pub use summary::{LabelFact, PartFact, PartRole, SegmentationCosts, Summary, segmentation_costs};

use ndarray::{ArrayD, IxDyn};
use serde_json::Value;
use std::path::{Path, PathBuf};
use vesalius_inferers::{array_from_npy, describe_model};
use vesalius_networks::{Mismatch, NetworkConfig, Weights};
use vesalius_tensor::{Device, Tensor, tensor_from_values, values_of};
use vesalius_volume::ErrorKind;

/// What can go wrong with a network and its files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    #[error("{0}")]
    Network(#[from] vesalius_networks::Error),
    /// A device that does not do what it should.
    #[error("{0}")]
    Tensor(#[from] vesalius_tensor::Error),
    /// A model folder that cannot be read, written or joined.
    #[error("{0}")]
    Model(#[from] vesalius_inferers::Error),
    /// A cascade without the region that its coarse model finds.
    #[error("the cascade has no region")]
    NoRegion,
    /// A file that cannot be written.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::File { .. } | Self::NoRegion => ErrorKind::BadInput,
            Self::Network(error) => error.kind(),
            Self::Tensor(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Io(error) => error.kind(),
        }
    }
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
/// `inference.json`, or a bundle's folder), nnU-Net's `network_class_name` with `arch_kwargs`,
/// `input_channels` and `num_classes`, or our own form, as under `network:` of a model.yaml. JSON or YAML.
///
/// # Errors
/// When the file is neither, or names what is not understood.
pub fn read_architecture(path: impl AsRef<Path>) -> Result<NetworkConfig> {
    let named = path.as_ref();
    let path = &match named {
        folder if folder.is_dir() => bundle_file(folder, "configs", &BUNDLE_CONFIGS)?,
        file => file.to_path_buf(),
    };
    let text = vesalius_io::read_text(path).map_err(|e| wrong(path, e))?;
    let described: Value = vesalius_planning::parse_yaml(&text)
        .map_err(|e| wrong(path, format!("it is neither JSON nor YAML ({e})")))?;
    if described.get("network_def").is_some() {
        return NetworkConfig::from_monai_bundle(&described).or_else(|error| {
            // Where the network is an expression, the whole bundle is looked at.
            let whole = describe_model(named).map(|model| model.network);
            whole.map_err(|_| wrong(path, error))
        });
    }
    let architecture = described.get("network").unwrap_or(&described);
    let peers = ["_target_", "network_class_name", "UNet_class_name"];
    if peers.iter().any(|key| architecture.get(key).is_some()) {
        return NetworkConfig::from_monai_or_nnunet(architecture).map_err(|e| wrong(path, e));
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

/// Where a MONAI bundle's folder keeps its config and its weights.
const BUNDLE_CONFIGS: [&str; 3] = ["inference.json", "inference.yaml", "inference.yml"];
const BUNDLE_WEIGHTS: [&str; 4] = [
    "model.pt",
    "model.pth",
    "model.safetensors",
    "model_key_metric.pt",
];

/// Whether a folder is a MONAI bundle.
pub fn is_bundle(folder: &Path) -> bool {
    bundle_file(folder, "configs", &BUNDLE_CONFIGS).is_ok()
}

/// The file of weights of a MONAI bundle's folder; `None` where the bundle has configs alone.
pub(crate) fn bundle_weights(folder: &Path) -> Option<PathBuf> {
    bundle_file(folder, "models", &BUNDLE_WEIGHTS).ok()
}

fn bundle_file(folder: &Path, part: &str, names: &[&str]) -> Result<PathBuf> {
    let mut files = names.iter().map(|name| folder.join(part).join(name));
    files.find(|file| file.is_file()).ok_or_else(|| {
        let expected = names.join(", ");
        wrong(
            folder,
            format!("a MONAI bundle is expected, with one of {expected} in `{part}`"),
        )
    })
}

/// Opens the weights in a file, or those of a MONAI bundle's folder.
///
/// # Errors
/// When the file is none.
pub fn open_weights(path: impl AsRef<Path>) -> Result<Weights> {
    let path = path.as_ref();
    if !path.is_dir() {
        return Ok(Weights::open(path)?);
    }
    let file = bundle_weights(path).ok_or_else(|| {
        let names = BUNDLE_WEIGHTS.join(", ");
        let reason = format!(
            "the MONAI bundle has no weights: none of {names} is in `models`; MONAI keeps them apart from the configs, get the bundle with `monai.bundle.download`"
        );
        wrong(path, reason)
    })?;
    Ok(Weights::open(file)?)
}

/// A network's weights with those of a file copied into it where name and shape fit, under the names of the
/// original framework's state dict, and what was skipped: for another number of classes or channels, or a
/// pretrained encoder.
///
/// # Errors
/// When the file is none, nothing of it fits, or values cannot be read.
pub fn read_weights_partly(
    path: impl AsRef<Path>,
    network: &NetworkConfig,
) -> Result<(Weights, Mismatch)> {
    let path = path.as_ref();
    let weights = open_weights(path)?;
    let network = network.init(&Device::flex())?;
    let needed = network.parameters().len();
    let (network, skipped) = network.load_partly(&weights).map_err(|e| wrong(path, e))?;
    if skipped.missing.len() + skipped.wrong_shape.len() >= needed {
        let reason = "no tensor of it fits the network by name and shape; check the architecture";
        return Err(wrong(path, reason));
    }
    Ok((network.export_weights(), skipped))
}

/// Opens weights and, where a network is given, checks that they are exactly the network's; then
/// they have every name of the original framework's state dict, so that its own code loads them strictly.
///
/// # Errors
/// When the file is none, or lists what is missing, left over or of another shape.
pub fn read_weights(path: impl AsRef<Path>, network: Option<&NetworkConfig>) -> Result<Weights> {
    let path = path.as_ref();
    let weights = open_weights(path)?;
    let Some(config) = network else {
        return Ok(weights);
    };
    config.own_weights(&weights).map_err(|e| wrong(path, e))
}

/// Runs a network with weights from elsewhere on one tensor and writes its output, both as NumPy's
/// `.npy` of 32-bit floats: `[N, C, Z, Y, X]`, or `[N, C, Y, X]` for a 2-D network. Axes stay as they
/// are: the first spatial axis of the input array is the first spatial axis of the output.
///
/// # Errors
/// Errors of the files and of the network.
pub fn run(
    network: &NetworkConfig,
    weights: &Weights,
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    device: &Device,
) -> Result<Vec<usize>> {
    let network = network.load(weights, device)?;
    let (tensor, flat) = read_tensor(input.as_ref(), device)?;
    let result = network.try_forward(tensor)?.swap_remove(0);
    write_tensor(output.as_ref(), result, flat)
}

/// The tensor in a file, and whether it has two spatial axes.
fn read_tensor(path: &Path, device: &Device) -> Result<(Tensor<5>, bool)> {
    let array = std::fs::read(path)
        .map_err(|e| e.to_string())
        .and_then(|bytes| array_from_npy(&bytes))
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
