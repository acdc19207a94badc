//! Parses an NRRD header and finds its voxels.

use super::axes::{geometry, split_axes};
use super::header::{Header, big_endian, ignored, read_header, voxel_type};
use super::segments;
use crate::composite::opacity;
use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::text_header::{beside, numbers, pattern};
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

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
            order: axes.order,
            open_end: false,
            whole: Whole::Exact,
        },
    )?;
    let mut warnings = Vec::new();
    let geometry = geometry(&header, &axes, options, &mut warnings)?;
    warnings.extend(ignored(&header));
    let (channels, voxel_type) = match axes.composite {
        Some(composite) => {
            warnings.extend(composite.drops_opacity(options).then(opacity));
            composite.read_as(voxel_type, options)
        }
        None => (axes.channels, voxel_type),
    };
    let info = ImageInfo {
        path: path.to_owned(),
        format: Format::Nrrd,
        geometry,
        channels,
        voxel_type,
        scaling: Scaling::IDENTITY,
        compressed: matches!(layout.packing, Packing::Gzip | Packing::Bzip2),
        labels: segments::read(&header.pairs, axes.channels),
        nifti: None,
        metadata: header.pairs,
        warnings,
    };
    Ok(Parsed {
        info,
        layout,
        extent,
        fourth_axis: axes.fourth,
        composite: axes.composite,
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
        "bzip2" | "bz2" => Packing::Bzip2,
        "text" | "txt" | "ascii" => Packing::Ascii,
        "hex" => Packing::Hex,
        _ => {
            return Err(Error::unsupported(
                path,
                format!("the encoding `{encoding}`"),
                "store it as raw, gzip, bzip2, text or hex (`unu save -e gzip`)",
            ));
        }
    };
    let count = layout.files.len();
    if count == 0 || !layout.values().is_multiple_of(count) {
        return Err(Error::header(
            path,
            "data file",
            format!("{count} files of encoding {encoding}"),
            "one file, or several that hold an equal share of the slices",
        ));
    }
    if let Some(text) = header.get("lineskip") {
        let lines: Vec<u64> = numbers(path, "line skip", text)?;
        layout.start = after_lines(path, &layout, lines.first().copied().unwrap_or(0))?;
    }
    if let Some(text) = header.get("byteskip") {
        let skip: i64 = numbers(path, "byte skip", text)?
            .first()
            .copied()
            .unwrap_or(0);
        match (u64::try_from(skip), layout.packing) {
            (Ok(skip), Packing::Gzip | Packing::Bzip2) => layout.skip = skip,
            (Ok(skip), _) => layout.start = layout.start.saturating_add(skip),
            // The voxels are at the end of the file.
            (Err(_), Packing::Raw) if skip == -1 => {
                let length = layout.file().length()?;
                layout.start = length.saturating_sub(layout.bytes() / count as u64);
            }
            (Err(_), _) => {
                return Err(Error::header(
                    path,
                    "byte skip",
                    skip,
                    "0 or more, or -1 for raw data",
                ));
            }
        }
    }
    Ok(layout)
}

/// Where the data begin that follow so many lines, in each of the files.
fn after_lines(path: &Path, layout: &Layout, lines: u64) -> Result<u64> {
    /// Lines of a foreign header, not of a volume.
    const LONGEST: u64 = 16 << 20;
    if lines == 0 {
        return Ok(layout.start);
    }
    let mut start = None;
    for file in &layout.files {
        let mut text = BufReader::new(file.open_at(layout.start)?).take(LONGEST);
        let (mut at, mut line) = (layout.start, Vec::new());
        for number in 0..lines {
            line.clear();
            let got = text.read_until(b'\n', &mut line);
            at += got.map_err(|e| Error::read(file.path(), e))? as u64;
            if line.last() != Some(&b'\n') {
                return Err(Error::header(
                    path,
                    "line skip",
                    lines,
                    format!(
                        "at most {number}, as {} has so many lines",
                        file.path().display()
                    ),
                ));
            }
        }
        if start.is_some_and(|start| start != at) {
            return Err(Error::unsupported(
                path,
                "`line skip` over lines of another length in each data file",
                "remove the lines from the data files",
            ));
        }
        start = Some(at);
    }
    Ok(start.unwrap_or(layout.start))
}
