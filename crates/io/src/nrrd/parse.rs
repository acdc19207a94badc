//! An NRRD header to where its voxels lie.

use crate::layout::{Packing, Parsed, checked_values};
use crate::text_header::{beside, numbers, pattern, read_head, world};
use crate::{Error, Format, ImageInfo, Layout, ReadOptions, Result, Scaling, VoxelType, labels};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_volume::{Geometry, Warning};

struct Header<'a> {
    path: &'a Path,
    fields: BTreeMap<String, String>,
    pairs: BTreeMap<String, String>,
    /// File names of `data file: LIST`.
    list: Vec<String>,
    end: u64,
}

fn read_header(path: &Path) -> Result<Header<'_>> {
    let blank = |bytes: &[u8]| {
        bytes.windows(2).any(|w| w == b"\n\n") || bytes.windows(4).any(|w| w == b"\r\n\r\n")
    };
    let bytes = read_head(path, blank)?;
    let mut header = Header {
        path,
        fields: BTreeMap::new(),
        pairs: BTreeMap::new(),
        list: Vec::new(),
        end: bytes.len() as u64,
    };
    let (mut at, mut listing) = (0, false);
    while at < bytes.len() {
        let length = bytes[at..]
            .iter()
            .position(|&b| b == b'\n')
            .unwrap_or(bytes.len() - at);
        let line = String::from_utf8_lossy(&bytes[at..at + length]).into_owned();
        let line = line.trim_end_matches('\r');
        at += length + 1;
        if line.is_empty() {
            header.end = at as u64;
            break;
        }
        if listing {
            header.list.push(line.trim().to_owned());
        } else if line.starts_with('#') || line.starts_with("NRRD000") {
        } else if let Some((key, value)) = line.split_once(":=") {
            header
                .pairs
                .insert(key.to_owned(), labels::unescaped(value));
        } else if let Some((key, value)) = line.split_once(':') {
            let key = key.trim().to_ascii_lowercase().replace(' ', "");
            listing = key == "datafile" && value.trim().starts_with("LIST");
            header.fields.insert(key, value.trim().to_owned());
        }
    }
    Ok(header)
}

impl Header<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    fn need(&self, name: &str) -> Result<&str> {
        self.get(name)
            .ok_or_else(|| Error::header(self.path, name, "missing", "a value"))
    }
}

/// Reads the header at `path`, which begins with the magic.
pub(crate) fn parse(path: &Path, options: &ReadOptions) -> Result<Parsed> {
    let header = read_header(path)?;
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
            files: vec![path.to_owned()],
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

/// Which axes are space and which is not.
struct Axes {
    size: [usize; 3],
    channels: usize,
    /// Whether the channels are the first axis.
    first: bool,
    fourth: Option<String>,
    /// Vectors of the spatial axes, in the header's space.
    vectors: Option<[[f64; 3]; 3]>,
}

fn split_axes(header: &Header, extent: &[u64]) -> Result<Axes> {
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
    let inside = other.len() == 1 && other[0] != 0 && other[0] != count - 1;
    if spatial.is_empty() || spatial.len() > 3 || other.len() > 1 || inside {
        return Err(Error::unsupported(
            path,
            format!(
                "an image with {} spatial and {} other axes in this order",
                spatial.len(),
                other.len()
            ),
            "put the one axis that is not space first or last",
        ));
    }
    let mut size = [1; 3];
    for (to, &from) in size.iter_mut().zip(&spatial) {
        *to = extent[from] as usize;
    }
    let (channels, fourth) = match other.first() {
        None => (1, None),
        Some(&axis) => {
            let kind = kinds.get(axis).copied().unwrap_or("???");
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
        fourth,
        vectors: vectors.as_ref().and_then(three),
    })
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

/// Fields that change the meaning of values or lengths and are not applied.
fn ignored(header: &Header) -> Vec<Warning> {
    let mut warnings = Vec::new();
    let mut ignore = |field: &str, value: &str| {
        warnings.push(Warning::FieldIgnored {
            field: field.to_owned(),
            value: value.to_owned(),
        });
    };
    // Values that were quantised; the type's own range means nothing was.
    for (name, field) in [("oldmin", "old min"), ("oldmax", "old max")] {
        if let Some(value) = header.get(name) {
            ignore(field, value);
        }
    }
    if let Some(units) = header.get("spaceunits") {
        let mut names = units
            .split('"')
            .map(str::trim)
            .filter(|unit| !unit.is_empty());
        if !names.all(|unit| matches!(unit, "mm" | "millimeter" | "millimeters" | "s" | "ms")) {
            ignore("space units", units);
        }
    }
    warnings
}

fn geometry(
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

fn voxel_type(header: &Header) -> Result<VoxelType> {
    let name = header.need("type")?.to_ascii_lowercase();
    Ok(match name.trim_end_matches("_t") {
        "uchar" | "unsigned char" | "uint8" => VoxelType::U8,
        "signed char" | "int8" => VoxelType::I8,
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" => VoxelType::U16,
        "short" | "short int" | "signed short" | "signed short int" | "int16" => VoxelType::I16,
        "uint" | "unsigned int" | "uint32" => VoxelType::U32,
        "int" | "signed int" | "int32" => VoxelType::I32,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" => VoxelType::U64,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64" => VoxelType::I64,
        "float" => VoxelType::F32,
        "double" => VoxelType::F64,
        _ => {
            return Err(Error::header(
                header.path,
                "type",
                format!("`{name}`"),
                "a plain number type, int8 to double",
            ));
        }
    })
}

fn big_endian(header: &Header) -> Result<bool> {
    let encoding = header.get("encoding").unwrap_or("raw").to_ascii_lowercase();
    match header.get("endian") {
        Some("little") => Ok(false),
        Some("big") => Ok(true),
        None if matches!(encoding.as_str(), "text" | "txt" | "ascii") => Ok(false),
        other => Err(Error::header(
            header.path,
            "endian",
            format!("`{}`", other.unwrap_or("missing")),
            "`little` or `big`",
        )),
    }
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
            .map(|name| beside(path, "data file", name))
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
            // The voxels stand at the end, whatever comes before them.
            (Err(_), Packing::Raw) => {
                let file = layout.file();
                let length = std::fs::metadata(file)
                    .map_err(|e| Error::read(file, e))?
                    .len();
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
