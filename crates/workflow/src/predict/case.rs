//! One case: read, segmented, written. An error or panic is a failure of this case alone.

use super::file_state::FileState;
use super::input::Input;
use super::statistics::{label_volumes, write_masks};
use super::targets::{Failure, Targets, beside};
use super::{CaseError, CaseResult, InputCase, LabelVolume, PredictOptions, ProbabilityFiles};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};
use vesalius_control::{Cancelled, Stage};
use vesalius_inferers::{
    MemoryPlan, SegmentOptions, Segmentation, Segmenter, write_npz, write_probability_image,
    write_slabs,
};
use vesalius_io::{RefusedImage, Series};
use vesalius_volume::{ErrorKind, Warning};

/// One case, and where its result goes.
pub(super) struct Work<'a> {
    pub case: &'a InputCase,
    pub target: &'a Path,
    pub done: bool,
    /// Warnings that are known before it is read.
    pub warnings: Vec<Warning>,
    /// The labels of a result that is there.
    pub volumes: Vec<LabelVolume>,
}

/// A case that was read.
pub(super) struct Loaded<'a> {
    work: &'a Work<'a>,
    image: Result<Input, Failure>,
    worked: Duration,
}

/// A case that was segmented.
pub(super) struct Answered<'a> {
    work: &'a Work<'a>,
    answer: Result<Answer, Failure>,
    /// So far; waiting for other cases is not counted.
    worked: Duration,
}

struct Answer {
    segmented: Segmentation,
    volumes: Vec<LabelVolume>,
    images: Vec<FileState>,
    source: Option<Series>,
    warnings: Vec<Warning>,
}

/// The messages about cases, in order.
pub(super) enum Message {
    /// How a case will be segmented.
    Planned { case: String, plan: MemoryPlan },
    /// A case is done.
    Done(CaseResult),
}

/// What all cases share.
pub(super) struct Run<'a> {
    pub segmenter: &'a Segmenter,
    pub options: &'a PredictOptions,
    pub targets: &'a Targets,
    /// Counts cases that are done.
    pub stage: &'a Stage,
    pub tell: Sender<Message>,
}

/// A panic as the failure of what panicked.
fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        let message = format!(
            "{what} ended in a fault of this program ({text}); please report it with the case"
        );
        Err(Failure::Case(message.into(), ErrorKind::Internal))
    })
}

/// An error of a case, with its kind.
pub(super) fn of_case(
    kind: ErrorKind,
    error: impl std::error::Error + Send + Sync + 'static,
) -> Failure {
    Failure::Case(Box::new(error), kind)
}

pub(super) fn of_io(error: vesalius_io::Error) -> Failure {
    of_case(error.kind(), error)
}

pub(super) fn of_volume(error: vesalius_volume::Error) -> Failure {
    of_case(error.kind(), error)
}

