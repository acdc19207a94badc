//! NIfTI files out: header, extensions, voxels; single files, compressed files and pairs.

use super::fields_kept::MILLIMETRES_AND_SECONDS;
use super::geometry;
use super::header::{self, Header};
use super::labels;
use crate::encode::{Encoder, Source};
use crate::sink::Sink;
use crate::whole_file::{ByteOrder, Packed, write_file};
use crate::{Error, FileVoxel, NiftiVersion, Result, WriteOptions};
use std::path::{Path, PathBuf};
use vesalius_volume::Geometry;

/// Writes channels × voxels values, x fastest, as a single file or a pair.
pub(crate) fn write<T: FileVoxel>(
    sink: &mut Sink<'_>,
    geometry: &Geometry,
    channels: usize,
    source: Source<T>,
    (pair, compressed): (bool, bool),
    options: &WriteOptions,
) -> Result<()> {
    let path = &sink.path().to_owned();
    let encoder = Encoder::new(path, source, (geometry, channels), options);
    let mut header = describe(path, geometry, channels, &encoder, options)?;
    header.pair = pair;
    let tail = extension_bytes(options);
    let offset = header::length(header.version) + tail.len();
    header.vox_offset = if pair { 0.0 } else { offset as f64 };
    let mut head = header::write(&header);
    head.extend(tail);
    let packed = match compressed {
        true => Packed::All,
        false => Packed::Nothing,
    };
    let order = ByteOrder::Little;
    if !pair {
        return write_file(sink, &head, Some(&encoder), packed, order, options);
    }
    let (header_path, image_path) = pair_paths(path, compressed);
    // The voxels first: there is never a header without its voxels.
    let mut image = Sink::File(&image_path);
    write_file(&mut image, &[], Some(&encoder), packed, order, options)?;
    let mut header = Sink::File(&header_path);
    write_file::<T>(&mut header, &head, None, packed, order, options)
}

fn pair_paths(path: &Path, compressed: bool) -> (PathBuf, PathBuf) {
    let folder = path.parent().unwrap_or(Path::new(""));
    let stem = crate::strip_extension(path);
    let gz = if compressed { ".gz" } else { "" };
    (
        folder.join(format!("{stem}.hdr{gz}")),
        folder.join(format!("{stem}.img{gz}")),
    )
}

fn describe<T: FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    channels: usize,
    encoder: &Encoder<T>,
    options: &WriteOptions,
) -> Result<Header> {
    const LONGEST: usize = i16::MAX as usize;
    let size = geometry.size();
    let long = size.iter().chain([&channels]).any(|&n| n > LONGEST);
    if long && options.nifti_version == NiftiVersion::One {
        return Err(Error::header(
            path,
            "the size",
            format!(
                "{size:?} with {}",
                vesalius_volume::counted(channels, "channel")
            ),
            format!("at most {LONGEST} along each axis in NIfTI-1; choose NIfTI-2"),
        ));
    }
    let version = match options.nifti_version {
        NiftiVersion::One => 1,
        NiftiVersion::Automatic if !long => 1,
        _ => 2,
    };
    let axes = if channels > 1 { 4 } else { 3 };
    let [x, y, z] = size.map(|n| n as i64);
    let mut header = Header {
        version,
        dim: [axes, x, y, z, channels as i64, 1, 1, 1],
        pixdim: [1.0; 8],
        datatype: header::datatype(encoder.voxel_type),
        bitpix: 8 * encoder.voxel_type.bytes() as i16,
        scl_slope: 1.0,
        units: MILLIMETRES_AND_SECONDS,
        descrip: options.description.clone(),
        aux_file: options.auxiliary_file.clone(),
        intent_name: options.intent_name.clone(),
        ..Header::default()
    };
    geometry::place(&mut header, geometry, options.space_code);
    if let Some(fields) = &options.nifti {
        let mut fields = fields.clone();
        if options.orthonormalise {
            // Right angles were asked for, also where the grid is the same but for little.
            fields.forms = None;
        }
        fields.put(&mut header, geometry, channels);
    }
    Ok(header)
}

/// The four extender bytes and the extensions, that of the labels' names last, each padded to a multiple of 16 bytes.
fn extension_bytes(options: &WriteOptions) -> Vec<u8> {
    let names = labels::extension(&options.labels);
    let given = options.extensions.iter();
    let kept = given.filter(|e| names.is_none() || !labels::is_description(e));
    let mut bytes = vec![0; 4];
    for extension in kept.chain(&names) {
        bytes[0] = 1;
        let size = (extension.data.len() + 8).next_multiple_of(16);
        bytes.extend((size as i32).to_le_bytes());
        bytes.extend(extension.code.to_le_bytes());
        bytes.extend(&extension.data);
        bytes.resize(bytes.len() + size - 8 - extension.data.len(), 0);
    }
    bytes
}
