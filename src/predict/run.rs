//! The run over all cases: a reader ahead, the network here, a writer behind.

use super::targets::{Targets, beside};
use super::{
    CaseResult, Error, InputCase, LabelVolume, PredictOptions, ProbabilityFiles, Progress,
};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;
use vesalius_inferers::{
    MemoryPlan, SegmentOptions, Segmented, Segmenter, write_npz, write_probability_image,
    write_slabs,
};
use vesalius_training::read_image;
use vesalius_volume::{LabelScheme, Volume};

/// Segments cases and writes a NIfTI label map for each, telling `observer` of plans and results.
///
/// `output` is a file where there is one case and it has an image's name, else a folder, whose finished
/// cases are skipped. Stops between windows once `stop` is set.
///
/// # Errors
/// [`Error::Output`] when the output cannot be written, is an input, or holds another model's results.
pub fn predict_cases(
    segmenter: &Segmenter,
    cases: &[InputCase],
    output: &Path,
    options: &PredictOptions,
    stop: &AtomicBool,
    mut observer: impl FnMut(&Progress) + Send,
) -> Result<Vec<CaseResult>, Error> {
    let targets = Targets::new(cases, output)?;
    targets.claim(segmenter.model(), options.overwrite)?;
    let work: Vec<Work> = cases
        .iter()
        .zip(&targets.files)
        .map(|(case, target)| Work {
            case,
            target,
            done: targets.is_done(target, options),
        })
        .collect();
    let observer: Mutex<&mut (dyn FnMut(&Progress) + Send)> = Mutex::new(&mut observer);
    let run = Run {
        segmenter,
        options,
        stop,
        observer: &observer,
    };
    Ok(run.all(&work))
}

/// One case, and where its result goes.
struct Work<'a> {
    case: &'a InputCase,
    target: &'a Path,
    done: bool,
}

/// A case that was read.
struct Loaded<'a> {
    work: &'a Work<'a>,
    image: Result<Volume<f32>, String>,
    started: Instant,
}

/// A case that went through the network.
struct Answered<'a> {
    work: &'a Work<'a>,
    answer: Result<Segmented, String>,
    started: Instant,
}

type Observer<'a> = Mutex<&'a mut (dyn FnMut(&Progress) + Send)>;

struct Run<'a> {
    segmenter: &'a Segmenter,
    options: &'a PredictOptions,
    stop: &'a AtomicBool,
    observer: &'a Observer<'a>,
}

impl Run<'_> {
    fn all(&self, work: &[Work]) -> Vec<CaseResult> {
        if self.options.max_memory.is_some() || work.len() == 1 {
            return self.one_by_one(work);
        }
        // Set once a case failed that should end the run.
        let ended = AtomicBool::new(false);
        let over = || ended.load(Ordering::Relaxed) || self.stop.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            let (read, loaded): (SyncSender<Loaded>, Receiver<Loaded>) = sync_channel(1);
            let (answer, answered) = sync_channel(1);
            scope.spawn(move || {
                for work in work {
                    // The receiver is gone once the run is over.
                    if read.send(self.load(work)).is_err() {
                        return;
                    }
                }
            });
            let ended = &ended;
            let writer = scope.spawn(move || {
                let mut results = Vec::new();
                for answered in answered {
                    let result = self.write(answered);
                    if self.options.fail_fast && result.outcome.is_err() {
                        ended.store(true, Ordering::Relaxed);
                    }
                    self.tell(results.len() + 1, &result);
                    results.push(result);
                }
                results
            });
            for loaded in &loaded {
                if over() || answer.send(self.answer(loaded)).is_err() {
                    break;
                }
            }
            drop(loaded);
            drop(answer);
            // A writer that panicked has said why.
            let mut results = writer.join().unwrap_or_default();
            self.drop_stopped(&mut results);
            results
        })
    }

    fn one_by_one(&self, work: &[Work]) -> Vec<CaseResult> {
        let mut results = Vec::new();
        for work in work {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let result = self.write(self.answer(self.load(work)));
            self.tell(results.len() + 1, &result);
            let failed = result.outcome.is_err();
            results.push(result);
            if failed && self.options.fail_fast {
                break;
            }
        }
        self.drop_stopped(&mut results);
        results
    }

    /// A case that was stopped midway is not done, rather than failed.
    fn drop_stopped(&self, results: &mut Vec<CaseResult>) {
        if self.stop.load(Ordering::Relaxed) {
            let stopped = vesalius_inferers::Error::Stopped.to_string();
            results.retain(|result| result.outcome.as_ref().err() != Some(&stopped));
        }
    }

    fn tell(&self, done: usize, result: &CaseResult) {
        // An observer that panicked once is not asked again.
        if let Ok(mut observer) = self.observer.lock() {
            observer(&Progress::Done { done, result });
        }
    }

    fn load<'w>(&self, work: &'w Work<'w>) -> Loaded<'w> {
        let started = Instant::now();
        let image = match work.done || self.stop.load(Ordering::Relaxed) {
            // What is not needed is not read.
            true => Err(String::new()),
            false => {
                let channels = self.segmenter.model().channels.len();
                match (self.options.max_memory, &work.case.files[..]) {
                    (Some(_), [file]) if channels == 1 => read_lean(file),
                    (_, files) => read_image(files, channels).map_err(|e| e.to_string()),
                }
            }
        };
        Loaded {
            work,
            image,
            started,
        }
    }

    fn answer<'w>(&self, loaded: Loaded<'w>) -> Answered<'w> {
        let Loaded {
            work,
            image,
            started,
        } = loaded;
        let planned = |plan: &MemoryPlan| {
            if let Ok(mut observer) = self.observer.lock() {
                let case = work.case.name.as_str();
                observer(&Progress::Planned { case, plan });
            }
        };
        let advanced = |_: usize, _: usize| !self.stop.load(Ordering::Relaxed);
        let options = SegmentOptions {
            max_memory: self.options.max_memory,
            probabilities: self.options.save_probabilities.is_some(),
            planned: Some(&planned),
            observer: Some(&advanced),
        };
        let segmented = image.and_then(|image| {
            let segmented = self.segmenter.segment_with(image, &options);
            segmented.map_err(|e| e.to_string())
        });
        Answered {
            work,
            answer: segmented,
            started,
        }
    }

    fn write(&self, answered: Answered) -> CaseResult {
        let Answered {
            work,
            answer,
            started,
        } = answered;
        let mut volumes = Vec::new();
        let outcome = match (work.done, answer) {
            (true, _) => Ok(work.target.to_path_buf()),
            (false, Err(error)) => Err(error),
            (false, Ok(segmented)) => {
                let written = write_files(&segmented, work.target, self.options);
                written.and_then(|()| {
                    volumes = label_volumes(&segmented, &self.segmenter.model().labels)?;
                    Ok(work.target.to_path_buf())
                })
            }
        };
        CaseResult {
            name: work.case.name.clone(),
            was_there: work.done,
            outcome,
            seconds: started.elapsed().as_secs_f64(),
            volumes,
        }
    }
}

