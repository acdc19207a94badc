//! `vesalius clinic rtstruct`.

use super::{FromLabels, Result};
use vesalius::dicom::HoleRule;
use vesalius::workflow::clinic::{ContourForm, write_rtstruct};

/// Arguments of `vesalius clinic rtstruct`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    from: FromLabels,
    /// Write holes as contours of their own, not as a part of the contour around them
    #[arg(long)]
    nested_holes: bool,
    /// What the structure set is called, at most 16 characters
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

/// Writes the contours.
pub fn run(arguments: &Arguments) -> Result<()> {
    let from = &arguments.from;
    let form = ContourForm {
        holes: match arguments.nested_holes {
            true => HoleRule::Nested,
            false => HoleRule::Keyhole,
        },
        label: arguments.label.clone(),
    };
    let options = from.options();
    let (labels, source) = (&from.labels, &from.source);
    let written = from.write(|output| write_rtstruct(labels, source, output, &options, &form))?;
    from.tell(&written.warnings);
    for (number, segment, count) in &written.contours {
        note!("structure {number}: {}, {count} contours", segment.name);
    }
    Ok(())
}
