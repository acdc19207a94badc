//! The cases of an evaluation: each label map is read once where memory for all is there, cases side by side.

use super::pairs::Pair;
use super::{Error, EvaluateOptions};
use crate::FileWarning;
use rayon::prelude::*;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vesalius_control::Control;
use vesalius_filters::{LabelResampleOptions, resample_labels};
use vesalius_io::{probe_with, read_labels_with};
use vesalius_metrics::{CaseScores, Evaluator, Target, Targets};
use vesalius_volume::{LabelMap, available_memory};

/// Bytes a voxel that scoring one case takes at most: both label maps, the masks of a label and their distances.
const SCORING_BYTES: u64 = 32;
/// What may be taken where the system does not tell how much memory is free.
const UNKNOWN_MEMORY: u64 = 2 << 30;

/// Label maps that were read to find out which labels occur, kept for the scores.
#[derive(Default)]
pub(super) struct ReadMaps {
    maps: BTreeMap<PathBuf, Arc<LabelMap>>,
}

impl ReadMaps {
    /// Every label but 0 and the ignored one that occurs in a reference or in its prediction, and the maps that
    /// were read for it, as many as a quarter of the free memory holds.
    pub(super) fn occurring(
        pairs: &[Pair],
        options: &EvaluateOptions,
    ) -> Result<(Targets, Self), Error> {
        let (targets, read) = Self::labels(pairs, options)?;
        Ok((Targets::new(targets, options.ignore)?, read))
    }

    /// As [`ReadMaps::occurring`], of files that may have no label at all.
    pub(super) fn labels(
        pairs: &[Pair],
        options: &EvaluateOptions,
    ) -> Result<(Vec<Target>, Self), Error> {
        let mut room = free_memory() / 4;
        let (mut values, mut read) = (BTreeSet::new(), Self::default());
        let files = pairs.iter().flat_map(Pair::files);
        let stage = options
            .control
            .stage("labels", files.clone().count() as u64);
        for path in files {
            stage.control().check()?;
            if !read.maps.contains_key(path) {
                let labels: LabelMap = read_labels_with(path, &options.reading)?;
                let counted = labels.counts().into_keys();
                values.extend(counted.filter(|&value| value != 0 && Some(value) != options.ignore));
                let bytes = 2 * labels.geometry().voxel_count() as u64;
                if let Some(left) = room.checked_sub(bytes) {
                    room = left;
                    read.maps.insert(path.to_path_buf(), Arc::new(labels));
                }
            }
            stage.advance(1);
        }
        Ok((values.into_iter().map(Target::of_value).collect(), read))
    }
}

/// The scores of all cases in their order, and what reading the files decided.
///
/// As many cases as the processor has threads are scored side by side, fewer where memory is short.
pub(super) fn scores(
    pairs: &[Pair],
    evaluator: &Evaluator,
    mut read: ReadMaps,
    options: &EvaluateOptions,
) -> Result<(Vec<CaseScores>, Vec<FileWarning>), Error> {
    let (mut scores, mut files) = (Vec::with_capacity(pairs.len()), Vec::new());
    let stage = options.control.stage("cases", pairs.len() as u64);
    let mut left = pairs;
    while !left.is_empty() {
        stage.control().check()?;
        let (now, later) = left.split_at(side_by_side(left, options)?);
        // A map is let go as soon as its case is scored; the same file may stand in several pairs.
        let mut cases: Vec<Case> = now.iter().map(|pair| Case::new(pair, &read)).collect();
        let wanted: BTreeSet<&Path> = later.iter().flat_map(Pair::files).collect();
        read.maps.retain(|path, _| wanted.contains(path.as_path()));
        let scored: Vec<_> = cases
            .par_iter_mut()
            .map(|case| {
                let score = case.score(evaluator, options, stage.control())?;
                stage.advance(1);
                Ok::<_, Error>(score)
            })
            .collect();
        for (score, case) in scored.into_iter().zip(cases) {
            scores.push(score?);
            files.extend(case.warnings);
        }
        left = later;
    }
    Ok((scores, files))
}

/// How many of the next cases go side by side: at least one.
fn side_by_side(pairs: &[Pair], options: &EvaluateOptions) -> Result<usize, Error> {
    let (mut room, mut count) = (free_memory() / 2, 0);
    for pair in pairs.iter().take(rayon::current_num_threads()) {
        let voxels = probe_with(&pair.reference, &options.reading)?
            .geometry
            .voxel_count() as u64;
        match room.checked_sub(voxels.saturating_mul(SCORING_BYTES)) {
            Some(left) => room = left,
            None => break,
        }
        count += 1;
    }
    Ok(count.max(1))
}

fn free_memory() -> u64 {
    available_memory().unwrap_or(UNKNOWN_MEMORY)
}

/// A pair of files while it is scored.
struct Case<'a> {
    pair: &'a Pair,
    reference: Option<Arc<LabelMap>>,
    prediction: Option<Arc<LabelMap>>,
    warnings: Vec<FileWarning>,
}

impl<'a> Case<'a> {
    fn new(pair: &'a Pair, read: &ReadMaps) -> Self {
        Self {
            pair,
            reference: read.maps.get(&pair.reference).cloned(),
            prediction: pair
                .prediction
                .as_ref()
                .and_then(|path| read.maps.get(path).cloned()),
            warnings: Vec::new(),
        }
    }

    fn score(
        &mut self,
        evaluator: &Evaluator,
        options: &EvaluateOptions,
        control: &Control,
    ) -> Result<CaseScores, Error> {
        control.check()?;
        let pair = self.pair;
        let (name, warnings) = (&pair.name, &mut self.warnings);
        let mut read = |path: &Path, kept: Option<Arc<LabelMap>>| -> Result<_, Error> {
            let labels = match kept {
                Some(labels) => labels,
                None => Arc::new(read_labels_with(path, &options.reading)?),
            };
            warnings.extend(FileWarning::all(path, labels.warnings()));
            Ok(labels)
        };
        let reference = read(&pair.reference, self.reference.take())?;
        let scored = match &pair.prediction {
            Some(path) => {
                let prediction = read(path, self.prediction.take())?;
                let prediction = on_grid_of(&reference, &prediction, name)?;
                evaluator.case_with(name, &reference, &prediction, control)
            }
            None => evaluator.missing_with(name, &reference, control),
        };
        scored.map_err(|source| match source {
            vesalius_metrics::Error::Cancelled(cancelled) => cancelled.into(),
            source => Error::Case {
                case: name.clone(),
                source,
            },
        })
    }
}

/// The prediction on the reference's grid, by the nearest voxel where it has another.
fn on_grid_of<'a>(
    reference: &LabelMap,
    prediction: &'a LabelMap,
    case: &str,
) -> Result<Cow<'a, LabelMap>, Error> {
    let grid = reference.geometry();
    if grid.is_same(prediction.geometry()) {
        return Ok(Cow::Borrowed(prediction));
    }
    let nearest = LabelResampleOptions::default();
    let resampled = resample_labels(prediction, grid, &nearest);
    resampled.map(Cow::Owned).map_err(|source| Error::Resample {
        case: case.to_owned(),
        source,
    })
}
