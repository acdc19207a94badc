//! A chain of transforms applied to files, to look at an augmentation before a model is trained with it: the
//! results as NIfTI, the sampled parameters as JSON, and a montage.

use crate::FileWarning;
use std::path::{Path, PathBuf};
use vesalius_control::Control;
use vesalius_filters::ResampleOptions;
use vesalius_io::{
    FolderLock, FourthAxis, Kind, ReadOptions, WriteOptions, kind_of, probe_with, read_labels_with,
    read_with, write, write_bytes_atomically, write_labels_with,
};
use vesalius_transforms::{Chain, LabelSampling, Trace, stack_on_first};
use vesalius_view::{Montage, Picture, Scene};
use vesalius_volume::{ErrorKind, LabelMap, Subject, Volume, Warning};

/// The picture of all samples.
const MONTAGE: &str = "montage.png";

/// What the files of a sample are called after `sample_N`.
const SAMPLE_ENDINGS: [&str; 5] = [
    ".nii.gz",
    "_labels.nii.gz",
    "_inverse.nii.gz",
    "_inverse_labels.nii.gz",
    ".json",
];

/// What is read, and what is written.
#[derive(Debug, Clone)]
pub struct TransformOptions {
    /// Labels on the image's grid, which go through the chain with it.
    pub labels: Option<PathBuf>,
    /// The seed of all samples.
    pub seed: u64,
    /// How many samples are drawn.
    pub samples: usize,
    /// Bring each result back to the file's grid as well.
    pub inverse: bool,
    /// How the files are read; a fourth axis becomes channels.
    pub reading: ReadOptions,
    /// What happens to an image that may be a label map where the chain interpolates.
    pub unclear: UnclearImages,
    /// Cancels the work between two transforms and two files, and follows it in the stages `samples` and `files`.
    pub control: Control,
}

/// What happens to an image that may be a label map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum UnclearImages {
    /// It is refused: mixing labels makes false ones.
    #[default]
    Refuse,
    /// It is an image, by the caller's option.
    AreImages,
}

impl Default for TransformOptions {
    fn default() -> Self {
        Self {
            labels: None,
            seed: 0,
            samples: 1,
            inverse: false,
            reading: ReadOptions::default(),
            unclear: UnclearImages::default(),
            control: Control::new(),
        }
    }
}

/// Why a chain was not applied to files.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The chain's file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// The chain's file is not a chain.
    #[error("{}: {reason}", path.display())]
    Chain {
        /// The file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
    /// The folder for the results cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// `samples` is 0.
    #[error("0 samples were asked for; ask for 1 or more")]
    NoSample,
    /// An image that may be a label map, and a chain that interpolates.
    #[error(
        "{}: {reason}, and the chain interpolates images; name it as `TransformOptions::labels`, or set `unclear` where it is an image",
        path.display()
    )]
    MayBeLabels {
        /// The file.
        path: PathBuf,
        /// What makes it look like labels.
        reason: String,
    },
    /// A trace cannot be written as JSON.
    #[error("what was drawn cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// A file.
    #[error("{0}")]
    Io(#[from] vesalius_io::Error),
    /// The chain refused the case.
    #[error("{0}")]
    Transform(#[from] vesalius_transforms::Error),
    /// Image and labels do not fit.
    #[error("{0}")]
    Volume(#[from] vesalius_volume::Error),
    /// The picture.
    #[error("{0}")]
    View(#[from] vesalius_view::Error),
}

impl Error {
    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Read { source, .. } | Self::Folder { source, .. } => ErrorKind::of_io(source),
            Self::Chain { .. } | Self::NoSample | Self::MayBeLabels { .. } => ErrorKind::BadInput,
            Self::Json(_) => ErrorKind::Internal,
            Self::Io(error) => error.kind(),
            Self::Transform(error) => error.kind(),
            Self::Volume(error) => error.kind(),
            Self::View(error) => error.kind(),
        }
    }
}

/// The files of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The image that was written.
    pub image: PathBuf,
    /// What was done.
    pub trace: Trace,
}

