//! Pieces of labels by their number of voxels: which are kept and which removed, and what labels enclose; by MONAI's rules.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use vesalius_control::Control;
use vesalius_filters::{
    ComponentOptions, Components, Connectivity, HoleOptions, connected_components_with,
    fill_holes_with,
};
use vesalius_volume::LabelMap;

/// Which voxels touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Neighbours {
    /// The 6 that share a face.
    Faces,
    /// The 18 that share a face or an edge.
    Edges,
    /// All 26.
    #[default]
    Corners,
}

impl From<Neighbours> for Connectivity {
    fn from(neighbours: Neighbours) -> Self {
        match neighbours {
            Neighbours::Faces => Self::Faces,
            Neighbours::Edges => Self::Edges,
            Neighbours::Corners => Self::Corners,
        }
    }
}

/// What is counted and removed where it is too small.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Counted {
    /// Each piece of each label.
    #[default]
    Pieces,
    /// Each piece of all labels together.
    Union,
    /// Each label as a whole, whatever pieces it has; in a map whose only label is 1, its pieces. This is scikit-image's rule
    /// for maps of numbers, and so MONAI's `RemoveSmallObjects` on labels.
    Labels,
}

/// The map without all but the `count` largest pieces of each label, or of all together. Of pieces of one size the one is
/// preferred that begins later, x slowest, as in MONAI.
pub(crate) fn keep(
    map: &mut LabelMap,
    labels: &[u16],
    (is_union, neighbours, count): (bool, Neighbours, usize),
    control: &Control,
) -> Result<()> {
    let each: Vec<Vec<u16>> = match is_union {
        true => vec![labels.to_vec()],
        false => labels.iter().map(|&label| vec![label]).collect(),
    };
    for labels in each {
        control.check()?;
        let found = pieces(map, &labels, neighbours, control)?;
        if found.count > count {
            let kept = largest(&found, count);
            drop_pieces(map, &found, |piece| kept[piece]);
        }
    }
    Ok(())
}

/// Which pieces, by their number from 1, are the largest.
fn largest(found: &Components, count: usize) -> Vec<bool> {
    let begins = begins(found);
    let mut order: Vec<usize> = (1..=found.count).collect();
    order.sort_by_key(|&piece| std::cmp::Reverse((found.sizes[piece - 1], begins[piece])));
    let mut kept = vec![false; found.count + 1];
    order
        .iter()
        .take(count)
        .for_each(|&piece| kept[piece] = true);
    kept
}

/// The place of each piece's first voxel where x is the slowest axis.
fn begins(found: &Components) -> Vec<usize> {
    let grid = found.labels.geometry();
    let [_, ny, nz] = grid.size();
    let mut begins = vec![usize::MAX; found.count + 1];
    for (voxel, &piece) in found.labels.data().iter().enumerate() {
        if piece != 0 {
            let [x, y, z] = grid.index(voxel);
            let begin = &mut begins[piece as usize];
            *begin = (*begin).min((x * ny + y) * nz + z);
        }
    }
    begins
}

/// The map without what has fewer than so many voxels.
pub(crate) fn remove(
    map: &mut LabelMap,
    labels: &[u16],
    (counted, neighbours, voxels): (Counted, Neighbours, usize),
    control: &Control,
) -> Result<()> {
    let largest = map.data().iter().copied().max().unwrap_or(0);
    if counted == Counted::Labels && largest > 1 {
        let counts = map.counts();
        let is_rare = |label: u16| counts.get(&u32::from(label)).is_some_and(|n| *n < voxels);
        let rare: Vec<u16> = labels
            .iter()
            .copied()
            .filter(|&label| is_rare(label))
            .collect();
        let found = map
            .data_mut()
            .iter_mut()
            .filter(|label| rare.contains(label));
        found.for_each(|label| *label = 0);
        return Ok(());
    }
    let each: Vec<Vec<u16>> = match counted {
        Counted::Union => vec![labels.to_vec()],
        _ => labels.iter().map(|&label| vec![label]).collect(),
    };
    for labels in each {
        control.check()?;
        let found = pieces(map, &labels, neighbours, control)?;
        drop_pieces(map, &found, |piece| found.sizes[piece - 1] >= voxels);
    }
    Ok(())
}

/// The map with what each label encloses given that label, other labels too; one label after another, the smallest first.
pub(crate) fn fill(
    map: &mut LabelMap,
    labels: &[u16],
    neighbours: Neighbours,
    control: &Control,
) -> Result<()> {
    let options = HoleOptions {
        connectivity: neighbours.into(),
        slices: None,
    };
    let mut labels = labels.to_vec();
    labels.sort_unstable();
    for label in labels {
        let mask = map.map(|found| if found == label { label } else { 0 });
        let filled = fill_holes_with(&mask, &options, control)?;
        let voxels = map.data_mut().iter_mut().zip(filled.data());
        let voxels = voxels.filter(|(_, filled)| **filled == label);
        voxels.for_each(|(voxel, _)| *voxel = label);
    }
    Ok(())
}

/// The pieces of some labels together.
fn pieces(
    map: &LabelMap,
    labels: &[u16],
    neighbours: Neighbours,
    control: &Control,
) -> Result<Components> {
    let mask = map.map(|label| u16::from(labels.contains(&label)));
    let options = ComponentOptions {
        connectivity: neighbours.into(),
        by_label: false,
    };
    Ok(connected_components_with(&mask, &options, control)?)
}

/// Background where pieces are not kept.
fn drop_pieces(map: &mut LabelMap, found: &Components, is_kept: impl Fn(usize) -> bool) {
    let pairs = map.data_mut().iter_mut().zip(found.labels.data());
    for (voxel, &piece) in pairs {
        if piece != 0 && !is_kept(piece as usize) {
            *voxel = 0;
        }
    }
}

/// The number of voxels of a volume in cubic millimetres, rounded up, as MONAI counts.
///
/// # Errors
/// [`Error::BadValue`] for a volume that is no number.
pub(crate) fn voxels_of(cubic_millimetres: f64, voxel: f64) -> Result<usize> {
    let voxels = (cubic_millimetres / voxel).ceil();
    match voxels.is_finite() {
        true => Ok(voxels.max(0.0) as usize),
        false => Err(Error::bad_value(
            "cubic_millimetres",
            cubic_millimetres.to_string(),
            "a volume in mm³",
        )),
    }
}
