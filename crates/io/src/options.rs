//! Options of reading and writing.

use crate::choices::{ArrayAxes, ColorAs, ComplexAs, LabelChannels, NiftiForm};
use crate::watch::Watch;
use crate::{DicomOptions, Error, ImageInfo, LabelName, NiftiFields, Result, VoxelType};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_control::Control;
use vesalius_registry::Registry;
use vesalius_volume::Warning;

/// What to do with a file that has a fourth axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum FourthAxis {
    /// An error that names the axis: it might be time.
    #[default]
    Refuse,
    /// The axis becomes channels.
    Channels,
}

/// Which volume of a DICOM series that has several: echoes, times, b-values, kernels, orientations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum VolumeChoice {
    /// The only one; an error that lists them where there are several.
    #[default]
    Only,
    /// The one with this name, as in [`Series::part`](crate::Series::part), or of this number within its series, from
    /// 1: `b 800 direction 3`, `2`.
    Named(String),
    /// All of one series, as channels in the order of their keys: they must lie on one grid, and the fourth axis must
    /// be asked for with [`FourthAxis::Channels`]. The metadata of [`ImageInfo`](crate::ImageInfo) then has the times,
    /// b-values and directions of all, with `; ` between the volumes.
    All,
}

impl From<&str> for VolumeChoice {
    fn from(name: &str) -> Self {
        Self::Named(name.to_owned())
    }
}

/// What to do when reading had to decide something that is missing or wrong in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OnWarning {
    /// The decision is a warning in the result: [`Volume::warnings`](vesalius_volume::Volume::warnings),
    /// [`ImageInfo::warnings`](crate::ImageInfo::warnings).
    #[default]
    Collect,
    /// [`Error::Warned`](crate::Error::Warned) with the first of them.
    Refuse,
}

/// How to read.
///
/// ```
/// use vesalius_io::{Error, FourthAxis, Format, OnWarning, ReadOptions, WriteOptions, read_bytes, to_bytes};
/// use vesalius_volume::{Geometry, Volume};
///
/// // NIfTI stores two channels as a fourth axis, which could also be time.
/// let image = Volume::new(Geometry::axis_aligned([2, 1, 1], [1.0; 3])?, 2, vec![1.0, 2.0, 3.0, 4.0])?;
/// let bytes = to_bytes(&image, Format::Nifti1, &WriteOptions::default())?;
/// let mut options = ReadOptions { on_warning: OnWarning::Refuse, ..ReadOptions::new() };
/// options.fourth_axis = FourthAxis::Channels;
/// assert_eq!(read_bytes(&bytes, &options)?.channels(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// Spacing `[x, y, z]` in mm for a file without the position of its voxels. The grid then
    /// is axis-aligned RAS with its first voxel at 0. A file that has a geometry keeps its own.
    pub assume_spacing: Option<[f64; 3]>,
    /// Which position of a NIfTI file counts.
    pub form: NiftiForm,
    /// What to do with a fourth axis of more than one voxel.
    pub fourth_axis: FourthAxis,
    /// What to do with colours.
    pub color: ColorAs,
    /// What to do with complex numbers.
    pub complex: ComplexAs,
    /// Which channel of a label map of several is read, from 0 on: the layers in which 3D Slicer keeps segments that
    /// overlap.
    pub layer: Option<usize>,
    /// How a label map of several channels becomes one, where `layer` names none.
    pub label_channels: LabelChannels,
    /// Whether the values of a label map, and those between the slices of a DICOM series
    /// ([`UnevenSlices::Interpolate`](crate::UnevenSlices::Interpolate), [`Tilt::Untilt`](crate::Tilt::Untilt)), are
    /// rounded to the nearest whole number, these for types that hold only such. Without it labels must be whole but for
    /// rounding in single precision (four units in the last place), and values between slices are an error for types of
    /// whole numbers: the series then counts as one of real numbers.
    pub round: bool,
    /// What the axes of a NumPy array are.
    pub array_axes: ArrayAxes,
    /// Which array of a `.npz` is read, where it holds several.
    pub array: Option<String>,
    /// Which DICOM series to read: its UID, number or description, with `/` and its part where a
    /// series has several, as in `4/echo 2`. Needed only where there are several.
    pub series: Option<String>,
    /// Which volume of that series, where it has several.
    pub volume: VolumeChoice,
    /// How DICOM slices that are not uniform become a volume.
    pub dicom: DicomOptions,
    /// The most bytes that the voxels may take, in the file's type or the caller's, whichever is
    /// larger.
    pub max_bytes: u64,
    /// What to do when something had to be decided that is missing or wrong in the file.
    pub on_warning: OnWarning,
    /// User-defined formats, which come before the built-in ones.
    pub registry: Registry,
    /// Cancels reading and follows it, in the stages `headers` and `slices` of DICOM, counted in files and slices,
    /// and `reading` and `unpacking`, counted in bytes. With one, large compressed files are unpacked piece by
    /// piece, which takes longer than at once.
    pub control: Option<Control>,
}

