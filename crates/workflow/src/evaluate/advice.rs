//! Which measures suit a folder of references.

use super::cases::ReadMaps;
use super::pairs::references;
use super::{Error, EvaluateOptions};
use std::path::Path;
use vesalius_control::Control;
use vesalius_io::{ReadOptions, read_labels_with};
use vesalius_metrics::{Advice, AdviceOptions, TargetFacts, Targets, advise};
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
    let references = references(reference, &options.reading.registry)?;
    let targets = match &options.targets {
        Some(targets) => targets.list().to_vec(),
        None => {
            let all = EvaluateOptions {
                reading: options.reading.clone(),
                control: options.control.clone(),
                ..EvaluateOptions::default()
            };
            ReadMaps::labels(&references, &all)?.0
        }
    };
    if targets.is_empty() {
        return Err(Error::Path {
            path: reference.to_owned(),
            reason: "has no label but 0, so that there is nothing to give advice about".to_owned(),
        });
    }
    let mut facts: Vec<TargetFacts> = targets.iter().map(TargetFacts::new).collect();
    let stage = options.control.stage("references", references.len() as u64);
    for pair in &references {
        let labels: LabelMap = read_labels_with(&pair.reference, &options.reading)?;
        for facts in &mut facts {
            facts.add_with(&labels, stage.control())?;
        }
        stage.advance(1);
    }
    Ok(advise(&facts, &options.advice))
}
