//! `vesalius clinic picture`.

use super::{FromLabels, Result};
use vesalius::workflow::clinic::write_picture;

/// Arguments of `vesalius clinic picture`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    from: FromLabels,
}

/// Draws and writes the picture.
pub fn run(arguments: &Arguments) -> Result<()> {
    let from = &arguments.from;
    let options = from.options();
    let (labels, source) = (&from.labels, &from.target.source);
    let written = from.write(|output| write_picture(labels, source, output, &options))?;
    note!("picture of series {}", written.series_uid);
    Ok(())
}
