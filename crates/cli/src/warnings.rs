//! Warnings of the library on stderr: each once per file, counted at the end, an error under `--strict`.

use serde::Serialize;
use std::collections::HashSet;
use std::path::Path;
use std::sync::{LazyLock, Mutex, PoisonError};
use vesalius::FileWarning;
use vesalius::volume::Warning;

/// The warnings that this process printed.
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
    for warning in warnings {
        if let Some(line) = first_time(about, warning) {
            complain!("{line}");
        }
    }
}

/// The line of a warning about a file, a case or a run the first time, to be printed; `None` after that.
pub fn first_time(about: &str, warning: &Warning) -> Option<String> {
    if let Warning::OfFile { path, warning } = warning {
        return first_time(&path.display().to_string(), warning);
    }
    let text = warning.to_string();
    let mut told = told();
    if !told.seen.insert((about.to_owned(), text.clone())) {
        return None;
    }
    told.list.push(About {
        about: about.to_owned(),
        warning: warning.clone(),
    });
    let separator = if about.is_empty() { "" } else { ": " };
    Some(format!("warning: {about}{separator}{text}"))
}

/// All warnings printed so far, in order.
pub fn all() -> Vec<About> {
    told().list.clone()
}

/// Prints how many warnings there were; under `--strict` they make the command fail.
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
        complain!("{count} warnings");
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
        // The same warning from a run.
        let [warning] = warning;
        let path = "a.nii".into();
        let of_file = Warning::OfFile {
            path,
            warning: Box::new(warning),
        };
        assert_eq!(first_time("", &of_file), None);
        set_strict();
        assert!(finish().unwrap_err().contains("2 warnings"));
        let json = serde_json::to_value(&all()[0]).unwrap();
        assert_eq!(json["kind"], "no_scaling");
        assert_eq!(json["about"], "a.nii");
    }
}
