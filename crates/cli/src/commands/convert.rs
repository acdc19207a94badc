//! `vesalius convert`: an image in the format of another file name.

use super::Result;
use crate::input::SeriesInput;
use crate::interrupt::followed;
use crate::target::OutputOption;
use crate::warnings;
use std::path::{Path, PathBuf};
use vesalius::io::{
    ConvertOptions, ConvertStructuresOptions, OutsideContours, StructureOptions, VoxelType,
    WriteOptions, convert, convert_structures, read_label_names, write_with,
};
use vesalius::study::{Modality, read_modalities};

/// Arguments of `vesalius convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image: a file, or a folder or DICOMDIR of DICOM files
    input: PathBuf,
    /// The file to write; its name decides the format
    output: PathBuf,
    #[command(flatten)]
    overwrite: OutputOption,
    #[command(flatten)]
    image: SeriesInput,
    /// The image is a label map: whole numbers, names and colours kept
    #[arg(long)]
    labels: bool,
    /// The image on which the contours of INPUT (RTSTRUCT) were drawn: they are filled on its grid
    #[arg(long, value_name = "IMAGE", conflicts_with_all = ["labels", "voxel_type", "channels"])]
    like: Option<PathBuf>,
    /// A structure of an RTSTRUCT to take, by name, more than once for several [default: all]
    #[arg(long, value_name = "NAME", requires = "like")]
    structure: Vec<String>,
    /// Leave out contours beyond the first and the last slice of the image
    #[arg(long, requires = "like")]
    leave_out_outside: bool,
    /// An ITK-SNAP label description file with names and colours
    #[arg(long, value_name = "FILE", requires = "labels")]
    label_names: Option<PathBuf>,
    /// The number type to store: u8, i8, u16, i16, u32, i32, u64, i64, f32 or f64
    #[arg(long = "type", value_name = "TYPE", value_parser = voxel_type)]
    voxel_type: Option<VoxelType>,
    /// Effort of compression, 0 (none) to 12 (smallest file, slow)
    #[arg(long, value_name = "LEVEL", allow_hyphen_values = true, value_parser = clap::value_parser!(u32).range(0..=12))]
    compression: Option<u32>,
    /// Do not compress (.mha, .mhd, .nrrd and .nhdr; for NIfTI the name decides)
    #[arg(long, conflicts_with = "compression")]
    uncompressed: bool,
    /// Replace the direction by the nearest one with right angles, for programs that insist on them
    #[arg(long)]
    orthonormalise: bool,
}

/// Reads and writes; more than one series are brought to one grid.
pub fn run(arguments: &Arguments) -> Result<()> {
    let write = WriteOptions {
        voxel_type: arguments.voxel_type,
        round: arguments.image.round(),
        compression_level: arguments.compression,
        compress: !arguments.uncompressed,
        orthonormalise: arguments.orthonormalise,
        labels: match &arguments.label_names {
            Some(path) => read_label_names(path)?,
            None => Vec::new(),
        },
        ..WriteOptions::default()
    }
    .control(followed());
    let _claimed = arguments
        .overwrite
        .image(&arguments.output, &[&arguments.input])?;
    if let Some(image) = &arguments.like {
        return fill(arguments, image, write);
    }
    let series = &arguments.image.series;
    if series.len() > 1 {
        if arguments.labels {
            return Err("--labels is for one --series: a label map has one channel".into());
        }
        let modalities: Vec<Modality> = series
            .iter()
            .map(|name| Modality {
                path: arguments.input.clone(),
                options: arguments.image.options(Some(name)),
            })
            .collect();
        let image = read_modalities(&modalities)?;
        warnings::tell(&arguments.input, image.warnings());
        write_with(&arguments.output, &image, &write)?;
        return Ok(());
    }
    let options = ConvertOptions {
        read: arguments.image.options(series.first()),
        write,
        labels: arguments.labels,
        memory: None,
    };
    let converted = convert(&arguments.input, &arguments.output, &options)?;
    warnings::tell(&arguments.input, &converted.warnings);
    if let Some(path) = converted.label_names {
        note!("names and colours of the labels: {}", path.display());
    }
    Ok(())
}

/// Contours as labels on the grid of an image.
fn fill(arguments: &Arguments, image: &Path, write: WriteOptions) -> Result<()> {
    let options = ConvertStructuresOptions {
        structures: StructureOptions {
            names: arguments.structure.clone(),
            outside: match arguments.leave_out_outside {
                true => OutsideContours::LeaveOut,
                false => OutsideContours::Refuse,
            },
        },
        read: arguments.image.options(arguments.image.series.first()),
        write,
    };
    let (input, output) = (&arguments.input, &arguments.output);
    let (names, told) = convert_structures(input, image, output, &options)?;
    warnings::tell(input, &told);
    for label in names {
        note!("label {}: {}", label.value, label.name);
    }
    Ok(())
}

fn voxel_type(name: &str) -> std::result::Result<VoxelType, String> {
    VoxelType::ALL
        .into_iter()
        .find(|voxel_type| voxel_type.name() == name)
        .ok_or_else(|| {
            let names = VoxelType::ALL.map(VoxelType::name).join(", ");
            format!("expected one of {names}")
        })
}
