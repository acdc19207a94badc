//! Filters between images and labels: thresholds, distances, watershed, contours, surfaces, numbers.

use super::Result;
use super::files::{Files, Neighbours};
use crate::input::ImageInput;
use crate::output::{JsonOutput, table};
use std::path::{Path, PathBuf};
use vesalius::filters::{
    LabelIntensity, LabelShape, WatershedOptions, contour, distance_map, label_contour,
    label_intensities, label_shapes, label_surface, marching_cubes, multi_otsu_labels,
    multi_otsu_thresholds, signed_distance, threshold, watershed, write_obj, write_ply, write_stl,
};
use vesalius::io::{write, write_labels};
use vesalius::volume::LabelMap;

/// Filters that make or measure regions.
#[derive(clap::Subcommand)]
pub enum Regions {
    /// A mask of the values from --low to --high, both included
    Threshold {
        #[command(flatten)]
        files: Files,
        /// The least value inside
        #[arg(long, default_value_t = f64::NEG_INFINITY, allow_negative_numbers = true)]
        low: f64,
        /// The largest value inside
        #[arg(long, default_value_t = f64::INFINITY, allow_negative_numbers = true)]
        high: f64,
    },
    /// Classes of brightness by Otsu's thresholds, which are printed
    Otsu {
        #[command(flatten)]
        files: Files,
        /// How many thresholds; 1 gives a mask
        #[arg(long, default_value_t = 1)]
        thresholds: usize,
        /// Bins of the histogram
        #[arg(long, default_value_t = 128)]
        bins: usize,
    },
    /// Distance in mm to the nearest voxel that has a label
    Distance {
        #[command(flatten)]
        files: Files,
        /// The one label that is measured to, instead of any
        #[arg(long, value_name = "VALUE")]
        label: Option<u16>,
    },
    /// Distance in mm to the border between labels and background, negative inside
    SignedDistance {
        #[command(flatten)]
        files: Files,
        /// The one label whose border is measured to; the others are background
        #[arg(long, value_name = "VALUE")]
        label: Option<u16>,
    },
    /// Flood an image from markers
    Watershed {
        #[command(flatten)]
        files: Files,
        /// The labels that the water comes from
        #[arg(long, value_name = "LABELS")]
        markers: PathBuf,
        /// Let basins meet, without a line of 0 between them
        #[arg(long)]
        no_line: bool,
        /// Through how many neighbours water flows
        #[arg(long, value_enum, default_value = "6")]
        neighbours: Neighbours,
    },
    /// The border voxels of each label
    Contour {
        #[command(flatten)]
        files: Files,
        /// All labels but 0 are one mask of 0 and 1, whose inner borders do not count
        #[arg(long, visible_alias = "mask")]
        binary: bool,
        /// Through how many neighbours a voxel touches what is outside
        #[arg(long, value_enum, default_value = "6")]
        neighbours: Neighbours,
    },
    /// A triangle mesh in RAS+ mm by marching cubes; OUT ends in .stl, .obj or .ply
    Surface {
        #[command(flatten)]
        files: Files,
        /// The label whose surface is taken
        #[arg(long, value_name = "VALUE", default_value_t = 1)]
        label: u16,
        /// IN is an image, and the surface is where it has this value
        #[arg(
            long,
            value_name = "VALUE",
            conflicts_with = "label",
            allow_negative_numbers = true
        )]
        level: Option<f64>,
    },
    /// Print volume, place, principal axes and, with an image, intensities of each label
    LabelStatistics {
        /// The label map
        #[arg(value_name = "IN")]
        input: PathBuf,
        /// An image on the same grid whose values are summed up
        #[arg(long)]
        image: Option<PathBuf>,
        #[command(flatten)]
        reading: ImageInput,
        #[command(flatten)]
        json: JsonOutput,
    },
}

impl Regions {
    /// Reads, filters and writes or prints.
    pub fn run(&self) -> Result<()> {
        match self {
            Self::Threshold { files, low, high } => {
                let mask = threshold(&files.image()?, *low, *high)?;
                Ok(write_labels(files.output(), &mask)?)
            }
            Self::Otsu {
                files,
                thresholds,
                bins,
            } => {
                let image = files.image()?;
                let found = multi_otsu_thresholds(&image, *thresholds, *bins)?;
                write_labels(
                    files.output(),
                    &multi_otsu_labels(&image, *thresholds, *bins)?,
                )?;
                found.iter().for_each(|threshold| out!("{threshold}"));
                Ok(())
            }
            Self::Distance { files, label } => Ok(write(
                files.output(),
                &distance_map::<_, f32>(&mask(files, *label)?)?,
            )?),
            Self::SignedDistance { files, label } => Ok(write(
                files.output(),
                &signed_distance::<_, f32>(&mask(files, *label)?)?,
            )?),
            Self::Watershed {
                files,
                markers,
                no_line,
                neighbours,
            } => {
                let options = WatershedOptions {
                    connectivity: (*neighbours).into(),
                    line: !no_line,
                };
                let basins = watershed(&files.image()?, &files.labels_of(markers)?, &options)?;
                Ok(write_labels(files.output(), &basins)?)
            }
            Self::Contour {
                files,
                binary: true,
                neighbours,
            } => files.relabel(|labels| contour(labels, (*neighbours).into())),
            Self::Contour {
                files, neighbours, ..
            } => files.relabel(|labels| label_contour(labels, (*neighbours).into())),
            Self::Surface {
                files,
                label,
                level,
            } => surface(files, *label, *level),
            Self::LabelStatistics {
                input,
                image,
                reading,
                json,
            } => statistics(input, image, reading, json),
        }
    }
}

