//! Parses a NIfTI header and finds its voxels; every field is checked against the file.

use super::extensions::read_extensions;
use super::fields_kept::NiftiFields;
use super::geometry;
use super::header::{self, Header};
use super::pair::partner;
use crate::composite::{Composite, composite_channels, opacity};
use crate::format::Head;
use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::{Error, ImageInfo, Layout, NiftiForm, ReadOptions, Result, Scaling, VoxelType};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::{Affine, Geometry, Warning};

/// Reads the header of the file at `place`, in whose first bytes [`super::detect`] has recognised one.
pub(crate) fn parse(place: &Place, head: &Head, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let bytes = &head.bytes;
    let Some(header) = header::read(bytes) else {
        let is_first_version = bytes.first() == Some(&92) || bytes.get(3) == Some(&92);
        return Err(Error::Truncated {
            path: path.to_owned(),
            what: "NIfTI's header".to_owned(),
            expected: if is_first_version { 348 } else { 540 },
            offset: bytes.len() as u64,
        });
    };
    let (voxel_type, composite) = check_type(path, &header)?;
    let parts = composite.map_or(1, Composite::parts);
    let extent = check_dimensions(path, &header)?;
    checked_values(path, &extent, voxel_type.bytes() * parts)?;
    let offset = voxel_offset(path, &header)?;
    let extensions = read_extensions(place, &header, offset, head)?;
    let (size, channels, fourth_axis) = split_axes(path, &extent)?;
    let channels = match composite {
        None => channels,
        Some(composite) => composite_channels(path, composite, channels)?,
    };
    let mut warnings = Vec::new();
    if composite.is_some_and(|composite| composite.drops_opacity(options)) {
        warnings.push(opacity());
    }
    let layout = locate(
        place,
        head.packing,
        &header,
        Layout {
            files: vec![place.clone()],
            start: 0,
            packing: Packing::Raw,
            skip: offset,
            voxel_type,
            big_endian: header.big_endian,
            scaling: scaling(&header, &mut warnings),
            size,
            channels,
            interleaved: composite.is_some(),
            order: None,
            open_end: false,
            whole: Whole::Exact,
        },
    )?;
    let (channels, voxel_type) = match composite {
        Some(composite) => composite.read_as(voxel_type, options),
        None => (channels, voxel_type),
    };
    let geometry = world(path, &header, size, options, &mut warnings)?;
    let info = ImageInfo {
        path: path.to_owned(),
        format: if header.version == 1 {
            crate::Format::Nifti1
        } else {
            crate::Format::Nifti2
        },
        geometry,
        channels,
        voxel_type,
        scaling: layout.scaling,
        compressed: layout.packing != Packing::Raw,
        labels: super::labels::of_extensions(&extensions),
        metadata: metadata(&header),
        nifti: Some(Box::new(NiftiFields::of(
            &header,
            geometry,
            channel_axis(&extent),
        ))),
        warnings,
    };
    Ok(Parsed {
        info,
        layout,
        extent,
        fourth_axis,
        composite,
        extensions,
    })
}

/// The number type of the voxels, and what their parts are where they have several.
pub(super) fn check_type(path: &Path, header: &Header) -> Result<(VoxelType, Option<Composite>)> {
    let datatype = header.datatype;
    let (voxel_type, composite, name) = match header::composite(datatype) {
        Some((composite, part, name)) => (part, Some(composite), name),
        None => {
            let plain = header::voxel_type(datatype).map_err(|name| {
                Error::unsupported(
                    path,
                    format!("datatype {datatype} ({name})"),
                    "convert the image to a plain integer or float type, one value a voxel",
                )
            })?;
            (plain, None, plain.name())
        }
    };
    let bits = voxel_type.bytes() * 8 * composite.map_or(1, Composite::parts);
    if i64::from(header.bitpix) != bits as i64 {
        return Err(Error::header(
            path,
            "bitpix",
            header.bitpix,
            format!("{bits}, as datatype {datatype} ({name}) has"),
        ));
    }
    Ok((voxel_type, composite))
}

/// The dimensions that count, at least three.
pub(super) fn check_dimensions(path: &Path, header: &Header) -> Result<Vec<u64>> {
    let axes = header.dim[0];
    if !(1..=7).contains(&axes) {
        return Err(Error::header(path, "dim[0]", axes, "1 to 7 axes"));
    }
    let mut extent = Vec::with_capacity(7);
    for i in 1..=axes as usize {
        match u64::try_from(header.dim[i]) {
            Ok(n) if n > 0 => extent.push(n),
            _ => {
                return Err(Error::header(
                    path,
                    format!("dim[{i}]"),
                    header.dim[i],
                    "a positive number of voxels",
                ));
            }
        }
    }
    extent.resize(extent.len().max(3), 1);
    Ok(extent)
}

