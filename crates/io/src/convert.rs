//! Conversion of one file to another: voxels, position, and other fields that both formats have.
//! It does not resample and does not combine several series.

use crate::convert_slabs::{convert_label_slabs, convert_slabs};
use crate::voxel_type::with_voxel_type;
use crate::{
    Format, ImageInfo, LabelName, ReadOptions, Result, Scaling, VoxelType, WriteOptions, format,
    open_with, orthonormalised, probe_with, read_as_with, read_labels_with, strip_extension,
    write_label_names, write_labels_with, write_with,
};
use std::path::{Path, PathBuf};
use vesalius_volume::{Geometry, Warning};

/// How to convert.
#[derive(Debug, Clone, Default)]
pub struct ConvertOptions {
    /// How the input is read.
    pub read: ReadOptions,
    /// How the output is written. What is left empty here comes from the input: the type, the names
    /// of labels, and from NIfTI to NIfTI the position of both
    /// forms, texts, times, units and the extensions, from NRRD to NRRD the key-value pairs.
    pub write: WriteOptions,
    /// Whether the image is a label map: whole numbers only, stored in the smallest type that holds
    /// them, with their names and colours.
    pub labels: bool,
    /// Bytes of voxels that are in memory at a time, for images larger than memory; `None` for the whole image. Four
    /// slices are the least; with less it is read as a whole. It holds for images and label maps in NIfTI (also `.nii.gz`),
    /// MetaImage, NRRD and MGH files and for images that are uniform DICOM series, written to NIfTI and MGH, and to
    /// MetaImage and NRRD where they have one channel. A label map is read twice: first its largest label is found.
    /// Several layers of labels, and formats that are read or written as a whole, take the memory that they need.
    pub memory: Option<u64>,
}

/// What was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Converted {
    /// The content of the input's header.
    pub info: ImageInfo,
    /// The label description file that was written because the output's format cannot hold
    /// names and colours.
    pub label_names: Option<PathBuf>,
    /// What was decided where the input is ambiguous, wrong or incomplete, and what writing changed.
    pub warnings: Vec<Warning>,
}

/// Converts `input`, by its content, to the format of the name `output`.
///
/// Stored numbers stay as they are. Where the input scales them, the scaled numbers are written: as
/// whole numbers when a DICOM series scales to such, else as f32, or as f64 when the input stores
/// more than f32 can hold.
///
/// # Errors
/// As [`read_as_with`] and [`write_with`]; of a label map also as [`read_labels_with`].
///
/// ```
/// use vesalius_io::{ConvertOptions, VoxelType, convert, read_as, write};
/// use vesalius_volume::{Geometry, Volume};
///
/// let folder = tempfile::tempdir()?;
/// let (input, output) = (folder.path().join("scan.mha"), folder.path().join("scan.nii.gz"));
/// let image = Volume::from_fn(Geometry::axis_aligned([4, 4, 2], [1.0, 1.0, 3.0])?, |[x, ..]| x as i16);
/// write(&input, &image)?;
///
/// let converted = convert(&input, &output, &ConvertOptions::default())?;
/// assert_eq!(converted.info.voxel_type, VoxelType::I16);
/// assert_eq!(read_as::<i16>(&output)?, image);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn convert(
    input: impl AsRef<Path>,
    output: impl AsRef<Path>,
    options: &ConvertOptions,
) -> Result<Converted> {
    let (input, output) = (input.as_ref(), output.as_ref());
    // A name that cannot be written is refused before a large file is read.
    let target = format::target(output, &options.write.registry)?;
    let info = probe_with(input, &options.read)?;
    let mut write = options.write.clone();
    if write.labels.is_empty() {
        write.labels = names_read(&info.labels, options);
    }
    if info.format == Format::Nrrd && write.key_values.is_empty() {
        write.key_values.clone_from(&info.metadata);
    }
    if target.is_nifti() {
        keep_texts(input, &info, options, &mut write)?;
    }
    let mut warnings = if options.labels {
        let read = ReadOptions {
            round: options.read.round || options.write.round,
            ..options.read.clone()
        };
        match convert_label_slabs(input, output, &info, (options.memory, &read), &write)? {
            Some(warnings) => warnings,
            None => {
                let labels = read_labels_with::<u32>(input, &read)?;
                write_labels_with(output, &labels, &write)?;
                labels.warnings().to_vec()
            }
        }
    } else {
        with_voxel_type!(meant_type(&info), T => match convert_slabs::<T>(input, output, &info, options, &write)? {
            Some(warnings) => warnings,
            None => {
            let image = read_as_with::<T>(input, &options.read)?;
            write_with(output, &image, &write)?;
            image.warnings().to_vec()
            }
        })
    };
    if write.orthonormalise {
        warnings.extend(straightened(&info.geometry));
    }
    let mut label_names = None;
    if options.labels && !write.labels.is_empty() && !target.keeps_labels() {
        label_names = Some(write_names_beside(output, &write.labels)?);
    }
    Ok(Converted {
        info,
        label_names,
        warnings,
    })
}

