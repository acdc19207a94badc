//! The run over all cases: one thread reads ahead, one segments, one writes, and one reports progress.

use super::case::{Loaded, Message, Run, Work};
use super::targets::{Failure, Standing, Targets};
use super::{CaseResult, Error, InputCase, PredictEvent, PredictOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use vesalius_control::Control;
use vesalius_inferers::Segmenter;

/// Segments cases and writes a label map for each, calling `observer` with plans and results.
///
/// `output` is a file where there is one case and it has an image's name, else a folder, which is locked
/// meanwhile. Cases with a complete result from the same model, weights and images are skipped. The run ends after a
/// case that cannot be written because of a full disk, a lost permission or a removed folder: cases that are not in the
/// results were not tried. `control` cancels it between windows, and carries a stage `cases`, within which stand those of
/// [`vesalius_inferers::SegmentOptions::control`].
///
/// # Errors
/// [`Error::Output`] when the output cannot be written, is an input, or holds another model's results or
/// files that are none; [`Error::Io`] when another process writes there; [`Error::Cancelled`] with what was done.
pub fn predict_cases(
    segmenter: &Segmenter,
    cases: &[InputCase],
    output: impl AsRef<Path>,
    options: &PredictOptions,
    control: &Control,
    observer: impl FnMut(&PredictEvent) + Send,
) -> Result<Vec<CaseResult>, Error> {
    let output = output.as_ref();
    let targets = Targets::new(cases, output, segmenter, options)?;
    let work: Vec<Work> = cases
        .iter()
        .zip(&targets.files)
        .map(|(case, target)| {
            let (done, warnings, volumes) = match targets.state(case, target, options) {
                Standing::Whole(volumes) => (true, Vec::new(), volumes),
                Standing::ToMake(warnings) => (false, warnings, Vec::new()),
            };
            Work {
                case,
                target,
                done,
                warnings,
                volumes,
            }
        })
        .collect();
    let total = work.len();
    let stage = control.stage("cases", total as u64);
    let results = std::thread::scope(|scope| {
        let (tell, told) = channel();
        let teller = scope.spawn(move || tell_all(told, observer));
        let run = Run {
            segmenter,
            options,
            targets: &targets,
            stage: &stage,
            tell,
        };
        match options.max_memory.is_some() || total == 1 {
            true => one_by_one(&run, &work),
            false => overlapped(&run, &work),
        }
        // The reporting thread ends once no sender is left.
        drop(run);
        teller.join()
    });
    let results = results.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    targets.end();
    match control.is_cancelled() && results.len() < total {
        true => Err(Error::Cancelled {
            done: results.len(),
            total,
            results,
        }),
        false => Ok(results),
    }
}

/// Passes messages to the observer and collects the results. An observer that panicked once (a closed terminal, say)
/// is not called again; no result is lost.
fn tell_all(told: Receiver<Message>, mut observer: impl FnMut(&PredictEvent)) -> Vec<CaseResult> {
    let (mut results, mut listens) = (Vec::new(), true);
    let mut observe = |progress: &PredictEvent| {
        if listens {
            listens = catch_unwind(AssertUnwindSafe(|| observer(progress))).is_ok();
        }
    };
    for message in told {
        match message {
            Message::Planned { case, plan } => observe(&PredictEvent::Planned {
                case: &case,
                plan: &plan,
            }),
            Message::Done(result) => {
                observe(&PredictEvent::Done {
                    done: results.len() + 1,
                    result: &result,
                });
                results.push(result);
            }
        }
    }
    results
}

/// Reports a result, unless a cancellation cut it off; returns whether the run continues.
fn keep(run: &Run, (result, failure): (CaseResult, Option<Arc<Failure>>)) -> bool {
    if matches!(failure.as_deref(), Some(Failure::Cancelled(_))) {
        // A case that was cancelled midway is not done, rather than failed.
        return false;
    }
    let failed = result.outcome.is_err();
    run.done(result);
    failure.is_none() && !(failed && run.options.fail_fast)
}

fn one_by_one(run: &Run, work: &[Work]) {
    for work in work {
        if run.is_cancelled() || !keep(run, run.write(run.answer(run.load(work)))) {
            return;
        }
    }
}

fn overlapped(run: &Run, work: &[Work]) {
    // Set once a case failed that ends the run.
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (read, loaded): (SyncSender<Loaded>, Receiver<Loaded>) = sync_channel(1);
        let (answer, answered) = sync_channel(1);
        let over = || ended.load(Ordering::Relaxed) || run.is_cancelled();
        scope.spawn(move || {
            for work in work {
                // The receiver is dropped once the run is over.
                if read.send(run.load(work)).is_err() {
                    return;
                }
            }
        });
        let ended = &ended;
        scope.spawn(move || {
            for answered in answered {
                if !keep(run, run.write(answered)) {
                    ended.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        for loaded in &loaded {
            // The receiver is dropped once a failure in the writer ends the run.
            if over() || answer.send(run.answer(loaded)).is_err() {
                break;
            }
        }
        drop(loaded);
        drop(answer);
    });
}
