//! Which cases an input holds: a file, a folder, or a list; incomplete cases are named.

mod dicom;
mod folder;
mod list;

use super::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use vesalius_inferers::ModelDescription;
use vesalius_registry::Registry;

/// One case to segment: a file a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputCase {
    /// What it is called; its result is `NAME.nii.gz`, or ends as the files do that nnU-Net trained the model on.
    pub name: String,
    /// The files of its channels, in order.
    pub files: Vec<PathBuf>,
}

/// Something in an input that will not be segmented.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The case, the file or the entry of the list.
    pub name: String,
    /// Why, and what to do.
    pub reason: String,
}

impl std::fmt::Display for LeftOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.name, self.reason)
    }
}

/// The cases of an input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundCases {
    /// Complete cases, by name or in the order of the list.
    pub cases: Vec<InputCase>,
    /// Those that are not segmented: missing or surplus channels, absent files, two cases of one name, images in
    /// a form that is not read from a folder.
    pub left_out: Vec<LeftOut>,
    /// Files of a folder that are no images, such as notes.
    pub ignored: Vec<PathBuf>,
}

/// The cases that an input holds: one for a file, and for a folder of DICOM files alone; for a `.json` the images under `testing` or
/// `training` of a datalist, for a `.txt` one line a case (its channels apart by commas); for a folder
/// one for each image and each folder with DICOM files in it or, where files are numbered `NAME_0000`, `NAME_0001`, … as nnU-Net has
/// them, one for each name.
///
/// # Errors
/// [`Error::Input`] for a path that is absent, and for an input without a complete case.
pub fn find_cases(input: impl AsRef<Path>, channels: usize) -> Result<FoundCases, Error> {
    let input = input.as_ref();
    let registry = &Registry::default();
    let images = Images {
        pictures: false,
        registry,
    };
    find(input, channels, images)
}

/// As [`find_cases`], of what a model takes: its channels, and pictures where nnU-Net trained it on those,
/// whose one file may hold red, green and blue.
///
/// # Errors
/// As [`find_cases`].
pub fn find_cases_of(
    input: impl AsRef<Path>,
    model: &ModelDescription,
) -> Result<FoundCases, Error> {
    let input = input.as_ref();
    find_cases_with(input, model, &Registry::default())
}

/// As [`find_cases_of`], with image formats of the program's own; give the same registry to
/// [`PredictOptions::read`](super::PredictOptions::read).
///
/// # Errors
/// As [`find_cases`].
pub fn find_cases_with(
    input: impl AsRef<Path>,
    model: &ModelDescription,
    registry: &Registry,
) -> Result<FoundCases, Error> {
    let input = input.as_ref();
    let pictures = model.nnunet.as_ref().is_some_and(|p| p.takes_pictures());
    let images = Images { pictures, registry };
    find(input, model.channels.len(), images)
}

/// Which files are images.
#[derive(Debug, Clone, Copy)]
struct Images<'a> {
    /// Pictures in place of volumes.
    pictures: bool,
    /// Formats of the program's own.
    registry: &'a Registry,
}

impl Images<'_> {
    fn are(self, path: &Path) -> bool {
        match self.pictures {
            true => vesalius_io::is_picture(path),
            false => vesalius_io::is_image_with(path, self.registry),
        }
    }

    /// A file's name without its ending.
    fn name(self, path: &Path) -> String {
        vesalius_io::strip_extension_with(path, self.registry)
    }
}

fn find(input: &Path, channels: usize, images: Images) -> Result<FoundCases, Error> {
    if input.is_file() {
        let ending = input.extension().unwrap_or_default().to_ascii_lowercase();
        return match ending.to_str() {
            Some("json") => list::of_datalist(input, channels),
            Some("txt") => list::of_lines(input, channels),
            _ => match dicom::one_of_series(input) {
                Some(told) => Err(bad(input, told.to_string())),
                None => Ok(FoundCases {
                    cases: vec![InputCase {
                        name: case_name(input, images),
                        files: vec![input.to_path_buf()],
                    }],
                    ..FoundCases::default()
                }),
            },
        };
    }
    folder::in_folder(input, channels, images)
}

/// The name of a single file's case: nnU-Net numbers the channels of pictures too.
fn case_name(input: &Path, images: Images) -> String {
    let name = images.name(input);
    match numbered(&name) {
        Some((stem, 0)) if images.pictures => stem.to_owned(),
        _ => name,
    }
}

fn bad(input: &Path, reason: String) -> Error {
    Error::Input {
        path: input.to_path_buf(),
        reason,
    }
}

/// Refuses an input that has no complete case.
fn checked(input: &Path, found: FoundCases) -> Result<FoundCases, Error> {
    if !found.cases.is_empty() {
        return Ok(found);
    }
    /// Reasons that are named.
    const NAMED: usize = 5;
    let mut reasons: Vec<String> = found.left_out.iter().map(LeftOut::to_string).collect();
    let more = reasons.len().saturating_sub(NAMED);
    reasons.truncate(NAMED);
    if more > 0 {
        reasons.push(format!("and {more} more"));
    }
    Err(bad(
        input,
        match reasons.is_empty() {
            true => "has no case".to_owned(),
            false => format!("has no case that is whole: {}", reasons.join("; ")),
        },
    ))
}

/// `case_0003` as its name and the number of its channel.
fn numbered(name: &str) -> Option<(&str, usize)> {
    let (stem, digits) = name.rsplit_once('_')?;
    let four = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit());
    Some((stem, digits.parse().ok().filter(|_| four)?))
}

/// Cases whose results would be one file are left out, all of them.
fn without_twins(found: &mut FoundCases) {
    let mut by_name: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for case in &found.cases {
        let files = by_name.entry(case.name.clone()).or_default();
        files.extend(case.files.first().cloned());
    }
    by_name.retain(|_, files| files.len() > 1);
    found.cases.retain(|case| !by_name.contains_key(&case.name));
    for (name, files) in by_name {
        let listed: Vec<String> = files.iter().map(|f| f.display().to_string()).collect();
        found.left_out.push(LeftOut {
            reason: format!(
                "two cases called {name} ({}), whose results would be one file; keep or rename one of them",
                listed.join(", ")
            ),
            name,
        });
    }
}
