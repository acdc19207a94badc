//! `vesalius filter NAME IN OUT`: one operation of the library on files.
//!
//! A room a file; each names its filters, their options and units. The work is the library's.

mod components;
mod files;
mod grid;
mod intensity;
mod list;
mod morphology;
mod regions;
mod smoothing;

use super::Result;
use clap::Subcommand;

/// Arguments of `vesalius filter`.
#[derive(clap::Args)]
#[command(arg_required_else_help = true, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Name every filter with its options
    #[arg(long)]
    list: bool,
    #[command(subcommand)]
    filter: Option<Filter>,
}

/// Every filter by name.
#[derive(Subcommand)]
#[command(subcommand_value_name = "NAME", subcommand_help_heading = "Filters")]
enum Filter {
    #[command(flatten)]
    Intensity(intensity::Intensity),
    #[command(flatten)]
    Smoothing(smoothing::Smoothing),
    #[command(flatten)]
    Morphology(morphology::Morphology),
    #[command(flatten)]
    Connected(components::Connected),
    #[command(flatten)]
    Regions(regions::Regions),
    #[command(flatten)]
    Grid(grid::Grid),
}

/// Reads, filters and writes.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.filter {
        _ if arguments.list => {
            list::print(&Filter::augment_subcommands(clap::Command::new("filter")))
        }
        Some(Filter::Intensity(filter)) => filter.run(),
        Some(Filter::Smoothing(filter)) => filter.run(),
        Some(Filter::Morphology(filter)) => filter.run(),
        Some(Filter::Connected(filter)) => filter.run(),
        Some(Filter::Regions(filter)) => filter.run(),
        Some(Filter::Grid(filter)) => filter.run(),
        None => Err("no filter is named; `vesalius filter --list` names them all".into()),
    }
}
