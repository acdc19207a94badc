//! The fields of a NIfTI header, version 1 (348 bytes) and 2 (540 bytes), read from and written to
//! their places as the standard's `nifti1.h` and `nifti2.h` give them.

use super::fields::{Fields, Page};
use super::fields_kept::SliceTiming;
use crate::composite::Composite;
use crate::{Format, VoxelType};

/// A header, widened to version 2's number types.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Header {
    pub version: u8,
    pub big_endian: bool,
    /// Whether the voxels are in a separate `.img` file.
    pub pair: bool,
    pub dim: [i64; 8],
    pub datatype: i16,
    pub bitpix: i16,
    pub pixdim: [f64; 8],
    pub vox_offset: f64,
    pub scl_slope: f64,
    pub scl_inter: f64,
    pub units: i32,
    pub cal_max: f64,
    pub cal_min: f64,
    pub descrip: String,
    pub aux_file: String,
    pub qform_code: i32,
    pub sform_code: i32,
    /// Quaternion b, c, d and the offsets x, y, z.
    pub quatern: [f64; 3],
    pub qoffset: [f64; 3],
    pub srow: [[f64; 4]; 3],
    pub intent_code: i32,
    pub intent_name: String,
    pub intent_parameters: [f64; 3],
    pub toffset: f64,
    pub slices: SliceTiming,
}

/// Size of the header of each version.
pub(super) fn length(version: u8) -> usize {
    if version == 2 { 540 } else { 348 }
}

struct Kind {
    version: u8,
    big_endian: bool,
    pair: bool,
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    let size = i32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    let big_endian = size.swap_bytes() == 348 || size.swap_bytes() == 540;
    let version = match if big_endian { size.swap_bytes() } else { size } {
        348 => 1,
        540 => 2,
        _ => return None,
    };
    let magic = if version == 1 {
        bytes.get(344..348)?
    } else {
        bytes.get(4..8)?
    };
    let expected = [b"n+1\0", b"ni1\0", b"n+2\0", b"ni2\0"];
    let found = expected.iter().position(|m| m[..] == *magic)?;
    (found / 2 + 1 == usize::from(version)).then_some(Kind {
        version,
        big_endian,
        pair: found % 2 == 1,
    })
}

/// Which version of NIfTI the bytes begin, if any.
pub(crate) fn detect(head: &[u8]) -> Option<Format> {
    kind(head).map(|kind| match kind.version {
        1 => Format::Nifti1,
        _ => Format::Nifti2,
    })
}

/// Whether the bytes begin an ANALYZE 7.5 header, from which NIfTI's was made: it has the size and no magic.
pub(crate) fn detect_analyze(head: &[u8]) -> bool {
    read_analyze(head).is_some_and(|header| {
        let known = voxel_type(header.datatype).is_ok() || matches!(header.datatype, 1 | 32 | 128);
        (1..=7).contains(&header.dim[0]) && known
    })
}

/// The fields that an ANALYZE 7.5 header shares with NIfTI's; `None` when the bytes are none or too few.
pub(super) fn read_analyze(bytes: &[u8]) -> Option<Header> {
    let bytes = bytes.get(..length(1))?;
    let size = i32::from_le_bytes(bytes[..4].try_into().ok()?);
    let big_endian = size.swap_bytes() == 348;
    if !big_endian && size != 348 || kind(bytes).is_some() {
        return None;
    }
    let fields = Fields { bytes, big_endian };
    let both = read_one(&fields);
    Some(Header {
        version: 1,
        big_endian,
        pair: true,
        dim: both.dim,
        datatype: both.datatype,
        bitpix: both.bitpix,
        pixdim: both.pixdim,
        vox_offset: both.vox_offset,
        // SPM's factor, or nothing.
        scl_slope: both.scl_slope,
        units: 2,
        descrip: both.descrip,
        aux_file: both.aux_file,
        ..Header::default()
    })
}

/// The header in the bytes; `None` when they are none or too few.
pub(super) fn read(bytes: &[u8]) -> Option<Header> {
    let kind = kind(bytes)?;
    let fields = Fields {
        bytes: bytes.get(..length(kind.version))?,
        big_endian: kind.big_endian,
    };
    let mut header = match kind.version {
        1 => read_one(&fields),
        _ => read_two(&fields),
    };
    header.version = kind.version;
    header.big_endian = kind.big_endian;
    header.pair = kind.pair;
    Some(header)
}

