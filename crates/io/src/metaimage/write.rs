//! MetaImage files out.

use crate::body::{Body, write_apart};
use crate::encode::{Encoder, Source};
use crate::layout::Packing;
use crate::sink::Sink;
use crate::text_header::LPS;
use crate::whole_file::Packed;
use crate::{FileVoxel, Result, VoxelType, WriteOptions};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest; a `.mhd` gets its voxels in a second file. Voxels of one channel go out
/// slab by slab; the header says how many bytes they are packed to, so that they are packed before it is written.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink<'_>,
    geometry: &Geometry,
    channels: usize,
    source: Source<T>,
    detached: bool,
    options: &WriteOptions,
) -> Result<()> {
    let path = sink.path().to_owned();
    let is_made = matches!(source, Source::Made(_));
    let encoder = Encoder::new(&path, source, (geometry, channels), options);
    let (packing, ending) = match options.compress {
        true => (Packing::Zlib, "zraw"),
        false => (Packing::Raw, "raw"),
    };
    let data_name = format!("{}.{ending}", crate::strip_extension(&path));
    let data_name = detached.then_some(&data_name);
    let head = |packed: Option<u64>| {
        let mut head = header(geometry, channels, encoder.voxel_type);
        head += &match packed {
            Some(size) => format!("CompressedData = True\nCompressedDataSize = {size}\n"),
            None => "CompressedData = False\n".to_owned(),
        };
        let name = data_name.map_or("LOCAL", String::as_str);
        head += &format!("ElementDataFile = {name}\n");
        head
    };
    if channels == 1 && !options.compress {
        let voxels = (&encoder, Packed::Nothing);
        return write_apart(sink, &head(None), data_name, voxels, options);
    }
    let body = match channels {
        1 => Body::in_order(&encoder, packing, is_made, sink, options)?,
        _ => Body::new(&encoder, channels, packing, options)?,
    };
    let head = head(options.compress.then_some(body.length));
    body.write(sink, &head, data_name, options.control.as_ref())
}

fn header(geometry: &Geometry, channels: usize, voxel_type: VoxelType) -> String {
    let line = |values: &[f64]| {
        values
            .iter()
            .map(f64::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (direction, origin) = (geometry.direction(), geometry.origin());
    // One line per axis, in LPS; adding zero turns a negative zero into a zero.
    let matrix: Vec<f64> = (0..9)
        .map(|k| direction[k % 3][k / 3] * LPS[k % 3] + 0.0)
        .collect();
    let offset: [f64; 3] = std::array::from_fn(|i| origin[i] * LPS[i] + 0.0);
    let [x, y, z] = geometry.size();
    let channels = if channels > 1 {
        format!("ElementNumberOfChannels = {channels}\n")
    } else {
        String::new()
    };
    format!(
        "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n\
         TransformMatrix = {}\nOffset = {}\nCenterOfRotation = 0 0 0\n\
         AnatomicalOrientation = {}\nElementSpacing = {}\nDimSize = {x} {y} {z}\n\
         {channels}ElementType = {}\n",
        line(&matrix),
        line(&offset),
        geometry.orientation(),
        line(&geometry.spacing()),
        element_type(voxel_type),
    )
}

fn element_type(voxel_type: VoxelType) -> &'static str {
    match voxel_type {
        VoxelType::U8 => "MET_UCHAR",
        VoxelType::I8 => "MET_CHAR",
        VoxelType::U16 => "MET_USHORT",
        VoxelType::I16 => "MET_SHORT",
        VoxelType::U32 => "MET_UINT",
        VoxelType::I32 => "MET_INT",
        VoxelType::U64 => "MET_ULONG_LONG",
        VoxelType::I64 => "MET_LONG_LONG",
        VoxelType::F32 => "MET_FLOAT",
        VoxelType::F64 => "MET_DOUBLE",
    }
}
