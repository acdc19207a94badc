//! What a run says of the cases that it did not see: the ground on which ensembles are chosen.

use crate::work::create;
use crate::{Job, Result, Work};
use std::path::PathBuf;
use vesalius_control::Control;
use vesalius_inferers::{OpenOptions, ProbabilityMap, SegmentOptions, Segmenter};
use vesalius_metrics::{Evaluation, Evaluator, Measure, Targets};
use vesalius_planning::CaseFiles;
use vesalius_tensor::Device;
use vesalius_training::read_image;
use vesalius_volume::{LabelMap, LabelScheme};

/// Where the probabilities of a case lie.
pub(crate) fn probabilities_path(work: &Work, job: &Job, case: &str) -> PathBuf {
    let folder = work.folder().join(&job.folder).join("held_out");
    folder.join(format!("{case}.nii.gz"))
}

/// The cases that a job does not see.
pub(crate) fn cases(work: &Work, fold: usize) -> Result<Vec<CaseFiles>> {
    Ok(work.list().split(fold)?.1)
}

/// Segments the held-out cases of a finished run, writes their probabilities beside the model and
/// scores them. Cases that were done before are read back.
///
/// # Errors
/// A model or case that cannot be used, a folder that cannot be written, [`crate::Error::Cancelled`].
pub fn hold_out(
    work: &Work,
    job: &Job,
    device: &Device,
    control: &Control,
    observer: &mut dyn FnMut(usize, usize),
) -> Result<Evaluation> {
    let options = OpenOptions::new()
        .device(device.clone())
        .registry(work.registry().clone());
    let segmenter = Segmenter::open_with(work.folder().join(&job.folder), &options)?;
    let scheme = segmenter.model().labels.clone();
    let channels = segmenter.model().channels.len();
    let evaluator = Evaluator::new(Targets::of_scheme(&scheme)?, vec![Measure::Dice]);
    let cases = cases(work, job.fold)?;
    let mut scores = Vec::with_capacity(cases.len());
    let stage = control.stage("held-out cases", cases.len() as u64);
    for (done, case) in (1..).zip(&cases) {
        control.check()?;
        let path = probabilities_path(work, job, &case.name);
        let probabilities = match path.exists() {
            true => read_probabilities(&path, &scheme)?,
            false => {
                let image = read_image(&case.images, channels)?;
                let options = SegmentOptions::new().control(stage.control().clone());
                let probabilities = segmenter.probabilities_with(&image, options)?;
                if let Some(folder) = path.parent() {
                    create(folder)?;
                }
                vesalius_io::write(&path, &probabilities.clone().into_volume()?)?;
                probabilities
            }
        };
        let reference: LabelMap = vesalius_io::read_labels(&case.label)?;
        scores.push(evaluator.case(&case.name, &reference, &probabilities.labels()?)?);
        stage.advance(1);
        observer(done, cases.len());
    }
    Ok(Evaluation::new(scores)?)
}

/// Probabilities as [`hold_out`] wrote them.
pub(crate) fn read_probabilities(
    path: &std::path::Path,
    scheme: &LabelScheme,
) -> Result<ProbabilityMap> {
    let stored = read_image(&[path.to_path_buf()], scheme.channels())?;
    Ok(ProbabilityMap::from_stored(scheme, stored)?)
}
