//! `vesalius pacs get` and `vesalius pacs move`.

use super::super::Result;
use super::explained;
use super::peer::{Connected, Peer};
use crate::interrupt::followed;
use std::path::PathBuf;
use std::sync::Arc;
use vesalius::pacs::{AeTitle, FolderReceiver, Level, Query, Retrieved};
use vesalius::volume::counted;

/// Which objects.
#[derive(clap::Args)]
struct Wanted {
    /// The study, by its StudyInstanceUID
    #[arg(long, value_name = "UID")]
    study: String,
    /// One series of it, by its SeriesInstanceUID
    #[arg(long, value_name = "UID")]
    series: Option<String>,
    /// One object of the series, by its SOPInstanceUID
    #[arg(long, value_name = "UID", requires = "series")]
    image: Option<String>,
}

impl Wanted {
    fn query(&self) -> Result<Query> {
        let level = match (&self.series, &self.image) {
            (_, Some(_)) => Level::Image,
            (Some(_), None) => Level::Series,
            _ => Level::Study,
        };
        let mut query = Query::new(level).matching("StudyInstanceUID", &self.study)?;
        if let Some(uid) = &self.series {
            query = query.matching("SeriesInstanceUID", uid)?;
        }
        if let Some(uid) = &self.image {
            query = query.matching("SOPInstanceUID", uid)?;
        }
        Ok(query)
    }
}

/// Arguments of `vesalius pacs get`.
#[derive(clap::Args)]
pub struct GetArguments {
    #[command(flatten)]
    peer: Peer,
    #[command(flatten)]
    wanted: Wanted,
    /// The folder for the files, as STUDY/SERIES/OBJECT.dcm; objects that are there stay
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Fetches objects.
pub fn get(arguments: &GetArguments) -> Result<()> {
    let query = arguments.wanted.query()?;
    let peer = arguments.peer.connected()?;
    let was_there = arguments.output.exists();
    let receiver = FolderReceiver::new(&arguments.output)?;
    let retrieved = match peer {
        Connected::Dimse(client) => client.get(&query, &receiver, &followed()),
        Connected::Web(client) => client.get(&query, &receiver, &followed()),
    };
    if retrieved.is_err() && !was_there {
        // It stays where objects came before the error.
        let _ = std::fs::remove_dir(&arguments.output);
    }
    let retrieved = retrieved.map_err(explained)?;
    let kept = receiver.kept().len();
    let there = usize::from(retrieved.completed).saturating_sub(kept);
    let also = match there {
        0 => String::new(),
        there => format!(", {there} {} there already", were(there)),
    };
    let files = counted(kept, "file");
    out!("{}: {files}{also}", arguments.output.display());
    all_came(&retrieved)
}

/// Arguments of `vesalius pacs move`.
#[derive(clap::Args)]
pub struct MoveArguments {
    #[command(flatten)]
    peer: Peer,
    #[command(flatten)]
    wanted: Wanted,
    /// Where the archive sends them: a title that it has in its table
    #[arg(
        long,
        value_name = "TITLE",
        required_unless_present = "output",
        conflicts_with = "output"
    )]
    to: Option<AeTitle>,
    /// Receive them here: the folder for the files; the archive must have the title of this side (--title) in its table, with
    /// the address of --listen
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// The address at which they are received
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:11112")]
    listen: String,
}

/// Has objects sent.
pub fn move_objects(arguments: &MoveArguments) -> Result<()> {
    let query = arguments.wanted.query()?;
    let Connected::Dimse(client) = arguments.peer.connected()? else {
        return Err("DICOMweb has no C-MOVE; use `vesalius pacs get`".into());
    };
    let retrieved = match (&arguments.to, &arguments.output) {
        (Some(title), _) => {
            let moved = client
                .move_to(&query, title, &followed())
                .map_err(explained)?;
            let objects = counted(moved.completed.into(), "object");
            out!("{objects} {} sent to {title}", were(moved.completed.into()));
            moved
        }
        (None, output) => {
            let output = output
                .as_ref()
                .ok_or("say where to: `--to` or `--output`")?;
            let receiver = Arc::new(FolderReceiver::new(output)?);
            let moved = client
                .move_here(
                    &query,
                    arguments.listen.as_str(),
                    receiver.clone(),
                    &followed(),
                )
                .map_err(explained)?;
            let files = counted(receiver.kept().len(), "file");
            out!("{}: {files}", output.display());
            moved
        }
    };
    all_came(&retrieved)
}

/// The verb of so many.
fn were(count: usize) -> &'static str {
    match count {
        1 => "was",
        _ => "were",
    }
}

fn all_came(retrieved: &Retrieved) -> Result<()> {
    match retrieved.failed {
        0 => Ok(()),
        failed => {
            let objects = counted(failed.into(), "object");
            Err(format!("{objects} could not be sent ({})", retrieved.status).into())
        }
    }
}
