//! C-STORE: files to a peer.

use super::Client;
use super::echo::expect;
use super::offered::{Outgoing, associations};
use crate::association::Association;
use crate::data_set::{convert, open};
use crate::message::{Request, element, field};
use crate::{Error, InstanceReference, Result, Status};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use vesalius_control::{Control, Stage};

/// Larger files are not converted in memory.
const LARGEST_CONVERTED: u64 = 2 << 30;

/// What became of a file.
#[derive(Debug)]
#[non_exhaustive]
pub struct SentInstance {
    /// The file.
    pub path: PathBuf,
    /// Its class and identifier; absent where the file could not be read.
    pub reference: Option<InstanceReference>,
    /// What became of it.
    pub outcome: StoreOutcome,
}

impl SentInstance {
    pub(crate) fn unreadable(path: &Path, error: Error) -> Self {
        Self {
            path: path.to_owned(),
            reference: None,
            outcome: StoreOutcome::Unreadable(error),
        }
    }
}

/// What became of a file that was to be sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreOutcome {
    /// The peer has it. The status may be a warning.
    Stored(Status),
    /// The peer refused it.
    Refused(Status),
    /// The peer takes no objects of its class, or not in its transfer syntax.
    NotAccepted,
    /// The file cannot be sent.
    Unreadable(Error),
    /// No association, or it broke off before the answer; the peer may have the object.
    Lost(Error),
}

impl StoreOutcome {
    /// Whether the peer has the object.
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }

    /// Whether sending again may succeed without a change.
    pub fn may_succeed_later(&self) -> bool {
        match self {
            Self::Stored(_) | Self::NotAccepted | Self::Unreadable(_) => false,
            Self::Refused(status) => status.may_succeed_later(),
            Self::Lost(error) => error.may_succeed_later(),
        }
    }
}

impl std::fmt::Display for StoreOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stored(status) => write!(f, "stored: {status}"),
            Self::Refused(status) => write!(f, "refused: {status}"),
            Self::NotAccepted => f.write_str(
                "refused: the peer takes no objects of this class in this transfer syntax",
            ),
            // The path stands beside the outcome.
            Self::Unreadable(Error::File { problem, .. }) => write!(f, "not sent: {problem}"),
            Self::Unreadable(error) => write!(f, "not sent: {error}"),
            Self::Lost(error) => write!(f, "not sent: {error}"),
        }
    }
}

impl Client {
    /// Sends files (C-STORE): each in its own transfer syntax where the peer takes it, else converted between explicit and
    /// implicit little-endian. Compressed files are not decompressed. What the peer does not accept does not end the others.
    ///
    /// Returns what became of each file, in no given order.
    ///
    /// # Errors
    /// [`Error::Cancelled`] alone; other errors are those of single files.
    pub fn store<P: AsRef<Path>>(
        &self,
        files: &[P],
        control: &Control,
    ) -> Result<Vec<SentInstance>> {
        let stage = control.stage("send", files.len() as u64);
        let (mut sent, mut outgoing) = (Vec::new(), Vec::new());
        for path in files.iter().map(AsRef::as_ref) {
            control.check()?;
            match Outgoing::open(path) {
                Ok(file) => outgoing.push(file),
                Err(error) => {
                    stage.advance(1);
                    sent.push(SentInstance::unreadable(path, error));
                }
            }
        }
        for (proposals, files) in associations(outgoing) {
            match self.associate(&proposals, control) {
                Ok(association) => send_all(association, files, &mut sent, &stage)?,
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(error) => lost(files, error, &mut sent),
            }
        }
        Ok(sent)
    }
}

fn send_all(
    mut association: Association,
    files: Vec<Outgoing>,
    sent: &mut Vec<SentInstance>,
    stage: &Stage,
) -> Result<()> {
    let mut files = files.into_iter();
    while let Some(file) = files.next() {
        stage.advance(1);
        let outcome = match send(&mut association, &file) {
            Ok(outcome) => outcome,
            Err(error) => {
                let is_cancelled = matches!(error, Error::Cancelled);
                association.abort();
                if is_cancelled {
                    return Err(error);
                }
                let rest = std::iter::once(file).chain(files).collect();
                lost(rest, error, sent);
                return Ok(());
            }
        };
        sent.push(SentInstance {
            path: file.path,
            reference: Some(file.reference),
            outcome,
        });
    }
    association.release();
    Ok(())
}

/// No file of these was answered, for one reason.
fn lost(files: Vec<Outgoing>, error: Error, sent: &mut Vec<SentInstance>) {
    let text = error.to_string();
    let may_succeed_later = error.may_succeed_later();
    let mut first = Some(error);
    for file in files {
        let error = first.take().unwrap_or_else(|| match may_succeed_later {
            true => Error::Aborted(text.clone()),
            false => Error::Settings(text.clone()),
        });
        sent.push(SentInstance {
            path: file.path,
            reference: Some(file.reference),
            outcome: StoreOutcome::Lost(error),
        });
    }
}

/// Sends a file. Errors are those of the association.
fn send(association: &mut Association, file: &Outgoing) -> Result<StoreOutcome> {
    let Some((context, convert_to)) = file.context(association) else {
        return Ok(StoreOutcome::NotAccepted);
    };
    let mut data: Box<dyn Read> = match opened(file, convert_to.as_deref()) {
        Ok(data) => data,
        Err(error) => return Ok(StoreOutcome::Unreadable(error)),
    };
    let id = association.next_id();
    let request = Request::new(field::C_STORE_RQ, id)
        .class(&file.reference.class)
        .instance(&file.reference.instance)
        .u16(element::PRIORITY, 0)
        .data_set();
    association.send_command(context, &request.command())?;
    association.send_data(context, &mut data)?;
    let (_, answer) = association.receive_command("the answer to C-STORE")?;
    let (status, _) = expect(&answer, field::C_STORE_RQ, id, "C-STORE")?;
    Ok(match status.is_success() || status.is_warning() {
        true => StoreOutcome::Stored(status),
        false => StoreOutcome::Refused(status),
    })
}

/// The bytes of a file's data set, converted where this is needed.
fn opened(file: &Outgoing, to: Option<&str>) -> Result<Box<dyn Read>> {
    let (meta, data, length) = open(&file.path)?;
    let data = BufReader::with_capacity(1 << 18, data);
    if to.is_none() {
        return Ok(Box::new(data));
    }
    if length > LARGEST_CONVERTED {
        let problem = "it is too large to be converted to the transfer syntax that the peer takes";
        return Err(Error::file(&file.path, problem));
    }
    let mut converted = Vec::new();
    convert(data, &meta.syntax, &mut converted)
        .map_err(|error| Error::file(&file.path, error.to_string()))?;
    Ok(Box::new(std::io::Cursor::new(converted)))
}
