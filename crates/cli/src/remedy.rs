//! What to do about an image that was refused, in the options of the command.

use std::path::Path;
use vesalius::io::{self, RefusedImage, Remedy};

/// Prints the remedy for a refused image, where there is one.
pub fn tell(refused: Option<&RefusedImage>, command: &str) {
    if let Some(sentence) = refused.and_then(|refused| sentence(refused, command)) {
        complain!("help: {sentence}");
    }
}

/// The remedy for a refused image, as one sentence for a user of this command; `None` where none helps.
fn sentence(refused: &RefusedImage, command: &str) -> Option<String> {
    let option = option(refused.remedy);
    Some(match command {
        // A larger limit or channels are not what a copy would change.
        "train" | "auto" if !helps_a_copy(refused.remedy) => return None,
        // The model has the number of channels.
        "predict" if refused.remedy == Remedy::FourthAxisAsChannels => return None,
        "train" | "auto" if matches!(refused.remedy, Remedy::ChooseLayer | Remedy::RoundLabels) => {
            format!(
                "put a readable copy in its place: `vesalius convert {} {} --labels {option}`",
                refused.path.display(),
                copy(&refused.path).display()
            )
        }
        // Cases of a dataset are read with no option of their own: their files are corrected once.
        "train" | "auto" => format!(
            "put a readable copy in its place: `vesalius convert {} {} {option}`",
            refused.path.display(),
            copy(&refused.path).display()
        ),
        "convert" if refused.remedy == Remedy::FillContours => {
            "add the image on which they were drawn: `--like IMAGE`".to_owned()
        }
        _ if refused.remedy == Remedy::FillContours => format!(
            "make labels of them first: `vesalius convert {} labels.nrrd --like IMAGE`",
            refused.path.display()
        ),
        _ if refused.remedy == Remedy::NoUptakeValues => {
            "for the numbers of the files, leave `--suv` out".to_owned()
        }
        _ => format!("{} `{option}`", purpose(refused.remedy)),
    })
}

fn helps_a_copy(remedy: Remedy) -> bool {
    !matches!(
        remedy,
        Remedy::FourthAxisAsChannels
            | Remedy::RaiseMemoryLimit { .. }
            | Remedy::Round
            | Remedy::FillContours
            | Remedy::NoUptakeValues
    )
}

fn purpose(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::AssumeSpacing => "if you know the spacing in mm, add",
        Remedy::FourthAxisAsChannels => "if the fourth axis holds channels, add",
        Remedy::RaiseMemoryLimit { .. } => {
            "if the file is right and the machine has the memory, add"
        }
        Remedy::NameSeries => "name one of them, by UID, number or description, with",
        Remedy::NameVolume => "name one of them with",
        Remedy::InterpolateSlices => "to have slices at equal gaps interpolated, add",
        Remedy::KeepShear => {
            "to resample the slices to right angles, add `--untilt`; to keep the shear in the affine, add"
        }
        Remedy::Round | Remedy::RoundLabels => "to round to whole numbers, add",
        Remedy::ChooseForm => "leave `--form` out, or name the position that the file has with",
        Remedy::ChooseColor => "to read brightness (or `channels`), add",
        Remedy::ChooseComplex => "to read absolute values (or `phase`, `channels`), add",
        Remedy::ChooseLayer => {
            "to combine the channels, add `--label-channels one-hot` (or `largest`); to read one of them, from 0, add"
        }
        Remedy::NameArray => "name one of them with",
        _ => "add",
    }
}

fn option(remedy: Remedy) -> String {
    match remedy {
        Remedy::AssumeSpacing => "--assume-spacing X,Y,Z".to_owned(),
        Remedy::FourthAxisAsChannels => "--channels".to_owned(),
        Remedy::RaiseMemoryLimit { needed } => {
            format!("--max-memory {}GiB", needed.div_ceil(1 << 30))
        }
        Remedy::NameSeries => "--series UID".to_owned(),
        Remedy::NameVolume => "--volume NAME".to_owned(),
        Remedy::InterpolateSlices => "--interpolate-slices".to_owned(),
        Remedy::KeepShear => "--keep-shear".to_owned(),
        Remedy::Round | Remedy::RoundLabels => "--round".to_owned(),
        Remedy::ChooseForm => "--form FORM".to_owned(),
        Remedy::ChooseColor => "--color luminance".to_owned(),
        Remedy::ChooseComplex => "--complex magnitude".to_owned(),
        Remedy::ChooseLayer => "--layer N".to_owned(),
        Remedy::NameArray => "--array NAME".to_owned(),
        _ => String::new(),
    }
}

/// The name of a copy next to a file or folder.
fn copy(path: &Path) -> std::path::PathBuf {
    let name = io::strip_extension(path);
    path.with_file_name(format!("{name}_readable.nii.gz"))
}
