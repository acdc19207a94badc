//! Filters that tell pieces of labels apart.

use super::Result;
use super::files::{Files, Pieces};
use crate::input::ImageInput;
use crate::output::{JsonOutput, table};
use crate::values::triple;
use std::path::PathBuf;
use vesalius::filters::{
    component_statistics, connected_components, keep_larger_than, keep_largest, keep_touching,
};
use vesalius::volume::LabelMap;

/// Filters of connected pieces.
#[derive(clap::Subcommand)]
pub enum Connected {
    /// Number the connected pieces of each label, in the order in which they are met
    Components {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        pieces: Pieces,
    },
    /// Keep the largest piece of each label
    KeepLargest {
        #[command(flatten)]
        files: Files,
        #[command(flatten)]
        pieces: Pieces,
    },
    /// Keep the pieces of at least a volume
    KeepLargerThan {
        #[command(flatten)]
        files: Files,
        /// The volume in mm³; a piece of exactly this volume stays
        #[arg(long, value_name = "MM³")]
        volume: f64,
        #[command(flatten)]
        pieces: Pieces,
    },
    /// Keep the pieces that touch a seed
    KeepTouching {
        #[command(flatten)]
        files: Files,
        /// A voxel x,y,z; may be given several times
        #[arg(long, value_parser = triple::<usize>, value_name = "X,Y,Z", required = true)]
        seed: Vec<[usize; 3]>,
        #[command(flatten)]
        pieces: Pieces,
    },
    /// Print size, place and extent of each piece
    ComponentStatistics {
        /// The label map
        #[arg(value_name = "IN")]
        input: PathBuf,
        #[command(flatten)]
        pieces: Pieces,
        #[command(flatten)]
        reading: ImageInput,
        #[command(flatten)]
        json: JsonOutput,
    },
}

impl Connected {
    /// Reads, filters and writes or prints.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Components { files, pieces } => {
                files.relabel(|labels| Ok(connected_components(labels, &(*pieces).into())?.labels))
            }
            Self::KeepLargest { files, pieces } => {
                files.relabel(|labels| keep_largest(labels, &(*pieces).into()))
            }
            Self::KeepLargerThan {
                files,
                volume,
                pieces,
            } => files.relabel(|labels| keep_larger_than(labels, *volume, &(*pieces).into())),
            Self::KeepTouching {
                files,
                seed,
                pieces,
            } => files.relabel(|labels| keep_touching(labels, seed, &(*pieces).into())),
            Self::ComponentStatistics {
                input,
                pieces,
                reading,
                json,
            } => print(&reading.labels(input)?, *pieces, json),
        }
    }
}

fn print(labels: &LabelMap, pieces: Pieces, json: &JsonOutput) -> Result<()> {
    let pieces = component_statistics(labels, &pieces.into())?;
    if !json.replaces_table() {
        let head = [
            "piece",
            "voxels",
            "ml",
            "centroid mm",
            "first voxel",
            "size",
        ];
        let rows = pieces.iter().map(|piece| {
            vec![
                piece.label.to_string(),
                piece.voxels.to_string(),
                format!("{:.3}", piece.volume / 1000.0),
                piece.centroid.map(|v| format!("{v:.2}")).join(", "),
                piece.bounds.start.map(|v| v.to_string()).join(", "),
                piece.bounds.size.map(|v| v.to_string()).join(", "),
            ]
        });
        out!("{}", table(&head, rows.collect()));
    }
    let described: Vec<_> = pieces
        .iter()
        .map(|piece| {
            serde_json::json!({
                "piece": piece.label,
                "voxels": piece.voxels,
                "volume_mm3": piece.volume,
                "centroid": piece.centroid,
                "centroid_index": piece.centroid_index,
                "bounds": {"start": piece.bounds.start, "size": piece.bounds.size},
            })
        })
        .collect();
    json.write(&described)
}
