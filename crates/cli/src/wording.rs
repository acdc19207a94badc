//! Names of the library in messages, as the command spells them.
//!
//! Errors and warnings of the library name its options and functions; at the command line these are flags and
//! commands.

use std::borrow::Cow;

/// What the library's messages name, and the flag or command for it.
const WORDING: &[(&str, &str)] = &[
    ("`BrokenCases::LeaveOut`", "`--keep-going`"),
    ("`EnsembleOptions::labels`", "`--model MODEL`"),
    (
        "`FitOptions::duration`",
        "`--steps`, `--epochs`, `--minutes`",
    ),
    ("`FitOptions::resume`", "`--resume`"),
    ("`PredictOptions::overwrite`", "`--overwrite`"),
    ("`ProbabilityFiles::Npz`", "`--save-probabilities npz`"),
    ("`ProbabilityFiles::Slabs`", "`--save-probabilities slabs`"),
    ("`ReadOptions::on_warning`", "`--strict`"),
    ("`SegmentOptions::check_layers`", "`predict --check-layers`"),
    ("`WorkFolder::open`", "`vesalius auto run`"),
    ("`auto::export`", "`vesalius auto export`"),
    ("`convert_model`", "`vesalius model convert`"),
    ("`workflow::auto::ensemble`", "`vesalius auto ensemble`"),
    ("`workflow::auto::plan`", "`vesalius auto plan`"),
    ("`workflow::auto::train`", "`vesalius auto train`"),
];

/// The message with flags and commands instead of the library's names.
pub fn for_the_command(message: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(message);
    for (name, flag) in WORDING {
        if text.contains(name) {
            text = Cow::Owned(text.replace(name, flag));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// The lines of the library's sources that are code: without comments and tests.
    fn library_lines() -> Vec<String> {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut lines = Vec::new();
        for entry in std::fs::read_dir(crates).unwrap() {
            let folder = entry.unwrap().path();
            if folder.file_name().unwrap() != "cli" {
                collect(&folder.join("src"), &mut lines);
            }
        }
        assert!(lines.len() > 10_000, "{}", lines.len());
        lines
    }

    fn collect(folder: &Path, lines: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" {
                collect(&path, lines);
            } else if name.ends_with(".rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.lines().take_while(|line| *line != "#[cfg(test)]");
                let code = code.filter(|line| !line.trim_start().starts_with("//"));
                lines.extend(code.map(str::to_owned));
            }
        }
    }

    #[test]
    fn messages_of_the_library_name_no_flag_of_the_command() {
        for line in library_lines() {
            let commands = ["`vesalius ", "`--"];
            assert!(
                !commands.iter().any(|command| line.contains(command)),
                "{line}: name the library's option, and its flag in `WORDING`"
            );
        }
    }

    #[test]
    fn every_name_stands_in_a_message_and_becomes_its_flag() {
        let lines = library_lines();
        for (name, flag) in WORDING {
            assert!(lines.iter().any(|line| line.contains(name)), "{name}");
            let message = format!("choose {name}");
            assert_eq!(for_the_command(&message), format!("choose {flag}"));
        }
        assert!(matches!(for_the_command("no name"), Cow::Borrowed(_)));
    }
}
