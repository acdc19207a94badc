//! ANALYZE 7.5: a pair `.hdr` and `.img` without a position. Programs guess one each in its own way (nibabel mirrors
//! x, SPM reads an origin out of unused bytes); here the spacing must be given, and the axes are the world's.

use super::header;
use super::parse::{check_dimensions, check_type, locate, split_axes, voxel_offset};
use crate::format::Head;
use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling};
use std::collections::BTreeMap;
use vesalius_volume::{Geometry, Warning};

/// Reads the header at `place`, in whose first bytes [`super::detect_analyze`] has recognised one.
pub(crate) fn parse(place: &Place, head: &Head, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let Some(header) = header::read_analyze(&head.bytes) else {
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: "ANALYZE's header".to_owned(),
            expected: 348,
            offset: head.bytes.len() as u64,
        });
    };
    let (voxel_type, composite) = check_type(path, &header)?;
    if composite.is_some() {
        return Err(Error::unsupported(
            path,
            "an ANALYZE file of colours or complex numbers",
            "convert it to NIfTI with the program that wrote it",
        ));
    }
    let extent = check_dimensions(path, &header)?;
    checked_values(path, &extent, voxel_type.bytes())?;
    let (size, channels, fourth_axis) = split_axes(path, &extent)?;
    let spacing: [f32; 3] = std::array::from_fn(|i| header.pixdim[i + 1] as f32);
    let found = format!(
        "an ANALYZE 7.5 header has no orientation, and left and right are not known \
         (its pixdim says {spacing:?})"
    );
    let Some(spacing) = options.assume_spacing else {
        let path = path.to_owned();
        return Err(Error::NoGeometry { path, found });
    };
    let mut warnings = vec![Warning::SpacingAssumed { spacing, found }];
    let scaling = match header.scl_slope {
        slope if slope.is_finite() && slope != 0.0 && slope != 1.0 => {
            warnings.push(Warning::FieldTakenAs {
                field: "funused1".to_owned(),
                value: slope.to_string(),
                taken: "SPM's factor of the values".to_owned(),
            });
            Scaling {
                slope,
                intercept: 0.0,
            }
        }
        _ => Scaling::IDENTITY,
    };
    let layout = locate(
        place,
        head.packing,
        &header,
        Layout {
            files: vec![place.clone()],
            start: 0,
            packing: Packing::Raw,
            skip: voxel_offset(path, &header)?,
            voxel_type,
            big_endian: header.big_endian,
            scaling,
            size,
            channels,
            interleaved: false,
            order: None,
            open_end: false,
            whole: Whole::Exact,
        },
    )?;
    let geometry = Geometry::axis_aligned(size, spacing);
    let texts = [("descrip", &header.descrip), ("aux_file", &header.aux_file)];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let info = ImageInfo {
        path: path.to_owned(),
        format: Format::Analyze,
        geometry: geometry.map_err(|source| Error::volume(path, source))?,
        channels,
        voxel_type,
        scaling,
        compressed: layout.packing != Packing::Raw,
        labels: Vec::new(),
        nifti: None,
        metadata: texts
            .map(|(name, text)| (name.to_owned(), text.clone()))
            .collect::<BTreeMap<_, _>>(),
        warnings,
    };
    Ok(Parsed {
        info,
        layout,
        extent,
        fourth_axis,
        composite: None,
        extensions: Vec::new(),
    })
}
