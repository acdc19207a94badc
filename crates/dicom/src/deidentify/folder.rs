//! Folders: every file below one, and a new folder that appears when it is complete.

use super::open::{Closed, open};
use super::report::{DeidentifyReport, LeftOut, LeftOutReason, Tally};
use super::rules::Rules;
use super::suspect::Verdict;
use super::{BrokenRule, Deidentifier, refusal};
use crate::{Error, Result};
use dicom_dictionary_std::tags;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use vesalius_control::Control;

/// Folders in folders beyond this are not searched.
const DEEPEST: usize = 16;

/// Every regular file in a folder and in its folders, by name.
///
/// # Errors
/// [`Error::Io`] for a folder that cannot be listed, [`Error::Cancelled`].
pub(crate) fn below(folder: &Path, control: &Control) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    walk(folder, 0, &mut BTreeSet::new(), &mut found, control)?;
    found.sort();
    Ok(found)
}

fn walk(
    folder: &Path,
    depth: usize,
    seen: &mut BTreeSet<PathBuf>,
    found: &mut Vec<PathBuf>,
    control: &Control,
) -> Result<()> {
    let fail = |source| Error::read(folder, source);
    // A link to a folder above would otherwise be followed down again and again.
    if !seen.insert(folder.canonicalize().map_err(fail)?) {
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(Error::source(
            folder,
            format!("folders are nested more than {DEEPEST} deep; give a folder further down"),
        ));
    }
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        control.check()?;
        let path = entry.map_err(fail)?.path();
        if path.is_dir() {
            walk(&path, depth + 1, seen, found, control)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A folder that is being written under a hidden name beside its own.
pub(crate) struct NewFolder {
    hidden: tempfile::TempDir,
    path: PathBuf,
}

impl NewFolder {
    /// # Errors
    /// [`Error::Exists`], [`Error::Source`] for one within `input`, [`Error::Io`].
    pub fn new(path: &Path, input: &Path) -> Result<Self> {
        if path.symlink_metadata().is_ok() {
            return Err(Error::Exists {
                path: path.to_owned(),
            });
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let within = |source| Error::write(path, source);
        let place = parent.canonicalize().map_err(within)?;
        let source = input.canonicalize().map_err(|e| Error::read(input, e))?;
        if place.starts_with(&source) {
            return Err(Error::source(
                path,
                "it would lie within the input; choose a folder elsewhere",
            ));
        }
        let mut builder = tempfile::Builder::new();
        let hidden = builder.prefix(".writing-").suffix(".part");
        let hidden = hidden.tempdir_in(parent).map_err(within)?;
        let made = Self {
            hidden,
            path: path.to_owned(),
        };
        // The hidden folder is the owner's alone; the one within has the rights of an ordinary one.
        std::fs::create_dir(made.content()).map_err(within)?;
        Ok(made)
    }

    fn content(&self) -> PathBuf {
        self.hidden.path().join("content")
    }

    /// Writes a new file at a relative path, or removes what was written when `write` finds its input wrong.
    ///
    /// # Errors
    /// [`Error::Io`], which names where the file would have been.
    pub fn file<E>(
        &self,
        name: &Path,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<std::result::Result<(), E>>,
    ) -> Result<std::result::Result<(), E>> {
        let path = self.content().join(name);
        let attempt = || {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            let file = File::options().write(true).create_new(true).open(&path)?;
            Ok(BufWriter::with_capacity(1 << 18, file))
        };
        let fail = |source| Error::write(self.path.join(name), source);
        let mut to = attempt().map_err(fail)?;
        let outcome = write(&mut to).map_err(fail)?;
        if outcome.is_ok() {
            let file = to.into_inner().map_err(|e| fail(e.into_error()))?;
            file.sync_all().map_err(fail)?;
        } else {
            drop(to);
            std::fs::remove_file(&path).map_err(fail)?;
        }
        Ok(outcome)
    }

    /// Gives the folder its name.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Io`].
    pub fn appear(self) -> Result<()> {
        if self.path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path: self.path });
        }
        std::fs::rename(self.content(), &self.path).map_err(|e| Error::write(&self.path, e))
    }
}

