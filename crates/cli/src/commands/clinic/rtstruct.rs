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
    /// By how many mm contours may leave the edges of pixels to have fewer points; the Dice to the labels is told
    #[arg(
        long,
        value_name = "MM",
        default_value_t = 0.0,
        allow_hyphen_values = true
    )]
    simplify: f64,
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
        simplify: arguments.simplify,
        label: arguments.label.clone(),
    };
    let options = from.options();
    let (labels, source) = (&from.labels, &from.target.source);
    let written = from.write(|output| write_rtstruct(labels, source, output, &options, &form))?;
    from.tell(&written.warnings);
    for (number, segment, count) in &written.contours {
        note!("structure {number}: {}, {count} contours", segment.name);
    }
    for simplified in &written.simplified {
        note!(
            "structure {}: {} of {} points, Dice {:.4} to the labels",
            simplified.number,
            simplified.points,
            simplified.points_before,
            simplified.dice
        );
    }
    Ok(())
}
