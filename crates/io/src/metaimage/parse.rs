//! Parses a MetaImage header and finds its voxels.

use crate::layout::{Packing, Parsed, Whole, checked_values};
use crate::place::Place;
use crate::text_header::{LPS, beside, numbers, pattern, read_head, world};
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling, VoxelType};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use vesalius_volume::{Geometry, Warning};

/// Whether the bytes begin a MetaImage header.
pub(crate) fn detect(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&head[..head.len().min(512)]);
    let mut keys = text.lines().filter_map(|line| line.split_once('='));
    let first = keys.next().map(|(key, _)| key.trim().to_owned());
    matches!(first.as_deref(), Some("ObjectType" | "NDims" | "Comment"))
        && (text.contains("NDims") || text.contains("ObjectType"))
}

/// The fields of a header and where it ends.
struct Header<'a> {
    place: &'a Place,
    path: &'a Path,
    fields: BTreeMap<String, String>,
    /// File names of `ElementDataFile = LIST`.
    list: Vec<String>,
    end: u64,
}

const LAST: &str = "ElementDataFile";

fn read_header(place: &Place) -> Result<Header<'_>> {
    let path = place.path();
    let complete = |bytes: &[u8]| {
        let at = bytes.windows(LAST.len()).position(|w| w == LAST.as_bytes());
        at.is_some_and(|at| {
            bytes[at..].contains(&b'\n') && !bytes[at..].starts_with(b"ElementDataFile = LIST")
        })
    };
    let bytes = read_head(place, complete)?;
    let mut header = Header {
        place,
        path,
        fields: BTreeMap::new(),
        list: Vec::new(),
        end: 0,
    };
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().position(|&b| b == b'\n');
        let line = String::from_utf8_lossy(&bytes[at..at + length.unwrap_or(bytes.len() - at)])
            .into_owned();
        at += length.map_or(line.len(), |n| n + 1).max(1);
        let Some((key, value)) = line.split_once('=') else {
            continue;
        };
        let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
        let done = key == LAST;
        if done && value == "LIST" {
            let rest = String::from_utf8_lossy(bytes.get(at..).unwrap_or(&[]));
            header.list = rest.split_whitespace().map(str::to_owned).collect();
        }
        header.fields.insert(key, value);
        if done {
            header.end = at as u64;
            return Ok(header);
        }
    }
    Err(Error::Truncated {
        path: path.to_owned(),
        what: format!("the header's lines up to `{LAST}`"),
        expected: bytes.len() as u64 + 1,
        offset: bytes.len() as u64,
    })
}

impl Header<'_> {
    fn get(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .find_map(|name| Some(self.fields.get(*name)?.as_str()))
    }

    fn need(&self, name: &str) -> Result<&str> {
        self.get(&[name])
            .ok_or_else(|| Error::header(self.path, name, "missing", "a value"))
    }

    fn flag(&self, names: &[&str]) -> bool {
        self.get(names)
            .is_some_and(|text| text.starts_with(['T', 't', '1', 'Y', 'y']))
    }

    /// As many numbers as there are, at least `count`.
    fn reals(&self, names: &[&str], count: usize) -> Result<Option<Vec<f64>>> {
        let Some(text) = self.get(names) else {
            return Ok(None);
        };
        let values: Vec<f64> = numbers(self.path, names[0], text)?;
        if values.len() < count {
            return Err(Error::header(
                self.path,
                names[0],
                format!("`{text}`"),
                format!("{count} numbers"),
            ));
        }
        Ok(Some(values))
    }
}

