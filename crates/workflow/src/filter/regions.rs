//! Filters between images and labels: thresholds, distances, watershed, contours, surfaces, numbers.

use super::ArgumentKind::{Count, File, Label, Number};
use super::morphology::{connectivity, neighbours};
use super::{Argument, Error, Filter, Findings, LabelMeasures, Result, Run};
use vesalius_filters::{
    WatershedOptions, contour, distance_map_with, label_contour_with, label_intensities,
    label_shapes, label_surface_with, marching_cubes_with, multi_otsu_labels_with,
    multi_otsu_thresholds_with, signed_distance_with, threshold, watershed_with, write_obj,
    write_ply, write_stl,
};
use vesalius_volume::LabelMap;

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "threshold",
        "A mask of the values from `low` to `high`, both included",
        &[
            Argument::new("low", Number, "The least value inside")
                .default("-inf")
                .negative(),
            Argument::new("high", Number, "The largest value inside")
                .default("inf")
                .negative(),
        ],
        |run| {
            let (low, high) = (run.values.number("low")?, run.values.number("high")?);
            if low == f64::NEG_INFINITY && high == f64::INFINITY {
                let filter = run.values.filter;
                return Err(filter.wrong("low", "neither it nor `high` is given, so that every voxel would be inside; give one of them"));
            }
            let mask = threshold(&run.image()?, low, high)?;
            run.write_labels(&mask)
        },
    ),
    Filter::new(
        "otsu",
        "Classes of brightness by Otsu's thresholds, which are printed",
        &[
            Argument::new("thresholds", Count, "How many thresholds; 1 gives a mask").default("1"),
            Argument::new("bins", Count, "Bins of the histogram").default("128"),
        ],
        otsu,
    ),
    Filter::new(
        "distance",
        "Distance in mm to the nearest voxel that has a label",
        &[Argument::new(
            "label",
            Label,
            "The one label that is measured to, instead of any",
        )
        .value("VALUE")
        .optional()],
        |run| {
            let distances = distance_map_with::<_, f32>(&mask(run)?, run.control)?;
            run.write(&distances)
        },
    ),
    Filter::new(
        "signed-distance",
        "Distance in mm to the border between labels and background, negative inside",
        &[Argument::new(
            "label",
            Label,
            "The one label whose border is measured to; the others are background",
        )
        .value("VALUE")
        .optional()],
        |run| {
            let distances = signed_distance_with::<_, f32>(&mask(run)?, run.control)?;
            run.write(&distances)
        },
    ),
    Filter::new(
        "watershed",
        "Flood an image from markers",
        &[
            Argument::new("markers", File, "The labels that the water comes from").value("LABELS"),
            Argument::flag(
                "no-line",
                "Let basins meet, without a line of 0 between them",
            ),
            neighbours("Through how many neighbours water flows"),
        ],
        basins,
    ),
    Filter::new(
        "contour",
        "The border voxels of each label",
        &[
            Argument::flag(
                "binary",
                "All labels but 0 are one mask of 0 and 1, whose inner borders do not count",
            )
            .alias("mask"),
            neighbours("Through how many neighbours a voxel touches what is outside"),
        ],
        |run| {
            let (connectivity, control) = (connectivity(run)?, run.control);
            match run.values.flag("binary") {
                true => {
                    let border = contour(&run.labels()?, connectivity)?;
                    run.write_labels(&border)
                }
                false => run.relabel(|labels| label_contour_with(labels, connectivity, control)),
            }
        },
    ),
    Filter::new(
        "surface",
        "A triangle mesh in RAS+ mm by marching cubes; OUT ends in .stl, .obj or .ply",
        &[
            Argument::new("label", Label, "The label whose surface is taken")
                .value("VALUE")
                .default("1"),
            Argument::new(
                "level",
                Number,
                "IN is an image, and the surface is where it has this value",
            )
            .value("VALUE")
            .optional()
            .negative()
            .conflicts("label"),
        ],
        surface,
    )
    .surface(),
    Filter::new(
        "label-statistics",
        "Print volume, place, principal axes and, with an image, intensities of each label",
        &[Argument::new(
            "image",
            File,
            "An image on the same grid whose values are summed up",
        )
        .optional()],
        statistics,
    )
    .measures(),
];

/// The label that is named, or all but 0, as a mask.
fn mask(run: &mut Run) -> Result<LabelMap<u8>> {
    let label = run.values.maybe_label("label")?;
    let labels = run.labels()?;
    Ok(match label {
        Some(label) => labels.mask(label),
        None => labels.foreground(),
    })
}

fn otsu(run: &mut Run) -> Result<Findings> {
    let (count, bins) = (run.values.count("thresholds")?, run.values.count("bins")?);
    let image = run.image()?;
    // The labels need the thresholds again, so that one stage follows the whole.
    let found = multi_otsu_thresholds_with(&image, count, bins, &run.control.silent())?;
    run.write_labels(&multi_otsu_labels_with(&image, count, bins, run.control)?)?;
    Ok(Findings::Thresholds(found))
}

fn basins(run: &mut Run) -> Result<Findings> {
    let options = WatershedOptions {
        connectivity: connectivity(run)?,
        line: !run.values.flag("no-line"),
    };
    let image = run.image()?;
    let markers = run.labels_at("markers")?;
    let markers = markers.ok_or_else(|| run.values.filter.wrong("markers", "is missing"))?;
    let basins = watershed_with(&image, &markers, &options, run.control)?;
    run.write_labels(&basins)
}

fn surface(run: &mut Run) -> Result<Findings> {
    let output = run.output()?;
    let ending = output.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    if !["stl", "obj", "ply"].contains(&ending.as_str()) {
        return Err(Error::MeshFormat(output.to_owned()));
    }
    let (label, level) = (
        run.values.label("label")?,
        run.values.maybe_number("level")?,
    );
    let mesh = match level {
        Some(level) => marching_cubes_with(&run.image()?, level, run.control)?,
        None => label_surface_with(&run.labels()?, label, run.control)?,
    };
    if mesh.triangles().is_empty() {
        return Err(Error::NoSurface(match level {
            Some(level) => format!("no surface at {level}"),
            None => format!("no voxel of label {label}"),
        }));
    }
    let mut bytes = Vec::new();
    match ending.as_str() {
        "stl" => write_stl(&mesh, &mut bytes)?,
        "obj" => write_obj(&mesh, &mut bytes)?,
        _ => write_ply(&mesh, &mut bytes)?,
    }
    vesalius_io::write_bytes_atomically(output, &bytes)?;
    Ok(Findings::Surface {
        triangles: mesh.triangles().len(),
        area: mesh.area(),
        millilitres: mesh.volume() / 1000.0,
    })
}

fn statistics(run: &mut Run) -> Result<Findings> {
    let labels = run.labels()?;
    let intensities = match run.values.file("image")? {
        Some(_) => label_intensities(&run.image_at("image")?, &labels)?,
        None => Vec::new(),
    };
    let of = |label: u32| intensities.iter().find(|found| found.label == label);
    let shapes = label_shapes(&labels);
    let measured = shapes
        .iter()
        .map(|shape| LabelMeasures::of(shape, of(shape.label)));
    Ok(Findings::Labels(measured.collect()))
}
