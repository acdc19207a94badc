//! A union: models that each segment some of the labels, one after another over the same image.

mod open;
mod run;

pub(crate) use open::{describe_union, refuse_union, union_of_descriptions};

use super::{Models, Segmenter};
use crate::union::Plan;
use crate::{
    Error, ModelDescription, OpenOptions, PostprocessingStep, Result, UnionDescription, WeightFile,
};
use std::path::PathBuf;
use std::sync::OnceLock;
use vesalius_volume::{LabelScheme, Warning};

/// The models of a union.
#[derive(Debug)]
pub(super) struct Union {
    description: UnionDescription,
    members: Vec<Part>,
    plan: Plan,
}

/// A model of a union.
#[derive(Debug)]
struct Part {
    /// Its labels.
    scheme: LabelScheme,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Opened(Box<Segmenter>),
    /// Opened when it is first needed.
    Folder(Box<Folder>),
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    options: OpenOptions,
    files: Vec<WeightFile>,
    opened: OnceLock<Segmenter>,
}

impl Segmenter {
    /// A union of models that are in memory, in the order of the description's members; their `model` is not read.
    ///
    /// # Errors
    /// A description that is not consistent or does not fit the models' labels; models with other numbers of channels.
    pub fn union(description: UnionDescription, models: Vec<Self>) -> Result<Self> {
        description.check()?;
        if models.len() != description.members.len() {
            return Err(Error::BadModel(format!(
                "a union of {} has {} models; give one for each, in their order",
                vesalius_volume::counted(description.members.len(), "member"),
                models.len()
            )));
        }
        let described: Vec<ModelDescription> =
            models.iter().map(|model| model.model.clone()).collect();
        let warnings = models.iter().flat_map(|model| model.warnings.clone());
        let warnings = warnings.collect();
        let sources = models.into_iter().map(Box::new).map(Source::Opened);
        Self::of_sources(description, &described, sources.collect(), warnings)
    }

    fn of_sources(
        description: UnionDescription,
        described: &[ModelDescription],
        sources: Vec<Source>,
        warnings: Vec<Warning>,
    ) -> Result<Self> {
        let (plan, model) = open::joined(&description, described)?;
        let parts = described.iter().zip(sources);
        let parts = parts.map(|(model, source)| Part {
            scheme: model.labels.clone(),
            source,
        });
        Ok(Self {
            model,
            models: Models::Union(Box::new(Union {
                members: parts.collect(),
                description,
                plan,
            })),
            region: None,
            warnings,
            unpacked: None,
        })
    }

    /// Only these labels, by name: all others are background in the result, and members of a union whose labels are not
    /// needed do not run.
    ///
    /// # Errors
    /// [`Error::UnknownLabel`] for a name that is no label of the model.
    pub fn only<S: AsRef<str>>(mut self, labels: &[S]) -> Result<Self> {
        let only: Vec<String> = labels.iter().map(|name| name.as_ref().to_owned()).collect();
        if let Models::Union(union) = &mut self.models {
            let schemes: Vec<&LabelScheme> =
                union.members.iter().map(|part| &part.scheme).collect();
            union.plan = Plan::new(&union.description, &schemes, Some(&only))?;
            self.model.labels = union.plan.scheme.clone();
            let (channels, network) = (self.model.channels.len(), self.model.network.clone());
            self.model.network = network.with_channels(channels, self.model.labels.channels());
            return Ok(self);
        }
        let own = self.model.labels.labels();
        let mut values = Vec::new();
        for name in &only {
            let label = own.iter().find(|label| label.name == name);
            let label = label.ok_or_else(|| {
                let own = own.iter().filter(|label| label.value != 0);
                let known: Vec<&str> = own.map(|label| label.name).collect();
                Error::UnknownLabel {
                    name: name.clone(),
                    known: known.join(", "),
                }
            })?;
            values.push(label.value);
        }
        let step = PostprocessingStep::KeepLabels { labels: values };
        self.model.postprocessing.push(step);
        Ok(self)
    }
}

impl Union {
    /// Files that the result depends on: of all members that run.
    pub fn files(&self) -> Vec<WeightFile> {
        let parts = self.members.iter().zip(&self.plan.members);
        let parts = parts.filter(|(_, planned)| planned.runs);
        parts
            .flat_map(|(part, _)| match &part.source {
                Source::Opened(segmenter) => segmenter.weight_files(),
                Source::Folder(folder) => folder.files.clone(),
            })
            .collect()
    }

    /// How many members run.
    pub fn running(&self) -> usize {
        self.plan.members.iter().filter(|m| m.runs).count()
    }
}