/// The result of a chain on files.
#[derive(Debug, Clone, PartialEq)]
pub struct Transformed {
    /// Every sample, in order.
    pub samples: Vec<Sample>,
    /// What reading the files decided.
    pub warnings: Vec<FileWarning>,
}

/// Reads a chain from a YAML file and checks it.
///
/// # Errors
/// A file that cannot be read, an unknown transform or key with the nearest name, a value out of range.
pub fn read_chain(path: &Path) -> Result<Chain, Error> {
    let text = vesalius_io::read_text(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
    })?;
    let bad = |reason: String| Error::Chain {
        path: path.to_owned(),
        reason,
    };
    let chain: Chain = vesalius_planning::parse_yaml(&text).map_err(bad)?;
    if chain.0.is_empty() {
        let reason = "holds no transform, so that nothing would change; expected a list such as `- z_score: {}`";
        return Err(bad(reason.to_owned()));
    }
    chain.check().map_err(|e| bad(e.to_string()))?;
    Ok(chain)
}

/// Applies a chain to an image, whose further files become channels on the grid of the first, and writes
/// `sample_N.nii.gz`, `sample_N_labels.nii.gz`, `sample_N.json` and `montage.png` to a folder; with
/// [`TransformOptions::inverse`] also `sample_N_inverse.nii.gz` and its labels on the file's grid.
///
/// # Errors
/// A file that cannot be read or written, or a chain that does not fit the case.
pub fn transform_files(
    chain: &Chain,
    images: &[PathBuf],
    output: &Path,
    options: &TransformOptions,
) -> Result<Transformed, Error> {
    if options.samples == 0 {
        return Err(Error::NoSample);
    }
    let Case {
        subject,
        unclear,
        whole_reals,
        mut warnings,
    } = read_case(images, options)?;
    let (count, control) = (options.samples, &options.control);
    let drawn = chain.samples_with(subject.clone(), options.seed, 0, count, control)?;
    if options.unclear == UnclearImages::Refuse {
        let interpolated = drawn.iter().any(|(_, trace)| trace.interpolations > 0);
        if let Some((error, joined)) = unclear
            && (joined == Joined::Resampled || interpolated)
        {
            return Err(error);
        }
        if interpolated {
            warnings.extend(whole_reals);
        }
    }
    std::fs::create_dir_all(output).map_err(|source| Error::Folder {
        path: output.to_owned(),
        source,
    })?;
    let lock = FolderLock::exclusive(output)?;
    lock.remove_leftovers("");
    remove_earlier(output)?;
    let mut pictures = vec![picture(subject.image(), subject.labels(), "before")?];
    let mut samples = Vec::new();
    // Names and colours of the labels go along.
    let names = WriteOptions {
        labels: match &options.labels {
            Some(path) => probe_with(path, &options.reading)?.labels,
            None => Vec::new(),
        },
        ..WriteOptions::default()
    };
    let stage = control.stage("files", count as u64);
    for (number, (after, trace)) in drawn.into_iter().enumerate() {
        control.check().map_err(vesalius_transforms::Error::from)?;
        let file = |ending: &str| output.join(format!("sample_{number}{ending}"));
        let image = file(".nii.gz");
        write(&image, after.image())?;
        if let Some(labels) = after.labels() {
            write_labels_with(file("_labels.nii.gz"), labels, &names)?;
        }
        if options.inverse {
            write(file("_inverse.nii.gz"), &trace.invert_image(after.image())?)?;
            if let Some(labels) = after.labels() {
                let back = trace.invert_labels(labels, LabelSampling::Linear)?;
                write_labels_with(file("_inverse_labels.nii.gz"), &back, &names)?;
            }
        }
        let text = serde_json::to_vec_pretty(&trace)?;
        write_bytes_atomically(file(".json"), &text)?;
        let title = format!("sample {number}, seed {}", options.seed);
        pictures.push(picture(after.image(), after.labels(), &title)?);
        samples.push(Sample { image, trace });
        stage.advance(1);
    }
    write_bytes_atomically(output.join(MONTAGE), &sheet(&pictures)?.png()?)?;
    Ok(Transformed { samples, warnings })
}

