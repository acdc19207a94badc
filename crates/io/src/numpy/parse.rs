//! A `.npy` file as an image.

use super::header::{self, Header, MAGIC};
use crate::composite::{Composite, composite_channels};
use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::stored_order::StoredOrder;
use crate::{ArrayAxes, Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::{Geometry, Warning};

/// Whether the bytes begin a `.npy` file.
pub(crate) fn detect(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Reads the header of the array at a place.
pub(crate) fn parse(place: &Place, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let header = header::read(place)?;
    let number = header.number;
    let parts = number.composite.map_or(1, Composite::parts);
    checked_values(path, &header.shape, number.voxel_type.bytes() * parts)?;
    let axes = axes(path, &header, options.array_axes)?;
    let stored = match number.composite {
        Some(composite) => composite_channels(path, composite, axes.channels)?,
        None => axes.channels,
    };
    let (order, interleaved) = match number.composite {
        // The parts of a voxel are together, whatever the order of the axes.
        Some(_) if header.fortran == axes.x_first => (None, true),
        Some(_) => (Some([3, 2, 1, 0]), false),
        None => (axes.order, false),
    };
    let mut warnings = Vec::new();
    let geometry = geometry(path, &header, &axes, options, &mut warnings)?;
    let (channels, voxel_type) = match number.composite {
        Some(composite) => composite.read_as(number.voxel_type, options),
        None => (stored, number.voxel_type),
    };
    Ok(Parsed {
        info: ImageInfo {
            path: path.to_owned(),
            format: Format::Numpy,
            geometry,
            channels,
            voxel_type,
            scaling: Scaling::IDENTITY,
            compressed: false,
            labels: Vec::new(),
            nifti: None,
            metadata: BTreeMap::new(),
            warnings,
        },
        layout: Layout {
            files: vec![place.clone()],
            start: header.end,
            packing: Packing::Raw,
            skip: 0,
            voxel_type: number.voxel_type,
            big_endian: number.big_endian,
            scaling: Scaling::IDENTITY,
            size: axes.size,
            channels: stored,
            interleaved,
            order,
            open_end: false,
            whole: Whole::Exact,
        },
        extent: header.shape,
        fourth_axis: (axes.channels > 1).then(|| "a fourth axis (time or channels)".to_owned()),
        composite: number.composite,
        extensions: Vec::new(),
    })
}

/// What the axes of an array are.
struct Axes {
    size: [usize; 3],
    channels: usize,
    /// Whether the first axis is x, and the channels the last.
    x_first: bool,
    order: Option<StoredOrder>,
}

fn axes(path: &Path, header: &Header, meant: ArrayAxes) -> Result<Axes> {
    let shape = &header.shape;
    if !(2..=4).contains(&shape.len()) || shape.contains(&0) {
        return Err(Error::header(
            path,
            "shape",
            format!("{shape:?}"),
            "two to four axes of at least one value: x, y, z and channels",
        ));
    }
    let x_first = meant == ArrayAxes::Xyz;
    // x, y, z and channels, as many as there are.
    let mut named: Vec<usize> = shape.iter().map(|&n| n as usize).collect();
    if !x_first {
        named.reverse();
    }
    named.resize(4, 1);
    // The axis that varies fastest is x where the first axis of the array is both, or neither.
    let order = (header.fortran != x_first).then(|| {
        let count = shape.len();
        let mut order = [0, 1, 2, 3];
        order[..count].reverse();
        order
    });
    Ok(Axes {
        size: [named[0], named[1], named[2]],
        channels: named[3],
        x_first,
        order,
    })
}

fn geometry(
    path: &Path,
    header: &Header,
    axes: &Axes,
    options: &ReadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Geometry> {
    let names = match axes.x_first {
        true => "x, y, z",
        false => "z, y, x",
    };
    let shape = &header.shape;
    let found =
        format!("a NumPy array of shape {shape:?}, whose axes are taken as {names}, has no place");
    let Some(spacing) = options.assume_spacing else {
        return Err(Error::NoGeometry {
            path: path.to_owned(),
            found,
        });
    };
    warnings.push(Warning::SpacingAssumed { spacing, found });
    Geometry::axis_aligned(axes.size, spacing).map_err(|source| Error::volume(path, source))
}
