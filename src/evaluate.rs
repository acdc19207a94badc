//! Segmentations against references: a pair of files, or two folders paired by file name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use vesalius_io::{ReadOptions, read_labels_with};
use vesalius_metrics::{Evaluation, Evaluator, Measure, Target, Targets};
use vesalius_volume::LabelMap;

/// Why two label maps or folders cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path that holds nothing to compare.
    #[error("{path}: {reason}")]
    Path {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A pair that cannot be scored.
    #[error("case {case}: {source}")]
    Case {
        /// The case.
        case: String,
        /// Why not.
        source: vesalius_metrics::Error,
    },
    /// A file that cannot be read.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// Labels or scores that contradict each other.
    #[error("{0}")]
    Metric(#[from] vesalius_metrics::Error),
}

/// What is scored and how strict the pairing is.
#[derive(Debug, Clone)]
pub struct EvaluateOptions {
    /// Labels or regions to score; by default every label but 0 that occurs in a reference or prediction.
    pub targets: Option<Targets>,
    /// Where no targets are given: voxels whose reference has this label are not counted.
    pub ignore: Option<u32>,
    /// The measures.
    pub measures: Vec<Measure>,
    /// A reference without a prediction scores as missed instead of being an error.
    pub allow_missing: bool,
    /// How label maps are read.
    pub reading: ReadOptions,
}

impl Default for EvaluateOptions {
    fn default() -> Self {
        Self {
            targets: None,
            ignore: None,
            measures: vec![Measure::Dice],
            allow_missing: false,
            reading: ReadOptions::default(),
        }
    }
}

/// A reference and the prediction that belongs to it.
struct Pair {
    name: String,
    reference: PathBuf,
    prediction: Option<PathBuf>,
}

/// Scores predictions against references; folders are paired by file name without suffixes.
///
/// A prediction without a reference is not scored: a folder of references may hold a part of the cases.
///
/// # Errors
/// A path that cannot be read, a reference without a prediction unless allowed, no pair at all, label
/// maps on different grids.
pub fn evaluate(
    prediction: &Path,
    reference: &Path,
    options: &EvaluateOptions,
) -> Result<Evaluation, Error> {
    let pairs = pair(prediction, reference, options.allow_missing)?;
    let targets = match &options.targets {
        Some(targets) => targets.clone(),
        None => occurring(&pairs, options)?,
    };
    let evaluator = Evaluator::new(targets, options.measures.clone());
    let mut scores = Vec::with_capacity(pairs.len());
    for pair in &pairs {
        let reference: LabelMap = read_labels_with(&pair.reference, &options.reading)?;
        let scored = match &pair.prediction {
            Some(path) => evaluator.case(
                &pair.name,
                &reference,
                &read_labels_with::<u16>(path, &options.reading)?,
            ),
            None => evaluator.missing(&pair.name, &reference),
        };
        scores.push(scored.map_err(|source| Error::Case {
            case: pair.name.clone(),
            source,
        })?);
    }
    Ok(Evaluation::new(scores)?)
}

fn pair(prediction: &Path, reference: &Path, allow_missing: bool) -> Result<Vec<Pair>, Error> {
    let bad = |path: &Path, reason: String| Error::Path {
        path: path.to_path_buf(),
        reason,
    };
    for path in [prediction, reference] {
        if !path.exists() {
            return Err(bad(path, "does not exist".to_owned()));
        }
    }
    if prediction.is_file() && reference.is_file() {
        let name = vesalius_io::strip_extension(reference);
        return Ok(vec![Pair {
            name,
            reference: reference.to_path_buf(),
            prediction: Some(prediction.to_path_buf()),
        }]);
    }
    if prediction.is_file() != reference.is_file() {
        return Err(bad(
            prediction,
            format!(
                "and {} must be both files or both folders",
                reference.display()
            ),
        ));
    }
    let mut predictions = images_in(prediction)?;
    let references = images_in(reference)?;
    let found = predictions.len();
    let mut pairs = Vec::new();
    let mut missing = Vec::new();
    for (name, path) in references {
        let prediction = predictions.remove(&name);
        if prediction.is_none() {
            missing.push(name.clone());
        }
        pairs.push(Pair {
            name,
            reference: path,
            prediction,
        });
    }
    if missing.len() == pairs.len() {
        return Err(bad(
            prediction,
            format!(
                "none of its {found} images has the name of one of the {} references in {}",
                pairs.len(),
                reference.display()
            ),
        ));
    }
    if !allow_missing && !missing.is_empty() {
        return Err(bad(
            prediction,
            format!(
                "has no prediction for {} of {} references ({}{}); predict them, take their references away, or score them as missed with `--allow-missing`",
                missing.len(),
                pairs.len(),
                missing[..missing.len().min(3)].join(", "),
                if missing.len() > 3 { ", …" } else { "" }
            ),
        ));
    }
    Ok(pairs)
}

fn images_in(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let bad = |reason: String| Error::Path {
        path: folder.to_path_buf(),
        reason,
    };
    let entries = std::fs::read_dir(folder).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let mut images = BTreeMap::new();
    for path in entries.filter_map(|entry| entry.ok().map(|entry| entry.path())) {
        let name = vesalius_io::strip_extension(&path);
        // Probabilities lie beside the label maps that they became.
        if !path.is_file() || !vesalius_io::is_image(&path) || name.ends_with("_probabilities") {
            continue;
        }
        if let Some(other) = images.insert(name, path.clone()) {
            return Err(bad(format!(
                "holds two files of one case: {} and {}",
                other.display(),
                path.display()
            )));
        }
    }
    if images.is_empty() {
        return Err(bad("holds no image that can be read".to_owned()));
    }
    Ok(images)
}

/// Every label but 0 and the ignored one that occurs in a reference or in its prediction.
fn occurring(pairs: &[Pair], options: &EvaluateOptions) -> Result<Targets, Error> {
    let ignore = options.ignore;
    let mut values = BTreeSet::new();
    for path in pairs
        .iter()
        .flat_map(|pair| std::iter::once(&pair.reference).chain(&pair.prediction))
    {
        values.extend(
            read_labels_with::<u16>(path, &options.reading)?
                .counts()
                .into_keys()
                .filter(|&value| value != 0 && Some(value) != ignore),
        );
    }
    let targets = values.into_iter().map(Target::of_value).collect();
    Ok(Targets::new(targets, ignore)?)
}
