//! A body that is being received: a place in the queue is taken before its first byte, and it is written to disk part by
//! part, within the limits.

use crate::error::Refusal;
use crate::job::{InputKind, Job, JobId, State, now};
use crate::queue::Queue;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

/// The room on the disk is looked at again after so many bytes.
const LOOK: u64 = 32 << 20;

/// What is asked for with a body.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The name of the model.
    pub model: String,
    /// What the user calls the scan; shown, never logged.
    pub name: String,
    /// Which DICOM series of an archive.
    pub series: Option<String>,
    /// Whether probabilities are asked for.
    pub probabilities: bool,
}

/// A body that is being received. Dropped before [`Upload::finish`], it leaves nothing.
pub struct Upload {
    queue: Arc<Queue>,
    request: Request,
    id: JobId,
    folder: PathBuf,
    file: File,
    first: Vec<u8>,
    written: u64,
    looked: u64,
    finished: bool,
}

const BODY: &str = "body.part";

impl Upload {
    /// Takes a place in the queue for a body of `announced` bytes, where the length is known.
    ///
    /// # Errors
    /// What the limits refuse; an unknown model; a disk that cannot be written.
    pub fn begin(
        queue: &Arc<Queue>,
        request: Request,
        announced: Option<u64>,
    ) -> Result<Self, Refusal> {
        queue.model(&request.model)?;
        queue.check_room(announced.unwrap_or(0))?;
        queue.begin_receiving()?;
        let begun = JobId::random().and_then(|id| {
            let folder = queue.spool.incoming(&id)?;
            let file = File::create(folder.join(BODY))?;
            Ok((id, folder, file))
        });
        let Ok((id, folder, file)) = begun else {
            queue.end_receiving();
            return Err(Refusal::Disk);
        };
        Ok(Self {
            queue: queue.clone(),
            request,
            id,
            folder,
            file,
            first: Vec::new(),
            written: 0,
            looked: 0,
            finished: false,
        })
    }

    /// Writes a part.
    ///
    /// # Errors
    /// A format that is not known, a body that is too large, a disk that is full.
    pub fn write(&mut self, part: &[u8]) -> Result<(), Refusal> {
        self.written += part.len() as u64;
        let limit = self.queue.limits.upload_bytes;
        if self.written > limit {
            return Err(Refusal::TooLarge { limit });
        }
        if self.first.len() < InputKind::PREFIX {
            let more = part.len().min(InputKind::PREFIX - self.first.len());
            self.first.extend_from_slice(&part[..more]);
            if self.first.len() == InputKind::PREFIX {
                self.kind()?;
            }
        }
        if self.written - self.looked > LOOK {
            self.queue.check_room(0)?;
            self.looked = self.written;
        }
        self.file.write_all(part).map_err(|_| Refusal::Disk)
    }

    fn kind(&self) -> Result<InputKind, Refusal> {
        InputKind::of(&self.first).ok_or(Refusal::UnknownFormat)
    }

    /// Makes the body a job, on disk. When this answers, no crash loses the job.
    ///
    /// # Errors
    /// As [`Upload::write`].
    pub fn finish(mut self) -> Result<Job, Refusal> {
        let kind = self.kind()?;
        let time = now();
        let job = Job {
            id: self.id.clone(),
            number: 0,
            model: std::mem::take(&mut self.request.model),
            name: std::mem::take(&mut self.request.name),
            series: self.request.series.take(),
            probabilities: self.request.probabilities,
            kind,
            bytes: self.written,
            state: State::Received,
            attempts: 0,
            created: time,
            changed: time,
            seconds: None,
            reason: None,
            versions: Vec::new(),
            stored: self.written,
            deleted: false,
        };
        let admitted = self
            .file
            .sync_all()
            .and_then(|()| {
                std::fs::rename(self.folder.join(BODY), self.folder.join(kind.file_name()))
            })
            .and_then(|()| self.queue.admit(&self.folder, job));
        let job = admitted.map_err(|_| Refusal::Disk)?;
        self.finished = true;
        tracing::info!(job = %job.id, bytes = job.bytes, "received");
        Ok(job)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.queue.end_receiving();
        if !self.finished {
            // What stays is removed at the next start.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