/// One label, or all but 0, as a mask.
fn mask(files: &Files, label: Option<u16>) -> Result<LabelMap<u8>> {
    let labels = files.labels()?;
    Ok(match label {
        Some(label) => labels.mask(label),
        None => labels.foreground(),
    })
}

fn surface(files: &Files, label: u16, level: Option<f64>) -> Result<()> {
    let output = files.output();
    let ending = output.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    if !["stl", "obj", "ply"].contains(&ending.as_str()) {
        return Err(format!(
            "{}: a surface is written as .stl, .obj or .ply; give the file one of these endings",
            output.display()
        )
        .into());
    }
    let mesh = match level {
        Some(level) => marching_cubes(&files.image()?, level)?,
        None => label_surface(&files.labels()?, label)?,
    };
    if mesh.triangles.is_empty() {
        let what = level.map_or(format!("no voxel of label {label}"), |level| {
            format!("no surface at {level}")
        });
        return Err(format!("{what} in the image; choose another --label or --level").into());
    }
    let mut bytes = Vec::new();
    match ending.as_str() {
        "stl" => write_stl(&mesh, &mut bytes)?,
        "obj" => write_obj(&mesh, &mut bytes)?,
        _ => write_ply(&mesh, &mut bytes)?,
    }
    vesalius::io::write_bytes_atomically(output, &bytes)?;
    out!(
        "{} triangles, {:.1} mm², {:.3} ml",
        mesh.triangles.len(),
        mesh.area(),
        mesh.volume() / 1000.0
    );
    Ok(())
}

fn statistics(
    input: &Path,
    image: &Option<PathBuf>,
    reading: &ImageInput,
    json: &JsonOutput,
) -> Result<()> {
    let labels = reading.labels(input)?;
    let shapes = label_shapes(&labels);
    let intensities = match image {
        Some(path) => label_intensities(&reading.image(path)?, &labels)?,
        None => Vec::new(),
    };
    let of = |label: u32| intensities.iter().find(|found| found.label == label);
    if !json.replaces_table() {
        let mut head = vec![
            "label",
            "voxels",
            "ml",
            "centroid mm",
            "first voxel",
            "size",
        ];
        if image.is_some() {
            head.extend(["mean", "deviation", "least", "largest"]);
        }
        let rows = shapes.iter().map(|shape| row(shape, of(shape.label)));
        out!("{}", table(&head, rows.collect()));
    }
    let described: Vec<_> = shapes
        .iter()
        .map(|shape| describe(shape, of(shape.label)))
        .collect();
    json.write(&described)
}

fn row(shape: &LabelShape, intensity: Option<&LabelIntensity>) -> Vec<String> {
    let mut row = vec![
        shape.label.to_string(),
        shape.voxels.to_string(),
        format!("{:.3}", shape.millilitres),
        shape.centroid.map(|v| format!("{v:.2}")).join(", "),
        shape.bounds.start.map(|v| v.to_string()).join(", "),
        shape.bounds.size.map(|v| v.to_string()).join(", "),
    ];
    if let Some(found) = intensity {
        let numbers = [found.mean, found.deviation, found.minimum, found.maximum];
        row.extend(numbers.map(|v| format!("{v:.4}")));
    }
    row
}

fn describe(shape: &LabelShape, intensity: Option<&LabelIntensity>) -> serde_json::Value {
    let mut described = serde_json::json!({
        "label": shape.label,
        "voxels": shape.voxels,
        "volume_ml": shape.millilitres,
        "centroid": shape.centroid,
        "bounds": {"start": shape.bounds.start, "size": shape.bounds.size},
        "principal_moments": shape.principal_moments,
        "principal_axes": shape.principal_axes,
    });
    if let Some(found) = intensity {
        described["intensity"] = serde_json::json!({
            "mean": found.mean,
            "deviation": found.deviation,
            "minimum": found.minimum,
            "maximum": found.maximum,
            "sum": found.sum,
            "skewness": found.skewness,
            "excess_kurtosis": found.excess_kurtosis,
        });
    }
    described
}