/// Removes what an earlier call wrote, so that nothing of it is among the new results.
fn remove_earlier(output: &Path) -> Result<(), Error> {
    let failed = |source| Error::Folder {
        path: output.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(output).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sample = name.strip_prefix("sample_").is_some_and(|rest| {
            let end = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            end.len() < rest.len() && SAMPLE_ENDINGS.contains(&end)
        });
        if sample || name == MONTAGE {
            std::fs::remove_file(&path).map_err(failed)?;
        }
    }
    Ok(())
}

/// How the files of a case were resampled to one grid.
#[derive(Clone, Copy, PartialEq)]
enum Joined {
    AsTheyAre,
    Resampled,
}

/// An image that may be a label map, and how it was joined to the first.
type Unclear = (Error, Joined);

/// The files of a case.
struct Case {
    subject: Subject,
    /// The first image that may be a label map.
    unclear: Option<Unclear>,
    /// Images by their type that may be label maps, to be told where voxels are mixed.
    whole_reals: Vec<FileWarning>,
    /// What reading decided.
    warnings: Vec<FileWarning>,
}

fn read_case(images: &[PathBuf], options: &TransformOptions) -> Result<Case, Error> {
    let (mut warnings, mut whole_reals) = (Vec::new(), Vec::new());
    let reading = ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..options.reading.clone()
    };
    let mut parts: Vec<Volume<f32>> = Vec::with_capacity(images.len());
    let mut unclear = None;
    for path in images {
        let part = read_with(path, &reading)?;
        warnings.extend(FileWarning::all(path, part.warnings()));
        let kind = kind_of(&probe_with(path, &reading)?, &part);
        if let Kind::WholeReals { values } = kind {
            let warning = Warning::MayBeLabels { values };
            whole_reals.extend(FileWarning::all(path, &[warning]));
        }
        if let Some(reason) = looks_like_labels(kind) {
            let first = parts.first().unwrap_or(&part).geometry();
            let joined = match part.geometry().is_same(first) {
                true => Joined::AsTheyAre,
                false => Joined::Resampled,
            };
            let path = path.clone();
            unclear = unclear.or(Some((Error::MayBeLabels { path, reason }, joined)));
        }
        parts.push(part);
    }
    let image = stack_on_first(&parts, &ResampleOptions::monai())?;
    let mut labels = None;
    if let Some(path) = &options.labels {
        let read: LabelMap = read_labels_with(path, &options.reading)?;
        warnings.extend(FileWarning::all(path, read.warnings()));
        labels = Some(read);
    }
    let name = images
        .first()
        .map_or_else(String::new, |path| path.display().to_string());
    Ok(Case {
        subject: Subject::new(name, image, labels)?,
        unclear,
        whole_reals,
        warnings,
    })
}

/// Why an image may be a label map, where it may.
fn looks_like_labels(kind: Kind) -> Option<String> {
    match kind {
        Kind::Image | Kind::WholeReals { .. } => None,
        Kind::Labels(because) => Some(because.to_string()),
        Kind::Unclear { voxel_type, values } => Some(format!(
            "holds {values} different whole numbers ({voxel_type}), so it may be a label map"
        )),
    }
}

/// Three slices, and the same with the labels over them.
fn picture(image: &Volume<f32>, labels: Option<&LabelMap>, title: &str) -> Result<Picture, Error> {
    let scene = Scene {
        reference: labels,
        ..Scene::of(image)
    };
    let montage = Montage {
        slices: 3,
        columns: 3,
        tile: 160,
        title: title.to_owned(),
        ..Montage::default()
    };
    Ok(montage.draw(&scene)?)
}

/// The pictures below each other.
fn sheet(pictures: &[Picture]) -> Result<Picture, Error> {
    let width = pictures.iter().map(Picture::width).max().unwrap_or(1);
    let height = pictures.iter().map(Picture::height).sum();
    let mut sheet = Picture::filled(width, height, [17, 18, 20])?;
    let mut y = 0;
    for picture in pictures {
        sheet.paste(picture, [0, y]);
        y += picture.height();
    }
    Ok(sheet)
}
