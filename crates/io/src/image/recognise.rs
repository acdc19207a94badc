//! The header of a file of any format, which its content decides.

use crate::layout::{Packing, Parsed};
use crate::place::Place;
use crate::{
    Error, Format, Layout, ReadOptions, Result, custom, format, metaimage, mgh, neighbours, nifti,
    nrrd, numpy,
};

pub(super) fn parse(place: &Place, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    if let Some(format) = custom::of_content(place, &options.registry)? {
        let parsed = custom::parse(place, &*format, options)?;
        options.admit(path, &parsed.info.warnings)?;
        return Ok(parsed);
    }
    let head = format::head(place)?;
    let mut parsed = match (format::detect(&head.bytes), head.packing) {
        (Some(Format::Nifti1 | Format::Nifti2), _) => nifti::parse(place, &head, options),
        (Some(Format::Analyze), _) => nifti::parse_analyze(place, &head, options),
        (Some(Format::Mgh), _) => mgh::parse(place, &head, options),
        (Some(Format::Numpy), Packing::Raw) => match numpy::detect(&head.bytes) {
            true => numpy::parse(place, options),
            false => numpy::parse_archive(place, options),
        },
        (Some(Format::MetaImage), Packing::Raw) => metaimage::parse(place, options),
        (Some(Format::Nrrd), Packing::Raw) => nrrd::parse(place, options),
        // User-defined formats were tried before; `detect` has only the built-in ones.
        (Some(Format::Dicom | Format::Custom), _) => Err(Error::unsupported(
            path,
            "opening a DICOM file for reading in parts",
            "read it whole",
        )),
        (Some(format), packing) => Err(Error::unsupported(
            path,
            format!("{format} inside of {}", packing.name()),
            match packing {
                Packing::Zstd => "unpack it with `zstd -d` first",
                _ => "unpack it with gunzip first",
            },
        )),
        (None, _) => match nifti::header_beside(place) {
            Some((header, head, true)) => nifti::parse_analyze(&header, &head, options),
            Some((header, head, false)) => nifti::parse(&header, &head, options),
            None => Err(Error::NotAnImage {
                path: path.to_owned(),
                found: neighbours::nature(&head),
            }),
        },
    }?;
    let surplus = check_length(&parsed.layout)?;
    parsed.info.warnings.extend(parsed.layout.surplus(surplus));
    options.admit(path, &parsed.info.warnings)?;
    Ok(parsed)
}

/// Refuses a file with fewer bytes than its header requires, where that can be checked beforehand; returns
/// how many more it has.
fn check_length(layout: &Layout) -> Result<u64> {
    if layout.packing != Packing::Raw {
        return Ok(0);
    }
    let mut surplus = 0;
    let each = layout.bytes() / layout.files.len() as u64;
    let expected = layout.start.saturating_add(each);
    for (i, file) in layout.files.iter().enumerate() {
        let there = file.length()?;
        if there < expected {
            return Err(layout.truncated(i, expected, there));
        }
        surplus += there - expected;
    }
    Ok(surplus)
}
