//! Configs that name user-defined types: read with a [`Registry`] that makes them.

use super::{TrainingConfig, yaml};
use crate::{Error, Result};
use serde_json::Value;
use std::path::Path;
use vesalius_registry::Registry;
use vesalius_transforms::name_transforms;

/// The keys whose lists may name user-defined transforms as they name built-in ones.
const CHAINS: [&str; 2] = ["preprocessing", "augmentation"];

impl TrainingConfig {
    /// Reads a YAML file that may name types of the registry, and checks it. See [`TrainingConfig::parse_with`].
    ///
    /// # Errors
    /// [`Error::Config`] with the file and the key.
    pub fn read_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Self> {
        let path = path.as_ref();
        Self::read_by(path, |text| Self::parse_with(text, registry))
    }

    /// Reads YAML text that may name types of the registry, and checks it: transforms as
    /// `augmentation: [{my_transform: {probability: 0.2}}]`, losses as `loss: {custom: {name: my_loss}}`,
    /// networks, schedules, optimisers and `patch.sampling` likewise.
    ///
    /// # Errors
    /// As [`TrainingConfig::parse`]; a name that is not in the registry, or options that its type does not take. Where
    /// the text names a transform of the registry, errors name the key and not the line.
    pub fn parse_with(text: &str, registry: &Registry) -> Result<Self> {
        let mut config = match named(text, registry)? {
            Some(value) => serde_path_to_error::deserialize(value).map_err(|error| {
                let what = format!("{}: {}", error.path(), error.inner());
                Error::Yaml(vesalius_transforms::with_suggestion(&what))
            })?,
            None => yaml::parse::<Self>(text)?,
        };
        config.resolve(registry)?;
        config.check()?;
        Ok(config)
    }

    /// Makes the user-defined network, loss, transforms, sampler, schedule, optimiser and inferer that are only named.
    ///
    /// # Errors
    /// A name that is not in the registry, or options that its type does not take.
    pub fn resolve(&mut self, registry: &Registry) -> Result<()> {
        self.preprocessing.resolve(registry)?;
        self.augmentation.resolve(registry)?;
        self.patch.resolve(registry)?;
        self.network.resolve(registry)?;
        self.loss.resolve(registry)?;
        self.schedule.resolve(registry)?;
        if let Some(inferer) = &mut self.inferer {
            inferer.resolve(registry)?;
        }
        self.optimizer.resolve(registry)
    }
}

/// The config's value with the registry's names in the form that transforms are read from; `None` where the text
/// has none of them.
fn named(text: &str, registry: &Registry) -> Result<Option<Value>> {
    let before: Value = yaml::parse(text)?;
    let mut value = before.clone();
    for key in CHAINS {
        if let Some(list) = value.get_mut(key) {
            name_transforms(registry, list);
        }
    }
    Ok((value != before).then_some(value))
}