impl Run<'_> {
    pub fn is_cancelled(&self) -> bool {
        self.stage.control().is_cancelled()
    }

    /// A case is done, with success or failure.
    pub fn done(&self, result: CaseResult) {
        self.stage.advance(1);
        // The observer's thread may have ended.
        let _ = self.tell.send(Message::Done(result));
    }

    pub fn load<'w>(&self, work: &'w Work<'w>) -> Loaded<'w> {
        let started = Instant::now();
        let image = match work.done || self.is_cancelled() {
            // It is not needed.
            true => Err(Failure::Cancelled(Cancelled)),
            false => guarded("reading", || self.read(work.case)),
        };
        Loaded {
            work,
            image,
            worked: started.elapsed(),
        }
    }

    /// Writes the DICOM objects of a case whose labels are written.
    #[cfg(feature = "dicom")]
    fn write_objects(&self, work: &Work, source: Option<&Series>) -> Result<Vec<Warning>, Failure> {
        let Some(source) = source else {
            return Ok(Vec::new());
        };
        let segmented = super::objects::Segmented {
            series: source,
            target: work.target,
            model: self.segmenter.model(),
            read: &self.options.read,
            control: self.stage.control(),
        };
        let told = super::objects::write(&self.options.objects, &segmented);
        told.map_err(|error| match error {
            vesalius_dicom::Error::Io(error) => Failure::Io(error),
            vesalius_dicom::Error::Cancelled => Failure::Cancelled(Cancelled),
            error => of_case(error.kind(), error),
        })
    }

    #[cfg(not(feature = "dicom"))]
    fn write_objects(&self, _: &Work, _: Option<&Series>) -> Result<Vec<Warning>, Failure> {
        Ok(Vec::new())
    }

    pub fn answer<'w>(&self, loaded: Loaded<'w>) -> Answered<'w> {
        let Loaded {
            work,
            image,
            worked,
        } = loaded;
        let started = Instant::now();
        let answer =
            image.and_then(|input| guarded("the segmentation", || self.segment(work.case, input)));
        Answered {
            work,
            answer,
            worked: worked + started.elapsed(),
        }
    }

    fn segment(&self, case: &InputCase, (image, images, source): Input) -> Result<Answer, Failure> {
        let (tell, name) = (self.tell.clone(), case.name.clone());
        let planned = move |plan: &MemoryPlan| {
            let (case, plan) = (name.clone(), plan.clone());
            // The observer's thread may have ended.
            let _ = tell.send(Message::Planned { case, plan });
        };
        let mut options = SegmentOptions::new()
            .control(self.stage.control().clone())
            .on_plan(planned);
        options.max_memory = self.options.max_memory;
        options.probabilities = self.options.save_probabilities.is_some();
        options.check_layers = self.options.check_layers;
        let warnings = image.warnings().to_vec();
        let failed = |error| match error {
            vesalius_inferers::Error::Cancelled(error) => Failure::Cancelled(error),
            error => of_case(error.kind(), error),
        };
        let segmented = self.segmenter.segment_with(&image, &options);
        let segmented = segmented.map_err(failed)?;
        let scheme = &self.segmenter.model().labels;
        let volumes = label_volumes(&segmented, &image, scheme).map_err(failed)?;
        Ok(Answer {
            segmented,
            volumes,
            images,
            source,
            warnings,
        })
    }

    /// Writes a case; the failure is there where it ends the run, or was a cancellation.
    pub fn write(&self, answered: Answered) -> (CaseResult, Option<Arc<Failure>>) {
        let Answered {
            work,
            answer,
            worked,
        } = answered;
        let started = Instant::now();
        let mut warnings = work.warnings.clone();
        let mut volumes = work.volumes.clone();
        let written = match work.done {
            true => Ok(()),
            false => answer.and_then(|answer| {
                warnings.extend(answer.warnings.iter().cloned());
                guarded("writing", || {
                    let (found, told) = self.save(work, answer)?;
                    volumes = found;
                    warnings.extend(told);
                    Ok(())
                })
            }),
        };
        let ends = |failure: &Failure| {
            let gone = || self.targets.folder_is_gone(work.target);
            failure.is_of_machine()
                || matches!(failure, Failure::Io(_) | Failure::Written(_)) && gone()
        };
        let refused = match &written {
            Err(Failure::Image(error)) => RefusedImage::of(error),
            _ => None,
        };
        let error = |message: String, failure: &Arc<Failure>| CaseError {
            message,
            kind: failure.kind(),
            cause: failure.clone(),
        };
        let (outcome, failure) = match written {
            Ok(()) => (Ok(work.target.to_path_buf()), None),
            Err(failure) if ends(&failure) => {
                let failure = Arc::new(failure);
                let message = format!(
                    "{failure}; the run ends here, as the other cases would fail alike: finished cases stay, and the same command goes on from there"
                );
                (Err(error(message, &failure)), Some(failure))
            }
            Err(failure) => {
                let failure = Arc::new(failure);
                let of_case = error(failure.to_string(), &failure);
                let ends = matches!(*failure, Failure::Cancelled(_)).then_some(failure);
                (Err(of_case), ends)
            }
        };
        let result = CaseResult {
            name: work.case.name.clone(),
            was_there: work.done,
            outcome,
            refused,
            seconds: (worked + started.elapsed()).as_secs_f64(),
            volumes,
            warnings,
        };
        (result, failure)
    }

    /// Writes labels and what belongs to them; the volumes of the labels, and what was decided.
    fn save(
        &self,
        work: &Work,
        answer: Answer,
    ) -> Result<(Vec<LabelVolume>, Vec<Warning>), Failure> {
        write_files(&answer.segmented, work.target, self.options).map_err(Failure::Written)?;
        if self.options.separate {
            let scheme = &self.segmenter.model().labels;
            let masks = write_masks(&answer.segmented, work.target, scheme);
            masks.map_err(Failure::Written)?;
        }
        let told = self.write_objects(work, answer.source.as_ref())?;
        let made = (answer.images, &answer.volumes[..]);
        self.targets
            .note(work.case, work.target, made, self.options)?;
        Ok((answer.volumes, told))
    }
}

/// Writes probabilities first, so that a case whose labels exist is complete.
fn write_files(
    segmented: &Segmentation,
    target: &Path,
    options: &PredictOptions,
) -> vesalius_inferers::Result<()> {
    if let (Some(files), Some(map)) = (options.save_probabilities, &segmented.probabilities) {
        let path: PathBuf = beside(target, files);
        match files {
            ProbabilityFiles::Npz => write_npz(&path, map),
            ProbabilityFiles::Slabs => write_slabs(&path, map),
            ProbabilityFiles::Nifti => write_probability_image(&path, map),
        }?;
    }
    // Where the format has no field for names and colours, the record next to the files has the names.
    segmented.write_file(target)
}
