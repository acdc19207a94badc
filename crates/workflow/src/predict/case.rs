//! One case: read, segmented, written. An error or panic is a failure of this case alone.

use super::file_state::FileState;
use super::targets::{Failure, Targets, beside};
use super::{CaseResult, InputCase, LabelVolume, PredictOptions, ProbabilityFiles, Progress};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use vesalius_inferers::{
    MemoryPlan, SegmentOptions, Segmented, Segmenter, write_npz, write_probability_image,
    write_slabs,
};
use vesalius_io::{ReadOptions, RefusedImage};
use vesalius_planning::read_image_with;
use vesalius_volume::{LabelScheme, Volume, Warning};

/// Images below this size are read whatever the limit, so that the error can name the smallest limit that works.
const READ_ANYWAY: u64 = 256 << 20;

/// One case, and where its result goes.
pub(super) struct Work<'a> {
    pub case: &'a InputCase,
    pub target: &'a Path,
    pub done: bool,
    /// Warnings that are known before it is read.
    pub warnings: Vec<Warning>,
}

/// A case that was read.
pub(super) struct Loaded<'a> {
    work: &'a Work<'a>,
    image: Result<(Volume<f32>, Vec<FileState>), Failure>,
    started: Instant,
}

/// A case that was segmented.
pub(super) struct Answered<'a> {
    work: &'a Work<'a>,
    answer: Result<Answer, Failure>,
    started: Instant,
}

struct Answer {
    segmented: Segmented,
    images: Vec<FileState>,
    warnings: Vec<Warning>,
}

pub(super) type Observer<'a> = Mutex<&'a mut (dyn FnMut(&Progress) + Send)>;

/// What all cases share.
pub(super) struct Run<'a> {
    pub segmenter: &'a Segmenter,
    pub options: &'a PredictOptions,
    pub targets: &'a Targets,
    pub stop: &'a AtomicBool,
    pub observer: &'a Observer<'a>,
}

/// A panic as the failure of what panicked.
fn guarded<T>(what: &str, run: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panic.downcast_ref::<&str>().copied())
            .unwrap_or("without a message");
        Err(Failure::Case(format!(
            "{what} ended in a fault of this program ({text}); please report it with the case"
        )))
    })
}

fn of_case(error: impl std::fmt::Display) -> Failure {
    Failure::Case(error.to_string())
}

