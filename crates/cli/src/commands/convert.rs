//! `vesalius convert`: an image in the format of another file name.

use super::Result;
use std::path::PathBuf;
use vesalius::io::{VoxelType, probe, read_as, write};

/// Arguments of `vesalius convert`.
#[derive(clap::Args)]
pub struct Arguments {
    /// The image to read
    input: PathBuf,
    /// The file to write; its name decides the format
    output: PathBuf,
}

/// Reads in the type that the file has and writes the same values.
pub fn run(arguments: &Arguments) -> Result<()> {
    let info = probe(&arguments.input)?;
    macro_rules! copy {
        ($type:ty) => {
            write(&arguments.output, &read_as::<$type>(&arguments.input)?)?
        };
    }
    // Scaled values are real numbers whatever the file stores.
    if info.scaling != vesalius::io::Scaling::IDENTITY {
        copy!(f32);
        return Ok(());
    }
    match info.voxel_type {
        VoxelType::U8 => copy!(u8),
        VoxelType::I8 => copy!(i8),
        VoxelType::U16 => copy!(u16),
        VoxelType::I16 => copy!(i16),
        VoxelType::U32 => copy!(u32),
        VoxelType::I32 => copy!(i32),
        VoxelType::U64 => copy!(u64),
        VoxelType::I64 => copy!(i64),
        VoxelType::F32 => copy!(f32),
        VoxelType::F64 => copy!(f64),
    }
    Ok(())
}