/// What is being made of a folder.
struct Work<'a> {
    by: &'a Deidentifier,
    input: &'a Path,
    to: NewFolder,
    report: DeidentifyReport,
    tally: Tally,
    patients: BTreeSet<String>,
    studies: BTreeSet<PathBuf>,
    /// How many files each series has.
    series: BTreeMap<PathBuf, usize>,
}

pub(crate) fn deidentify(
    by: &Deidentifier,
    input: &Path,
    output: &Path,
    control: &Control,
) -> Result<DeidentifyReport> {
    let to = NewFolder::new(output, input)?;
    let paths = below(input, control)?;
    let mut work = Work {
        by,
        input,
        to,
        report: by.report(),
        tally: Tally::default(),
        patients: BTreeSet::new(),
        studies: BTreeSet::new(),
        series: BTreeMap::new(),
    };
    let stage = control.stage("files", paths.len() as u64);
    for path in &paths {
        stage.control().check()?;
        if let Some(reason) = work.file(path)? {
            let path = path.strip_prefix(input).unwrap_or(path).to_owned();
            work.report.left_out.push(LeftOut { path, reason });
        }
        stage.advance(1);
    }
    work.finish()
}

impl Work<'_> {
    /// De-identifies one file; the result is why it is left out.
    fn file(&mut self, path: &Path) -> Result<Option<LeftOutReason>> {
        let opened = match open(path) {
            Ok(opened) => opened,
            Err(Closed::NotDicom) => return Ok(Some(LeftOutReason::NotDicom)),
            Err(Closed::Directory) => return Ok(Some(LeftOutReason::Directory)),
            Err(Closed::Broken(problem)) => return self.broken(path, problem).map(Some),
            Err(Closed::Unreadable(error)) => return Err(error),
        };
        let kept = match self.by.suspicion(&opened) {
            None => false,
            Some((Verdict::Write, _)) => true,
            Some((Verdict::LeaveOut, reason)) => return Ok(Some(reason)),
            Some((Verdict::Refuse, reason)) => return Err(refusal(path, reason)),
        };
        let rules = Rules::new(&self.by.options, &self.by.key, &opened.set);
        let patient = PathBuf::from(&rules.patient.id);
        let short = |tag| {
            let value = super::element::find(&opened.set, tag).map_or(&[][..], |e| e.trimmed());
            let hash = self
                .by
                .key
                .hash("folder", &[rules.patient.id.as_bytes(), value]);
            hash[..4]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let study = patient.join(short(tags::STUDY_INSTANCE_UID));
        let series = study.join(short(tags::SERIES_INSTANCE_UID));
        let number = self.series.get(&series).copied().unwrap_or(0) + 1;
        let name = series.join(format!("{number:05}.dcm"));
        // Counts of a file that turns out to be damaged are not added.
        let mut tally = self.tally.clone();
        let written = self
            .to
            .file(&name, |to| self.by.write(&rules, opened, &mut tally, to))?;
        if let Err(problem) = written {
            return self.broken(path, problem).map(Some);
        }
        self.tally = tally;
        self.report.files += 1;
        self.report.burned_in_kept += usize::from(kept);
        self.patients.insert(rules.patient.id.clone());
        self.studies.insert(study);
        self.series.insert(series, number);
        Ok(None)
    }

    fn broken(&self, path: &Path, problem: String) -> Result<LeftOutReason> {
        match self.by.options.broken {
            BrokenRule::LeaveOut => Ok(LeftOutReason::Broken(problem)),
            BrokenRule::Refuse => Err(Closed::Broken(problem).error(path)),
        }
    }

    fn finish(self) -> Result<DeidentifyReport> {
        let mut report = self.report;
        if report.files == 0 {
            let problem = match report.left_out.first() {
                None => "it holds no file; choose a folder of DICOM files".to_owned(),
                Some(first) => format!(
                    "none of its {} files can be written ({}: {}); choose a folder of DICOM images",
                    report.left_out.len(),
                    first.path.display(),
                    first.reason
                ),
            };
            return Err(Error::source(self.input, problem));
        }
        self.to.appear()?;
        report.patients = self.patients.len();
        report.studies = self.studies.len();
        report.series = self.series.len();
        self.tally.put_into(&mut report);
        Ok(report)
    }
}
