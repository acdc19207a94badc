//! Which measures suit a folder of references.

use super::Error;
use super::pairs::images_of;
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_control::Control;
use vesalius_io::{ReadOptions, read_labels_with};
use vesalius_metrics::{Advice, AdviceOptions, Target, TargetFacts, Targets, advise};
use vesalius_volume::LabelMap;

/// What advice is given about, and how references are read.
#[derive(Debug, Clone, Default)]
pub struct AdviseOptions {
    /// Labels or regions; by default every label but 0 that occurs.
    pub targets: Option<Targets>,
    /// What is known beside the data.
    pub advice: AdviceOptions,
    /// How label maps are read.
    pub reading: ReadOptions,
    /// Progress by file in the stage `references`, and cancellation.
    pub control: Control,
}

/// Which measures to report for structures like those in a reference, or in all of a folder, and which mislead.
///
/// # Errors
/// A path that cannot be read or holds no label map; [`Error::Path`] where none has a label.
pub fn advise_for(
    reference: impl AsRef<Path>,
    options: &AdviseOptions,
) -> Result<Vec<Advice>, Error> {
    let reference = reference.as_ref();
    let files = images_of(reference, &options.reading.registry)?;
    let mut facts: BTreeMap<String, TargetFacts> = BTreeMap::new();
    let given = options.targets.as_ref().map_or(&[][..], Targets::list);
    for target in given {
        facts.insert(target.key.clone(), TargetFacts::new(target));
    }
    if given.is_empty() {
        for target in labels_of(&files, options)? {
            facts.insert(target.key.clone(), TargetFacts::new(&target));
        }
    }
    if facts.is_empty() {
        return Err(Error::Path {
            path: reference.to_owned(),
            reason: "has no label but 0, so that there is nothing to give advice about".to_owned(),
        });
    }
    let stage = options.control.stage("references", files.len() as u64);
    for path in files.values() {
        let labels: LabelMap = read_labels_with(path, &options.reading)?;
        for facts in facts.values_mut() {
            facts.add_with(&labels, stage.control())?;
        }
        stage.advance(1);
    }
    let in_order = |target: &Target| facts.get(&target.key).cloned();
    let facts: Vec<TargetFacts> = match given.is_empty() {
        true => {
            let mut all: Vec<TargetFacts> = facts.into_values().collect();
            all.sort_by_key(|facts| facts.target.labels.first().copied());
            all
        }
        false => given.iter().filter_map(in_order).collect(),
    };
    Ok(advise(&facts, &options.advice))
}

/// Every label but 0.
fn labels_of(
    files: &BTreeMap<String, std::path::PathBuf>,
    options: &AdviseOptions,
) -> Result<Vec<Target>, Error> {
    let mut values = std::collections::BTreeSet::new();
    let stage = options.control.stage("labels", files.len() as u64);
    for path in files.values() {
        stage.control().check()?;
        let labels: LabelMap = read_labels_with(path, &options.reading)?;
        values.extend(labels.counts().into_keys().filter(|&value| value != 0));
        stage.advance(1);
    }
    Ok(values.into_iter().map(Target::of_value).collect())
}
