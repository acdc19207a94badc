//! The voxels of a file with a text header, packed before the header is written: it names the size.

use crate::encode::Encoder;
use crate::gzip;
use crate::layout::Packing;
use crate::sink::Sink;
use crate::{Error, FileVoxel, Result, WriteOptions};
use std::io;

pub(crate) struct Body {
    pub bytes: Vec<u8>,
}

impl Body {
    /// Encodes all voxels, channels side by side as ITK wants them, and packs them.
    pub fn new<T: FileVoxel>(
        encoder: &Encoder<T>,
        channels: usize,
        packing: Packing,
        options: &WriteOptions,
    ) -> Result<Self> {
        let mut raw = vec![0; encoder.bytes()];
        encoder.encode(0, &mut raw)?;
        let width = encoder.voxel_type.bytes();
        if channels > 1 {
            raw = side_by_side(&raw, channels, width);
        }
        if packing == Packing::Raw {
            return Ok(Self { bytes: raw });
        }
        let mut bytes = Vec::new();
        let level = options.level(encoder.voxel_type);
        gzip::write_packed(&mut bytes, packing, level, raw.len(), |at, out| {
            out.copy_from_slice(&raw[at..at + out.len()]);
            Ok(())
        })
        .map_err(|source: io::Error| Error::Write {
            path: encoder.path.to_owned(),
            source,
        })?;
        Ok(Self { bytes })
    }

    /// Writes header and voxels into one file, or the voxels first into a file beside the header.
    pub fn write(
        &self,
        sink: &mut Sink<'_>,
        header: &str,
        detached: Option<&String>,
    ) -> Result<()> {
        if let Some(name) = detached {
            let beside = sink.path().with_file_name(name);
            Sink::File(&beside).put(|w| w.write_all(&self.bytes))?;
        }
        sink.put(|writer| {
            writer.write_all(header.as_bytes())?;
            if detached.is_none() {
                writer.write_all(&self.bytes)?;
            }
            Ok(())
        })
    }
}

fn side_by_side(planes: &[u8], channels: usize, width: usize) -> Vec<u8> {
    let plane = planes.len() / channels;
    let mut out = Vec::with_capacity(planes.len());
    for at in (0..plane).step_by(width) {
        for channel in 0..channels {
            out.extend_from_slice(&planes[channel * plane + at..][..width]);
        }
    }
    out
}
