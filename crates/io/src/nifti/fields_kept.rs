//! The fields of a NIfTI header that have no place in a volume and are kept from file to file.

use super::geometry::forms_usable;
use super::header::Header;
use serde::Serialize;
use vesalius_volume::Geometry;

/// `xyzt_units` of what this crate writes.
pub(super) const MILLIMETRES_AND_SECONDS: i32 = 2 | 8;

/// Fields of a NIfTI header that a result may carry on: [`ImageInfo::nifti`](crate::ImageInfo::nifti) has those that
/// were read, [`WriteOptions::nifti`](crate::WriteOptions::nifti) those to be written.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NiftiFields {
    /// Both positions of the grid.
    pub forms: Option<NiftiForms>,
    /// `xyzt_units`: the units of length (bits 0 to 2) and of time (bits 3 to 5); 0 means that none was given.
    pub units: i32,
    /// `pixdim[4]` to `pixdim[7]`, the first of them the time from volume to volume in the unit of time.
    pub steps: [f64; 4],
    /// `toffset`, the time of the first volume.
    pub toffset: f64,
    /// The axis of the channels, 4 (time, `dim[4]`) to 7; 5 is that of vectors.
    pub channel_axis: usize,
    /// `intent_code`.
    pub intent_code: i32,
    /// `intent_p1` to `intent_p3`.
    pub intent_parameters: [f64; 3],
    /// `cal_min` and `cal_max`, the range to be shown.
    pub shown: [f64; 2],
    /// The order and timing of the slices.
    pub slices: SliceTiming,
}

/// In which order and at which times slices were acquired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SliceTiming {
    /// `dim_info`: the axes of frequency, phase and slice.
    pub dim_info: u8,
    /// `slice_start`.
    pub start: i64,
    /// `slice_end`.
    pub end: i64,
    /// `slice_code`.
    pub code: i32,
    /// `slice_duration`, in the unit of time.
    pub duration: f64,
}

/// The two positions that a NIfTI header gives its voxels, as it stores them, and the grid that was read from them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct NiftiForms {
    /// The grid that was read, RAS+ mm. The forms are written only with a grid that is the same.
    pub grid: Geometry,
    /// `sform_code`; 0 means that there is no sform.
    pub sform_code: i32,
    /// `qform_code`; 0 means that there is no qform.
    pub qform_code: i32,
    /// `srow_x`, `srow_y`, `srow_z`, in the unit of length.
    pub rows: [[f64; 4]; 3],
    /// `quatern_b`, `quatern_c`, `quatern_d`.
    pub quaternion: [f64; 3],
    /// `qoffset_x`, `qoffset_y`, `qoffset_z`, in the unit of length.
    pub offset: [f64; 3],
    /// `pixdim[0]` to `pixdim[3]`: the handedness of the qform and the spacing, in the unit of length.
    pub spacing: [f64; 4],
}

impl NiftiFields {
    /// The fields of a header whose grid was read as `grid`.
    pub(super) fn of(header: &Header, grid: Geometry, channel_axis: usize) -> Self {
        let placed = header.sform_code > 0 || header.qform_code > 0;
        let forms = (placed && forms_usable(header)).then(|| NiftiForms {
            grid,
            sform_code: header.sform_code,
            qform_code: header.qform_code,
            rows: header.srow,
            quaternion: header.quatern,
            offset: header.qoffset,
            spacing: std::array::from_fn(|i| header.pixdim[i]),
        });
        Self {
            forms,
            units: header.units,
            steps: std::array::from_fn(|i| header.pixdim[i + 4]),
            toffset: header.toffset,
            channel_axis,
            intent_code: header.intent_code,
            intent_parameters: header.intent_parameters,
            shown: [header.cal_min, header.cal_max],
            slices: header.slices,
        }
    }

    /// The fields of volumes that follow each other by so many seconds; 0 means that the time is not known.
    pub(crate) fn of_time_step(seconds: f64) -> Self {
        Self {
            units: MILLIMETRES_AND_SECONDS,
            steps: [seconds, 1.0, 1.0, 1.0],
            channel_axis: 4,
            ..Self::default()
        }
    }

    /// The position alone: what a result on the grid of an image has in common with it.
    #[must_use]
    pub fn position(&self) -> Self {
        Self {
            forms: self.forms.clone(),
            units: self.units,
            steps: [1.0; 4],
            channel_axis: 4,
            ..Self::default()
        }
    }

    /// Puts the fields into a header of a volume on `grid`, which has a position already.
    pub(super) fn put(&self, header: &mut Header, grid: &Geometry, channels: usize) {
        const LENGTH: i32 = 7;
        header.units = 2 | (self.units & !LENGTH);
        header.pixdim[4..].copy_from_slice(&self.steps);
        header.toffset = self.toffset;
        header.intent_code = self.intent_code;
        header.intent_parameters = self.intent_parameters;
        [header.cal_min, header.cal_max] = self.shown;
        header.slices = self.slices;
        if channels > 1 && (4..=7).contains(&self.channel_axis) {
            header.dim[0] = self.channel_axis as i64;
            header.dim[4..].fill(1);
            header.dim[self.channel_axis] = channels as i64;
        }
        let Some(forms) = self.forms.as_ref().filter(|forms| forms.grid.is_same(grid)) else {
            return;
        };
        if self.units & LENGTH != 0 {
            header.units = self.units;
        }
        (header.sform_code, header.qform_code) = (forms.sform_code, forms.qform_code);
        header.srow = forms.rows;
        header.quatern = forms.quaternion;
        header.qoffset = forms.offset;
        header.pixdim[..4].copy_from_slice(&forms.spacing);
    }
}
