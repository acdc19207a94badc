//! Volume, mean intensity and place of each label of a result, and a mask of each.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vesalius_inferers::{LabelStatistics, Segmentation};
use vesalius_volume::{AxisCode, Geometry, LabelScheme, Volume};

/// The volume of a label, how bright the image is in it, and whether it is cut off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelVolume {
    /// The label's value.
    pub value: u32,
    /// The label's name.
    pub name: String,
    /// Millilitres.
    pub millilitres: f64,
    /// The mean of each channel of the image in it, in the image's unit.
    pub means: Vec<f64>,
    /// The sides of the image whose outermost voxels it reaches: it may go on beyond them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut_off: Vec<Side>,
}

/// A side of an image, seen from the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The patient's left.
    Left,
    /// The patient's right.
    Right,
    /// The back.
    Posterior,
    /// The front.
    Anterior,
    /// Towards the feet.
    Inferior,
    /// Towards the head.
    Superior,
}

impl Side {
    fn of(code: AxisCode, at_end: bool) -> Self {
        // The last voxel of an axis that grows towards the right is the rightmost.
        let towards = code.positive == at_end;
        match (code.world_axis, towards) {
            (0, false) => Self::Left,
            (0, true) => Self::Right,
            (1, false) => Self::Posterior,
            (1, true) => Self::Anterior,
            (_, false) => Self::Inferior,
            (_, true) => Self::Superior,
        }
    }
}

/// Statistics of each label that occurs.
pub(super) fn label_volumes(
    segmented: &Segmentation,
    image: &Volume<f32>,
    scheme: &LabelScheme,
) -> vesalius_inferers::Result<Vec<LabelVolume>> {
    let grid = segmented.geometry();
    let own = scheme.labels();
    let name = |value: u32| {
        let label = own.iter().find(|label| u32::from(label.value) == value);
        label.map_or_else(|| value.to_string(), |label| label.name.to_owned())
    };
    let found = segmented.statistics(image)?;
    let volumes = found.into_iter().map(|(value, label)| LabelVolume {
        value,
        name: name(value),
        millilitres: label.voxels as f64 * grid.voxel_volume() / 1000.0,
        cut_off: cut_off(&label, grid),
        means: label.means,
    });
    Ok(volumes.collect())
}

/// The sides that a label's box reaches. An axis of one voxel has none: everything reaches both.
fn cut_off(label: &LabelStatistics, grid: &Geometry) -> Vec<Side> {
    let mut sides = Vec::new();
    let axes = grid.size().into_iter().zip(grid.orientation().0);
    for (axis, (size, code)) in axes.enumerate() {
        if size == 1 {
            continue;
        }
        if label.first[axis] == 0 {
            sides.push(Side::of(code, false));
        }
        if label.last[axis] + 1 == size {
            sides.push(Side::of(code, true));
        }
    }
    sides
}

/// Writes a mask for each label of the scheme, whether it occurs or not: `NAME/LABEL.nii.gz` beside `NAME.nii.gz`.
pub(super) fn write_masks(
    segmented: &Segmentation,
    target: &Path,
    scheme: &LabelScheme,
) -> vesalius_inferers::Result<()> {
    let folder = masks_folder(target);
    let ending = vesalius_io::strip_extension(target).len();
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let ending = name.get(ending..).unwrap_or(".nii.gz").to_owned();
    std::fs::create_dir_all(&folder).map_err(|source| vesalius_io::Error::Write {
        path: folder.clone(),
        source,
    })?;
    let mut taken = BTreeSet::new();
    for label in scheme.labels() {
        if label.value == 0 {
            continue;
        }
        let mut name = file_name(label.name);
        if !taken.insert(name.to_lowercase()) {
            name = format!("{name}_{}", label.value);
            taken.insert(name.to_lowercase());
        }
        segmented.write_mask(folder.join(format!("{name}{ending}")), label.value)?;
    }
    Ok(())
}

/// Where the masks of a result are.
pub(super) fn masks_folder(target: &Path) -> PathBuf {
    target.with_file_name(vesalius_io::strip_extension(target))
}

/// A label's name as a file's: what separates folders or is not printed becomes `_`.
fn file_name(label: &str) -> String {
    let kept = |c: char| match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        c if c.is_control() || c.is_whitespace() => '_',
        c => c,
    };
    let name: String = label.chars().map(kept).take(100).collect();
    match name.trim_start_matches('.') {
        "" => "label".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_at_the_border_is_cut_off_on_that_side() {
        let grid = Geometry::axis_aligned([4, 5, 6], [1.0; 3]).unwrap();
        let image = Volume::filled(grid, 1.0f32);
        let scheme = LabelScheme::exclusive(&[("organ", 1)]).unwrap();
        let reach = |inside: fn([usize; 3]) -> bool| {
            let image = Volume::from_fn(*image.geometry(), |at| f32::from(u8::from(inside(at))));
            let model = vesalius_inferers::ModelDescription::builder(
                scheme.clone(),
                vesalius_networks::NetworkConfig::default().with_channels(1, 2),
            )
            .inferer(vesalius_inferers::Inferer::SlidingWindow(
                vesalius_inferers::SlidingWindow {
                    patch_size: [8; 3],
                    ..Default::default()
                },
            ))
            .build()
            .unwrap();
            let network = |patch: vesalius_tensor::Tensor<5>| {
                let above = patch - 0.5;
                vesalius_tensor::Tensor::cat(vec![above.clone() * 0.0, above], 1)
            };
            let segmenter = vesalius_inferers::Segmenter::with_networks(
                model,
                vec![Box::new(network)],
                &vesalius_tensor::Device::flex(),
            )
            .unwrap();
            let found = segmenter.segment(&image).unwrap();
            label_volumes(&found, &image, &scheme).unwrap()
        };
        let inner = reach(|[x, y, z]| (1..3).contains(&x) && y == 2 && (1..4).contains(&z));
        assert_eq!(inner.len(), 1);
        assert!(inner[0].cut_off.is_empty() && inner[0].means == [1.0]);
        assert_eq!(
            (inner[0].name.as_str(), inner[0].millilitres),
            ("organ", 0.006)
        );
        let outer = reach(|[x, y, z]| x == 0 && y == 4 && z < 6);
        let sides = [Side::Left, Side::Anterior, Side::Inferior, Side::Superior];
        assert_eq!(outer[0].cut_off, sides);
        assert!(reach(|_| false).is_empty());
    }

    #[test]
    fn names_of_labels_are_names_of_files() {
        assert_eq!(file_name("left kidney"), "left_kidney");
        assert_eq!(file_name("../../etc"), "_.._etc");
        assert_eq!(file_name("a/b\n"), "a_b_");
        assert_eq!(file_name(".."), "label");
    }
}
