//! A run's predictions for the cases that it was not trained on, from which ensembles are chosen.

use crate::work::create;
use crate::{Job, Result, WorkFolder};
use std::path::PathBuf;
use std::time::Instant;
use vesalius_control::Control;
use vesalius_inferers::{ModelDescription, OpenOptions, ProbabilityMap, SegmentOptions, Segmenter};
use vesalius_io::ReadOptions;
use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius_planning::{CaseFiles, read_image_with};
use vesalius_tensor::Device;
use vesalius_training::read_image;
use vesalius_volume::{LabelMap, LabelScheme};

/// The folder of the probabilities of a run's held-out cases.
pub(crate) fn held_out_folder(work: &WorkFolder, job: &Job) -> PathBuf {
    work.folder().join(&job.folder).join("held_out")
}

/// The path of the probabilities of a case.
pub(crate) fn probabilities_path(work: &WorkFolder, job: &Job, case: &str) -> PathBuf {
    held_out_folder(work, job).join(format!("{case}.nii.gz"))
}

/// The cases that a job is not trained on.
pub(crate) fn cases(work: &WorkFolder, fold: usize) -> Result<Vec<CaseFiles>> {
    Ok(work.list().split(fold)?.1)
}

/// Scores the labels or regions of a model by Dice, as runs and ensembles are.
pub(crate) fn dice_of(scheme: &LabelScheme) -> Result<Evaluator> {
    Ok(Evaluator::new(
        Targets::of_scheme(scheme)?,
        vec![Measure::Dice],
    ))
}

/// How held-out cases are segmented.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HoldOutOptions {
    /// The device that computes.
    pub device: Device,
    /// Cancels the work; carries the stage `held-out cases`.
    pub control: Control,
    /// The time from which on no further case is segmented, except the first; `None` for all cases.
    pub ends: Option<Instant>,
    /// Seconds that a case takes without mirrors, where that is known. Where fewer than [`FEWEST`] cases fit in the
    /// time, they are segmented by windows side by side and without mirrors.
    pub seconds_per_case: Option<f64>,
}

/// With fewer held-out cases the score of a model is not reliable.
pub const FEWEST: usize = 5;

/// A run's predictions for the cases that it was not trained on.
#[derive(Debug)]
#[non_exhaustive]
pub struct HeldOut {
    /// The scores of those that were segmented.
    pub evaluation: Evaluation,
    /// How many were not, for lack of time.
    pub unscored: usize,
    /// Whether they were segmented by windows side by side and without mirrors, for lack of time.
    pub quick: bool,
}

impl HoldOutOptions {
    /// Whether time is too short for [`FEWEST`] of `cases` with so many mirrors.
    fn is_quick(&self, cases: usize, mirrors: usize) -> bool {
        let (Some(ends), Some(seconds)) = (self.ends, self.seconds_per_case) else {
            return false;
        };
        let left = ends.saturating_duration_since(Instant::now()).as_secs_f64();
        let views = 1u32.checked_shl(mirrors as u32).unwrap_or(u32::MAX);
        seconds * f64::from(views) * cases.min(FEWEST) as f64 > left
    }

    fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }
}

/// Segments the held-out cases of a finished run, writes their probabilities next to the model and scores them. Cases
/// that were done before are read. Where time is short, those that are done are spread over all, and the first are
/// the same for every run of a fold.
///
/// # Errors
/// A model or case that cannot be used, a folder that cannot be written, [`crate::Error::Cancelled`].
pub fn hold_out(work: &WorkFolder, job: &Job, options: &HoldOutOptions) -> Result<HeldOut> {
    let mut open = OpenOptions::new()
        .device(options.device.clone())
        .registry(work.registry().clone());
    let folder = work.folder().join(&job.folder);
    let model = ModelDescription::read(&folder)?;
    let cases = cases(work, job.fold)?;
    let quick = options.is_quick(cases.len(), model.mirror_axes.len());
    if quick {
        open = open.without_mirroring().step(1.0);
    }
    let segmenter = Segmenter::open_with(&folder, &open)?;
    let evaluator = dice_of(&model.labels)?;
    let stage = options.control.stage("held-out cases", cases.len() as u64);
    let mut scores = Vec::with_capacity(cases.len());
    for (done, at) in (1..).zip(spread(cases.len())) {
        let case = &cases[at];
        options.control.check()?;
        if done > 1 && options.is_over() {
            break;
        }
        let found = probabilities(work, job, case, &segmenter, stage.control())?;
        let reading = ReadOptions::default().control(stage.control().clone());
        let reference: LabelMap = vesalius_io::read_labels_with(&case.label, &reading)?;
        let predicted = found.labels()?;
        let score = evaluator.case_with(&case.name, &reference, &predicted, stage.control())?;
        scores.push(score);
        stage.advance(1);
    }
    let unscored = cases.len() - scores.len();
    // As the list has them, whatever the order they were made in.
    scores.sort_by_key(|scored| cases.iter().position(|case| case.name == scored.case));
    Ok(HeldOut {
        evaluation: Evaluation::new(scores)?,
        unscored,
        quick,
    })
}

