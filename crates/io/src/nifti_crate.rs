//! To and from the objects of the crate `nifti` (feature `nifti`), for programs that have them: its header and voxels are
//! handed to this crate's reader and writer as the bytes of a file, so that scaling, geometry and all checks are the same.

use crate::{Error, FileVoxel, Format, ImageBytes, Result, WriteOptions, to_bytes};
use nifti::{Endianness, InMemNiftiObject, NiftiHeader, NiftiObject};
use std::path::Path;
use vesalius_volume::Volume;

/// What stands in errors in place of a path.
const OBJECT: &str = "<nifti object>";
/// Bytes of a header and of the marker of extensions behind it.
const HEADER: usize = 352;

/// An object of the crate `nifti` as the bytes of a `.nii` file; its extensions are left out.
///
/// ```
/// use nifti::NiftiObject;
/// use vesalius_io::{ImageBytes, ReadOptions, WriteOptions, nifti_object};
/// use vesalius_volume::{Geometry, Volume};
///
/// let grid = Geometry::axis_aligned([4, 3, 2], [0.5, 0.5, 2.0])?;
/// let image = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as i16);
/// let object = nifti_object(&image, &WriteOptions::default())?;
/// assert_eq!(object.header().dim, [3, 4, 3, 2, 1, 1, 1, 1]);
/// let back = ImageBytes::from(&object).read_as::<i16>(&ReadOptions::default())?;
/// assert_eq!(back, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl From<&InMemNiftiObject> for ImageBytes {
    fn from(object: &InMemNiftiObject) -> Self {
        let voxels = object.volume().raw_data();
        let mut bytes = Vec::with_capacity(HEADER + voxels.len());
        bytes.extend(header_bytes(object.header()));
        bytes.extend([0; 4]);
        bytes.extend(voxels);
        Self::new(bytes).named(OBJECT).format(Format::Nifti1)
    }
}

/// A volume as an object of the crate `nifti`.
///
/// # Errors
/// As [`to_bytes`]; [`Error::Unsupported`] for an axis of more than 32,767 voxels.
pub fn nifti_object<T: FileVoxel>(
    volume: &Volume<T>,
    options: &WriteOptions,
) -> Result<InMemNiftiObject> {
    let options = WriteOptions {
        compress: false,
        ..options.clone()
    };
    let bytes = to_bytes(volume, Format::Nifti1, &options)?;
    InMemNiftiObject::from_reader(bytes.as_slice()).map_err(|error| {
        let what = format!("an object that the crate `nifti` refuses ({error})");
        Error::unsupported(Path::new(OBJECT), what, "it knows version 1 of NIfTI")
    })
}

/// The header as it stands in a file, in the object's own byte order; the voxels follow it at once.
fn header_bytes(header: &NiftiHeader) -> [u8; 348] {
    let mut bytes = Writer {
        bytes: [0; 348],
        at: 0,
        little: header.endianness == Endianness::Little,
    };
    bytes.i32(348);
    bytes.raw(&header.data_type);
    bytes.raw(&header.db_name);
    bytes.i32(header.extents);
    bytes.i16s(&[header.session_error]);
    bytes.raw(&[header.regular, header.dim_info]);
    bytes.i16s(&header.dim.map(|length| length as i16));
    bytes.f32s(&[header.intent_p1, header.intent_p2, header.intent_p3]);
    bytes.i16s(&[header.intent_code, header.datatype, header.bitpix]);
    bytes.i16s(&[header.slice_start]);
    bytes.f32s(&header.pixdim);
    bytes.f32s(&[HEADER as f32, header.scl_slope, header.scl_inter]);
    bytes.i16s(&[header.slice_end]);
    bytes.raw(&[header.slice_code, header.xyzt_units]);
    bytes.f32s(&[header.cal_max, header.cal_min]);
    bytes.f32s(&[header.slice_duration, header.toffset]);
    bytes.i32(header.glmax);
    bytes.i32(header.glmin);
    let mut description = [0; 80];
    let length = header.descrip.len().min(80);
    description[..length].copy_from_slice(&header.descrip[..length]);
    bytes.raw(&description);
    bytes.raw(&header.aux_file);
    bytes.i16s(&[header.qform_code, header.sform_code]);
    bytes.f32s(&[header.quatern_b, header.quatern_c, header.quatern_d]);
    bytes.f32s(&[header.quatern_x, header.quatern_y, header.quatern_z]);
    for row in [header.srow_x, header.srow_y, header.srow_z] {
        bytes.f32s(&row);
    }
    bytes.raw(&header.intent_name);
    bytes.raw(b"n+1\0");
    bytes.bytes
}

/// Fields one behind the other.
struct Writer {
    bytes: [u8; 348],
    at: usize,
    little: bool,
}

impl Writer {
    fn raw(&mut self, value: &[u8]) {
        self.bytes[self.at..self.at + value.len()].copy_from_slice(value);
        self.at += value.len();
    }

    fn i16s(&mut self, values: &[i16]) {
        for value in values {
            self.raw(&match self.little {
                true => value.to_le_bytes(),
                false => value.to_be_bytes(),
            });
        }
    }

    fn i32(&mut self, value: i32) {
        self.raw(&match self.little {
            true => value.to_le_bytes(),
            false => value.to_be_bytes(),
        });
    }

    fn f32s(&mut self, values: &[f32]) {
        for value in values {
            self.raw(&match self.little {
                true => value.to_le_bytes(),
                false => value.to_be_bytes(),
            });
        }
    }
}
