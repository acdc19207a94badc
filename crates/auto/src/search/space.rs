//! Which settings are looked for: keys of a config, each with a distribution.

use super::other_tools::parse;
use super::{Distribution, Result, SearchError};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Keys of a config (`optimizer.adamw.learning_rate`) and what each may be.
///
/// ```yaml
/// optimizer.adamw.learning_rate: {float: {low: 0.0001, high: 0.01, log: true}}       # Optuna's arguments
/// network.unet.num_res_units: {int: {low: 1, high: 3}}
/// loss: {categorical: {choices: [{dice_cross_entropy: {}}, {dice_focal: {}}]}}
/// batch_size: {_type: choice, _value: [2, 4]}                                        # NNI's words
/// optimizer.adamw.weight_decay: {name: FloatDistribution, attributes: {low: 0.0, high: 0.001}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SearchSpace {
    distributions: BTreeMap<String, Distribution>,
}

impl SearchSpace {
    /// A space of these distributions.
    ///
    /// # Errors
    /// [`SearchError::Distribution`] for one that cannot be drawn from; [`SearchError::Space`] when empty.
    pub fn new(distributions: impl IntoIterator<Item = (String, Distribution)>) -> Result<Self> {
        let distributions: BTreeMap<_, _> = distributions.into_iter().collect();
        if distributions.is_empty() {
            return Err(SearchError::Space(
                "it names no key; name at least one with a distribution".to_owned(),
            ));
        }
        for (key, distribution) in &distributions {
            distribution
                .check()
                .map_err(|reason| SearchError::Distribution {
                    key: key.clone(),
                    reason,
                })?;
        }
        Ok(Self { distributions })
    }

    /// Reads a space from YAML or JSON.
    ///
    /// # Errors
    /// As [`SearchSpace::new`]; text that is not YAML, a distribution of an unknown name.
    pub fn parse(text: &str) -> Result<Self> {
        let keys: BTreeMap<String, Value> =
            vesalius_planning::parse_yaml(text).map_err(SearchError::Space)?;
        let distributions = keys.into_iter().map(|(key, value)| {
            let distribution = parse(&value).map_err(|reason| SearchError::Distribution {
                key: key.clone(),
                reason,
            })?;
            Ok((key, distribution))
        });
        Self::new(distributions.collect::<Result<Vec<_>>>()?)
    }

    /// Key and distribution, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Distribution)> {
        self.distributions
            .iter()
            .map(|(key, distribution)| (key.as_str(), distribution))
    }
}