/// Slices read at a time.
const SLICES: usize = 16;

/// An image read without its file standing in memory beside it, where its format allows.
fn read_lean(file: &Path) -> Result<Volume<f32>, String> {
    let whole = || vesalius_io::read(file).map_err(|e| e.to_string());
    let Ok(opened) = vesalius_io::open(file) else {
        return whole();
    };
    let info = opened.info();
    if info.channels != 1 {
        return whole();
    }
    let mut values = Vec::with_capacity(info.geometry.voxel_count());
    for slab in opened.slabs::<f32>(SLICES).map_err(|e| e.to_string())? {
        values.extend(slab.map_err(|e| e.to_string())?.volume.into_data());
    }
    Volume::new(info.geometry, 1, values).map_err(|e| e.to_string())
}

/// Probabilities first, so that a case whose labels are there is whole.
fn write_files(
    segmented: &Segmented,
    target: &Path,
    options: &PredictOptions,
) -> Result<(), String> {
    if let (Some(files), Some(map)) = (options.save_probabilities, &segmented.probabilities) {
        let path: PathBuf = beside(target, files);
        let written = match files {
            ProbabilityFiles::Npz => write_npz(&path, map),
            ProbabilityFiles::Slabs => write_slabs(&path, map),
            ProbabilityFiles::Nifti => write_probability_image(&path, map),
        };
        written.map_err(|e| e.to_string())?;
    }
    segmented.write_labels(target).map_err(|e| e.to_string())
}

/// Millilitres of each label.
pub(super) fn label_volumes(
    segmented: &Segmented,
    scheme: &LabelScheme,
) -> Result<Vec<LabelVolume>, String> {
    let millilitres = segmented.geometry().voxel_volume() / 1000.0;
    let name = |value: u32| {
        let names = match scheme {
            LabelScheme::Exclusive { classes, .. } => {
                let mut named = classes.iter().filter(|c| u32::from(c.value) == value);
                named.next().map(|class| class.name.clone())
            }
            LabelScheme::Regions { regions, .. } => {
                let mut named = regions.iter().filter(|r| u32::from(r.paint) == value);
                named.next().map(|region| region.name.clone())
            }
        };
        names.unwrap_or_else(|| value.to_string())
    };
    let counts = segmented.counts().map_err(|e| e.to_string())?;
    Ok(counts
        .into_iter()
        .filter(|(value, _)| *value != 0)
        .map(|(value, count)| LabelVolume {
            value,
            name: name(value),
            millilitres: count as f64 * millilitres,
        })
        .collect())
}
