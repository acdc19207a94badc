//! `vesalius info`: what is in a file or a folder, headers only.

use super::Result;
use crate::output::JsonOutput;
use std::path::{Path, PathBuf};
use vesalius::io::{ImageInfo, is_image, probe};

/// Arguments of `vesalius info`.
#[derive(clap::Args)]
pub struct Arguments {
    /// An image, or a folder of images
    path: PathBuf,
    #[command(flatten)]
    json: JsonOutput,
}

/// Prints the header of each image; fails at the end when one could not be read.
pub fn run(arguments: &Arguments) -> Result<()> {
    let mut infos = Vec::new();
    let mut failed = 0;
    for path in files(&arguments.path)? {
        match probe(&path) {
            Ok(info) => infos.push(info),
            Err(error) => {
                eprintln!("error: {error}");
                failed += 1;
            }
        }
    }
    if !arguments.json.replaces_table() {
        infos.iter().for_each(print);
    }
    arguments.json.write(&infos)?;
    match failed {
        0 => Ok(()),
        _ => Err(format!(
            "{failed} of {} files could not be read",
            failed + infos.len()
        )
        .into()),
    }
}

fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let mut files = Vec::new();
    for entry in
        std::fs::read_dir(path).map_err(|e| format!("{}: cannot be read: {e}", path.display()))?
    {
        let file = entry?.path();
        if file.is_file() && is_image(&file) {
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(format!("{}: holds no image that can be read", path.display()).into());
    }
    files.sort();
    Ok(files)
}

fn print(info: &ImageInfo) {
    let geometry = &info.geometry;
    let numbers = |values: [f64; 3]| values.map(|v| format!("{v:.6}")).join("  ");
    println!("{}", info.path.display());
    println!(
        "  format       {:?}, {:?}{}",
        info.format,
        info.voxel_type,
        if info.compressed { ", compressed" } else { "" }
    );
    println!(
        "  size         {} voxels, {} channel(s)",
        geometry.size().map(|n| n.to_string()).join(" × "),
        info.channels
    );
    println!("  spacing      {} mm", numbers(geometry.spacing()));
    println!("  origin       {} mm (RAS)", numbers(geometry.origin()));
    println!("  orientation  {}", geometry.orientation());
    for (row, name) in
        geometry
            .direction()
            .into_iter()
            .zip(["direction  ", "           ", "           "])
    {
        println!("  {name}  {}", numbers(row));
    }
}
