//! Parses an MGH header and finds its voxels.

use super::header::{self, LENGTH};
use crate::format::Head;
use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling};
use std::collections::BTreeMap;
use vesalius_volume::{Geometry, Warning};

/// Reads the header at `place`, whose first bytes [`super::detect`] has recognised.
pub(crate) fn parse(place: &Place, head: &Head, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let Some(header) = header::read(&head.bytes) else {
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: "MGH's header".to_owned(),
            expected: LENGTH as u64,
            offset: head.bytes.len() as u64,
        });
    };
    let voxel_type = header::voxel_type(header.kind).ok_or_else(|| {
        Error::unsupported(
            path,
            format!("MGH's type {}", header.kind),
            "convert it to uchar, int, float or short (`mri_convert -odt float`)",
        )
    })?;
    let extent: Vec<u64> = header.extent.iter().map(|&n| n.max(0) as u64).collect();
    if extent.contains(&0) {
        return Err(Error::header(
            path,
            "width, height, depth or nframes",
            format!("{:?}", header.extent),
            "positive numbers of voxels",
        ));
    }
    checked_values(path, &extent, voxel_type.bytes())?;
    let size = [extent[0] as usize, extent[1] as usize, extent[2] as usize];
    let channels = extent[3] as usize;
    let mut warnings = Vec::new();
    let geometry = match (header.placed, options.assume_spacing) {
        (true, _) => header.geometry(size),
        (false, Some(spacing)) => {
            let found = "goodRASFlag is 0".to_owned();
            warnings.push(Warning::SpacingAssumed { spacing, found });
            Geometry::axis_aligned(size, spacing)
        }
        (false, None) => {
            warnings.push(Warning::PositionAssumed {
                missing: "the position (goodRASFlag is 0)".to_owned(),
                taken: "grid that FreeSurfer takes (coronal slices, 1 mm, centred)".to_owned(),
            });
            header.unplaced().geometry(size)
        }
    };
    let geometry = geometry.map_err(|source| Error::volume(path, source))?;
    let (start, skip) = match head.packing {
        Packing::Raw => (LENGTH as u64, 0),
        _ => (0, LENGTH as u64),
    };
    Ok(Parsed {
        info: ImageInfo {
            path: path.to_owned(),
            format: Format::Mgh,
            geometry,
            channels,
            voxel_type,
            scaling: Scaling::IDENTITY,
            compressed: head.packing != Packing::Raw,
            labels: Vec::new(),
            nifti: None,
            metadata: BTreeMap::new(),
            warnings,
        },
        layout: Layout {
            files: vec![place.clone()],
            start,
            packing: head.packing,
            skip,
            voxel_type,
            big_endian: true,
            scaling: Scaling::IDENTITY,
            size,
            channels,
            interleaved: false,
            order: None,
            open_end: true,
            whole: Whole::Exact,
        },
        extent,
        fourth_axis: (channels > 1).then(|| "several frames (time or channels)".to_owned()),
        composite: None,
        extensions: Vec::new(),
    })
}
