//! Where each case's result goes, and which results are complete already; the folder is locked meanwhile.

use super::file_state::FileState;
use super::record::{CaseRecord, Earlier, RECORD_FILE, Record, file_name, reading};
use super::{Error, InputCase, LabelVolume, Part, PredictOptions, ProbabilityFiles};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use vesalius_control::Cancelled;
use vesalius_inferers::{SLABS_SUFFIX, Segmenter};
use vesalius_io::FolderLock;
use vesalius_registry::Registry;
use vesalius_volume::{ErrorKind, Warning};

/// The files of results.
pub(super) struct Targets {
    /// One file a case.
    pub files: Vec<PathBuf>,
    /// The folder, where the output is one.
    folder: Option<Folder>,
}

/// A folder that is written by this process alone, or together with those of other parts.
struct Folder {
    path: PathBuf,
    part: Option<Part>,
    /// Whether it was made for this run.
    made: bool,
    record: Mutex<Record>,
    /// Held until the results are dropped.
    _lock: FolderLock,
}

/// Whether a case's result is there.
pub(super) enum Standing {
    /// Complete, from the same model and images, with the labels that were found.
    Whole(Vec<LabelVolume>),
    /// To be made, with warnings about what is there.
    ToMake(Vec<Warning>),
}

fn bad(path: &Path, reason: String) -> Error {
    Error::Output {
        path: path.to_path_buf(),
        reason,
    }
}

/// What results are called after the case's name.
fn ending(segmenter: &Segmenter) -> &str {
    let pipeline = segmenter.model().nnunet.as_ref();
    pipeline.map_or(".nii.gz", |pipeline| pipeline.result_ending())
}

const OTHER_PLACE: &str = "choose an `output` that can be written";

impl Targets {
    /// `output` is a file where there is one case and it has an image's name, else a folder, which is
    /// locked and claimed for the model.
    pub fn new(
        cases: &[InputCase],
        output: &Path,
        segmenter: &Segmenter,
        options: &PredictOptions,
    ) -> Result<Self, Error> {
        let named = vesalius_io::is_image(output) || vesalius_io::is_picture(output);
        let as_file = cases.len() == 1 && !output.is_dir() && named;
        check_name(cases.len(), output, named)?;
        let ending = ending(segmenter);
        let folder = match as_file {
            true => output.parent().unwrap_or(Path::new("")),
            false => output,
        };
        let made = !folder.exists();
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder)
                .map_err(|e| bad(folder, format!("cannot be made ({e}); {OTHER_PLACE}")))?;
        }
        let files: Vec<PathBuf> = match as_file {
            true => vec![output.to_path_buf()],
            false => cases
                .iter()
                .map(|case| folder.join(format!("{}{ending}", case.name)))
                .collect(),
        };
        check_inputs(cases, &files)?;
        if as_file {
            return Ok(Self {
                files,
                folder: None,
            });
        }
        let lock = match options.part {
            None => FolderLock::exclusive(folder),
            Some(_) => FolderLock::shared(folder),
        };
        let lock = lock.map_err(Error::Io)?;
        lock.remove_leftovers("");
        let record = claim(folder, cases, &files, segmenter, options)?;
        Ok(Self {
            files,
            folder: Some(Folder {
                path: folder.to_path_buf(),
                part: options.part,
                // What another part finds there is not this one's to remove.
                made: made && options.part.is_none(),
                record: Mutex::new(record),
                _lock: lock,
            }),
        })
    }

    /// Whether a case's result is complete and need not be made again. A result that was changed since is kept
    /// under another name.
    pub fn state(&self, case: &InputCase, target: &Path, options: &PredictOptions) -> Standing {
        let Some(folder) = self.folder.as_ref().filter(|_| !options.overwrite) else {
            return Standing::ToMake(Vec::new());
        };
        let Ok(record) = folder.record.lock() else {
            return Standing::ToMake(Vec::new());
        };
        let Some(noted) = record.cases.get(&case.name) else {
            return Standing::ToMake(Vec::new());
        };
        let images = noted.images.iter().zip(&case.files);
        let same_images = noted.images.len() == case.files.len()
            && images.into_iter().all(|(state, file)| state.is_same(file));
        let intact = |state: &Option<FileState>, path: &Path| {
            let state = state.as_ref();
            state.is_some_and(|state| state.is_same_content(path))
        };
        let result = intact(&noted.result, target);
        let probabilities = options
            .save_probabilities
            .is_none_or(|form| intact(&noted.probabilities, &beside(target, form)));
        let same_reading = noted.reading == reading(options);
        let objects = objects(options);
        let objects = objects.iter().all(|name| noted.objects.contains(name));
        let made = result && probabilities && objects;
        if noted.model == record.hash && same_images && same_reading && made {
            return Standing::Whole(noted.volumes.clone());
        }
        if noted.result.is_some() && !result && is_readable(target) {
            return Standing::ToMake(set_aside(target).into_iter().collect());
        }
        Standing::ToMake(Vec::new())
    }

    /// Notes what a result was made from, once its files are written.
    pub fn note(
        &self,
        case: &InputCase,
        target: &Path,
        (images, volumes): (Vec<FileState>, &[LabelVolume]),
        options: &PredictOptions,
    ) -> Result<(), Failure> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let state = |path: &Path| {
            FileState::of(path).map_err(|source| {
                Failure::Io(vesalius_io::Error::Read {
                    path: path.to_path_buf(),
                    source,
                })
            })
        };
        let result = Some(state(target)?);
        let probabilities = options.save_probabilities.map(|form| beside(target, form));
        let probabilities = probabilities.as_deref().map(state).transpose()?;
        // A panic under the lock cannot have changed the record.
        let mut record = match folder.record.lock() {
            Ok(record) => record,
            Err(poisoned) => poisoned.into_inner(),
        };
        let model = record.hash.clone();
        record.cases.insert(
            case.name.clone(),
            CaseRecord {
                model,
                images,
                reading: reading(options),
                result,
                probabilities,
                objects: objects(options),
                volumes: volumes.to_vec(),
            },
        );
        record.write(&folder.path, folder.part).map_err(Failure::Io)
    }

    /// Ends the run: a folder that was made for it is removed where there is no result in it.
    pub fn end(self) {
        let Some(folder) = self.folder.filter(|folder| folder.made) else {
            return;
        };
        let noted = |record: &Record| record.cases.values().any(|case| case.result.is_some());
        let empty = folder.record.lock().is_ok_and(|record| !noted(&record));
        if !empty || self.files.iter().any(|file| file.exists()) {
            return;
        }
        let path = folder.path.clone();
        // A file that cannot be removed stays; the record in it shows the attempted cases.
        let _ = std::fs::remove_file(path.join(RECORD_FILE));
        drop(folder);
        let _ = std::fs::remove_dir(path);
    }

    /// Whether the folder of the results no longer exists.
    pub fn folder_is_gone(&self, target: &Path) -> bool {
        let folder = self.folder.as_ref().map(|folder| folder.path.as_path());
        let folder = folder.or(target.parent()).unwrap_or(Path::new(""));
        !folder.as_os_str().is_empty() && !folder.is_dir()
    }
}

