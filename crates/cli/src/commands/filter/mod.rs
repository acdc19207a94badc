//! `vesalius filter NAME IN OUT`: one filter of `vesalius::filter` on files.

mod arguments;
mod findings;
mod list;

use super::Result;
use crate::kind;
use arguments::Chosen;
use clap::Subcommand;
use vesalius::filter::Error;
use vesalius::volume;

/// Arguments of `vesalius filter`.
#[derive(clap::Args)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Name every filter with its own options; `--help` of one has those of reading images too
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    filter: Option<Chosen>,
}

/// Reads, filters and writes; prints what was measured.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.list {
        return list::print(&Chosen::augment_subcommands(clap::Command::new("filter")));
    }
    let Some(chosen) = &arguments.filter else {
        return Err("no filter is named; `vesalius filter --list` names them all".into());
    };
    let job = chosen.job()?;
    let _claimed = chosen.claim()?;
    let found = job.run(&mut kind::notice).map_err(explained)?;
    findings::print(&found, chosen.json.as_ref())
}

/// What went wrong, in the options of the command.
fn explained(error: Error) -> Box<dyn std::error::Error> {
    match error {
        Error::MayBeLabels(unclear) => kind::explained(&unclear).into(),
        Error::NoSurface(what) => {
            format!("{what} in the image; choose another --label or --level").into()
        }
        Error::MaskGrid { difference } => volume::Error::GeometryMismatch {
            what: "IN and --mask".to_owned(),
            difference,
        }
        .into(),
        error => error.into(),
    }
}
