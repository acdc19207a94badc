//! A volume that is already in memory, through a model folder:
//! `cargo run --release --example api_4_array -- runs/hippocampus`.

use ndarray::Array3;
use vesalius::prelude::*;

fn main() -> vesalius::Result<()> {
    let Some(model) = std::env::args().nth(1) else {
        eprintln!("usage: api_4_array MODEL");
        std::process::exit(2);
    };
    let array = Array3::from_shape_fn((32, 40, 36), |(z, y, x)| (x + y + z) as f32);
    println!("{} labelled voxels", labelled(&model, array)?);
    Ok(())
}

/// How many voxels of an array indexed `[z, y, x]` are labelled. The array is not copied.
pub fn labelled(model: &str, array: Array3<f32>) -> vesalius::Result<usize> {
    let (z, y, x) = array.dim();
    let geometry =
        Geometry::axis_aligned([x, y, z], [1.0; 3])?.with_origin([-90.0, -120.0, 40.0])?;
    // `from_xyz` takes nibabel's order.
    let volume = Volume::from_zyx(array, geometry)?;
    let labels = Segmenter::open(model)?.segment(&volume)?.into_labels()?;
    Ok(labels
        .view_zyx()
        .iter()
        .filter(|&&label| label != 0)
        .count())
}
