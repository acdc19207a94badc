//! Whether a file is an image or labels, as the user may specify: `--labels` and `--image`.

use crate::again::{this_command, this_command_for_labels};
use crate::warnings;
use vesalius::volume::Warning;
use vesalius::workflow::{FileKind, MayBeLabels, Notice};

/// The kind of IN; without one of the two the file decides, and where it cannot, the command fails with a question.
#[derive(clap::Args, Clone, Copy)]
pub struct KindOption {
    /// IN is a label map: names, which are never mixed
    #[arg(long)]
    labels: bool,
    /// IN is an image, even if it holds few whole numbers
    #[arg(long, conflicts_with = "labels")]
    image: bool,
}

impl KindOption {
    /// As the library's option.
    pub fn kind(self) -> FileKind {
        match (self.labels, self.image) {
            (true, _) => FileKind::Labels,
            (_, true) => FileKind::Image,
            _ => FileKind::FromFile,
        }
    }
}

/// Prints what reading decided.
pub fn notice(notice: &Notice) {
    match notice {
        Notice::Read { path, warnings } => {
            warnings::tell(path, warnings);
            if matches!(warnings, [Warning::MayBeLabels { .. }]) {
                note!(
                    "help: if they are labels, add `--labels`; if not, `--image` leaves this out"
                );
            }
        }
        Notice::TakenAsLabels { path, because } => {
            note!("{}: taken as a label map: {because}", path.display());
        }
        _ => {}
    }
}

/// A file that could be both, with the two commands to choose from.
pub fn explained(unclear: &MayBeLabels) -> String {
    let MayBeLabels {
        path,
        voxel_type,
        values,
    } = unclear;
    format!(
        "{} holds {values} different whole numbers ({voxel_type}), so it may be an image or a label map, \
         and mixing labels makes false ones; say which it is:\n  as labels:   {}\n  as an image: {}",
        path.display(),
        this_command_for_labels(),
        this_command(&["--image"]),
    )
}
