//! The run over all cases: one thread reads ahead, one segments, one writes.

use super::case::{Loaded, Observer, Run, Work};
use super::targets::{Failure, Standing, Targets};
use super::{CaseResult, Error, InputCase, PredictOptions, Progress};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use vesalius_inferers::Segmenter;

/// Segments cases and writes a NIfTI label map for each, calling `observer` with plans and results.
///
/// `output` is a file where there is one case and it has an image's name, else a folder, which is locked
/// meanwhile. Cases with a complete result from the same model, weights and images are skipped. Stops between
/// windows once `stop` is set, and after a case that cannot be written because of a full disk, a lost permission
/// or a removed folder: cases that are not in the results were not tried.
///
/// # Errors
/// [`Error::Output`] when the output cannot be written, is an input, or holds another model's results or
/// files that are none; [`Error::Io`] when another process writes there.
pub fn predict_cases(
    segmenter: &Segmenter,
    cases: &[InputCase],
    output: &Path,
    options: &PredictOptions,
    stop: &AtomicBool,
    mut observer: impl FnMut(&Progress) + Send,
) -> Result<Vec<CaseResult>, Error> {
    let targets = Targets::new(cases, output, segmenter, options)?;
    let work: Vec<Work> = cases
        .iter()
        .zip(&targets.files)
        .map(|(case, target)| {
            let (done, warnings) = match targets.state(case, target, options) {
                Standing::Whole => (true, Vec::new()),
                Standing::ToMake(warnings) => (false, warnings),
            };
            Work {
                case,
                target,
                done,
                warnings,
            }
        })
        .collect();
    let observer: Observer = Mutex::new(&mut observer);
    let run = Run {
        segmenter,
        options,
        targets: &targets,
        stop,
        observer: &observer,
    };
    Ok(match options.max_memory.is_some() || work.len() == 1 {
        true => one_by_one(&run, &work),
        false => overlapped(&run, &work),
    })
}

/// Keeps a result, unless Ctrl-C cut it off, and says whether the run goes on.
fn keep(
    run: &Run,
    (result, failure): (CaseResult, Option<Failure>),
    results: &mut Vec<CaseResult>,
) -> bool {
    if matches!(failure, Some(Failure::Stopped)) {
        // A case that was stopped midway is not done, rather than failed.
        return false;
    }
    run.tell(results.len() + 1, &result);
    let failed = result.outcome.is_err();
    results.push(result);
    failure.is_none() && !(failed && run.options.fail_fast)
}

fn one_by_one(run: &Run, work: &[Work]) -> Vec<CaseResult> {
    let mut results = Vec::new();
    for work in work {
        if run.is_stopped() {
            break;
        }
        let written = run.write(run.answer(run.load(work)));
        if !keep(run, written, &mut results) {
            break;
        }
    }
    results
}

fn overlapped(run: &Run, work: &[Work]) -> Vec<CaseResult> {
    // Set once a case failed that ends the run.
    let ended = AtomicBool::new(false);
    // Filled by the writer; complete even if the writer panics.
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let (read, loaded): (SyncSender<Loaded>, Receiver<Loaded>) = sync_channel(1);
        let (answer, answered) = sync_channel(1);
        let over = || ended.load(Ordering::Relaxed) || run.is_stopped();
        scope.spawn(move || {
            for work in work {
                // The receiver is dropped once the run is over.
                if read.send(run.load(work)).is_err() {
                    return;
                }
            }
        });
        let (ended, results) = (&ended, &results);
        scope.spawn(move || {
            for answered in answered {
                let written = run.write(answered);
                let Ok(mut results) = results.lock() else {
                    return;
                };
                if !keep(run, written, &mut results) {
                    ended.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        for loaded in &loaded {
            // The receiver is dropped once the writer met a failure that ends the run.
            if over() || answer.send(run.answer(loaded)).is_err() {
                break;
            }
        }
        drop(loaded);
        drop(answer);
    });
    match results.into_inner() {
        Ok(results) => results,
        Err(poisoned) => poisoned.into_inner(),
    }
}
