//! nnU-Net's choices by channel names and file endings: normalisation and the class that reads files.

use super::{PlanChoice, Reason};
use crate::nnunet::{DatasetJson, Fingerprint};

/// nnU-Net's class for each channel by its name, and whether it uses nonzero voxels alone.
pub(super) fn normalisation(
    fingerprint: &Fingerprint,
    dataset: &DatasetJson,
    reasons: &mut Vec<Reason>,
) -> (Vec<String>, Vec<bool>) {
    let share = fingerprint.median_relative_size_after_cropping;
    let class = |name: &String| match name.to_lowercase().as_str() {
        "ct" => "CTNormalization",
        "nonorm" => "NoNormalization",
        "rescale_to_0_1" => "RescaleTo01Normalization",
        "rgb_to_0_1" => "RGBTo01Normalization",
        _ => "ZScoreNormalization",
    };
    let classes: Vec<&str> = dataset.channel_names.values().map(class).collect();
    let masks = classes
        .iter()
        .map(|&c| share < 0.75 && c == "ZScoreNormalization");
    let masks: Vec<bool> = masks.collect();
    for (name, (class, mask)) in dataset
        .channel_names
        .values()
        .zip(classes.iter().zip(&masks))
    {
        let reason = match (*class, mask) {
            ("CTNormalization", _) => "Hounsfield units mean the same in every scan, so the dataset's percentiles and deviation hold".to_owned(),
            ("ZScoreNormalization", true) => format!("cropping to nonzero voxels leaves {:.0} % of the median image, so its zeros say nothing", 100.0 * share),
            ("ZScoreNormalization", false) => "intensities mean something only within a scan".to_owned(),
            _ => "its name asks for it".to_owned(),
        };
        let text = format!("channel `{name}` gets {class}: {reason}");
        reasons.push(Reason::new(PlanChoice::Normalization, text));
    }
    (classes.into_iter().map(str::to_owned).collect(), masks)
}

/// The class that nnU-Net would read the files with.
pub(super) fn reader(dataset: &DatasetJson, fingerprint: &Fingerprint) -> String {
    let asked = dataset.overwrite_image_reader_writer.as_deref();
    if let Some(name) = asked.filter(|name| *name != "None") {
        return name.to_owned();
    }
    let ending = dataset
        .file_ending
        .as_deref()
        .unwrap_or(".nii.gz")
        .to_lowercase();
    let flat = fingerprint
        .shapes_after_crop
        .iter()
        .all(|size| size[0] == 1);
    match (ending.as_str(), flat) {
        (".png" | ".bmp", _) | (".tif", true) => "NaturalImage2DIO",
        (".tif" | ".tiff", _) => "Tiff3DIO",
        (".nii", _) => "NibabelIO",
        _ => "SimpleITKIO",
    }
    .to_owned()
}