impl ReadOptions {
    /// The usual options.
    pub fn new() -> Self {
        Self::default()
    }

    /// With user-defined formats; see [`ImageFormat`](crate::ImageFormat).
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// With a handle that cancels and follows the work.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// The control of the work on a file.
    pub(crate) fn watch<'a>(&'a self, path: &'a Path) -> Watch<'a> {
        Watch::new(path, self.control.as_ref())
    }

    /// Refuses the first of these warnings, where they are to be refused. That files of other series were passed over
    /// decides nothing about the image.
    pub(crate) fn admit(&self, path: &Path, warnings: &[Warning]) -> Result<()> {
        let decides = |warning: &&Warning| !matches!(warning, Warning::FilesPassedOver { .. });
        match (self.on_warning, warnings.iter().find(decides)) {
            (OnWarning::Refuse, Some(warning)) => Err(Error::Warned {
                path: path.to_owned(),
                warning: Box::new(warning.clone()),
            }),
            _ => Ok(()),
        }
    }
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            assume_spacing: None,
            form: NiftiForm::Automatic,
            fourth_axis: FourthAxis::Refuse,
            color: ColorAs::Refuse,
            complex: ComplexAs::Refuse,
            layer: None,
            label_channels: LabelChannels::Refuse,
            round: false,
            array_axes: ArrayAxes::Xyz,
            array: None,
            series: None,
            volume: VolumeChoice::Only,
            dicom: DicomOptions::default(),
            max_bytes: 16 << 30,
            on_warning: OnWarning::Collect,
            registry: Registry::default(),
            control: None,
        }
    }
}

/// Which NIfTI version to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum NiftiVersion {
    /// Version 1, which all programs read, unless an axis has more than 32,767 voxels.
    #[default]
    Automatic,
    /// Version 1; an error when an axis is too long for it.
    One,
    /// Version 2.
    Two,
}

