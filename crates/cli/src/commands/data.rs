//! `vesalius data`: public datasets by name, and any archive at a URL.

use super::Result;
use crate::interrupt::followed;
use crate::output::{JsonOutput, table};
use clap::Subcommand;
use std::path::PathBuf;
use vesalius::fetch::{Checksum, Error, FetchOptions, Fetched, Source, TASKS, fetch};
use vesalius::inferers::ByteSize;
use vesalius::volume::counted;

/// Arguments of `vesalius data`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// The datasets that are known by name: the ten tasks of the Medical Segmentation Decathlon
    List(ListArguments),
    /// Download a dataset, check it and unpack it; a download that was interrupted continues
    Fetch(FetchArguments),
}

#[derive(clap::Args)]
struct ListArguments {
    #[command(flatten)]
    json: JsonOutput,
}

#[derive(clap::Args)]
struct FetchArguments {
    /// A name of `vesalius data list`, or the URL of an archive or a file (https, http, file)
    #[arg(value_name = "NAME|URL")]
    source: String,
    /// The folder in which the dataset gets its own
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    /// What the SHA-256 of the download must be, in 64 hexadecimal digits
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Take the file of the same name from below this address, such as `file:///data/archives`
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// The most that the download may have, and the most that it may have unpacked, such as `30GB` [default: what the
    /// disk has room for]
    #[arg(long, value_name = "SIZE", allow_hyphen_values = true)]
    max_size: Option<ByteSize>,
    /// Keep the archive beside the folder
    #[arg(long)]
    keep_archive: bool,
    /// Fetch again, and replace the folder
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    json: JsonOutput,
}

/// Lists or fetches.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::List(arguments) => list(arguments),
        Action::Fetch(arguments) => fetch_one(arguments),
    }
}

fn list(arguments: &ListArguments) -> Result<()> {
    if !arguments.json.replaces_table() {
        let row = |task: &vesalius::fetch::Task| {
            vec![
                task.name.to_owned(),
                task.modality.to_owned(),
                task.labels.to_owned(),
                size(task.megabytes),
            ]
        };
        let header = ["name", "channels", "labels", "download"];
        out!("{}", table(&header, TASKS.iter().map(row).collect()));
    }
    let described: Vec<_> = TASKS.iter().map(described).collect();
    arguments.json.write(&described)
}

fn size(megabytes: u64) -> String {
    match megabytes {
        0..1_000 => format!("{megabytes} MB"),
        _ => format!("{:.1} GB", megabytes as f64 / 1e3),
    }
}

fn described(task: &vesalius::fetch::Task) -> serde_json::Value {
    serde_json::json!({
        "name": task.name,
        "channels": task.modality,
        "labels": task.labels,
        "megabytes": task.megabytes,
        "checksum": task.checksum.to_string(),
    })
}

fn fetch_one(arguments: &FetchArguments) -> Result<()> {
    let mut source = match arguments.source.contains("://") {
        true => Source::url(&arguments.source)?,
        false => Source::task(&arguments.source)?,
    };
    if let Some(mirror) = &arguments.from {
        source = source.from_mirror(mirror)?;
    }
    if let Some(digits) = &arguments.sha256 {
        source = source.with_checksum(Checksum::sha256(digits)?);
    }
    let mut options = FetchOptions::new(&arguments.output);
    options.limit = arguments.max_size.map(|limit| limit.0);
    options.keep_archive = arguments.keep_archive;
    options.replace = arguments.overwrite;
    options.control = followed();
    let fetched = fetch(&source, &options).map_err(explained)?;
    if !arguments.json.replaces_table() {
        print(&fetched);
    }
    arguments.json.write(&fetched)
}

fn print(fetched: &Fetched) {
    let cases = fetched.cases.map_or_else(String::new, |count| {
        format!(": {}", counted(count, "labelled case"))
    });
    let there = match fetched.was_there {
        true => " (was there already; nothing was fetched)",
        false => "",
    };
    out!("{}{cases}{there}", fetched.folder.display());
    if let Some(archive) = &fetched.archive {
        out!("{}", archive.display());
    }
}

/// What went wrong, with the options that help.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::Exists { .. } => "; add `--overwrite` to fetch it again",
        Error::TooLarge { .. } => "; see `--max-size`",
        Error::Network {
            unreachable: true, ..
        } => " with `--from`",
        Error::Status { .. } | Error::Checksum { .. } => {
            "; another address can be given with `--from`"
        }
        _ => return error.into(),
    };
    format!("{error}{remedy}").into()
}
