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
    let parameters = network.parameters().len();
    let (loaded, mismatch) = network.load_partly(&weights)?;
    if mismatch.missing.len() + mismatch.wrong_shape.len() == parameters {
        return Err(Error::StartFrom {
            path,
            reason: format!(
                "has no weight of this network by name and shape (the network wants `{}`, …); check that `network` is the one that was trained",
                loaded.parameters().first().map_or("", |named| &named.name)
            ),
        });
    }
    Ok((loaded, mismatch))
}

/// The weights of a model folder's only member, or the file itself.
fn weights_file(path: &Path) -> Result<PathBuf> {
    if !path.join(MODEL_FILE).is_file() {
        return Ok(path.to_owned());
    }
    let model = ModelDescription::read(path)?;
    // A description without members is refused when it is read.
    let member = &model.members[0];
    let weights = weights_path(path, member);
    if model.members.len() > 1 {
        return Err(Error::StartFrom {
            path: path.to_owned(),
            reason: format!(
                "has the weights of {} members ({}), and a run starts from those of one: give `start_from.weights` the file of one, such as {}",
                model.members.len(),
                model.members.join(", "),
                weights.display()
            ),
        });
    }
    model.verify_weights(&weights, member)?;
    Ok(weights)
}

/// The parameters whose names begin with a prefix that `start` freezes.
///
/// # Errors
/// A beginning that no parameter has.
pub(crate) fn frozen(network: &Network, start: &StartFrom) -> Result<HashSet<ParamId>> {
    let trained = || network.parameters().iter().filter(|named| !named.buffer);
    let mut ids = HashSet::new();
    for prefix in &start.freeze {
        let before = ids.len();
        let matching = trained().filter(|named| named.name.starts_with(prefix.as_str()));
        ids.extend(matching.map(|named| named.id));
        if ids.len() == before {
            let first = network.parameters().first().map_or("", |named| &named.name);
            let last = network.parameters().last().map_or("", |named| &named.name);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Case, FitOptions, MemoryCases, TrainingConfig, TrainingData, fit};
    use vesalius_volume::{Geometry, LabelMap, LabelScheme, Subject, Volume};

    fn config(more: &str) -> TrainingConfig {
        let text = "name: t\npatch: {size: [8, 8, 8]}\nduration: {steps: 1}\nnetwork:\n  unet: {channels: [2, 4], strides: [2]}\n";
        TrainingConfig::parse(&format!("{text}{more}")).unwrap()
    }

    fn train(config: &TrainingConfig, output: &Path) -> Result<()> {
        let grid = Geometry::axis_aligned([8; 3], [1.0; 3]).unwrap();
        let labels = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let subject = Subject::new(
            "a",
            Volume::from_fn(grid, |[x, y, z]| (x + y + z) as f32),
            Some(LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 4))),
        );
        let case = Case::new(subject.unwrap(), &labels, &config.preprocessing).unwrap();
        let data = TrainingData {
            dataset: "made".to_owned(),
            channels: vec!["CT".to_owned()],
            labels,
            training: MemoryCases::shared([case]),
            validation: MemoryCases::shared([]),
            warnings: Vec::new(),
        };
        let options = FitOptions {
            output: output.to_owned(),
            ..FitOptions::default()
        };
        fit(config, &data, &options, &mut |_| ()).map(drop)
    }

    #[test]
    fn a_model_of_several_members_is_no_start_until_one_is_chosen() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str| folder.path().join(name);
        train(&config(""), &of("model")).unwrap();
        let mut model = ModelDescription::read(of("model")).unwrap();
        let start = |weights: &Path| {
            config(&format!(
                "start_from: {{weights: '{}'}}\n",
                weights.display()
            ))
        };
        train(&start(&of("model")), &of("after_one")).unwrap();
        let only = weights_path(of("model"), &model.members[0]);
        let second = weights_path(of("model"), "second");
        std::fs::create_dir_all(second.parent().unwrap()).unwrap();
        std::fs::copy(&only, &second).unwrap();
        model.members.push("second".to_owned());
        if let Some(checksum) = model.checksums.get(&model.members[0]).cloned() {
            model.checksums.insert("second".to_owned(), checksum);
        }
        model.write(of("model")).unwrap();
        let text = train(&start(&of("model")), &of("after_two"))
            .unwrap_err()
            .to_string();
        for words in [
            "2 members",
            "second",
            "start_from.weights",
            &only.display().to_string(),
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        train(&start(&second), &of("after_chosen")).unwrap();
    }
}