/// The probabilities of a case: those that were written, or made and written.
fn probabilities(
    work: &WorkFolder,
    job: &Job,
    case: &CaseFiles,
    segmenter: &Segmenter,
    control: &Control,
) -> Result<ProbabilityMap> {
    let path = probabilities_path(work, job, &case.name);
    let model = segmenter.model();
    if path.exists() {
        return read_probabilities(&path, &model.labels);
    }
    let reading = ReadOptions::default().control(control.clone());
    let image = read_image_with(&case.images, model.channels.len(), &reading)?;
    let options = SegmentOptions::new().control(control.clone());
    let found = segmenter.probabilities_with(&image, options)?;
    if let Some(folder) = path.parent() {
        create(folder)?;
    }
    vesalius_io::write(&path, &found.clone().into_volume()?)?;
    Ok(found)
}

/// The numbers below `count` in an order of which every beginning is spread over all: by the multiples of the golden
/// ratio modulo 1.
fn spread(count: usize) -> Vec<usize> {
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let place = |at: &usize| (*at as f64 * ratio).fract();
    let mut ranked: Vec<usize> = (0..count).collect();
    ranked.sort_by(|a, b| place(a).total_cmp(&place(b)));
    // The rank of the n-th multiple is the n-th number taken.
    let mut order = vec![0; count];
    for (rank, at) in ranked.into_iter().enumerate() {
        order[at] = rank;
    }
    order
}

/// The held-out cases of a fold that all its trained runs have segmented: what ensembles are compared on.
pub(crate) fn common_cases(
    work: &WorkFolder,
    history: &crate::History,
    fold: usize,
) -> Result<Vec<CaseFiles>> {
    let jobs: Vec<&Job> = history.trained().filter(|job| job.fold == fold).collect();
    let mut common = cases(work, fold)?;
    if jobs.iter().any(|job| job.unscored > 0) {
        common.retain(|case| {
            let has = |job: &&Job| probabilities_path(work, job, &case.name).exists();
            jobs.iter().all(has)
        });
    }
    Ok(common)
}

/// Reads a case back and scores it, as the choice of an ensemble does.
pub(crate) fn read_back(work: &WorkFolder, job: &Job, name: &str) -> Result<()> {
    let cases = cases(work, job.fold)?;
    let Some(case) = cases.iter().find(|case| case.name == name) else {
        return Ok(());
    };
    let scheme = ModelDescription::read(work.folder().join(&job.folder))?.labels;
    let evaluator = dice_of(&scheme)?;
    let found = read_probabilities(&probabilities_path(work, job, name), &scheme)?;
    let reference: LabelMap = vesalius_io::read_labels(&case.label)?;
    evaluator.case(name, &reference, &found.labels()?)?;
    Ok(())
}

/// Probabilities as [`hold_out`] wrote them.
pub(crate) fn read_probabilities(
    path: &std::path::Path,
    scheme: &LabelScheme,
) -> Result<ProbabilityMap> {
    let stored = read_image(&[path.to_path_buf()], scheme.channels())?;
    Ok(ProbabilityMap::from_stored(scheme, stored)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_the_order_is_spread() {
        assert_eq!(spread(0), [0usize; 0]);
        for count in [1, 2, 7, 42] {
            let mut order = spread(count);
            order.sort_unstable();
            assert!(order.into_iter().eq(0..count));
        }
        let mut five = spread(40)[..5].to_vec();
        five.sort_unstable();
        let gaps = five.windows(2).map(|pair| pair[1] - pair[0]);
        assert!(gaps.clone().all(|gap| (4..=16).contains(&gap)), "{five:?}");
    }

    #[test]
    fn mirrors_are_left_out_where_too_few_cases_fit() {
        let now = Instant::now();
        let options = HoldOutOptions {
            ends: Some(now + std::time::Duration::from_secs(20)),
            seconds_per_case: Some(1.0),
            ..HoldOutOptions::default()
        };
        assert!(!options.is_quick(40, 1));
        assert!(options.is_quick(40, 3));
        assert!(!options.is_quick(2, 3));
        assert!(!HoldOutOptions::default().is_quick(40, 3));
    }
}
