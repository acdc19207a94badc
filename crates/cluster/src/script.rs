//! The script of a stage's job.

use crate::{Array, SlurmSettings, StageName};
use std::path::{Path, PathBuf};

/// The exit code of work that was told to stop, has saved, and goes on when it is run again.
pub const SAVED: i32 = 75;

/// A job of a stage, or an array of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// What the work is called.
    pub name: String,
    /// The stage.
    pub stage: StageName,
    /// The program and its arguments; an element of an array gets its number as the last one.
    pub command: Vec<String>,
    /// The folder of the jobs' output.
    pub logs: PathBuf,
    /// The elements, where there are several.
    pub array: Option<Array>,
}

impl Script {
    /// The script for `sbatch`. A job that saved and stopped ([`SAVED`]) is put into the queue again, an element of an array by
    /// itself.
    pub fn text(&self, settings: &SlurmSettings) -> String {
        let stage = self.stage.name();
        let log = match self.array {
            Some(_) => format!("{stage}-%A_%a.log"),
            None => format!("{stage}-%j.log"),
        };
        let mut options = vec![
            format!("--job-name={}-{stage}", word(&self.name)),
            format!("--output={}", option(&self.logs.join(log))),
            "--open-mode=append".to_owned(),
            "--requeue".to_owned(),
        ];
        options.extend(settings.options(self.stage));
        options.extend(self.array.iter().map(|array| format!("--array={array}")));
        let mut text = "#!/bin/bash\n".to_owned();
        for option in options {
            text.push_str(&format!("#SBATCH {option}\n"));
        }
        text.push_str("set -u\n");
        for line in &settings.before {
            text.push_str(&format!("{line}\n"));
        }
        let mut words: Vec<String> = self.command.iter().map(|word| quoted(word)).collect();
        let job = match self.array {
            Some(_) => {
                words.push("\"$SLURM_ARRAY_TASK_ID\"".to_owned());
                "\"${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}\""
            }
            None => "\"$SLURM_JOB_ID\"",
        };
        // The work is a step, so that it is told of the end of its time.
        text.push_str(&format!("srun --ntasks=1 --nodes=1 {}\n", words.join(" ")));
        text.push_str("code=$?\n");
        text.push_str(&format!(
            "# It has saved and goes on when it is started again: this job alone, never the whole array.\nif [ \"$code\" -eq {SAVED} ]; then scontrol requeue {job}; fi\n"
        ));
        text.push_str("exit \"$code\"\n");
        text
    }
}

/// A word for the shell.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./,:=+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// A path in an option of `sbatch`, in which `%` begins a number.
fn option(path: &Path) -> String {
    let (folder, name) = (path.parent(), path.file_name());
    let folder = folder.map(|folder| folder.display().to_string().replace('%', "%%"));
    let name = name.unwrap_or_default().to_string_lossy();
    let path = match folder.as_deref() {
        None | Some("") => name.into_owned(),
        Some(folder) => format!("{folder}/{name}"),
    };
    match path.contains(|c: char| c.is_whitespace() || c == '"') {
        true => format!("\"{}\"", path.replace('"', "\\\"")),
        false => path,
    }
}

/// A name without what separates words.
fn word(name: &str) -> String {
    let kept = |c: char| match c.is_alphanumeric() || "-_.".contains(c) {
        true => c,
        false => '_',
    };
    name.chars().map(kept).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(array: Option<Array>) -> Script {
        Script {
            name: "my work".to_owned(),
            stage: StageName::Train,
            command: ["vesalius", "auto", "task", "it's here", "train"]
                .map(str::to_owned)
                .to_vec(),
            logs: "a folder/slurm".into(),
            array,
        }
    }

    #[test]
    fn an_element_is_put_into_the_queue_again_by_itself() {
        let array = Array {
            elements: vec![0, 1],
            at_once: None,
        };
        let text = script(Some(array)).text(&SlurmSettings::default());
        assert!(text.starts_with("#!/bin/bash\n#SBATCH --job-name=my_work-train\n"));
        assert!(
            text.contains("#SBATCH --output=\"a folder/slurm/train-%A_%a.log\"\n"),
            "{text}"
        );
        assert!(text.contains("#SBATCH --array=0-1\n"));
        let line = r#"srun --ntasks=1 --nodes=1 vesalius auto task 'it'\''s here' train "$SLURM_ARRAY_TASK_ID""#;
        assert!(text.contains(line), "{text}");
        let requeue = r#"if [ "$code" -eq 75 ]; then scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}"; fi"#;
        assert!(text.contains(requeue), "{text}");
        let alone = script(None).text(&SlurmSettings::default());
        assert!(alone.contains("scontrol requeue \"$SLURM_JOB_ID\"") && !alone.contains("ARRAY"));
    }
}
