//! All volumes of a series along a fourth axis: on one grid, in the order of their keys.

use super::series::Series;
use crate::{Error, ImageInfo, ReadOptions, Result, Scaling};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vesalius_volume::Geometry;

/// Refuses several volumes where a fourth axis is not asked for.
///
/// # Errors
/// [`Error::FourthAxis`].
pub(super) fn admit(path: &Path, parts: &[Series], options: &ReadOptions) -> Result<()> {
    if parts.len() < 2 || options.fourth_axis == crate::FourthAxis::Channels {
        return Ok(());
    }
    let extent = parts[0].size.iter().map(|&n| n as u64);
    Err(Error::FourthAxis {
        path: path.to_owned(),
        axes: format!("{} volumes in one series: {}", parts.len(), names(parts)),
        extent: extent.chain([parts.len() as u64]).collect(),
    })
}

fn names(parts: &[Series]) -> String {
    let names: Vec<&str> = parts
        .iter()
        .filter_map(|part| part.part.as_deref())
        .collect();
    names.join("; ")
}

/// The grid that all volumes have.
///
/// # Errors
/// [`Error::Unsupported`] where two of them have different ones.
pub(super) fn one_grid(path: &Path, parts: &[Series], grids: &[Geometry]) -> Result<Geometry> {
    let first = grids[0];
    let Some(other) = grids.iter().position(|grid| !grid.is_same(&first)) else {
        return Ok(first);
    };
    let grid = |at: usize| {
        let name = parts[at].part.as_deref().unwrap_or("the series");
        let (size, origin) = (grids[at].size(), grids[at].origin());
        format!("`{name}` has {size:?} voxels from {origin:?} mm")
    };
    Err(Error::unsupported(
        path,
        format!(
            "a fourth axis of volumes on different grids ({}, {})",
            grid(0),
            grid(other)
        ),
        "read them one by one with `VolumeChoice::Named` and resample them",
    ))
}

/// What one image of all volumes is like: that of the first, with the keys of all in its metadata.
pub(super) fn together(
    path: &Path,
    parts: &[Series],
    mut infos: Vec<ImageInfo>,
) -> Result<ImageInfo> {
    if infos.len() == 1 {
        return Ok(infos.remove(0));
    }
    let grids: Vec<Geometry> = infos.iter().map(|info| info.geometry).collect();
    let geometry = one_grid(path, parts, &grids)?;
    let types = infos.iter().map(|info| info.voxel_type);
    let voxel_type = types.reduce(super::scaled::wider);
    let mut metadata = infos[0].metadata.clone();
    metadata.extend(keys(parts));
    let mut warnings = Vec::new();
    for warning in infos.iter().flat_map(|info| &info.warnings) {
        if !warnings.contains(warning) {
            warnings.push(warning.clone());
        }
    }
    let scaling = infos[0].scaling;
    let same = infos.iter().all(|info| info.scaling == scaling);
    let first = infos.remove(0);
    Ok(ImageInfo {
        geometry,
        channels: parts.len(),
        voxel_type: voxel_type.unwrap_or(first.voxel_type),
        scaling: if same { scaling } else { Scaling::IDENTITY },
        nifti: super::time_step::fields(parts),
        metadata,
        warnings,
        ..first
    })
}

/// The values of every key, one for each volume with `; ` between them, and the names of the volumes as `Volumes`.
fn keys(parts: &[Series]) -> BTreeMap<String, String> {
    let all: BTreeSet<&String> = parts
        .iter()
        .flat_map(|part| &part.keys)
        .map(|key| &key.keyword)
        .collect();
    let of = |keyword: &String| {
        let value = |part: &Series| {
            let key = part.keys.iter().find(|key| key.keyword == *keyword);
            key.map_or(String::new(), |key| key.value.clone())
        };
        let values: Vec<String> = parts.iter().map(value).collect();
        (keyword.clone(), values.join("; "))
    };
    let names = ("Volumes".to_owned(), names(parts));
    all.into_iter().map(of).chain([names]).collect()
}