fn read_one(f: &Fields) -> Header {
    Header {
        dim: std::array::from_fn(|i| i64::from(f.i16(40 + 2 * i))),
        intent_code: f.i16(68).into(),
        datatype: f.i16(70),
        bitpix: f.i16(72),
        pixdim: std::array::from_fn(|i| f.f32(76 + 4 * i)),
        vox_offset: f.f32(108),
        scl_slope: f.f32(112),
        scl_inter: f.f32(116),
        units: f.bytes[123].into(),
        cal_max: f.f32(124),
        cal_min: f.f32(128),
        descrip: f.text(148, 80),
        aux_file: f.text(228, 24),
        qform_code: f.i16(252).into(),
        sform_code: f.i16(254).into(),
        quatern: std::array::from_fn(|i| f.f32(256 + 4 * i)),
        qoffset: std::array::from_fn(|i| f.f32(268 + 4 * i)),
        srow: std::array::from_fn(|r| std::array::from_fn(|c| f.f32(280 + 16 * r + 4 * c))),
        intent_name: f.text(328, 16),
        intent_parameters: std::array::from_fn(|i| f.f32(56 + 4 * i)),
        toffset: f.f32(136),
        slices: SliceTiming {
            dim_info: f.bytes[39],
            start: f.i16(74).into(),
            end: f.i16(120).into(),
            code: f.bytes[122].into(),
            duration: f.f32(132),
        },
        ..Header::default()
    }
}

fn read_two(f: &Fields) -> Header {
    Header {
        datatype: f.i16(12),
        bitpix: f.i16(14),
        dim: std::array::from_fn(|i| f.i64(16 + 8 * i)),
        pixdim: std::array::from_fn(|i| f.f64(104 + 8 * i)),
        vox_offset: f.i64(168) as f64,
        scl_slope: f.f64(176),
        scl_inter: f.f64(184),
        cal_max: f.f64(192),
        cal_min: f.f64(200),
        descrip: f.text(240, 80),
        aux_file: f.text(320, 24),
        qform_code: f.i32(344),
        sform_code: f.i32(348),
        quatern: std::array::from_fn(|i| f.f64(352 + 8 * i)),
        qoffset: std::array::from_fn(|i| f.f64(376 + 8 * i)),
        srow: std::array::from_fn(|r| std::array::from_fn(|c| f.f64(400 + 32 * r + 8 * c))),
        units: f.i32(500),
        intent_code: f.i32(504),
        intent_name: f.text(508, 16),
        intent_parameters: std::array::from_fn(|i| f.f64(80 + 8 * i)),
        toffset: f.f64(216),
        slices: SliceTiming {
            dim_info: f.bytes[524],
            start: f.i64(224),
            end: f.i64(232),
            code: f.i32(496),
            duration: f.f64(208),
        },
        ..Header::default()
    }
}

/// The header's bytes, little-endian.
pub(super) fn write(header: &Header) -> Vec<u8> {
    let mut page = Page(vec![0; length(header.version)]);
    match header.version {
        1 => write_one(header, &mut page),
        _ => write_two(header, &mut page),
    }
    page.0
}

fn write_one(header: &Header, page: &mut Page) {
    let real = |page: &mut Page, at: usize, values: &[f64]| {
        for (i, value) in values.iter().enumerate() {
            page.put(at + 4 * i, &(*value as f32).to_le_bytes());
        }
    };
    page.put(0, &348i32.to_le_bytes());
    // ANALYZE's `regular`, which old readers check.
    page.put(38, b"r");
    page.put(39, &[header.slices.dim_info]);
    real(page, 56, &header.intent_parameters);
    for (i, n) in header.dim.iter().enumerate() {
        page.put(40 + 2 * i, &(*n as i16).to_le_bytes());
    }
    page.put(68, &(header.intent_code as i16).to_le_bytes());
    page.put(70, &header.datatype.to_le_bytes());
    page.put(72, &header.bitpix.to_le_bytes());
    page.put(74, &(header.slices.start as i16).to_le_bytes());
    real(page, 76, &header.pixdim);
    real(
        page,
        108,
        &[header.vox_offset, header.scl_slope, header.scl_inter],
    );
    page.put(120, &(header.slices.end as i16).to_le_bytes());
    page.put(122, &[header.slices.code as u8, header.units as u8]);
    let timing = [header.slices.duration, header.toffset];
    real(page, 124, &[header.cal_max, header.cal_min]);
    real(page, 132, &timing);
    page.text(148, 80, &header.descrip);
    page.text(228, 24, &header.aux_file);
    page.put(252, &(header.qform_code as i16).to_le_bytes());
    page.put(254, &(header.sform_code as i16).to_le_bytes());
    real(page, 256, &header.quatern);
    real(page, 268, &header.qoffset);
    real(page, 280, header.srow.as_flattened());
    page.text(328, 16, &header.intent_name);
    page.put(344, if header.pair { b"ni1\0" } else { b"n+1\0" });
}

