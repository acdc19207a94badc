//! NRRD files out, with 3D Slicer's segments where labels have names.

use super::segments::{self, Extent};
use crate::body::{Body, write_apart};
use crate::encode::{Encoder, Source};
use crate::layout::Packing;
use crate::sink::Sink;
use crate::text_header::LPS;
use crate::whole_file::Packed;
use crate::{FileVoxel, Result, VoxelType, WriteOptions};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest; a `.nhdr` gets its voxels in a second file. Voxels of one channel go out
/// slab by slab where the header is known before them: the extents of labels are given, or there are no labels.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink<'_>,
    (geometry, channels): (&Geometry, usize),
    source: Source<T>,
    detached: bool,
    extents: Option<&[Extent]>,
    options: &WriteOptions,
) -> Result<()> {
    let path = sink.path().to_owned();
    let encoder = Encoder::new(&path, source, (geometry, channels), options);
    let (packing, ending) = match options.compress {
        true => (Packing::Gzip, "raw.gz"),
        false => (Packing::Raw, "raw"),
    };
    let data_name = format!("{}.{ending}", crate::strip_extension(&path));
    let data_name = detached.then_some(&data_name);
    let head = |extents: &[Extent]| {
        let mut head = header(geometry, channels, encoder.voxel_type, options.compress);
        if let Some(name) = data_name {
            head += &format!("data file: {name}\n");
        }
        head += &segments::lines(&options.labels, extents, &options.key_values);
        if data_name.is_none() {
            head += "\n";
        }
        head
    };
    let known = extents.or(options.labels.is_empty().then_some(&[][..]));
    if let (1, Some(extents)) = (channels, known) {
        let packed = match options.compress {
            true => Packed::Voxels(packing),
            false => Packed::Nothing,
        };
        return write_apart(sink, &head(extents), data_name, (&encoder, packed), options);
    }
    let raw = Body::encode(&encoder)?;
    let extents = match encoder.voxel_type {
        stored if stored.is_integer() && !options.labels.is_empty() => {
            segments::extents(&options.labels, &raw, stored.bytes(), geometry.size())
        }
        _ => Vec::new(),
    };
    let body = Body::pack(raw, &encoder, channels, packing, options)?;
    body.write(sink, &head(&extents), data_name, options.control.as_ref())
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
