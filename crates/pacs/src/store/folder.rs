//! Keeps received objects in a folder.

use super::{ReceivedInstance, Receiver};
use crate::{Error, Peer, Result, Status};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps received objects as `FOLDER/STUDY/SERIES/OBJECT.dcm`, named by their identifiers.
///
/// An object that comes again with the same bytes is a success, without a second file; one with other bytes is refused
/// ([`Status::DUPLICATE_INSTANCE`]), and the first is kept.
///
/// ```no_run
/// use std::sync::Arc;
/// use vesalius_pacs::{AeTitle, FolderReceiver, Server, ServerOptions};
///
/// let receiver = Arc::new(FolderReceiver::new("received")?);
/// let options = ServerOptions::new(AeTitle::new("VESALIUS")?);
/// let server = Server::start("127.0.0.1:11112", options, receiver)?;
/// println!("listening on {}", server.address());
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
pub struct FolderReceiver {
    folder: PathBuf,
    /// The files that were kept, in order.
    kept: Mutex<Vec<PathBuf>>,
    /// Folders of series whose names are on the disk.
    synced: Mutex<BTreeSet<PathBuf>>,
}

/// More folders are not remembered.
const MOST_SYNCED: usize = 10_000;

impl FolderReceiver {
    /// Makes the folder where it does not exist, and removes what a killed process left unfinished in it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn new(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let failed = |source| Error::io(format!("making the folder {}", folder.display()), source);
        std::fs::create_dir_all(&folder).map_err(failed)?;
        super::remove_incoming(&folder)?;
        Ok(Self {
            folder,
            kept: Mutex::default(),
            synced: Mutex::default(),
        })
    }

    /// The files that were kept so far, in order.
    pub fn kept(&self) -> Vec<PathBuf> {
        locked(&self.kept).clone()
    }

    fn store(&self, instance: &ReceivedInstance) -> Result<Status> {
        let header = instance.header();
        // The identifiers were checked: none has a separator or two dots in a row.
        let study = self.folder.join(&header.study);
        let series = study.join(&header.series);
        let path = series.join(format!("{}.dcm", header.instance));
        self.make(&study, &series)?;
        match instance.link(&path) {
            // It came before, or another association brought it in between.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                Ok(match instance.is_same_as(&path)? {
                    true => Status::SUCCESS,
                    false => Status::DUPLICATE_INSTANCE,
                })
            }
            Err(error) => Err(error),
            Ok(()) => {
                locked(&self.kept).push(path);
                Ok(Status::SUCCESS)
            }
        }
    }

    /// Makes the folders of a series. Their names are on the disk before an object in them is acknowledged.
    fn make(&self, study: &Path, series: &Path) -> Result<()> {
        let mut synced = locked(&self.synced);
        if synced.contains(series) && series.is_dir() {
            return Ok(());
        }
        std::fs::create_dir_all(series).map_err(|source| Error::io("making a folder", source))?;
        super::sync_folder(series)?;
        super::sync_folder(study)?;
        if synced.len() >= MOST_SYNCED {
            synced.clear();
        }
        synced.insert(series.to_owned());
        Ok(())
    }
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Receiver for FolderReceiver {
    fn incoming(&self) -> &Path {
        &self.folder
    }

    fn on_store(&self, _peer: &Peer, instance: ReceivedInstance) -> Status {
        match self.store(&instance) {
            Ok(status) => status,
            Err(error) => {
                // Paths have identifiers, which logs must not have.
                let reason = match &error {
                    Error::File { problem, .. } => problem.clone(),
                    other => other.to_string(),
                };
                tracing::warn!(target: "vesalius", "a received object was not kept: {reason}");
                super::answer::status_of(&error)
            }
        }
    }
}
