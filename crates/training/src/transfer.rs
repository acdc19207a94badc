//! Where a run's first weights come from, and which of them are left as they are.

use crate::{Error, Result, StartFrom};
use burn::module::{Module, ModuleMapper, Param, ParamId};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use vesalius_inferers::{MODEL_FILE, ModelDescription, weights_path};
use vesalius_networks::{Mismatch, Network, Weights};
use vesalius_tensor::Tensor;

/// The network with the weights of a file or model folder, and what of them did not fit.
///
/// # Errors
/// Weights that cannot be read; any mismatch unless `partial`; nothing that fits at all.
pub(crate) fn start_from(network: Network, start: &StartFrom) -> Result<(Network, Mismatch)> {
    let path = weights_file(&start.weights)?;
    let weights = Weights::open(&path)?;
    if !start.partial {
        let loaded = network.load(&weights).map_err(|e| Error::StartFrom {
            path,
            reason: format!(
                "{e}; set `partial: true` under `start_from` to keep first values where nothing fits"
            ),
        })?;
        return Ok((loaded, Mismatch::default()));
    }
    let parameters = network.named().len();
    let (loaded, mismatch) = network.load_partly(&weights)?;
    if mismatch.missing.len() + mismatch.wrong_shape.len() == parameters {
        return Err(Error::StartFrom {
            path,
            reason: format!(
                "has no weight of this network by name and shape (the network wants `{}`, …); check that `network` is the one that was trained",
                loaded.named().first().map_or("", |named| &named.name)
            ),
        });
    }
    Ok((loaded, mismatch))
}

/// The weights of a model folder's first member, or the file itself.
fn weights_file(path: &Path) -> Result<PathBuf> {
    if !path.join(MODEL_FILE).is_file() {
        return Ok(path.to_owned());
    }
    let model = ModelDescription::read(path)?;
    // A description without members is refused when it is read.
    let member = &model.members[0];
    let weights = weights_path(path, member);
    model.verify_weights(&weights, member)?;
    Ok(weights)
}

/// The parameters whose names begin in one of the ways that `start` freezes.
///
/// # Errors
/// A beginning that no parameter has.
pub(crate) fn frozen(network: &Network, start: &StartFrom) -> Result<HashSet<ParamId>> {
    let trained = || network.named().iter().filter(|named| !named.buffer);
    let mut ids = HashSet::new();
    for prefix in &start.freeze {
        let before = ids.len();
        let matching = trained().filter(|named| named.name.starts_with(prefix.as_str()));
        ids.extend(matching.map(|named| named.id));
        if ids.len() == before {
            let first = network.named().first().map_or("", |named| &named.name);
            let last = network.named().last().map_or("", |named| &named.name);
            return Err(Error::BadValue {
                key: "start_from.freeze".to_owned(),
                found: format!("`{prefix}`"),
                expected: "the beginning of a parameter's name",
            }
            .and_hint(&format!("the names go from `{first}` to `{last}`")));
        }
    }
    if ids.len() == trained().count() {
        return Err(Error::BadValue {
            key: "start_from.freeze".to_owned(),
            found: "every parameter".to_owned(),
            expected: "names that leave something to train",
        });
    }
    Ok(ids)
}

/// The network with these parameters trained or not.
pub(crate) fn set_trained(network: Network, ids: &HashSet<ParamId>, trained: bool) -> Network {
    struct Setter<'a> {
        ids: &'a HashSet<ParamId>,
        trained: bool,
    }
    impl ModuleMapper for Setter<'_> {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            if self.ids.contains(&param.id) {
                param.set_require_grad(self.trained)
            } else {
                param
            }
        }
    }
    network.map(&mut Setter { ids, trained })
}