/// Why a case has no result.
#[derive(Debug)]
pub(super) enum Failure {
    /// The work was cancelled.
    Cancelled(Cancelled),
    /// The result could not be written.
    Io(vesalius_io::Error),
    /// As above, from what writes probabilities.
    Written(vesalius_inferers::Error),
    /// The image cannot be read.
    Image(vesalius_planning::Error),
    /// The case's own.
    Case(Box<dyn std::error::Error + Send + Sync>, ErrorKind),
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled(error) => write!(f, "{error}"),
            Self::Io(error) => write!(f, "{error}"),
            Self::Written(error) => write!(f, "{error}"),
            Self::Image(error) => write!(f, "{error}"),
            Self::Case(error, _) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Failure {
    /// The cause itself: a failure has its words.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Cancelled(error) => error,
            Self::Io(error) => error,
            Self::Written(error) => error,
            Self::Image(error) => error,
            Self::Case(error, _) => &**error,
        })
    }
}

impl Failure {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Cancelled(_) => ErrorKind::Cancelled,
            Self::Io(error) => error.kind(),
            Self::Written(error) => error.kind(),
            Self::Image(error) => error.kind(),
            Self::Case(_, kind) => *kind,
        }
    }

    /// Whether every other case would fail for the same reason: a full disk, a lost permission, a broken device.
    pub fn is_of_machine(&self) -> bool {
        match self {
            Self::Io(error) => vesalius_io::machine_failure(error).is_some(),
            Self::Written(error) => vesalius_io::machine_failure(error).is_some(),
            Self::Cancelled(_) | Self::Image(_) | Self::Case(..) => false,
        }
    }
}

/// What is asked for beside the labels, by name.
fn objects(options: &PredictOptions) -> Vec<String> {
    let mut names = dicom_objects(options);
    names.extend(options.separate.then(|| "masks".to_owned()));
    names
}

/// The DICOM objects that are asked for, by name.
#[cfg(feature = "dicom")]
fn dicom_objects(options: &PredictOptions) -> Vec<String> {
    let all = super::objects::with_segmentation(&options.objects);
    let names = all.iter().map(|object| object.name());
    names.map(str::to_owned).collect()
}

#[cfg(not(feature = "dicom"))]
fn dicom_objects(_: &PredictOptions) -> Vec<String> {
    Vec::new()
}

