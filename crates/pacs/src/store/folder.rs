//! Keeps received objects in a folder.

use super::{ReceivedInstance, Receiver};
use crate::{Error, Peer, Result, Status};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

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
}

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
        })
    }

    /// The files that were kept so far, in order.
    pub fn kept(&self) -> Vec<PathBuf> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.clone()
    }

    fn store(&self, instance: ReceivedInstance) -> Result<Status> {
        let header = instance.header();
        // The identifiers were checked: none has a separator or two dots in a row.
        let folder = self.folder.join(&header.study).join(&header.series);
        let path = folder.join(format!("{}.dcm", header.instance));
        let failed = |source| Error::io("making a folder", source);
        if path.exists() {
            return self.again(&instance, &path);
        }
        if !folder.is_dir() {
            std::fs::create_dir_all(&folder).map_err(failed)?;
            // The folders' own names are as durable as the file's, before it is acknowledged.
            for made in [&folder, &self.folder.join(&header.study)] {
                super::sync_folder(made)?;
            }
        }
        let kept = self.keep(instance, &path);
        match kept {
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                // Another association brought it in between.
                Ok(Status::PROCESSING_FAILURE)
            }
            Err(error) => Err(error),
            Ok(()) => Ok(Status::SUCCESS),
        }
    }

    fn again(&self, instance: &ReceivedInstance, path: &Path) -> Result<Status> {
        Ok(match instance.is_same_as(path)? {
            true => Status::SUCCESS,
            false => Status::DUPLICATE_INSTANCE,
        })
    }

    fn keep(&self, instance: ReceivedInstance, path: &Path) -> Result<()> {
        instance.keep(path)?;
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(path.to_owned());
        Ok(())
    }
}

impl Receiver for FolderReceiver {
    fn incoming(&self) -> &Path {
        &self.folder
    }

    fn on_store(&self, _peer: &Peer, instance: ReceivedInstance) -> Status {
        match self.store(instance) {
            Ok(status) => status,
            Err(error) => {
                tracing::warn!(target: "vesalius", "a received object was not kept: {error}");
                super::answer::status_of(&error)
            }
        }
    }
}