pub(super) fn voxel_offset(path: &Path, header: &Header) -> Result<u64> {
    let offset = header.vox_offset;
    let least = if header.pair {
        0
    } else {
        header::length(header.version) + 4
    };
    // Zero in a single file means "right behind the header", as the C library reads it.
    if offset == 0.0 && !header.pair {
        return Ok(least as u64);
    }
    let whole = offset.is_finite() && offset.fract() == 0.0 && offset < 9e18;
    if !whole || offset < least as f64 {
        return Err(Error::header(
            path,
            "vox_offset",
            offset,
            format!("a whole number of at least {least}"),
        ));
    }
    Ok(offset as u64)
}

/// The three axes of space, channels, and what the other axes are called when there are any.
pub(super) fn split_axes(
    path: &Path,
    extent: &[u64],
) -> Result<([usize; 3], usize, Option<String>)> {
    let size = [extent[0] as usize, extent[1] as usize, extent[2] as usize];
    let more: Vec<usize> = (3..extent.len()).filter(|&i| extent[i] > 1).collect();
    match more[..] {
        [] => Ok((size, 1, None)),
        [axis] => {
            let name = match axis {
                3 => "a fourth axis (time or channels)",
                4 => "a fifth axis (components of a vector)",
                _ => "an axis beyond the fifth",
            };
            Ok((size, extent[axis] as usize, Some(name.to_owned())))
        }
        _ => Err(Error::unsupported(
            path,
            format!("an image of {extent:?} voxels, with several axes beyond the third,"),
            "split it into volumes",
        )),
    }
}

/// A slope of 0, or one that is not finite, means that values are as stored (as nibabel reads it).
fn scaling(header: &Header, warnings: &mut Vec<Warning>) -> Scaling {
    let (slope, intercept) = (header.scl_slope, header.scl_inter);
    if !slope.is_finite() || slope == 0.0 || !intercept.is_finite() {
        warnings.push(Warning::NoScaling { slope, intercept });
        return Scaling::IDENTITY;
    }
    Scaling { slope, intercept }
}

/// Refuses a form that the header does not have.
fn check_form(path: &Path, header: &Header, form: NiftiForm) -> Result<()> {
    let (sform, qform) = (header.sform_code > 0, header.qform_code > 0);
    let (form, other) = match form {
        NiftiForm::Sform if !sform => ("sform", qform.then_some("NiftiForm::Qform")),
        NiftiForm::Qform if !qform => ("qform", sform.then_some("NiftiForm::Sform")),
        _ => return Ok(()),
    };
    Err(Error::NoSuchForm {
        path: path.to_owned(),
        form,
        remedy: match other {
            Some(other) => format!("read it with `{other}` or `NiftiForm::Automatic`"),
            None => "it has no other form; if you know the spacing, give it as \
                     `ReadOptions::assume_spacing` with `NiftiForm::Automatic`"
                .to_owned(),
        },
    })
}

/// The axis of the channels, counted from 1 as in `dim`.
fn channel_axis(extent: &[u64]) -> usize {
    (3..extent.len()).find(|&i| extent[i] > 1).unwrap_or(3) + 1
}

fn world(
    path: &Path,
    header: &Header,
    size: [usize; 3],
    options: &ReadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Geometry> {
    let volume = |source| Error::volume(path, source);
    check_form(path, header, options.form)?;
    match (geometry::rows(header, options.form), options.assume_spacing) {
        (Ok((rows, decided)), _) => {
            warnings.extend(decided);
            Affine::new([rows[0], rows[1], rows[2], [0.0, 0.0, 0.0, 1.0]])
                .and_then(|affine| Geometry::new(size, affine))
                .map_err(volume)
        }
        (Err(found), Some(spacing)) => {
            warnings.push(Warning::SpacingAssumed { spacing, found });
            Geometry::axis_aligned(size, spacing).map_err(volume)
        }
        (Err(found), None) => Err(Error::NoGeometry {
            path: path.to_owned(),
            found,
        }),
    }
}

/// Points the layout at the file with the voxels.
pub(super) fn locate(
    place: &Place,
    packing: Packing,
    header: &Header,
    mut layout: Layout,
) -> Result<Layout> {
    layout.packing = packing;
    if header.pair {
        let (image, packing) = partner(place)?;
        (layout.files, layout.packing) = (vec![Place::on_disk(image)], packing);
    }
    if layout.packing == Packing::Raw {
        (layout.start, layout.skip) = (layout.skip, 0);
    }
    Ok(layout)
}

fn metadata(header: &Header) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            texts.insert(name.to_owned(), value);
        }
    };
    put("descrip", header.descrip.clone());
    put("aux_file", header.aux_file.clone());
    put("intent_name", header.intent_name.clone());
    put("intent_code", header.intent_code.to_string());
    put("sform_code", header.sform_code.to_string());
    put("qform_code", header.qform_code.to_string());
    if header.cal_max != 0.0 || header.cal_min != 0.0 {
        put("cal_min", header.cal_min.to_string());
        put("cal_max", header.cal_max.to_string());
    }
    texts
}
