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
        // Cases of a dataset are read with no option of their own: their files are corrected once.
        "train" | "auto" => format!(
            "put a readable copy in its place: `vesalius convert {} {} {option}`",
            refused.path.display(),
            copy(&refused.path).display()
        ),
        _ => format!("{} `{option}`", purpose(refused.remedy)),
    })
}

fn helps_a_copy(remedy: Remedy) -> bool {
    !matches!(
        remedy,
        Remedy::FourthAxisAsChannels | Remedy::RaiseMemoryLimit { .. } | Remedy::Round
    )
}

fn purpose(remedy: Remedy) -> &'static str {
    match remedy {
        Remedy::AssumeSpacing => "if you know the spacing in mm, add",
        Remedy::FourthAxisAsChannels => "if the fourth axis holds channels, add",
        Remedy::RaiseMemoryLimit { .. } => {
            "if the file is right and the machine has the memory, add"
        }
        Remedy::NameSeries | Remedy::NameVolume => "name one of them with",
        Remedy::InterpolateSlices => "to have slices at equal gaps interpolated, add",
        Remedy::KeepShear => "to keep the shear in the affine, add",
        Remedy::Round => "to round to whole numbers, add",
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
        Remedy::NameSeries => "--series NUMBER".to_owned(),
        Remedy::NameVolume => "--series NUMBER/PART".to_owned(),
        Remedy::InterpolateSlices => "--interpolate-slices".to_owned(),
        Remedy::KeepShear => "--keep-shear".to_owned(),
        Remedy::Round => "--round".to_owned(),
        _ => String::new(),
    }
}

/// The name of a copy next to a file or folder.
fn copy(path: &Path) -> std::path::PathBuf {
    let name = io::strip_extension(path);
    path.with_file_name(format!("{name}_readable.nii.gz"))
}
