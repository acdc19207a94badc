//! Where each case's result goes, and which results are there already.

use super::{Error, InputCase, PredictOptions, ProbabilityFiles};
use std::path::{Path, PathBuf};
use vesalius_inferers::{ModelDescription, SLABS_SUFFIX};

/// The model that a folder's results were made with.
const MADE_BY: &str = "predicted_by.json";

/// The files of results.
pub(super) struct Targets {
    /// One file a case.
    pub files: Vec<PathBuf>,
    /// The folder, where the output is one.
    folder: Option<PathBuf>,
}

fn bad(path: &Path, reason: String) -> Error {
    Error::Output {
        path: path.to_path_buf(),
        reason,
    }
}

impl Targets {
    /// `output` is a file where there is one case and it has an image's name, else a folder.
    pub fn new(cases: &[InputCase], output: &Path) -> Result<Self, Error> {
        let as_file = cases.len() == 1 && !output.is_dir() && vesalius_io::is_image(output);
        let folder = match as_file {
            true => output.parent().unwrap_or(Path::new("")),
            false => output,
        };
        if !folder.as_os_str().is_empty() {
            std::fs::create_dir_all(folder).map_err(|e| {
                let remedy = "choose an `--output` that can be written";
                bad(folder, format!("cannot be made ({e}); {remedy}"))
            })?;
        }
        let files: Vec<PathBuf> = match as_file {
            true => vec![output.to_path_buf()],
            false => cases
                .iter()
                .map(|case| folder.join(format!("{}.nii.gz", case.name)))
                .collect(),
        };
        let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
        for (case, target) in cases.iter().zip(&files) {
            if case.files.iter().any(|file| same(file, target)) {
                let reason = "is an input image; choose another `--output`, so that the scan is not overwritten";
                return Err(bad(target, reason.to_owned()));
            }
        }
        Ok(Self {
            files,
            folder: (!as_file).then(|| folder.to_path_buf()),
        })
    }

    /// Notes which model the folder's results are of; refuses to mix two models' results.
    pub fn claim(&self, model: &ModelDescription, overwrite: bool) -> Result<(), Error> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let path = folder.join(MADE_BY);
        let own = serde_json::to_string_pretty(model)
            .map_err(|e| bad(&path, format!("cannot be made: {e}")))?;
        if let Ok(other) = std::fs::read_to_string(&path)
            && other != own
            && !overwrite
            && self.files.iter().any(|file| file.is_file())
        {
            return Err(bad(
                folder,
                "holds results of another model or of other settings; choose another `--output`, or `--overwrite` them".to_owned(),
            ));
        }
        vesalius_io::write_bytes_atomically(&path, own.as_bytes()).map_err(|e| {
            let remedy = "choose an `--output` that can be written";
            bad(&path, format!("cannot be written ({e}); {remedy}"))
        })
    }

    /// Whether a case's result is whole and need not be made again.
    pub fn is_done(&self, target: &Path, options: &PredictOptions) -> bool {
        let probabilities = options.save_probabilities.map(|f| beside(target, f));
        self.folder.is_some()
            && !options.overwrite
            && target.is_file()
            && probabilities.is_none_or(|path| path.is_file())
    }
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
