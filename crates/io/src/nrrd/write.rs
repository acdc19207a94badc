//! NRRD files out, with 3D Slicer's segments where labels have names.

use super::segments;
use crate::body::Body;
use crate::encode::{Encoder, Source};
use crate::layout::Packing;
use crate::sink::Sink;
use crate::text_header::LPS;
use crate::whole_file::{ByteOrder, write_file};
use crate::{FileVoxel, Result, VoxelType, WriteOptions};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest; a `.nhdr` gets its voxels in a second file.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink<'_>,
    geometry: &Geometry,
    channels: usize,
    source: Source<T>,
    detached: bool,
    options: &WriteOptions,
) -> Result<()> {
    let path = sink.path().to_owned();
    let encoder = Encoder::new(&path, source, (geometry, channels), options);
    let packing = if options.compress {
        Packing::Gzip
    } else {
        Packing::Raw
    };
    if !detached && !options.compress && channels == 1 && options.labels.is_empty() {
        let mut header = header(geometry, channels, encoder.voxel_type, false);
        header += &segments::lines(&[], &[], &options.key_values);
        header += "\n";
        let order = ByteOrder::Little;
        return write_file(
            sink,
            header.as_bytes(),
            Some(&encoder),
            false,
            order,
            options,
        );
    }
    let raw = Body::encode(&encoder)?;
    let extents = match encoder.voxel_type {
        stored if stored.is_integer() && !options.labels.is_empty() => {
            segments::extents(&options.labels, &raw, stored.bytes(), geometry.size())
        }
        _ => Vec::new(),
    };
    let pairs = segments::lines(&options.labels, &extents, &options.key_values);
    let body = Body::pack(raw, &encoder, channels, packing, options)?;
    let ending = if options.compress { "raw.gz" } else { "raw" };
    let data_name = format!("{}.{ending}", crate::strip_extension(&path));
    let mut header = header(geometry, channels, encoder.voxel_type, options.compress);
    if detached {
        header += &format!("data file: {data_name}\n");
    } else {
        header += &pairs;
        header += "\n";
        return body.write(sink, &header, None, options.control.as_ref());
    }
    header += &pairs;
    body.write(sink, &header, Some(&data_name), options.control.as_ref())
}

fn header(geometry: &Geometry, channels: usize, voxel_type: VoxelType, compress: bool) -> String {
    let vector = |v: [f64; 3]| format!("({},{},{})", v[0], v[1], v[2]);
    let (linear, origin) = (geometry.affine().linear(), geometry.origin());
    // LPS, which every program on ITK writes; adding zero turns a negative zero into a zero.
    let axis = |j: usize| vector(std::array::from_fn(|i| linear[i][j] * LPS[i] + 0.0));
    let [x, y, z] = geometry.size();
    let (list, none, kind) = if channels > 1 {
        (format!("{channels} "), "none ", "list ")
    } else {
        (String::new(), "", "")
    };
    format!(
        "NRRD0004\n# https://teem.sourceforge.net/nrrd/format.html\ntype: {}\ndimension: {}\n\
         space: left-posterior-superior\nsizes: {list}{x} {y} {z}\n\
         space directions: {none}{} {} {}\nkinds: {kind}domain domain domain\n\
         endian: little\nencoding: {}\nspace origin: {}\n",
        type_name(voxel_type),
        if channels > 1 { 4 } else { 3 },
        axis(0),
        axis(1),
        axis(2),
        if compress { "gzip" } else { "raw" },
        vector(std::array::from_fn(|i| origin[i] * LPS[i] + 0.0)),
    )
}

fn type_name(voxel_type: VoxelType) -> &'static str {
    match voxel_type {
        VoxelType::U8 => "uint8",
        VoxelType::I8 => "int8",
        VoxelType::U16 => "uint16",
        VoxelType::I16 => "int16",
        VoxelType::U32 => "uint32",
        VoxelType::I32 => "int32",
        VoxelType::U64 => "uint64",
        VoxelType::I64 => "int64",
        VoxelType::F32 => "float",
        VoxelType::F64 => "double",
    }
}
