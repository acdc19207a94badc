//! `vesalius clinic seg`.

use super::{FromLabels, Result};
use clap::ValueEnum;
use vesalius::dicom::{EmptyRule, FrameRule, SegKind, SegSyntax};
use vesalius::workflow::clinic::{SegForm, write_seg};

/// Arguments of `vesalius clinic seg`.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    from: FromLabels,
    /// What the pixels say
    #[arg(
        long = "type",
        value_name = "TYPE",
        value_enum,
        default_value = "binary"
    )]
    kind: Kind,
    /// Write frames without a voxel too, for old viewers
    #[arg(long)]
    all_frames: bool,
    /// How the file is encoded
    #[arg(long, value_name = "SYNTAX", value_enum, default_value = "native")]
    transfer_syntax: Syntax,
    /// Write an object also where no voxel has a label
    #[arg(long)]
    empty: bool,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Kind {
    /// A bit for each pixel and segment, which every program reads
    Binary,
    /// The number of the segment, known to few programs
    Labelmap,
    /// Probabilities: LABELS is an image with a channel for each segment
    Fractional,
}

#[derive(Clone, Copy, ValueEnum)]
enum Syntax {
    /// Not compressed
    Native,
    /// Deflated, which some archives and viewers cannot read
    Deflated,
}

/// Writes the segmentation.
pub fn run(arguments: &Arguments) -> Result<()> {
    let from = &arguments.from;
    let form = SegForm {
        kind: match arguments.kind {
            Kind::Binary => SegKind::Binary,
            Kind::Labelmap => SegKind::LabelMap,
            Kind::Fractional => SegKind::Fractional,
        },
        syntax: match arguments.transfer_syntax {
            Syntax::Native => SegSyntax::Native,
            Syntax::Deflated => SegSyntax::Deflated,
        },
        frames: match arguments.all_frames {
            true => FrameRule::All,
            false => FrameRule::Occupied,
        },
        empty: match arguments.empty {
            true => EmptyRule::Write,
            false => EmptyRule::Refuse,
        },
    };
    let options = from.options();
    let written =
        from.write(|output| write_seg(&from.labels, &from.target.source, output, &options, form))?;
    from.tell(&written.warnings);
    for (number, segment) in &written.segments {
        let kind = &segment.kind;
        note!(
            "segment {number}: {} ({} {}, {})",
            segment.name,
            kind.scheme,
            kind.value,
            kind.meaning
        );
    }
    note!("{} frames of series {}", written.frames, written.series_uid);
    Ok(())
}
