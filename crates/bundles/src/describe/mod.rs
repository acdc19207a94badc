//! From a config and its metadata to a description: only what the network's input and output depend on is looked up.

mod chain;
mod inferer;
mod labels;
mod lambdas;
mod network;
mod of_labels;
mod postprocessing;
mod preprocessing;
mod save;
mod spatial;
mod transforms;
mod weights;

use crate::component::{Component, Work};
use crate::description::BundleDescription;
use crate::note::Note;
use crate::resolve::{Item, Resolver};
use crate::{Config, Error, Result};
use serde_json::Value;
use std::cell::RefCell;

/// The key under which MONAI's evaluator takes the network's input from a case, and puts its output.
const IMAGE: &str = "image";
const PREDICTION: &str = "pred";

impl Config {
    /// What the config describes; `metadata` is the content of the bundle's `metadata.json`, or null, and `has_file` says
    /// whether the bundle has a file.
    ///
    /// # Errors
    /// As [`crate::Bundle::describe`].
    pub fn describe(
        &self,
        metadata: &Value,
        has_file: &dyn Fn(&str) -> bool,
    ) -> Result<BundleDescription> {
        let work = Work {
            resolver: Resolver::new(self),
            notes: RefCell::default(),
        };
        let about = labels::about(metadata);
        let mut parts = Parts::of(&work)?;
        let network = network::read(&work, parts.take("network")?)?;
        let dimensions = network.size(&["spatial_dims"]).unwrap_or(3);
        let (inputs, preprocessing) = preprocessing::read(&work, &about)?;
        let inferer = inferer::read(&work, parts.take("inferer")?, dimensions)?;
        let after = postprocessing::read(
            &work,
            parts.take("postprocessing")?,
            &postprocessing::Before {
                inputs: &inputs,
                steps: &preprocessing,
                outputs: network.size(&["out_channels", "num_classes"]),
            },
        )?;
        let weights = weights::read(&work, has_file)?;
        let channels = labels::inputs(&work, metadata, &network, &inputs, &preprocessing);
        let outputs = labels::outputs(&work, metadata, &network);
        let labels = labels::of_result(&outputs, &after.steps);
        let unused = self
            .sets()
            .iter()
            .filter(|id| !work.resolver.has_reached(id));
        unused.for_each(|id| work.note(Note::SetWithoutUse { id: id.clone() }));
        Ok(BundleDescription {
            about,
            inputs,
            channels,
            network,
            weights,
            preprocessing,
            inferer,
            postprocessing: after.steps,
            save: after.save,
            outputs,
            labels,
            notes: work.notes.into_inner(),
        })
    }
}

/// The parts that the config's evaluator puts together, or, without one, those of the names that bundles have.
struct Parts<'w, 'c> {
    work: &'w Work<'c>,
    evaluator: Option<Component<'w, 'c>>,
}

impl<'w, 'c> Parts<'w, 'c> {
    fn of(work: &'w Work<'c>) -> Result<Self> {
        let Some(item) = work.resolver.find("evaluator")? else {
            return Ok(Self {
                work,
                evaluator: None,
            });
        };
        let mut evaluator = Component::of(work, item, "evaluator")?;
        if evaluator.class != "SupervisedEvaluator" {
            return Err(Error::NotUnderstood {
                id: evaluator.id,
                text: crate::error::shortened(&evaluator.target),
                reason: "a class that applies a network in a way that is not known".to_owned(),
                instead: "where it does what MONAI's own does, set `evaluator::_target_` to SupervisedEvaluator".to_owned(),
            });
        }
        for name in ["prepare_batch", "iteration_update", "hyper_kwargs"] {
            evaluator.only(name, &[])?;
        }
        evaluator.only("mode", &["eval"])?;
        if !evaluator.flag("decollate", true)? {
            return Err(evaluator.bad("decollate", "is false, which is not supported"));
        }
        Ok(Self {
            work,
            evaluator: Some(evaluator),
        })
    }

    /// What stands for a part.
    fn take(&mut self, name: &str) -> Result<Option<Item<'c>>> {
        if let Some(evaluator) = &mut self.evaluator {
            return evaluator.item(name);
        }
        let by_name = match name {
            "network" => self.work.resolver.find("network_def")?,
            _ => None,
        };
        match by_name {
            Some(item) => Ok(Some(item)),
            None => self.work.resolver.find(name),
        }
    }
}
