//! `vesalius convert`: an image in the format of another file name.

mod derive;

use super::Result;
use crate::input::SeriesInput;
use crate::interrupt::followed;
use crate::target::OutputOption;
use crate::warnings;
use std::path::{Path, PathBuf};
use vesalius::io::{
    ConvertOptions, ConvertStructuresOptions, OutsideContours, Sidecar, StructureOptions,
    VoxelType, WriteOptions, convert, convert_structures, read_label_names, read_sidecar,
    write_with,
};
use vesalius::study::{ChannelSource, read_channels};
use vesalius::workflow::output::Claimed;

/// Arguments of `vesalius convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image: a file, or a folder or DICOMDIR of DICOM files
    input: PathBuf,
    /// The file to write; its name decides the format. With --source a new folder of DICOM files
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
    #[command(flatten)]
    derived: derive::Derived,
    /// Write a BIDS sidecar of the DICOM series beside OUTPUT: NAME.json, and NAME.bval and NAME.bvec of diffusion
    #[arg(long, conflicts_with_all = ["labels", "like"])]
    sidecar: bool,
    /// Replace the direction by the nearest one with right angles, for programs that insist on them
    #[arg(long)]
    orthonormalise: bool,
}

/// Reads and writes; more than one series are brought to one grid.
pub fn run(arguments: &Arguments) -> Result<()> {
    if let Some(source) = &arguments.derived.source {
        return derive::run(arguments, source);
    }
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
        return join(arguments, &write);
    }
    let sidecar = match arguments.sidecar {
        true => Some(claimed_sidecar(arguments)?),
        false => None,
    };
    let read = arguments.image.options(series.first());
    let options = ConvertOptions {
        memory: Some(read.max_bytes),
        read,
        write,
        labels: arguments.labels,
    };
    let converted = convert(&arguments.input, &arguments.output, &options)?;
    warnings::tell(&arguments.input, &converted.warnings);
    if let Some(path) = converted.label_names {
        note!("names and colours of the labels: {}", path.display());
    }
    if let Some((sidecar, _claimed)) = sidecar {
        warnings::tell(&arguments.input, &sidecar.warnings);
        sidecar.write_beside(&arguments.output)?;
    }
    Ok(())
}

/// Several series as channels on the grid of the first.
fn join(arguments: &Arguments, write: &WriteOptions) -> Result<()> {
    if arguments.labels || arguments.sidecar {
        let option = if arguments.labels {
            "labels"
        } else {
            "sidecar"
        };
        return Err(format!("--{option} is for one --series").into());
    }
    let modality = |name: &String| ChannelSource {
        path: arguments.input.clone(),
        options: arguments.image.options(Some(name)),
    };
    let modalities: Vec<ChannelSource> = arguments.image.series.iter().map(modality).collect();
    let image = read_channels(&modalities)?;
    warnings::tell(&arguments.input, image.warnings());
    Ok(write_with(&arguments.output, &image, write)?)
}

/// The sidecar of the input, and the claims of its files.
fn claimed_sidecar(arguments: &Arguments) -> Result<(Sidecar, Vec<Claimed>)> {
    let options = arguments.image.options(arguments.image.series.first());
    let sidecar = read_sidecar(&arguments.input, &options)?;
    let claim = |file: &PathBuf| arguments.overwrite.file(file, &[&arguments.input]);
    let paths = sidecar.paths_beside(&arguments.output);
    let claims = paths.iter().map(claim).collect::<Result<_>>()?;
    Ok((sidecar, claims))
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