fn write_two(header: &Header, page: &mut Page) {
    let real = |page: &mut Page, at: usize, values: &[f64]| {
        for (i, value) in values.iter().enumerate() {
            page.put(at + 8 * i, &value.to_le_bytes());
        }
    };
    page.put(0, &540i32.to_le_bytes());
    page.put(4, if header.pair { b"ni2\0" } else { b"n+2\0" });
    // Four bytes that text-mode transfers would change, as in PNG.
    page.put(8, b"\r\n\x1a\n");
    page.put(12, &header.datatype.to_le_bytes());
    page.put(14, &header.bitpix.to_le_bytes());
    for (i, n) in header.dim.iter().enumerate() {
        page.put(16 + 8 * i, &n.to_le_bytes());
    }
    real(page, 104, &header.pixdim);
    page.put(168, &(header.vox_offset as i64).to_le_bytes());
    real(
        page,
        176,
        &[
            header.scl_slope,
            header.scl_inter,
            header.cal_max,
            header.cal_min,
            header.slices.duration,
            header.toffset,
        ],
    );
    real(page, 80, &header.intent_parameters);
    page.put(224, &header.slices.start.to_le_bytes());
    page.put(232, &header.slices.end.to_le_bytes());
    page.put(496, &header.slices.code.to_le_bytes());
    page.put(524, &[header.slices.dim_info]);
    page.text(240, 80, &header.descrip);
    page.text(320, 24, &header.aux_file);
    page.put(344, &header.qform_code.to_le_bytes());
    page.put(348, &header.sform_code.to_le_bytes());
    real(page, 352, &header.quatern);
    real(page, 376, &header.qoffset);
    real(page, 400, header.srow.as_flattened());
    page.put(500, &header.units.to_le_bytes());
    page.put(504, &header.intent_code.to_le_bytes());
    page.text(508, 16, &header.intent_name);
}

/// The number type of a datatype code, or the name of one that is not a plain number.
pub(super) fn voxel_type(datatype: i16) -> std::result::Result<VoxelType, &'static str> {
    Ok(match datatype {
        2 => VoxelType::U8,
        4 => VoxelType::I16,
        8 => VoxelType::I32,
        16 => VoxelType::F32,
        64 => VoxelType::F64,
        256 => VoxelType::I8,
        512 => VoxelType::U16,
        768 => VoxelType::U32,
        1024 => VoxelType::I64,
        1280 => VoxelType::U64,
        1 => return Err("one-bit voxels"),
        1536 => return Err("128-bit floats"),
        2048 => return Err("complex256"),
        _ => return Err("an unknown datatype"),
    })
}

/// What the parts of a voxel are together, their number type and the datatype's name.
pub(super) fn composite(datatype: i16) -> Option<(Composite, VoxelType, &'static str)> {
    Some(match datatype {
        128 => (Composite::Rgb, VoxelType::U8, "RGB24"),
        2304 => (Composite::Rgba, VoxelType::U8, "RGBA32"),
        32 => (Composite::Complex, VoxelType::F32, "complex64"),
        1792 => (Composite::Complex, VoxelType::F64, "complex128"),
        _ => return None,
    })
}

/// The datatype code of a number type.
pub(super) fn datatype(voxel_type: VoxelType) -> i16 {
    match voxel_type {
        VoxelType::U8 => 2,
        VoxelType::I16 => 4,
        VoxelType::I32 => 8,
        VoxelType::F32 => 16,
        VoxelType::F64 => 64,
        VoxelType::I8 => 256,
        VoxelType::U16 => 512,
        VoxelType::U32 => 768,
        VoxelType::I64 => 1024,
        VoxelType::U64 => 1280,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_versions_keep_every_field() {
        for version in [1, 2] {
            let header = Header {
                version,
                pair: version == 2,
                dim: [4, 30000, 5, 6, 7, 1, 1, 1],
                datatype: 512,
                bitpix: 16,
                pixdim: [-1.0, 0.5, 0.25, 3.0, 2.0, 0.0, 0.0, 0.0],
                vox_offset: 352.0,
                scl_slope: 2.0,
                scl_inter: -1024.0,
                units: 2,
                cal_max: 9.0,
                cal_min: -9.0,
                descrip: "a description".to_owned(),
                aux_file: "other.hdr".to_owned(),
                qform_code: 1,
                sform_code: 4,
                quatern: [0.5, 0.25, -0.5],
                qoffset: [1.0, 2.0, 3.0],
                srow: [
                    [1.0, 0.0, 0.0, 9.5],
                    [0.0, -1.0, 0.5, 8.5],
                    [0.0, 0.5, 1.0, 7.5],
                ],
                intent_code: 1002,
                intent_name: "labels".to_owned(),
                intent_parameters: [1.5, -2.0, 0.25],
                toffset: 3.5,
                slices: SliceTiming {
                    dim_info: 57,
                    start: 1,
                    end: 5,
                    code: 3,
                    duration: 0.125,
                },
                ..Header::default()
            };
            assert_eq!(read(&write(&header)), Some(header));
        }
    }
}