/// Reads the header at `path`, which [`detect`] has recognised.
pub(crate) fn parse(place: &Place, options: &ReadOptions) -> Result<Parsed> {
    let path = place.path();
    let header = read_header(place)?;
    let axes: usize = numbers(path, "NDims", header.need("NDims")?)?
        .first()
        .copied()
        .unwrap_or(0);
    if !(1..=4).contains(&axes) {
        return Err(Error::header(path, "NDims", axes, "1 to 4 axes"));
    }
    let mut extent: Vec<u64> = numbers(path, "DimSize", header.need("DimSize")?)?;
    if extent.len() != axes || extent.contains(&0) {
        return Err(Error::header(
            path,
            "DimSize",
            format!("{extent:?}"),
            format!("{axes} positive numbers"),
        ));
    }
    let voxel_type = voxel_type(&header)?;
    let components = match header.get(&["ElementNumberOfChannels"]) {
        Some(text) => numbers(path, "ElementNumberOfChannels", text)?
            .first()
            .copied()
            .unwrap_or(0),
        None => 1u64,
    };
    if components == 0 || components > 1 && extent.get(3).is_some_and(|&n| n > 1) {
        return Err(Error::header(
            path,
            "ElementNumberOfChannels",
            components,
            "1, or more for an image of three axes",
        ));
    }
    extent.resize(extent.len().max(3), 1);
    let all: Vec<u64> = extent.iter().copied().chain([components]).collect();
    checked_values(path, &all, voxel_type.bytes())?;
    let size = [extent[0] as usize, extent[1] as usize, extent[2] as usize];
    let fourth = extent.get(3).copied().unwrap_or(1);
    let layout = locate(
        &header,
        Layout {
            files: Vec::new(),
            start: header.end,
            packing: Packing::Raw,
            skip: 0,
            voxel_type,
            big_endian: header.flag(&["BinaryDataByteOrderMSB", "ElementByteOrderMSB"]),
            scaling: Scaling::IDENTITY,
            size,
            channels: (fourth * components) as usize,
            interleaved: components > 1,
            order: None,
            open_end: false,
            whole: Whole::Exact,
        },
    )?;
    let mut warnings = Vec::new();
    let geometry = geometry(&header, axes, size, options, &mut warnings)?;
    warnings.extend(decided(&header, voxel_type, layout.packing));
    let info = ImageInfo {
        path: path.to_owned(),
        format: Format::MetaImage,
        geometry,
        channels: layout.channels,
        voxel_type,
        scaling: Scaling::IDENTITY,
        compressed: layout.packing != Packing::Raw,
        labels: Vec::new(),
        nifti: None,
        metadata: header.fields,
        warnings,
    };
    Ok(Parsed {
        info,
        layout,
        extent,
        fourth_axis: (fourth > 1).then(|| "a fourth axis (time or channels)".to_owned()),
        composite: None,
        extensions: Vec::new(),
    })
}

fn voxel_type(header: &Header) -> Result<VoxelType> {
    Ok(match header.need("ElementType")? {
        "MET_UCHAR" => VoxelType::U8,
        "MET_CHAR" => VoxelType::I8,
        "MET_USHORT" => VoxelType::U16,
        "MET_SHORT" => VoxelType::I16,
        // MetaIO's `long` has four bytes on every machine.
        "MET_UINT" | "MET_ULONG" => VoxelType::U32,
        "MET_INT" | "MET_LONG" => VoxelType::I32,
        "MET_ULONG_LONG" => VoxelType::U64,
        "MET_LONG_LONG" => VoxelType::I64,
        "MET_FLOAT" => VoxelType::F32,
        "MET_DOUBLE" => VoxelType::F64,
        other => {
            return Err(Error::header(
                header.path,
                "ElementType",
                other,
                "a plain number type, MET_UCHAR to MET_DOUBLE",
            ));
        }
    })
}

