//! Whether a file is an image or a label map: decided by the file, its folder and its values.
//!
//! Labels may not be interpolated and images should be, so code that interpolates calls this first. Where there is
//! no evidence and whole numbers could be both, the result is that it is not clear, never a guess.

use crate::{ImageFile, ImageInfo, Result, Scaling, VoxelType, strip_extension};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use vesalius_volume::{Volume, Voxel};

/// A file of whole numbers with no more different values than this may be a label map: atlases have some
/// hundred labels.
const MOST_LABELS: usize = 256;
/// Slices that are read at once.
const SLICES: usize = 8;
/// Voxels of one block.
const PART: usize = 1 << 16;
/// NIfTI's code for labels.
const INTENT_LABEL: &str = "1002";

/// What a file's voxels are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Labels, never to be mixed.
    Labels(Evidence),
    /// Numbers.
    Image,
    /// Real numbers that are all whole and few: an image by their type, though many programs store label maps so.
    WholeReals {
        /// How many different values there are.
        values: usize,
    },
    /// Few different whole numbers, without evidence for either.
    Unclear {
        /// The type the file stores.
        voxel_type: VoxelType,
        /// How many different values there are.
        values: usize,
    },
}

/// Evidence that a file is a label map.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Evidence {
    /// The header names its labels.
    #[error("its header names {0} labels")]
    Names(usize),
    /// The NIfTI header's intent.
    #[error("its NIfTI intent is LABEL")]
    Intent,
    /// A label description file of its name is in its folder.
    #[error("{} lies beside it", .0.display())]
    Description(PathBuf),
    /// It lies in a dataset's folder of labels.
    #[error("{} lists its folder's files as labels", .0.display())]
    Dataset(PathBuf),
}

/// What the voxels of a file are, from its header, its folder and its values.
///
/// ```
/// use vesalius_io::{Kind, kind_of, probe, read, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// write(&path, &Volume::from_fn(grid, |[x, y, z]| (x * y) as f32 + 0.5 * z as f32))?;
/// // Values between whole numbers are not labels.
/// assert_eq!(kind_of(&probe(&path)?, &read(&path)?), Kind::Image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn kind_of<T: Voxel + Into<f64>>(info: &ImageInfo, image: &Volume<T>) -> Kind {
    without_values(info).unwrap_or_else(|| match few_labels(image.data()) {
        Some(labels) => few_values(info, labels.len()),
        None => Kind::Image,
    })
}

/// As [`kind_of`], for a file whose voxels are read some slices at a time, and no further than it takes to decide.
///
/// # Errors
/// As [`ImageFile::slabs`].
///
/// ```
/// use vesalius_io::{Kind, VoxelType, kind_of_file, open, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("mask.nii.gz");
/// let grid = Geometry::axis_aligned([8, 8, 8], [1.0; 3])?;
/// write(&path, &Volume::from_fn(grid, |[x, ..]| u8::from(x > 4)))?;
/// let unclear = Kind::Unclear { voxel_type: VoxelType::U8, values: 2 };
/// assert_eq!(kind_of_file(&open(&path)?)?, unclear);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn kind_of_file(file: &ImageFile) -> Result<Kind> {
    let info = file.info();
    if let Some(kind) = without_values(info) {
        return Ok(kind);
    }
    let mut all = BTreeSet::new();
    for slab in file.slabs::<f32>(SLICES)? {
        match few_labels(slab?.volume.data()) {
            Some(labels) => all.extend(labels),
            None => return Ok(Kind::Image),
        }
        if all.len() > MOST_LABELS {
            return Ok(Kind::Image);
        }
    }
    Ok(few_values(info, all.len()))
}

/// The kind of a file with so many different values, all whole and not negative.
fn few_values(info: &ImageInfo, values: usize) -> Kind {
    let voxel_type = info.voxel_type;
    match voxel_type.is_integer() {
        true => Kind::Unclear { voxel_type, values },
        false => Kind::WholeReals { values },
    }
}

/// What the header and the folder decide.
fn without_values(info: &ImageInfo) -> Option<Kind> {
    if let Some(evidence) = evidence(info) {
        return Some(Kind::Labels(evidence));
    }
    let is_image = info.scaling != Scaling::IDENTITY
        || info.channels > 1
        || dataset(&info.path, &["imagesTr", "imagesTs", "imagesVal"]).is_some();
    is_image.then_some(Kind::Image)
}

fn evidence(info: &ImageInfo) -> Option<Evidence> {
    if !info.labels.is_empty() {
        return Some(Evidence::Names(info.labels.len()));
    }
    if info.metadata.get("intent_code").map(String::as_str) == Some(INTENT_LABEL) {
        return Some(Evidence::Intent);
    }
    let description = info
        .path
        .with_file_name(format!("{}.label", strip_extension(&info.path)));
    if description.is_file() {
        return Some(Evidence::Description(description));
    }
    dataset(&info.path, &["labelsTr", "labelsTs", "labelsVal"]).map(Evidence::Dataset)
}