/// Refuses a folder with the name of a file, which is probably a mistake.
fn check_name(cases: usize, output: &Path, named: bool) -> Result<(), Error> {
    let is_marked = output.to_string_lossy().ends_with(std::path::is_separator);
    if output.is_dir() || is_marked {
        return Ok(());
    }
    if named && cases > 1 {
        let reason = format!(
            "is the name of one image, and there are {cases} cases; name a folder (with `/` at its end, if it shall be called so)"
        );
        return Err(bad(output, reason));
    }
    if named && !vesalius_io::is_picture(output) {
        // Some formats are read and not written.
        vesalius_io::check_name(output, &Registry::default())?;
    }
    let ending = output.extension().and_then(|ending| ending.to_str());
    // `results.v2` and `2024.05` are folders, `labels.xyz` would be a file.
    let of_file =
        |ending: &str| ending.len() > 1 && ending.bytes().all(|b| b.is_ascii_alphabetic());
    match ending {
        Some(ending) if cases == 1 && !named && of_file(ending) => Err(bad(
            output,
            format!(
                "no image is written as .{ending}; end it in .nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .mgh or .mgz, or with `/` where a folder is meant"
            ),
        )),
        _ => Ok(()),
    }
}

/// A scan is never overwritten.
fn check_inputs(cases: &[InputCase], files: &[PathBuf]) -> Result<(), Error> {
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for (case, target) in cases.iter().zip(files) {
        if case.files.iter().any(|file| same(file, target)) {
            let reason =
                "is an input image; choose another `output`, so that the scan is not overwritten";
            return Err(bad(target, reason.to_owned()));
        }
    }
    Ok(())
}

/// The folder's record for this model; refuses to mix two models' results, and to overwrite files that
/// are not results.
fn claim(
    folder: &Path,
    cases: &[InputCase],
    files: &[PathBuf],
    segmenter: &Segmenter,
    options: &PredictOptions,
) -> Result<Record, Error> {
    let model = segmenter.model();
    let record = Record::new(model, &segmenter.weight_files());
    let mut record = record.map_err(|e| bad(folder, format!("the model cannot be read: {e}")))?;
    let other = |what: String| {
        bad(
            folder,
            format!(
                "holds results of another model or of other settings ({what} differ); choose another `output`, or replace them by `PredictOptions::overwrite`"
            ),
        )
    };
    let ending = ending(segmenter);
    let there = |name: &String| folder.join(format!("{name}{ending}")).is_file();
    let mut ours = true;
    match Record::read(folder) {
        Earlier::Record(earlier) => {
            let mixed = |(name, case): (&String, &CaseRecord)| {
                case.model != record.hash && case.result.is_some() && there(name)
            };
            if !options.overwrite && earlier.cases.iter().any(mixed) {
                return Err(other(record.differences(&earlier)));
            }
            ours = false;
            record.cases = earlier.cases;
        }
        Earlier::Description(earlier) => {
            if !options.overwrite
                && !record.is_of(&earlier)
                && files.iter().any(|file| file.is_file())
            {
                return Err(other(record.differences_from(&earlier)));
            }
        }
        Earlier::Unreadable(reason) if !options.overwrite => {
            return Err(bad(
                &folder.join(RECORD_FILE),
                format!(
                    "cannot be read ({reason}), so that nothing says what the results here were made from; remove it together with them, choose another `output`, or replace them by `PredictOptions::overwrite`"
                ),
            ));
        }
        Earlier::Unreadable(_) => {}
        Earlier::Nothing => ours = false,
    }
    let named: HashSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    if options.part.is_some() {
        record.cases.retain(|name, _| named.contains(name.as_str()));
    }
    for (case, target) in cases.iter().zip(files) {
        let noted = record.cases.contains_key(&case.name);
        if !ours && !noted && !options.overwrite && target.is_file() {
            return Err(bad(
                target,
                "is there, and was not made by this command; choose another `output`, or replace it by `PredictOptions::overwrite`".to_owned(),
            ));
        }
        // From now on a file of this name is a result, however the run ends.
        record.cases.entry(case.name.clone()).or_default();
    }
    record.write(folder, options.part).map_err(|e| {
        bad(
            &folder.join(file_name(options.part)),
            format!("{e}; {OTHER_PLACE}"),
        )
    })?;
    Ok(record)
}

/// Whether a result that is not what was written is a readable label map, and so an edited result.
fn is_readable(target: &Path) -> bool {
    target.is_file() && vesalius_io::read_labels_as::<u32>(target).is_ok()
}

/// Renames an edited result to a name that no reader takes for a result.
fn set_aside(target: &Path) -> Option<Warning> {
    let name = target.file_name()?.to_string_lossy().into_owned();
    let free = (1..).map(|n| target.with_file_name(format!("{name}.changed-{n}")));
    let kept = free.into_iter().find(|path| !path.exists())?;
    std::fs::rename(target, &kept).ok()?;
    Some(Warning::ResultChanged {
        file: target.to_path_buf(),
        kept,
    })
}

/// Where probabilities go.
pub(super) fn beside(target: &Path, files: ProbabilityFiles) -> PathBuf {
    let name = vesalius_io::strip_extension(target);
    target.with_file_name(match files {
        ProbabilityFiles::Npz => format!("{name}.npz"),
        ProbabilityFiles::Slabs => format!("{name}{SLABS_SUFFIX}"),
        ProbabilityFiles::Nifti => format!("{name}_probabilities.nii.gz"),
    })
}