/// The names of what is read: those of one layer where one is chosen, which is the only one of the result.
fn names_read(names: &[LabelName], options: &ConvertOptions) -> Vec<LabelName> {
    let mut names = names.to_vec();
    if let (true, Some(layer)) = (options.labels, options.read.layer) {
        names.retain(|label| label.layer as usize == layer);
        names.iter_mut().for_each(|label| label.layer = 0);
    }
    names
}

/// The warning about axes that were put at right angles, where that moves a voxel.
fn straightened(geometry: &Geometry) -> Option<Warning> {
    let straight = orthonormalised(geometry).ok()?;
    let corners = geometry.corners().into_iter().zip(straight.corners());
    let apart = corners.map(|(a, b)| (0..3).map(|i| (a[i] - b[i]).powi(2)).sum::<f64>().sqrt());
    let apart = apart.fold(0.0, f64::max);
    (!geometry.is_same(&straight)).then_some(Warning::ShearDropped { apart })
}

/// The smallest type that holds the scaled values.
fn meant_type(info: &ImageInfo) -> VoxelType {
    let whole = info.scaling == Scaling::IDENTITY;
    match info.voxel_type {
        // A DICOM series names the type of its scaled values.
        stored if whole || info.format == Format::Dicom => stored,
        VoxelType::U8 | VoxelType::I8 | VoxelType::U16 | VoxelType::I16 | VoxelType::F32 => {
            VoxelType::F32
        }
        _ => VoxelType::F64,
    }
}

/// Fills options that the caller left at their defaults from a NIfTI file, and the time step from a DICOM series.
fn keep_texts(
    input: &Path,
    info: &ImageInfo,
    options: &ConvertOptions,
    write: &mut WriteOptions,
) -> Result<()> {
    if info.format == Format::Dicom && write.nifti.is_none() {
        write.nifti.clone_from(&info.nifti);
    }
    if !matches!(info.format, Format::Nifti1 | Format::Nifti2) {
        return Ok(());
    }
    let usual = WriteOptions::default();
    if write.nifti.is_none() {
        write.nifti.clone_from(&info.nifti);
        if let Some(fields) = &mut write.nifti
            && options.write.space_code != usual.space_code
        {
            // A code that the caller chose is that of both forms.
            fields.forms = None;
        }
    }
    let text = |name: &str| info.metadata.get(name).cloned().unwrap_or_default();
    let keep = |field: &mut String, usual: &String, name: &str| {
        if field == usual {
            *field = text(name);
        }
    };
    keep(&mut write.description, &usual.description, "descrip");
    keep(&mut write.intent_name, &usual.intent_name, "intent_name");
    keep(&mut write.auxiliary_file, &usual.auxiliary_file, "aux_file");
    let code = |name: &str| text(name).parse().ok().filter(|code| *code > 0);
    if write.space_code == usual.space_code
        && let Some(code) = code("sform_code").or(code("qform_code"))
    {
        write.space_code = code;
    }
    if write.extensions.is_empty() {
        write.extensions = open_with(input, &options.read)?.extensions().to_vec();
    }
    Ok(())
}

/// Writes `NAME.label` next to `NAME.nii.gz`.
pub(crate) fn write_names_beside(output: &Path, labels: &[LabelName]) -> Result<PathBuf> {
    let path = output.with_file_name(format!("{}.label", strip_extension(output)));
    write_label_names(&path, labels)?;
    Ok(path)
}
