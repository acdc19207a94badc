//! `vesalius pacs send`.

use super::super::Result;
use super::explained;
use super::peer::{Connected, Peer};
use crate::interrupt::followed;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vesalius::pacs::{Client, CommitmentRequest, InstanceReference, SentInstance, new_uid};

/// Arguments of `vesalius pacs send`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    peer: Peer,
    /// DICOM files, or folders with them
    #[arg(value_name = "FILE|DIR", required = true)]
    files: Vec<PathBuf>,
    /// Then ask the archive to store them for good (storage commitment, DIMSE alone), and wait this many seconds for its report
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    commit: Option<u32>,
    /// The address at which the report is received, for archives that connect to send it; they must have the title of this side
    /// (--title) with this address in their table
    #[arg(long, value_name = "ADDRESS:PORT", requires = "commit")]
    listen: Option<String>,
}

/// Sends files.
pub fn run(arguments: &Arguments) -> Result<()> {
    let peer = arguments.peer.connected()?;
    let mut files = Vec::new();
    for path in &arguments.files {
        collect(path, &mut files)?;
    }
    if files.is_empty() {
        return Err("there is no file to send".into());
    }
    let sent = match &peer {
        Connected::Dimse(client) => client.store(&files, &followed()),
        Connected::Web(client) => client.store(&files, &followed()),
    };
    let sent = sent.map_err(explained)?;
    let failed: Vec<&SentInstance> = sent.iter().filter(|one| !one.outcome.is_stored()).collect();
    for one in &failed {
        complain!("{}: {}", one.path.display(), one.outcome);
    }
    out!(
        "{} of {} files were stored",
        sent.len() - failed.len(),
        sent.len()
    );
    if let Some(seconds) = arguments.commit {
        let Connected::Dimse(client) = &peer else {
            return Err("--commit is for DIMSE; DICOMweb has no storage commitment".into());
        };
        commit(client, &sent, seconds, arguments.listen.as_deref())?;
    }
    match failed.len() {
        0 => Ok(()),
        1 => Err("a file was not stored".into()),
        count => Err(format!("{count} files were not stored").into()),
    }
}

/// A file, or all files below a folder, in the order of their names.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let mut below = Vec::new();
    for entry in entries {
        below.push(entry.map_err(failed)?.path());
    }
    below.sort();
    let is_hidden = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    below.retain(|path| !is_hidden(path));
    below.iter().try_for_each(|path| collect(path, files))
}

fn commit(
    client: &Client,
    sent: &[SentInstance],
    seconds: u32,
    listen: Option<&str>,
) -> Result<()> {
    let stored = sent.iter().filter(|one| one.outcome.is_stored());
    let instances: Vec<InstanceReference> =
        stored.filter_map(|one| one.reference.clone()).collect();
    if instances.is_empty() {
        return Ok(());
    }
    let request = CommitmentRequest {
        transaction: new_uid()?,
        instances,
    };
    let wait = Duration::from_secs(seconds.into());
    let report = match listen {
        Some(address) => client.commit_here(&request, address, wait, &followed()),
        None => client.commit(&request, wait, &followed()),
    };
    let report = report.map_err(explained)?;
    match report {
        None => Err(format!(
            "the archive took the request to store them for good, and did not report within {seconds} s; archives that connect to report need `--listen`"
        )
        .into()),
        Some(report) if report.failed.is_empty() => {
            out!("{} are stored for good", report.committed.len());
            Ok(())
        }
        Some(report) => {
            let failed = report.failed.len();
            Err(format!("{failed} objects are not stored for good ({})", report.failed[0].1).into())
        }
    }
}
