//! Converts every series of a DICOM folder to NIfTI with BIDS sidecars: `study_to_nifti FOLDER OUT`.
//!
//! The volumes of a series lie along a fourth axis where they have one grid, else each becomes a file of its own. What
//! cannot be read is named with its reason.

use std::collections::BTreeSet;
use std::path::Path;
use vesalius_io::{
    ConvertOptions, FourthAxis, ReadOptions, Result, VolumeChoice, convert, list_series,
    read_sidecar,
};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(out)) = (arguments.next(), arguments.next()) else {
        println!("usage: study_to_nifti FOLDER OUT");
        return Ok(());
    };
    let list = list_series(&folder)?;
    for (file, reason) in &list.unreadable {
        println!("unreadable: {}: {reason}", file.display());
    }
    let series: BTreeSet<&str> = list
        .series
        .iter()
        .map(|series| series.uid.as_str())
        .collect();
    for (number, uid) in series.into_iter().enumerate() {
        let read = ReadOptions {
            series: (!uid.is_empty()).then(|| uid.to_owned()),
            volume: VolumeChoice::All,
            fourth_axis: FourthAxis::Channels,
            ..ReadOptions::new()
        };
        let name = format!("{number}");
        let Err(error) = one(&folder, &out, &name, read.clone()) else {
            continue;
        };
        let parts = list.series.iter().filter(|series| series.uid == uid);
        let parts: Vec<&str> = parts.filter_map(|part| part.part.as_deref()).collect();
        if parts.is_empty() {
            println!("refused: {error}");
        }
        for (at, part) in parts.into_iter().enumerate() {
            let volume = VolumeChoice::Named(part.to_owned());
            let read = ReadOptions {
                volume,
                ..read.clone()
            };
            if let Err(error) = one(&folder, &out, &format!("{number}_{at}"), read) {
                println!("refused: {error}");
            }
        }
    }
    Ok(())
}

/// One file with its sidecar.
fn one(folder: &str, out: &str, name: &str, read: ReadOptions) -> Result<()> {
    let image = Path::new(out).join(format!("{name}.nii"));
    let sidecar = read_sidecar(folder, &read)?;
    let options = ConvertOptions {
        read,
        ..ConvertOptions::default()
    };
    for warning in convert(folder, &image, &options)?.warnings {
        println!("{name}: {warning}");
    }
    for warning in &sidecar.warnings {
        println!("{name}: {warning}");
    }
    sidecar.write_beside(&image)?;
    Ok(())
}