impl Run<'_> {
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub fn tell(&self, done: usize, result: &CaseResult) {
        self.observe(&Progress::Done { done, result });
    }

    /// An observer that panicked once (a closed terminal, say) is not called again; no result is lost.
    fn observe(&self, progress: &Progress) {
        let asked = catch_unwind(AssertUnwindSafe(|| {
            if let Ok(mut observer) = self.observer.lock() {
                observer(progress);
            }
        }));
        // The lock is poisoned now, so that the observer is not called again.
        drop(asked);
    }

    pub fn load<'w>(&self, work: &'w Work<'w>) -> Loaded<'w> {
        let started = Instant::now();
        let image = match work.done || self.is_stopped() {
            // It is not needed.
            true => Err(Failure::Stopped),
            false => guarded("reading", || self.read(work.case)),
        };
        Loaded {
            work,
            image,
            started,
        }
    }

    /// The image, and its files as they were before they were read.
    fn read(&self, case: &InputCase) -> Result<(Volume<f32>, Vec<FileState>), Failure> {
        let state = |file: &PathBuf| {
            let state = FileState::of(file);
            state.map_err(|error| {
                of_case(vesalius_io::Error::Read {
                    path: file.clone(),
                    source: error,
                })
            })
        };
        let states = case.files.iter().map(state).collect::<Result<_, _>>()?;
        let channels = self.segmenter.model().channels.len();
        let mut options = self.options.read.clone();
        if let Some(limit) = self.options.max_memory {
            options.max_bytes = options.max_bytes.min(limit.max(READ_ANYWAY));
        }
        let pictures = self.segmenter.model().nnunet.as_ref();
        let pictures = pictures.is_some_and(|pipeline| pipeline.takes_pictures());
        let image = match (self.options.max_memory, &case.files[..]) {
            (_, files)
                if pictures && !files.is_empty() && files.iter().all(vesalius_io::is_picture) =>
            {
                read_pictures(files)
            }
            (Some(_), [file]) if channels == 1 => read_lean(file, &options),
            (_, files) => read_image_with(files, channels, &options).map_err(Failure::Image),
        };
        Ok((image?, states))
    }

    pub fn answer<'w>(&self, loaded: Loaded<'w>) -> Answered<'w> {
        let Loaded {
            work,
            image,
            started,
        } = loaded;
        let answer = image.and_then(|(image, images)| {
            guarded("the segmentation", || {
                self.segment(work.case, image, images)
            })
        });
        Answered {
            work,
            answer,
            started,
        }
    }

    fn segment(
        &self,
        case: &InputCase,
        image: Volume<f32>,
        images: Vec<FileState>,
    ) -> Result<Answer, Failure> {
        let planned = |plan: &MemoryPlan| {
            let case = case.name.as_str();
            self.observe(&Progress::Planned { case, plan });
        };
        let advanced = |_: usize, _: usize| !self.is_stopped();
        let options = SegmentOptions {
            max_memory: self.options.max_memory,
            probabilities: self.options.save_probabilities.is_some(),
            check_layers: self.options.check_layers,
            planned: Some(&planned),
            observer: Some(&advanced),
        };
        let warnings = image.warnings().to_vec();
        match self.segmenter.segment_with(image, &options) {
            Ok(segmented) => Ok(Answer {
                segmented,
                images,
                warnings,
            }),
            Err(vesalius_inferers::Error::Stopped) => Err(Failure::Stopped),
            Err(error) => Err(of_case(error)),
        }
    }

    /// Writes a case; the failure is there where it ends the run, or was Ctrl-C.
    pub fn write(&self, answered: Answered) -> (CaseResult, Option<Failure>) {
        let Answered {
            work,
            answer,
            started,
        } = answered;
        let mut warnings = work.warnings.clone();
        let mut volumes = Vec::new();
        let written = match work.done {
            true => Ok(()),
            false => answer.and_then(|answer| {
                warnings.extend(answer.warnings.iter().cloned());
                guarded("writing", || {
                    volumes = self.save(work, answer)?;
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
        let (outcome, failure) = match written {
            Ok(()) => (Ok(work.target.to_path_buf()), None),
            Err(failure) if ends(&failure) => (
                Err(format!(
                    "{failure}; the run ends here, as the other cases would fail alike: finished cases stay, and the same command goes on from there"
                )),
                Some(failure),
            ),
            Err(failure @ Failure::Stopped) => (Err(failure.to_string()), Some(failure)),
            Err(failure) => (Err(failure.to_string()), None),
        };
        let result = CaseResult {
            name: work.case.name.clone(),
            was_there: work.done,
            outcome,
            refused,
            seconds: started.elapsed().as_secs_f64(),
            volumes,
            warnings,
        };
        (result, failure)
    }

    fn save(&self, work: &Work, answer: Answer) -> Result<Vec<LabelVolume>, Failure> {
        write_files(&answer.segmented, work.target, self.options).map_err(Failure::Written)?;
        let volumes = label_volumes(&answer.segmented, &self.segmenter.model().labels);
        let volumes = volumes.map_err(Failure::Case)?;
        self.targets
            .note(work.case, work.target, answer.images, self.options)?;
        Ok(volumes)
    }
}

/// Pictures whose channels follow each other.
fn read_pictures(files: &[PathBuf]) -> Result<Volume<f32>, Failure> {
    let parts = files.iter().map(vesalius_io::read_picture);
    let parts: Vec<Volume<f32>> = parts.collect::<Result<_, _>>().map_err(of_case)?;
    let grid = *parts[0].geometry();
    for part in &parts[1..] {
        let same = grid.check_same(part.geometry(), "the pictures of a case");
        same.map_err(of_case)?;
    }
    let channels = parts.iter().map(Volume::channels).sum();
    let data = parts.into_iter().flat_map(Volume::into_data).collect();
    Volume::new(grid, channels, data).map_err(of_case)
}

/// Reads an image without holding its file in memory too, where its format allows.
fn read_lean(file: &Path, options: &ReadOptions) -> Result<Volume<f32>, Failure> {
    let of_image = |error: vesalius_io::Error| Failure::Image(error.into());
    let whole = || vesalius_io::read_with(file, options).map_err(of_image);
    // A folder is a DICOM series.
    if file.is_dir() {
        return whole();
    }
    match vesalius_io::open_with(file, options) {
        Ok(opened) => opened.read_lean().map_err(of_image),
        // DICOM files cannot be opened in parts; other files fail again, with the same error.
        Err(_) => whole(),
    }
}

/// Writes probabilities first, so that a case whose labels exist is complete.
fn write_files(
    segmented: &Segmented,
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
    segmented.write_labels(target)
}

/// Millilitres of each label.
fn label_volumes(segmented: &Segmented, scheme: &LabelScheme) -> Result<Vec<LabelVolume>, String> {
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
