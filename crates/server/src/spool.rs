//! The jobs on disk: a folder for each, moved by renames, with its state in `job.json`.
//!
//! ```text
//! incoming/ID/   bodies that are being received; removed at a start
//! jobs/ID/       job.json, the input, results/ (whole, by a rename of work/), versions/
//! failed/ID/     the same for failed jobs; reason.txt
//! trash/ID/      what is being deleted; removed at a start
//! ```
//!
//! A file's content is on disk before its name is (`fsync`, then rename, then `fsync` of the folder), so that after a
//! crash at any moment a folder in `jobs` is a job that was acknowledged or was about to be.

use crate::error::Error;
use crate::job::{Job, JobId, State};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use vesalius_io::FolderLock;

const JOB: &str = "job.json";

/// The folder of a server.
#[derive(Debug)]
pub(crate) struct Spool {
    root: PathBuf,
    _lock: FolderLock,
}

impl Spool {
    /// Takes the folder, makes what is missing and removes what was not finished. Answers the jobs that it holds.
    pub fn open(root: &Path) -> Result<(Self, Vec<Job>), Error> {
        make_folder(root).map_err(Error::spool(root))?;
        let lock = FolderLock::exclusive(root).map_err(Error::Locked)?;
        let spool = Self {
            root: root.to_owned(),
            _lock: lock,
        };
        for name in ["incoming", "trash"] {
            let folder = root.join(name);
            remove(&folder).map_err(Error::spool(&folder))?;
        }
        for name in ["incoming", "jobs", "failed", "trash"] {
            let folder = root.join(name);
            make_folder(&folder).map_err(Error::spool(&folder))?;
        }
        let mut jobs = spool.listed("failed")?;
        for job in spool.listed("jobs")? {
            // A crash may have come between the record and the move.
            spool.bury_failed(&job)?;
            jobs.push(job);
        }
        jobs.sort_by_key(|job| job.number);
        Ok((spool, jobs))
    }

    fn bury_failed(&self, job: &Job) -> Result<(), Error> {
        match job.state {
            State::Failed => self.bury(job).map_err(Error::spool(&self.folder(job))),
            _ => Ok(()),
        }
    }

    /// The jobs below `jobs` or `failed`. A folder without a readable record is put aside under `unreadable`.
    fn listed(&self, name: &str) -> Result<Vec<Job>, Error> {
        let folder = self.root.join(name);
        let entries = fs::read_dir(&folder).map_err(Error::spool(&folder))?;
        let mut jobs = Vec::new();
        for entry in entries {
            let path = entry.map_err(Error::spool(&folder))?.path();
            match record(&path) {
                Ok(job) => jobs.push(job),
                Err(_) => self.put_aside(&path)?,
            }
        }
        Ok(jobs)
    }

    fn put_aside(&self, path: &Path) -> Result<(), Error> {
        tracing::error!(
            "a folder of the spool has no readable record; it was moved to `unreadable`"
        );
        let aside = self.root.join("unreadable");
        make_folder(&aside).map_err(Error::spool(&aside))?;
        let name = path.file_name().unwrap_or_default();
        move_folder(path, &aside.join(name)).map_err(Error::spool(path))
    }

    /// Where the spool lies.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A new folder for a body.
    pub fn incoming(&self, id: &JobId) -> io::Result<PathBuf> {
        let folder = self.root.join("incoming").join(id.as_str());
        make_folder(&folder)?;
        Ok(folder)
    }

    /// The folder of a job.
    pub fn folder(&self, job: &Job) -> PathBuf {
        let below = match job.state {
            State::Failed => "failed",
            _ => "jobs",
        };
        self.root.join(below).join(job.id.as_str())
    }

    /// Makes a received body a job: afterwards a crash does not lose it.
    pub fn admit(&self, incoming: &Path, job: &Job) -> io::Result<()> {
        save_in(incoming, job)?;
        move_folder(incoming, &self.folder(job))
    }

    /// Writes the record.
    pub fn save(&self, job: &Job) -> io::Result<()> {
        save_in(&self.folder(job), job)
    }

    /// Moves a job that failed to the failed ones.
    pub fn bury(&self, job: &Job) -> io::Result<()> {
        let from = self.root.join("jobs").join(job.id.as_str());
        if !from.exists() {
            return Ok(());
        }
        save_in(&from, job)?;
        let reason = job.reason.clone().unwrap_or_default();
        write_file(&from, "reason.txt", format!("{reason}\n").as_bytes())?;
        remove(&from.join("work"))?;
        move_folder(&from, &self.folder(job))
    }

    /// Takes a job out of the list; what is left of it is removed by [`Spool::empty_trash`], or at the next start.
    pub fn discard(&self, job: &Job) -> io::Result<()> {
        move_folder(&self.folder(job), &self.trash(&job.id))
    }

    /// Removes what is left of a job that was discarded.
    pub fn empty_trash(&self, id: &JobId) -> io::Result<()> {
        remove(&self.trash(id))
    }

    fn trash(&self, id: &JobId) -> PathBuf {
        self.root.join("trash").join(id.as_str())
    }

    /// The empty folder in which a run writes.
    pub fn work(&self, job: &Job) -> io::Result<PathBuf> {
        let work = self.folder(job).join("work");
        remove(&work)?;
        make_folder(&work)?;
        Ok(work)
    }

    /// Where the results of a run lie, whole, once they exist.
    pub fn results(&self, job: &Job) -> PathBuf {
        self.folder(job).join("results")
    }

    /// Makes what a run wrote the results.
    pub fn publish(&self, job: &Job) -> io::Result<()> {
        let work = self.folder(job).join("work");
        for entry in fs::read_dir(&work)? {
            File::open(entry?.path())?.sync_all()?;
        }
        sync_folder(&work)?;
        move_folder(&work, &self.results(job))
    }
}

fn record(folder: &Path) -> io::Result<Job> {
    let job: Job = serde_json::from_slice(&fs::read(folder.join(JOB))?)?;
    let name = folder.file_name().and_then(|name| name.to_str());
    match name == Some(job.id.as_str()) {
        true => Ok(job),
        false => Err(io::Error::other("the record of another job")),
    }
}

fn save_in(folder: &Path, job: &Job) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(job)?;
    write_file(folder, JOB, &text)
}

/// Writes a file of a folder that has one writer: whole or not at all.
pub(crate) fn write_file(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let part = folder.join(format!("{name}.part"));
    let mut file = File::create(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, folder.join(name))?;
    sync_folder(folder)
}

/// A folder that other users cannot enter; it may exist.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// A rename that a crash does not undo.
fn move_folder(from: &Path, to: &Path) -> io::Result<()> {
    sync_folder(from)?;
    fs::rename(from, to)?;
    for path in [from, to] {
        if let Some(parent) = path.parent() {
            sync_folder(parent)?;
        }
    }
    Ok(())
}

/// Makes the names in a folder durable, where the system can.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Removes a folder that may not exist.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Bytes of the files in a folder and those below it.
pub(crate) fn size_of_folder(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => size_of_folder(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
