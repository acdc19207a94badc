//! What a model folder, an architecture or a file of weights holds.

use super::onnx_facts::{OnnxFacts, onnx_facts};
use super::summary::{Summary, summary};
use super::{Result, bundle_weights, is_bundle, read_architecture};
use serde::Serialize;
use std::path::Path;
use vesalius_inferers::{
    MODEL_FILE, ModelDescription, UNION_FILE, UnionDescription, describe_model,
};
use vesalius_networks::{
    Architecture, NetworkConfig, Profile, Recognised, StoredTensor, Weights, recognise,
};

/// What a path holds; what it does not hold is `None`.
#[derive(Debug, Clone, Serialize)]
pub struct Inspected {
    /// The network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network: Option<NetworkFacts>,
    /// The weights; those of a model folder are not opened, and a MONAI bundle may have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<WeightFacts>,
    /// The network that weights without a config belong to, by their names and shapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognised: Option<Recognised>,
    /// The description of a model folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelDescription>,
    /// An ONNX file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onnx: Option<OnnxFacts>,
    /// Why a MONAI bundle is no model here, of which only the network is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The same in a few lines, with the models that it is made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<Summary>,
}

/// A network and what it costs.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkFacts {
    /// Its architecture.
    pub name: &'static str,
    /// 2 or 3.
    pub spatial_dims: usize,
    /// Channels of its input.
    pub in_channels: usize,
    /// Channels of its output.
    pub out_channels: usize,
    /// How many numbers it learns.
    pub parameters: u64,
    /// Sizes of the input must be multiples of these, `[x, y, z]`.
    pub divisor: [usize; 3],
    /// The patch that costs are worked out for, `[x, y, z]`.
    pub patch: [usize; 3],
    /// Patches in a batch.
    pub batch: usize,
    /// Bytes, operations, voxels.
    pub costs: Profile,
}

/// Weights by name and shape.
#[derive(Debug, Clone, Serialize)]
pub struct WeightFacts {
    /// How many tensors there are.
    pub tensors: usize,
    /// How many more names share one of them.
    pub shared: usize,
    /// How many numbers they hold.
    pub numbers: usize,
    /// Name and shape of each.
    pub shapes: Vec<(String, Vec<usize>)>,
}

/// Looks into a model folder or an archive of one, a MONAI bundle's folder, an architecture (JSON or YAML), an
/// ONNX file or a file of weights. Costs are those of a `patch` (about 96 voxels along each axis where it is `None`) and `batch`.
///
/// # Errors
/// A path that is none of these, or a patch that the network cannot have.
pub fn inspect(path: &Path, patch: Option<[usize; 3]>, batch: usize) -> Result<Inspected> {
    let facts = |config: &NetworkConfig| network_facts(config, patch, batch);
    let mut found = Inspected {
        network: None,
        recognised: None,
        weights: None,
        model: None,
        onnx: None,
        refused: None,
        summary: None,
    };
    let has_ending = |endings: &[&str]| {
        let ending = path.extension();
        ending.is_some_and(|ending| endings.iter().any(|other| ending == *other))
    };
    let is_named = |file: &str| path.file_name().is_some_and(|name| name == file);
    let is_model_file = is_named(MODEL_FILE);
    if path.is_dir() && path.join(UNION_FILE).is_file() || is_named(UNION_FILE) {
        let folder = match path.is_dir() {
            true => path,
            false => path.parent().unwrap_or(path),
        };
        let model = describe_model(path)?;
        let union = UnionDescription::read(path)?;
        found.summary = Some(summary(folder, &model, &union.members));
        found.model = Some(model);
    } else if path.is_dir() && is_bundle(path) {
        match describe_model(path) {
            Ok(model) => {
                found.network = Some(facts(&model.network)?);
                found.summary = Some(summary(path, &model, &[]));
                found.model = Some(model);
            }
            Err(error) => {
                // The network may be understood where the rest is not.
                let Ok(network) = read_architecture(path) else {
                    return Err(error.into());
                };
                found.network = Some(facts(&network)?);
                found.refused = Some(error.to_string());
            }
        }
        if let Some(file) = bundle_weights(path) {
            found.weights = Some(weight_facts(Weights::open(file)?));
        }
    } else if has_ending(&["onnx"]) && !path.is_dir() {
        found.onnx = Some(onnx_facts(path)?);
    } else if path.is_dir() || is_model_file || has_ending(&["zip"]) {
        let model = describe_model(path)?;
        found.network = Some(facts(&model.network)?);
        found.summary = Some(summary(path, &model, &[]));
        found.model = Some(model);
    } else if has_ending(&["json", "yaml", "yml"]) {
        found.network = Some(facts(&read_architecture(path)?)?);
    } else {
        let weights = Weights::open(path)?;
        found.recognised = recognise(&weights);
        if let Some(recognised) = &found.recognised {
            found.network = Some(facts(&recognised.config)?);
        }
        found.weights = Some(weight_facts(weights));
    }
    Ok(found)
}

/// About 96 voxels along each axis, of a size that the network accepts.
fn usual_patch(architecture: &dyn Architecture) -> [usize; 3] {
    let (least, divisor) = (architecture.minimum(), architecture.divisor());
    let flat = architecture.spatial_dims() == 2;
    architecture.fixed_size().unwrap_or_else(|| {
        std::array::from_fn(|axis| {
            let wanted = if flat && axis == 2 { 1 } else { 96 };
            least[axis].max(wanted).next_multiple_of(divisor[axis])
        })
    })
}

fn network_facts(
    config: &NetworkConfig,
    patch: Option<[usize; 3]>,
    batch: usize,
) -> Result<NetworkFacts> {
    let patch = patch.unwrap_or_else(|| usual_patch(config.architecture()));
    let costs = config.profile(patch, batch)?;
    let architecture = config.architecture();
    Ok(NetworkFacts {
        name: architecture.name(),
        spatial_dims: architecture.spatial_dims(),
        in_channels: architecture.in_channels(),
        out_channels: architecture.out_channels(),
        parameters: costs.parameters,
        divisor: architecture.divisor(),
        patch,
        batch,
        costs,
    })
}

fn weight_facts(weights: Weights) -> WeightFacts {
    let weights = weights.each_stored_once();
    let stored = weights.iter().filter(|(name, _)| !weights.is_shared(name));
    let count = |(_, tensor): (&str, &StoredTensor)| tensor.shape().iter().product::<usize>();
    WeightFacts {
        tensors: weights.len() - weights.shared_names(),
        shared: weights.shared_names(),
        numbers: stored.map(count).sum(),
        shapes: weights
            .iter()
            .map(|(name, tensor)| (name.to_owned(), tensor.shape().to_vec()))
            .collect(),
    }
}
