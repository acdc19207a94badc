//! Warnings of the library on stderr: each once per file, counted at the end, an error under `--strict`.

use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use vesalius::FileWarning;
use vesalius::volume::Warning;

/// What was told so far in this process.
static TOLD: LazyLock<Mutex<Told>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Told {
    strict: bool,
    seen: HashSet<(String, String)>,
    list: Vec<About>,
}

/// A warning and what it is about.
#[derive(Clone, Serialize)]
pub struct About {
    /// The file, folder or case.
    pub about: String,
    /// What was decided.
    #[serde(flatten)]
    pub warning: Warning,
}

fn told() -> std::sync::MutexGuard<'static, Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether `--strict` was given.
pub fn strict() -> bool {
    told().strict
}

/// Makes every warning an error.
pub fn set_strict() {
    told().strict = true;
}

/// Prints the warnings about a file that were not printed yet.
pub fn tell(path: &Path, warnings: &[Warning]) {
    tell_about(&path.display().to_string(), warnings);
}

/// Prints the warnings about several files that were not printed yet.
pub fn tell_files(warnings: &[FileWarning]) {
    for told in warnings {
        tell(&told.path, std::slice::from_ref(&told.warning));
    }
}

/// Prints the warnings about a file, a case or a run that were not printed yet.
pub fn tell_about(about: &str, warnings: &[Warning]) {
    let mut told = told();
    for warning in warnings {
        let text = warning.to_string();
        if told.seen.insert((about.to_owned(), text.clone())) {
            let separator = if about.is_empty() { "" } else { ": " };
            note!("warning: {about}{separator}{text}");
            told.list.push(About {
                about: about.to_owned(),
                warning: warning.clone(),
            });
        }
    }
}

/// All warnings told so far, in the order they came.
pub fn all() -> Vec<About> {
    told().list.clone()
}

/// Says how many warnings there were; under `--strict` they make the command fail.
pub fn finish() -> Result<(), String> {
    let told = told();
    let count = told.list.len();
    if count == 0 {
        return Ok(());
    }
    let plural = if count == 1 { "" } else { "s" };
    if told.strict {
        return Err(format!(
            "{count} warning{plural}, which --strict makes an error"
        ));
    }
    if count > 1 {
        note!("{count} warnings");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_is_told_once_for_each_file() {
        let warning = [Warning::NoScaling {
            slope: 0.0,
            intercept: 0.0,
        }];
        for path in ["a.nii", "b.nii", "a.nii"] {
            tell(Path::new(path), &warning);
        }
        let about: Vec<String> = all().into_iter().map(|told| told.about).collect();
        assert_eq!(about, ["a.nii", "b.nii"]);
        assert!(finish().is_ok());
        set_strict();
        assert!(finish().unwrap_err().contains("2 warnings"));
        let json = serde_json::to_value(&all()[0]).unwrap();
        assert_eq!(json["kind"], "no_scaling");
        assert_eq!(json["about"], "a.nii");
    }
}
