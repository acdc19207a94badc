//! MetaImage files out.

use crate::body::Body;
use crate::encode::{Encoder, Source};
use crate::layout::Packing;
use crate::sink::Sink;
use crate::text_header::LPS;
use crate::whole_file::{ByteOrder, write_file};
use crate::{FileVoxel, Result, VoxelType, WriteOptions};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest; a `.mhd` gets its voxels in a second file.
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
        Packing::Zlib
    } else {
        Packing::Raw
    };
    if !detached && !options.compress && channels == 1 {
        let mut header = header(geometry, channels, encoder.voxel_type);
        header += "CompressedData = False\nElementDataFile = LOCAL\n";
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
    let body = Body::new(&encoder, channels, packing, options)?;
    let data_name = if detached {
        let ending = if options.compress { "zraw" } else { "raw" };
        format!("{}.{ending}", crate::strip_extension(&path))
    } else {
        "LOCAL".to_owned()
    };
    let mut header = header(geometry, channels, encoder.voxel_type);
    if options.compress {
        header += &format!(
            "CompressedData = True\nCompressedDataSize = {}\n",
            body.bytes.len()
        );
    } else {
        header += "CompressedData = False\n";
    }
    header += &format!("ElementDataFile = {data_name}\n");
    body.write(
        sink,
        &header,
        detached.then_some(&data_name),
        options.control.as_ref(),
    )
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
