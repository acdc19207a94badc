//! For each bundle in a folder: what it describes in one line, or what is missing.

use std::path::Path;
use vesalius_bundles::Bundle;

fn main() {
    let folder = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| Bundle::is_at(path))
        .collect();
    paths.sort();
    for path in paths {
        println!("{}: {}", name(&path), line(&path));
    }
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// What a bundle is in one line.
fn line(path: &Path) -> String {
    match Bundle::open(path).and_then(|bundle| bundle.describe()) {
        Err(error) => format!("not resolved: {error}"),
        Ok(description) => {
            let notes: Vec<String> = description.notes.iter().map(ToString::to_string).collect();
            format!(
                "{}, {} steps before the network, {} after it, {} labels, {}{}",
                description.network.class,
                description.preprocessing.len(),
                description.postprocessing.len(),
                description.labels.len(),
                description.weights.path,
                match notes.is_empty() {
                    true => String::new(),
                    false => format!("; {}", notes.join("; ")),
                }
            )
        }
    }
}
