//! Parses an NRRD header and finds its voxels.

use super::axes::{geometry, split_axes};
use super::header::{Header, big_endian, ignored, read_header, voxel_type};
use crate::layout::{Packing, Parsed, checked_values};
use crate::place::Place;
use crate::text_header::{beside, numbers, pattern};
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling, labels};

/// Reads the header at `path`, which begins with the magic.
pub(crate) fn parse(place: &Place, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let header = read_header(place)?;
    let voxel_type = voxel_type(&header)?;
    let extent: Vec<u64> = numbers(path, "sizes", header.need("sizes")?)?;
    let dimension: Vec<usize> = numbers(path, "dimension", header.need("dimension")?)?;
    if dimension != [extent.len()] || !(1..=4).contains(&extent.len()) || extent.contains(&0) {
        return Err(Error::header(
            path,
            "sizes",
            format!("{extent:?} with dimension {dimension:?}"),
            "1 to 4 positive numbers, as many as `dimension` says",
        ));
    }
    checked_values(path, &extent, voxel_type.bytes())?;
    let axes = split_axes(&header, &extent)?;
    let layout = locate(
        &header,
        Layout {
            files: vec![place.clone()],
            start: header.end,
            packing: Packing::Raw,
            skip: 0,
            voxel_type,
            big_endian: voxel_type.bytes() > 1 && big_endian(&header)?,
            scaling: Scaling::IDENTITY,
            size: axes.size,
            channels: axes.channels,
            interleaved: axes.first && axes.channels > 1,
        },
    )?;
    let mut warnings = Vec::new();
    let geometry = geometry(&header, &axes, options, &mut warnings)?;
    warnings.extend(ignored(&header));
    let info = ImageInfo {
        path: path.to_owned(),
        format: Format::Nrrd,
        geometry,
        channels: axes.channels,
        voxel_type,
        scaling: Scaling::IDENTITY,
        compressed: layout.packing == Packing::Gzip,
        labels: labels::from_segments(&header.pairs),
        nifti: None,
        metadata: header.pairs,
        warnings,
    };
    Ok(Parsed {
        info,
        layout,
        extent,
        fourth_axis: axes.fourth,
        extensions: Vec::new(),
    })
}

fn locate(header: &Header, mut layout: Layout) -> Result<Layout> {
    let path = header.path;
    if let Some(name) = header.get("datafile") {
        let names = match name {
            _ if name.starts_with("LIST") => header.list.clone(),
            _ if name.contains('%') => pattern(path, "data file", name)?,
            _ => vec![name.to_owned()],
        };
        layout.files = names
            .iter()
            .map(|name| beside(header.place, "data file", name))
            .collect::<Result<_>>()?;
        layout.start = 0;
    }
    let encoding = header.need("encoding")?.to_ascii_lowercase();
    layout.packing = match encoding.as_str() {
        "raw" => Packing::Raw,
        "gzip" | "gz" => Packing::Gzip,
        "text" | "txt" | "ascii" => Packing::Ascii,
        _ => {
            return Err(Error::unsupported(
                path,
                format!("the encoding `{encoding}`"),
                "store it as raw or gzip (`unu save -e gzip`)",
            ));
        }
    };
    let count = layout.files.len();
    if count == 0
        || !layout.bytes().is_multiple_of(count as u64)
        || count > 1 && layout.packing != Packing::Raw
    {
        return Err(Error::header(
            path,
            "data file",
            format!("{count} files of encoding {encoding}"),
            "one file, or raw files that hold an equal share of the slices",
        ));
    }
    if header.get("lineskip").is_some_and(|text| text != "0") {
        return Err(Error::unsupported(path, "`line skip`", "use `byte skip`"));
    }
    if let Some(text) = header.get("byteskip") {
        let skip: i64 = numbers(path, "byte skip", text)?
            .first()
            .copied()
            .unwrap_or(0);
        match (u64::try_from(skip), layout.packing) {
            (Ok(skip), Packing::Gzip) => layout.skip = skip,
            (Ok(skip), _) => layout.start = layout.start.saturating_add(skip),
            // The voxels are at the end of the file.
            (Err(_), Packing::Raw) => {
                let length = layout.file().length()?;
                layout.start = length.saturating_sub(layout.bytes() / count as u64);
            }
            (Err(_), _) => {
                return Err(Error::header(
                    path,
                    "byte skip",
                    skip,
                    "0 or more for packed data",
                ));
            }
        }
    }
    Ok(layout)
}