/// How to write.
///
/// ```
/// use vesalius_io::{Error, VoxelType, WriteOptions, read, write_with};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("scan.nii.gz");
/// let image = Volume::filled(Geometry::axis_aligned([2, 2, 2], [1.0; 3])?, 7.4_f32);
///
/// // 7.4 is no whole number: rounding has to be requested.
/// let mut options = WriteOptions { voxel_type: Some(VoxelType::I16), ..WriteOptions::new() };
/// assert!(matches!(write_with(&path, &image, &options), Err(Error::NotStorable { .. })));
/// options.round = true;
/// write_with(&path, &image, &options)?;
/// assert_eq!(read(&path)?.get(0, [0, 0, 0]), 7.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The type to store; `None` is the volume's own. Values must fit it.
    pub voxel_type: Option<VoxelType>,
    /// Whether real values are rounded to the nearest whole number for an integer `voxel_type`;
    /// otherwise a value that is not whole is an error.
    pub round: bool,
    /// Level of deflate for compressed formats, 0 (none) to 12 (smallest, slow); `None` is 4 for
    /// two-byte types, whose noise gains nothing from more, and 7 for all others.
    pub compression_level: Option<u32>,
    /// Whether a format that may compress (`.mha`, `.mhd`, `.nrrd`, `.nhdr`) does; NIfTI decides by
    /// its name, `.nii` or `.nii.gz`.
    pub compress: bool,
    /// NIfTI version.
    pub nifti_version: NiftiVersion,
    /// NIfTI's `descrip`, at most 79 bytes.
    pub description: String,
    /// NIfTI's `intent_name`, at most 15 bytes.
    pub intent_name: String,
    /// NIfTI's `aux_file`, at most 23 bytes.
    pub auxiliary_file: String,
    /// NIfTI's `sform_code` and `qform_code`: 1 scanner, 2 aligned, 3 Talairach, 4 MNI 152.
    pub space_code: i16,
    /// Fields of a NIfTI header that was read, [`ImageInfo::nifti`](crate::ImageInfo::nifti); see
    /// [`WriteOptions::like`]. Both forms are written as they were where the grid is still the same.
    pub nifti: Option<Box<NiftiFields>>,
    /// NIfTI header extensions, such as those of the file that was read.
    pub extensions: Vec<Extension>,
    /// Names and colours of labels. `.nrrd` keeps them as 3D Slicer's segments, NIfTI in a header extension (a
    /// comment in ITK-SNAP's form), which other programs skip. Other formats cannot hold them;
    /// [`crate::write_label_names`] writes a separate file.
    pub labels: Vec<LabelName>,
    /// NRRD's key-value pairs, such as those of the file that was read
    /// ([`ImageInfo::metadata`](crate::ImageInfo::metadata)). Of 3D Slicer's segments the fields are kept that are not
    /// in `labels`.
    pub key_values: BTreeMap<String, String>,
    /// Whether the direction is replaced by the nearest one with right angles before it is written.
    pub orthonormalise: bool,
    /// User-defined formats; their endings come before the built-in ones.
    pub registry: Registry,
    /// Cancels writing, so that no file is made, and follows it in the stages `packing` and `writing`, counted in
    /// bytes.
    pub control: Option<Control>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            voxel_type: None,
            round: false,
            compression_level: None,
            compress: true,
            nifti_version: NiftiVersion::Automatic,
            description: "Vesalius".to_owned(),
            intent_name: String::new(),
            auxiliary_file: String::new(),
            space_code: 1,
            nifti: None,
            extensions: Vec::new(),
            labels: Vec::new(),
            key_values: BTreeMap::new(),
            orthonormalise: false,
            registry: Registry::default(),
            control: None,
        }
    }
}

impl WriteOptions {
    /// The usual options.
    pub fn new() -> Self {
        Self::default()
    }

    /// With user-defined formats; see [`ImageFormat`](crate::ImageFormat).
    #[must_use]
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// With a handle that cancels and follows the work.
    #[must_use]
    pub fn control(mut self, control: Control) -> Self {
        self.control = Some(control);
        self
    }

    /// For a result on the grid of an image that was read: where that is a NIfTI file, its sform, its qform and
    /// their codes are written again, so that every program shows the result where it shows the image. A result on
    /// another grid gets two forms that agree, with the space code of the image.
    ///
    /// ```
    /// use vesalius_io::{WriteOptions, probe, read, write, write_labels_with};
    /// use vesalius_volume::{Geometry, LabelMap, Volume};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let (scan, mask) = (folder.path().join("scan.nii.gz"), folder.path().join("mask.nii.gz"));
    /// let grid = Geometry::axis_aligned([4, 4, 2], [1.0; 3])?;
    /// write(&scan, &Volume::filled(grid, 7_i16))?;
    ///
    /// let options = WriteOptions::new().like(&probe(&scan)?);
    /// write_labels_with(&mask, &LabelMap::<u16>::from_fn(grid, |_| 1), &options)?;
    /// assert_eq!(probe(&mask)?.metadata["sform_code"], probe(&scan)?.metadata["sform_code"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn like(mut self, image: &ImageInfo) -> Self {
        self.nifti = image
            .nifti
            .as_ref()
            .map(|fields| Box::new(fields.position()));
        let forms = self.nifti.as_ref().and_then(|fields| fields.forms.as_ref());
        let code = forms.map(|forms| match forms.sform_code {
            ..=0 => forms.qform_code,
            code => code,
        });
        if let Some(code) = code.and_then(|code| i16::try_from(code).ok()) {
            self.space_code = code;
        }
        self
    }

    /// The level of deflate for a type.
    pub(crate) fn level(&self, stored: VoxelType) -> u32 {
        let usual = if stored.bytes() == 2 { 4 } else { 7 };
        self.compression_level.unwrap_or(usual)
    }
}

/// A NIfTI header extension: a code of the registry (4 AFNI, 6 comment, 32 CIFTI …) and its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// The code of the kind of the bytes.
    pub code: i32,
    /// The bytes, with the padding that the file has.
    pub data: Vec<u8>,
}
