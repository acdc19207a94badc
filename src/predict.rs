//! Files in, segmentations out: one image or a folder of them through a [`Segmenter`].
//!
//! A case that cannot be read or segmented is reported and the others go on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use vesalius_inferers::Segmenter;
use vesalius_training::read_image;

/// One case to segment: a file a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputCase {
    /// What it is called; its result is `NAME.nii.gz`.
    pub name: String,
    /// The files of its channels, in order.
    pub files: Vec<PathBuf>,
}

/// What came of one case.
#[derive(Debug)]
pub struct CaseResult {
    /// The case.
    pub name: String,
    /// The file written, or why none was.
    pub outcome: Result<PathBuf, String>,
    /// Seconds from reading to writing.
    pub seconds: f64,
}

/// What stops a prediction before its first case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input holds nothing to segment.
    #[error("{path}: {reason}")]
    Input {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The output cannot be written.
    #[error("{path}: {reason}")]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}

/// Where results go and what else is written.
#[derive(Debug, Clone, Default)]
pub struct PredictOptions {
    /// Also write the probabilities, as `NAME_probabilities.nii.gz` with one channel a class.
    pub save_probabilities: bool,
}

/// The cases that an input holds: one for a file; for a folder one for each image in it, or, where a
/// model takes several channels, one for each group `NAME_0000`, `NAME_0001`, … as nnU-Net has them.
///
/// # Errors
/// [`Error::Input`] for a path that is absent, a folder without an image, or a group with a channel missing.
pub fn find_cases(input: &Path, channels: usize) -> Result<Vec<InputCase>, Error> {
    let bad = |reason: String| Error::Input {
        path: input.to_path_buf(),
        reason,
    };
    if input.is_file() {
        return Ok(vec![InputCase {
            name: vesalius_io::strip_extension(input),
            files: vec![input.to_path_buf()],
        }]);
    }
    let entries = std::fs::read_dir(input).map_err(|e| bad(format!("cannot be read: {e}")))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && vesalius_io::is_image(path))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(bad(
            "holds no image that can be read; expected files such as `case.nii.gz`".to_owned(),
        ));
    }
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let name = vesalius_io::strip_extension(&file);
        let name = if channels > 1 {
            without_channel(&name).to_owned()
        } else {
            name
        };
        groups.entry(name).or_default().push(file);
    }
    if let (1, Some((name, files))) = (channels, groups.iter().find(|(_, files)| files.len() > 1)) {
        return Err(bad(format!(
            "holds {} files called {name}, whose results would be one file; keep one of them",
            files.len()
        )));
    }
    Ok(groups
        .into_iter()
        .map(|(name, files)| InputCase { name, files })
        .collect())
}

/// Segments cases and writes a NIfTI label map for each, telling `observer` of every one.
///
/// `output` is a file where there is one case and it has an image's name, else a folder. Stops
/// between cases once `stop` is set.
///
/// # Errors
/// [`Error::Output`] when the output cannot be written or is an input.
pub fn predict_cases(
    segmenter: &Segmenter,
    cases: &[InputCase],
    output: &Path,
    options: &PredictOptions,
    stop: &AtomicBool,
    mut observer: impl FnMut(usize, &CaseResult),
) -> Result<Vec<CaseResult>, Error> {
    let targets = targets(cases, output)?;
    let mut results = Vec::with_capacity(cases.len());
    for (case, target) in cases.iter().zip(&targets) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let started = Instant::now();
        let outcome = predict_case(segmenter, case, target, options)
            .map(|()| target.clone())
            .map_err(|e| e.to_string());
        let result = CaseResult {
            name: case.name.clone(),
            outcome,
            seconds: started.elapsed().as_secs_f64(),
        };
        observer(results.len() + 1, &result);
        results.push(result);
    }
    Ok(results)
}

fn predict_case(
    segmenter: &Segmenter,
    case: &InputCase,
    target: &Path,
    options: &PredictOptions,
) -> Result<(), Box<dyn std::error::Error>> {
    let image = read_image(&case.files, segmenter.model().channels.len())?;
    if !options.save_probabilities {
        vesalius_io::write_labels(target, &segmenter.segment(&image)?)?;
        return Ok(());
    }
    let probabilities = segmenter.probabilities(&image)?;
    vesalius_io::write_labels(target, &probabilities.labels()?)?;
    let name = format!(
        "{}_probabilities.nii.gz",
        vesalius_io::strip_extension(target)
    );
    vesalius_io::write(target.with_file_name(name), &probabilities.into_volume()?)?;
    Ok(())
}

fn targets(cases: &[InputCase], output: &Path) -> Result<Vec<PathBuf>, Error> {
    let bad = |path: &Path, reason: String| Error::Output {
        path: path.to_path_buf(),
        reason,
    };
    let as_file = cases.len() == 1 && !output.is_dir() && vesalius_io::is_image(output);
    let folder = if as_file {
        output.parent().unwrap_or(Path::new(""))
    } else {
        output
    };
    if !folder.as_os_str().is_empty() {
        std::fs::create_dir_all(folder).map_err(|e| {
            bad(
                folder,
                format!("cannot be made ({e}); choose an `--output` that can be written"),
            )
        })?;
    }
    let targets: Vec<PathBuf> = match as_file {
        true => vec![output.to_path_buf()],
        false => cases
            .iter()
            .map(|case| folder.join(format!("{}.nii.gz", case.name)))
            .collect(),
    };
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for (case, target) in cases.iter().zip(&targets) {
        if case.files.iter().any(|file| same(file, target)) {
            return Err(bad(
                target,
                "is an input image; choose another `--output`, so that the scan is not overwritten"
                    .to_owned(),
            ));
        }
    }
    Ok(targets)
}

/// `case_0003` without its channel number.
fn without_channel(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((stem, digits)) if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_grouped_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b_0001.nii.gz",
            "b_0000.nii.gz",
            "a_0000.nii.gz",
            "a_0001.nii.gz",
            "notes.txt",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let cases = find_cases(folder.path(), 2).unwrap();
        assert_eq!(
            cases.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert!(cases[1].files[0].ends_with("b_0000.nii.gz"));
        assert_eq!(find_cases(folder.path(), 1).unwrap().len(), 4);
    }

    #[test]
    fn a_folder_without_images_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            find_cases(folder.path(), 1)
                .unwrap_err()
                .to_string()
                .contains("no image")
        );
        assert!(find_cases(&folder.path().join("gone"), 1).is_err());
    }
}
