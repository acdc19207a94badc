//! The axes of an NRRD file: which are space, and where that lies in the world.

use super::header::Header;
use crate::composite::Composite;
use crate::stored_order::StoredOrder;
use crate::text_header::{LPS, numbers, world};
use crate::{Error, ReadOptions, Result};
use std::path::Path;
use vesalius_volume::{Geometry, Warning};

/// Which axes are space and which is not.
pub(super) struct Axes {
    pub(super) size: [usize; 3],
    pub(super) channels: usize,
    /// Whether the channels are the first axis.
    pub(super) first: bool,
    /// The order of the axes, where the channels are between those of space.
    pub(super) order: Option<StoredOrder>,
    /// What the channels are together, where they are parts of one value.
    pub(super) composite: Option<Composite>,
    pub(super) fourth: Option<String>,
    /// Vectors of the spatial axes, in the header's space.
    pub(super) vectors: Option<[[f64; 3]; 3]>,
}

pub(super) fn split_axes(header: &Header, extent: &[u64]) -> Result<Axes> {
    let path = header.path;
    let count = extent.len();
    let vectors = match header.get("spacedirections") {
        Some(text) => Some(directions(path, text, count)?),
        None => None,
    };
    let kinds: Vec<&str> = header
        .get("kinds")
        .unwrap_or("")
        .split_whitespace()
        .collect();
    let spatial: Vec<usize> = match &vectors {
        Some(vectors) => (0..count).filter(|&i| vectors[i].is_some()).collect(),
        None if count == 4 => {
            let space = |kind: &&str| matches!(*kind, "domain" | "space");
            match kinds.first() {
                Some(kind) if !space(kind) => vec![1, 2, 3],
                _ => vec![0, 1, 2],
            }
        }
        None => (0..count).collect(),
    };
    let other: Vec<usize> = (0..count).filter(|i| !spatial.contains(i)).collect();
    if spatial.is_empty() || spatial.len() > 3 || other.len() > 1 {
        return Err(Error::unsupported(
            path,
            format!(
                "an image with {} spatial and {} other axes",
                spatial.len(),
                other.len()
            ),
            "write it with one to three axes of space and at most one other",
        ));
    }
    let mut size = [1; 3];
    for (to, &from) in size.iter_mut().zip(&spatial) {
        *to = extent[from] as usize;
    }
    let mut composite = None;
    let (channels, fourth) = match other.first() {
        None => (1, None),
        Some(&axis) => {
            let kind = kinds.get(axis).copied().unwrap_or("???");
            composite = composite_of(kind, extent[axis]);
            let ambiguous = matches!(kind, "time" | "domain" | "space" | "???" | "none");
            let name = format!("an axis of kind `{kind}`");
            (
                extent[axis] as usize,
                (ambiguous && extent[axis] > 1).then_some(name),
            )
        }
    };
    let three = |vectors: &Vec<Option<[f64; 3]>>| -> Option<[[f64; 3]; 3]> {
        let found: Vec<[f64; 3]> = vectors.iter().copied().flatten().collect();
        found.try_into().ok()
    };
    Ok(Axes {
        size,
        channels,
        first: other == [0],
        order: stored_order(&spatial, &other, count, composite.is_some()),
        composite,
        fourth,
        vectors: vectors.as_ref().and_then(three),
    })
}

/// What a kind of axis says about its values together.
fn composite_of(kind: &str, extent: u64) -> Option<Composite> {
    match (kind.to_ascii_lowercase().as_str(), extent) {
        ("rgb-color" | "3-color", 3) => Some(Composite::Rgb),
        ("rgba-color" | "4-color", 4) => Some(Composite::Rgba),
        ("complex", 2) => Some(Composite::Complex),
        _ => None,
    }
}

/// The order of the axes where the one that is not space is between those that are, or is the last and holds the
/// parts of values, which are needed together.
fn stored_order(
    spatial: &[usize],
    other: &[usize],
    count: usize,
    composite: bool,
) -> Option<StoredOrder> {
    let [inside] = other else { return None };
    if *inside == 0 || *inside == count - 1 && !composite {
        return None;
    }
    let number = |axis: usize| spatial.iter().position(|&s| s == axis).unwrap_or(3);
    let mut order: Vec<usize> = (0..count).map(number).collect();
    // Axes that are not there have one voxel, wherever they come.
    order.extend(spatial.len()..3);
    order.try_into().ok()
}

/// `space directions`: a vector an axis, `none` for axes that are not space.
fn directions(path: &Path, text: &str, count: usize) -> Result<Vec<Option<[f64; 3]>>> {
    let bad = || {
        Error::header(
            path,
            "space directions",
            format!("`{text}`"),
            format!("{count} vectors of three numbers, `none` for an axis that is not space"),
        )
    };
    let mut vectors = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("none") {
            vectors.push(None);
            rest = after.trim_start();
        } else {
            let (vector, after) = rest
                .strip_prefix('(')
                .and_then(|r| r.split_once(')'))
                .ok_or_else(bad)?;
            let vector: Vec<f64> = numbers(path, "space directions", vector)?;
            vectors.push(Some(vector.try_into().map_err(|_| bad())?));
            rest = after.trim_start();
        }
    }
    if vectors.len() == count {
        Ok(vectors)
    } else {
        Err(bad())
    }
}

/// Where the voxels lie, and what had to be assumed.
pub(super) fn geometry(
    header: &Header,
    axes: &Axes,
    options: &ReadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Geometry> {
    let path = header.path;
    // A space with time has its time axis among the others.
    let space = header.get("space").unwrap_or("").to_ascii_lowercase();
    let signs = match space.strip_suffix("-time").unwrap_or(&space) {
        "right-anterior-superior" | "ras" | "rast" => Some([1.0, 1.0, 1.0]),
        "left-anterior-superior" | "las" | "last" => Some([-1.0, 1.0, 1.0]),
        "left-posterior-superior" | "lps" | "lpst" => Some([-1.0, -1.0, 1.0]),
        // Not the patient's axes but the machine's: ITK and what is built on it take them as LPS.
        "scanner-xyz" | "3d-right-handed" => {
            let field = "space".to_owned();
            let (value, taken) = (space.clone(), "left-posterior-superior".to_owned());
            warnings.push(Warning::FieldTakenAs {
                field,
                value,
                taken,
            });
            Some(LPS)
        }
        _ => None,
    };
    let origin = match header.get("spaceorigin") {
        Some(text) => {
            let inner = text.trim().trim_start_matches('(').trim_end_matches(')');
            let values: Vec<f64> = numbers(path, "space origin", inner)?;
            <[f64; 3]>::try_from(values).ok()
        }
        None => None,
    };
    match (signs, axes.vectors, origin) {
        (Some(signs), Some(vectors), Some(origin)) => {
            world(path, axes.size, vectors, origin, signs)
        }
        _ => {
            let found = format!(
                "space is `{space}`, space directions {}, space origin {}, spacings {}",
                header.get("spacedirections").unwrap_or("missing"),
                header.get("spaceorigin").unwrap_or("missing"),
                header.get("spacings").unwrap_or("missing"),
            );
            match options.assume_spacing {
                Some(spacing) => {
                    warnings.push(Warning::SpacingAssumed { spacing, found });
                    Geometry::axis_aligned(axes.size, spacing).map_err(|e| Error::volume(path, e))
                }
                None => Err(Error::NoGeometry {
                    path: path.to_owned(),
                    found,
                }),
            }
        }
    }
}