/// The `dataset.json` of a file in one of a dataset's folders, as the Decathlon and nnU-Net lay them out.
fn dataset(path: &Path, folders: &[&str]) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let folder = path.parent()?;
    let name = folder.file_name()?.to_str()?;
    let dataset = folder.parent()?.join("dataset.json");
    (folders.contains(&name) && dataset.is_file()).then_some(dataset)
}

/// The different values, where all could be labels and are few.
fn few_labels<T: Voxel + Into<f64>>(values: &[T]) -> Option<BTreeSet<u32>> {
    let of_part = |part: &[T]| -> Option<BTreeSet<u32>> {
        let mut found = BTreeSet::new();
        for run in part.chunk_by(|a, b| a == b) {
            let value: f64 = run[0].into();
            let label = value as u32;
            if f64::from(label) != value {
                return None;
            }
            found.insert(label);
            if found.len() > MOST_LABELS {
                return None;
            }
        }
        Some(found)
    };
    values
        .par_chunks(PART)
        .map(of_part)
        .try_reduce(BTreeSet::new, |mut all, part| {
            all.extend(part);
            (all.len() <= MOST_LABELS).then_some(all)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{WriteOptions, probe, read, write_labels, write_with};
    use vesalius_volume::{Geometry, LabelMap};

    fn grid() -> Geometry {
        Geometry::axis_aligned([40, 30, 20], [1.0; 3]).unwrap()
    }

    fn of(path: &Path) -> Kind {
        kind_of(&probe(path).unwrap(), &read(path).unwrap())
    }

    fn written(path: &Path, voxel_type: VoxelType, value: impl Fn(usize) -> f32) {
        let image = Volume::from_fn(grid(), |at| value(grid().offset(at)));
        let options = WriteOptions {
            voxel_type: Some(voxel_type),
            ..WriteOptions::default()
        };
        write_with(path, &image, &options).unwrap();
    }

    #[test]
    fn values_tell_images_from_what_may_be_labels() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.nii.gz");
        let unclear = |voxel_type, values| Kind::Unclear { voxel_type, values };
        written(&path, VoxelType::I16, |i| [0.0, 2.0, 4.0][i / 4000 % 3]);
        assert_eq!(of(&path), unclear(VoxelType::I16, 3));
        // An atlas of many large numbers.
        written(&path, VoxelType::I32, |i| (i / 100 % 200 * 71) as f32);
        assert_eq!(of(&path), unclear(VoxelType::I32, 200));
        written(&path, VoxelType::U8, |i| (i % 256) as f32);
        assert_eq!(of(&path), unclear(VoxelType::U8, 256));
        written(&path, VoxelType::I16, |i| (i % 257) as f32);
        assert_eq!(of(&path), Kind::Image);
        written(&path, VoxelType::I16, |i| (i % 5) as f32 - 1.0);
        assert_eq!(of(&path), Kind::Image);
        // Label maps that other programs stored as real numbers.
        let whole = Kind::WholeReals { values: 3 };
        written(&path, VoxelType::F32, |i| (i % 3) as f32);
        assert_eq!(of(&path), whole);
        assert_eq!(kind_of_file(&crate::open(&path).unwrap()).unwrap(), whole);
        written(&path, VoxelType::F32, |i| (i % 3) as f32 / 2.0);
        assert_eq!(of(&path), Kind::Image);
    }

    #[test]
    fn headers_sidecars_and_datasets_settle_it() {
        let folder = tempfile::tempdir().unwrap();
        let labels = LabelMap::from_fn(grid(), |[x, _, _]| u16::from(x > 4));
        let dataset = folder.path().join("dataset.json");
        std::fs::write(&dataset, "{}").unwrap();
        for (name, expected) in [("labelsTr", true), ("imagesTr", false)] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            let path = folder.path().join(name).join("a.nii.gz");
            write_labels(&path, &labels).unwrap();
            let kind = match expected {
                true => Kind::Labels(Evidence::Dataset(dataset.clone())),
                false => Kind::Image,
            };
            assert_eq!(of(&path), kind);
        }
        let path = folder.path().join("b.nii.gz");
        write_labels(&path, &labels).unwrap();
        assert!(matches!(of(&path), Kind::Unclear { values: 2, .. }));
        let description = folder.path().join("b.label");
        crate::write_label_names(&description, &[]).unwrap();
        assert_eq!(of(&path), Kind::Labels(Evidence::Description(description)));
        let named = WriteOptions {
            labels: vec![crate::LabelName {
                value: 1,
                name: "liver".to_owned(),
                color: [1, 2, 3],
                layer: 0,
            }],
            ..WriteOptions::default()
        };
        let path = folder.path().join("c.seg.nrrd");
        crate::write_labels_with(&path, &labels, &named).unwrap();
        assert_eq!(of(&path), Kind::Labels(Evidence::Names(1)));
        // NIfTI's intent is at byte 68 of the header.
        let path = folder.path().join("d.nii");
        write_labels(&path, &labels).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[68..70].copy_from_slice(&1002i16.to_le_bytes());
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(of(&path), Kind::Labels(Evidence::Intent));
    }
}