fn geometry(
    header: &Header,
    axes: usize,
    size: [usize; 3],
    options: &ReadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Geometry> {
    let path = header.path;
    let spacing = header.reals(&["ElementSpacing", "ElementSize"], axes)?;
    let Some(spacing) = spacing else {
        let found = "it has neither ElementSpacing nor ElementSize".to_owned();
        return match options.assume_spacing {
            Some(spacing) => {
                warnings.push(Warning::SpacingAssumed { spacing, found });
                Geometry::axis_aligned(size, spacing).map_err(|e| Error::volume(path, e))
            }
            None => Err(Error::NoGeometry {
                path: path.to_owned(),
                found,
            }),
        };
    };
    let matrix = header.reals(&["TransformMatrix", "Rotation", "Orientation"], axes * axes)?;
    let offset = header.reals(&["Offset", "Position", "Origin"], axes)?;
    let mut assume = |missing: &str, taken: &str| {
        warnings.push(Warning::PositionAssumed {
            missing: missing.to_owned(),
            taken: taken.to_owned(),
        });
    };
    if matrix.is_none() {
        assume("TransformMatrix", "identity matrix (LPS)");
    }
    if offset.is_none() {
        assume("Offset", "origin of the world");
    }
    warnings.extend((axes..3).map(|axis| Warning::AxisSpacingAssumed {
        axis,
        found: "missing".to_owned(),
        spacing: 1.0,
    }));
    let vectors = std::array::from_fn(|axis| {
        std::array::from_fn(|world| {
            let cosine = match &matrix {
                // One line per axis: the direction in which its index grows.
                Some(m) if axis < axes && world < axes => m[axis * axes + world],
                _ => f64::from(u8::from(axis == world)),
            };
            cosine
                * spacing
                    .get(axis)
                    .copied()
                    .filter(|_| axis < axes)
                    .unwrap_or(1.0)
        })
    });
    let origin =
        std::array::from_fn(|i| offset.as_ref().filter(|_| i < axes).map_or(0.0, |o| o[i]));
    world(path, size, vectors, origin, LPS)
}

/// Fields that the header lacks or that have no effect here.
fn decided(header: &Header, voxel_type: VoxelType, packing: Packing) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let orders = ["BinaryDataByteOrderMSB", "ElementByteOrderMSB"];
    if voxel_type.bytes() > 1 && packing != Packing::Ascii && header.get(&orders).is_none() {
        warnings.push(Warning::ByteOrderAssumed);
    }
    // The value that changes nothing, as a number or a word.
    let neutral = [
        ("ElementToIntensityFunctionSlope", "1"),
        ("ElementToIntensityFunctionOffset", "0"),
        ("DistanceUnits", "mm"),
    ];
    for (field, nothing) in neutral {
        let Some(value) = header.get(&[field]) else {
            continue;
        };
        let number = |text: &str| text.parse::<f64>().ok();
        let same = number(value).is_some_and(|v| Some(v) == number(nothing));
        if !same && value != nothing && !matches!(value, "" | "?") {
            warnings.push(Warning::FieldIgnored {
                field: field.to_owned(),
                value: value.to_owned(),
            });
        }
    }
    warnings
}

fn locate(header: &Header, mut layout: Layout) -> Result<Layout> {
    let (path, place) = (header.path, header.place);
    let name = header.need(LAST)?;
    let local = name.eq_ignore_ascii_case("LOCAL");
    layout.files = match name {
        _ if local => vec![place.clone()],
        "LIST" => beside_all(place, &header.list)?,
        _ if name.contains('%') => beside_all(place, &pattern(path, LAST, name)?)?,
        _ => vec![beside(place, LAST, name)?],
    };
    if !local {
        layout.start = 0;
    }
    let count = layout.files.len();
    if count == 0 || !layout.bytes().is_multiple_of(count as u64) {
        return Err(Error::header(
            path,
            LAST,
            format!("{count} files"),
            "files that hold an equal share of the slices",
        ));
    }
    if header.flag(&["CompressedData"]) {
        if count > 1 {
            return Err(Error::unsupported(
                path,
                "a list of compressed files",
                "store the image in one file",
            ));
        }
        layout.packing = packing_of(layout.file(), layout.start)?;
    } else if header.get(&["BinaryData"]).is_some() && !header.flag(&["BinaryData"]) {
        layout.packing = Packing::Ascii;
    }
    if let Some(text) = header.get(&["HeaderSize"]) {
        let skip: i64 = numbers(path, "HeaderSize", text)?
            .first()
            .copied()
            .unwrap_or(0);
        match u64::try_from(skip) {
            Ok(skip) => layout.start += skip,
            // The voxels are at the end of the file.
            Err(_) => {
                let length = layout.file().length()?;
                layout.start = length.saturating_sub(layout.bytes() / count as u64);
            }
        }
    }
    Ok(layout)
}

fn beside_all(place: &Place, names: &[String]) -> Result<Vec<Place>> {
    names.iter().map(|name| beside(place, LAST, name)).collect()
}

/// zlib by the format's definition; some programs put gzip there, recognised by its magic.
fn packing_of(file: &Place, start: u64) -> Result<Packing> {
    let mut magic = Vec::new();
    let read = file.open_at(start)?.take(2).read_to_end(&mut magic);
    read.map_err(|source| Error::read(file.path(), source))?;
    Ok(if magic == [0x1f, 0x8b] {
        Packing::Gzip
    } else {
        Packing::Zlib
    })
}
