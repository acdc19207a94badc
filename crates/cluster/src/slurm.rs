//! Slurm's own programs: `sbatch`, `squeue`, `scancel`.

use crate::queue::{FORMAT, parse};
use crate::{Error, QueuedJob, Result};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// How often the queue is asked before it counts as silent.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_millis(500);

/// The programs of a Slurm installation, found by the search path.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slurm;

impl Slurm {
    /// Submits a script, to run once another job has ended well, and returns the job's number. Where that other job
    /// fails, this one is removed from the queue.
    ///
    /// # Errors
    /// [`Error::NoProgram`] where there is no `sbatch`; [`Error::Program`] with what it said.
    pub fn submit(self, script: &Path, after: Option<&str>) -> Result<String> {
        let mut command = Command::new("sbatch");
        command.arg("--parsable");
        if let Some(job) = after {
            command.arg(format!("--dependency=afterok:{job}"));
            command.arg("--kill-on-invalid-dep=yes");
        }
        // What a job inherits from the job that submits it would be taken for its own.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("SBATCH_") || name.starts_with("SLURM_") && name != "SLURM_CONF" {
                command.env_remove(&*name);
            }
        }
        let said = said("sbatch", command.arg(script))?;
        // `12` or `12;cluster`.
        let id = said.trim().split(';').next().unwrap_or("").to_owned();
        match !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()) {
            true => Ok(id),
            false => Err(Error::Program {
                program: "sbatch".to_owned(),
                reason: format!("it printed `{}` in place of a job's number", said.trim()),
            }),
        }
    }

    /// What the queue says of jobs; those that it has forgotten are left out.
    ///
    /// # Errors
    /// [`Error::NoProgram`]; [`Error::Program`] where it does not answer after some tries.
    pub fn queue(self, jobs: &[&str]) -> Result<Vec<QueuedJob>> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut command = Command::new("squeue");
            command.args(["--noheader", "--states=all", "--array-unique"]);
            command.arg(format!("--format={FORMAT}"));
            match said("squeue", &mut command) {
                Ok(text) => {
                    let mut lines = parse(&text);
                    lines.retain(|line| jobs.contains(&line.job.as_str()));
                    return Ok(lines);
                }
                Err(error @ Error::NoProgram { .. }) => return Err(error),
                Err(error) if tries == TRIES => return Err(error),
                Err(_) => sleep(PAUSE),
            }
        }
    }

    /// Removes jobs from the queue, and ends those that run.
    ///
    /// # Errors
    /// As [`Slurm::submit`].
    pub fn cancel(self, jobs: &[&str]) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        said("scancel", Command::new("scancel").args(jobs)).map(drop)
    }
}

/// What a program prints.
fn said(program: &str, command: &mut Command) -> Result<String> {
    let started = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = started.map_err(|source| Error::NoProgram {
        program: program.to_owned(),
        source,
    })?;
    if let Some(mut input) = child.stdin.take() {
        // It reads nothing.
        let _ = input.flush();
    }
    let output = child
        .wait_with_output()
        .map_err(|source| Error::NoProgram {
            program: program.to_owned(),
            source,
        })?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(Error::Program {
            program: program.to_owned(),
            reason: match text(&output.stderr).trim() {
                "" => output.status.to_string(),
                said => said.to_owned(),
            },
        }),
    }
}
