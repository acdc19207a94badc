//! Writes objects for the peers of `tests/parity/clinic.py`: `clinic_objects series SOURCE VOLUME|- OUT`.
//! `-` stands for the source's own voxels; `--scale A` multiplies them, so that they are no whole numbers.

use std::error::Error;
use vesalius_dicom::SeriesWriter;
use vesalius_io::{ReadOptions, list_series, read, read_series};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["series", source, volume, scale, output] => series(source, volume, scale.parse()?, output),
        _ => Err("give: series SOURCE VOLUME|- SCALE OUT".into()),
    }
}

fn series(source: &str, volume: &str, scale: f32, output: &str) -> Result<(), Box<dyn Error>> {
    let list = list_series(source)?;
    let series = list.series.first().ok_or("no series")?;
    let volume = match volume {
        "-" => read_series::<f32>(series, &ReadOptions::default())?,
        path => read(path)?,
    };
    let volume = volume.map(|value| value * scale);
    let written = SeriesWriter::new(series)?.write(&volume, output)?;
    println!("{:?} error {}", written.scaling, written.largest_error);
    written
        .warnings
        .iter()
        .for_each(|warning| println!("{warning}"));
    Ok(())
}
