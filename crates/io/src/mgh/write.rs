//! MGH files out.

use super::header::{self, Header};
use crate::encode::{Encoder, Source};
use crate::sink::Sink;
use crate::whole_file::{ByteOrder, Packed, write_file};
use crate::{Error, FileVoxel, Result, WriteOptions};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink<'_>,
    geometry: &Geometry,
    channels: usize,
    source: Source<T>,
    compressed: bool,
    options: &WriteOptions,
) -> Result<()> {
    let path = sink.path().to_owned();
    let encoder = Encoder::new(&path, source, (geometry, channels), options);
    let kind = header::kind(encoder.voxel_type).ok_or_else(|| {
        Error::unsupported(
            &path,
            format!("an MGH file of type {}", encoder.voxel_type),
            "choose u8, i16, u16, i32 or f32 as `WriteOptions::voxel_type`",
        )
    })?;
    let [x, y, z] = geometry.size();
    let mut extent = [0; 4];
    for (to, from) in extent.iter_mut().zip([x, y, z, channels]) {
        *to = i32::try_from(from).map_err(|_| {
            Error::header(
                &path,
                "the size",
                format!(
                    "{:?} with {}",
                    geometry.size(),
                    vesalius_volume::counted(channels, "channel")
                ),
                format!("at most {} along each axis", i32::MAX),
            )
        })?;
    }
    let [width, height, depth, frames] = extent;
    let header = Header::of(geometry, frames, [width, height, depth], kind);
    let head = header::write(&header);
    let packed = match compressed {
        true => Packed::All,
        false => Packed::Nothing,
    };
    write_file(sink, &head, Some(&encoder), packed, ByteOrder::Big, options)
}
