//! `vesalius pacs`: scans from the archive of a hospital, and results to it, by DIMSE or DICOMweb.

mod echo;
mod find;
mod peer;
mod retrieve;
mod send;

use super::Result;
use clap::Subcommand;
use vesalius::pacs::Error;

/// Arguments of `vesalius pacs`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Whether the archive answers, and how fast (C-ECHO; a query of DICOMweb)
    Echo(echo::Arguments),
    /// What the archive has: studies, series or single objects (C-FIND, QIDO-RS)
    Find(find::Arguments),
    /// Fetch a study, a series or an object on the connection that asks for it (C-GET, WADO-RS)
    Get(retrieve::GetArguments),
    /// Have the archive send a study, a series or an object here or to another system (C-MOVE)
    Move(retrieve::MoveArguments),
    /// Send DICOM files (C-STORE, STOW-RS)
    Send(send::Arguments),
}

/// Talks to the archive.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::Echo(arguments) => echo::run(arguments),
        Action::Find(arguments) => find::run(arguments),
        Action::Get(arguments) => retrieve::get(arguments),
        Action::Move(arguments) => retrieve::move_objects(arguments),
        Action::Send(arguments) => send::run(arguments),
    }
}

/// An error with what to do about it, in options of these commands.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    let remedy = match &error {
        Error::Tls(_) => "give the authority that signed its certificate with `--tls-ca`",
        Error::Http {
            status: 401 | 403, ..
        } => "a token is given by `--token-file`",
        Error::Timeout { .. } => "wait longer with `--timeout`",
        _ => return error.into(),
    };
    format!("{error}\nhelp: {remedy}").into()
}
