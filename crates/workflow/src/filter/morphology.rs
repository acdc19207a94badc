//! Filters that grow, shrink and fill labels: each label by itself, or a mask with `binary` or `label`.

use super::ArgumentKind::{Choice as OneOf, Counts, File, Label, Numbers};
use super::{Argument, Choice, Filter, Findings, Result, Run};
use std::borrow::Cow;
use vesalius_control::Control;
use vesalius_filters::{
    self as filters, Border, Connectivity, Element, HoleOptions, Reconstruction, Shape,
    closing_with, dilate_with, erode_with, fill_holes_with, opening_with, reconstruct_with,
};
use vesalius_io::LabelName;
use vesalius_volume::LabelMap;

/// Through how many neighbours voxels are connected.
pub(super) const NEIGHBOURS: &[Choice] = &[
    Choice::new("6", "Through faces"),
    Choice::new("18", "Through faces and edges"),
    Choice::new("26", "Through faces, edges and corners"),
];

/// An axis of the file's grid.
pub(super) const AXES: &[Choice] = &[
    Choice::new("x", "The fastest in memory"),
    Choice::new("y", "The second"),
    Choice::new("z", "The slices"),
];

const SHAPES: &[Choice] = &[
    Choice::new("ball", ""),
    Choice::new("box", ""),
    Choice::new("cross", ""),
];

const RADIUS: Argument = Argument::new("radius", Counts, "Its radius in voxels, one or x,y,z")
    .value("VOXELS")
    .optional()
    .negative();
const RADIUS_MM: Argument = Argument::new("radius-mm", Numbers, "Its radius in mm, one or x,y,z")
    .value("MM")
    .optional()
    .negative();
const SHAPE: Argument = Argument::new("shape", OneOf(SHAPES), "Its shape").default("ball");
const BINARY: Argument = Argument::flag(
    "binary",
    "All labels but 0 are one mask, and the result is a mask of 0 and 1",
);
const LABEL: Argument = Argument::new(
    "label",
    Label,
    "This label alone is a mask, and the result is a mask of 0 and 1",
)
.value("VALUE")
.optional()
.conflicts("binary");
const STRUCTURE: &[Argument] = &[RADIUS, RADIUS_MM, SHAPE, BINARY, LABEL];
const ONE_RADIUS: &[&str] = &["radius", "radius-mm"];

/// The argument of filters that spread from voxel to voxel.
pub(super) const fn neighbours(help: &'static str) -> Argument {
    Argument::new("neighbours", OneOf(NEIGHBOURS), help).default("6")
}

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "dilate",
        "Grow each label; a labelled voxel keeps its label, and a voxel between two goes to the nearer one",
        STRUCTURE,
        |run| structured(run, dilate_with),
    )
    .one_of(ONE_RADIUS),
    Filter::new(
        "erode",
        "Shrink each label; to a label, every other one is background",
        &[
            RADIUS,
            RADIUS_MM,
            SHAPE,
            BINARY,
            LABEL,
            Argument::flag("border", "The border of the image shrinks labels too"),
        ],
        |run| {
            let border = match run.values.flag("border") {
                true => Border::Background,
                false => Border::Foreground,
            };
            structured(run, |labels, element, control| erode_with(labels, element, border, control))
        },
    )
    .one_of(ONE_RADIUS),
    Filter::new(
        "open",
        "Shrink, then grow each label: what is thin goes",
        STRUCTURE,
        |run| structured(run, opening_with),
    )
    .one_of(ONE_RADIUS),
    Filter::new(
        "close",
        "Grow, then shrink each label: gaps close, and a labelled voxel keeps its label",
        STRUCTURE,
        |run| structured(run, closing_with),
    )
    .one_of(ONE_RADIUS),
    Filter::new(
        "fill-holes",
        "Fill the background that a label encloses; what has a label keeps it, and of two labels the inner fills",
        &[
            neighbours("Through how many neighbours the background hangs together"),
            Argument::new(
                "slices",
                OneOf(AXES),
                "Fill each slice across this axis on its own",
            )
            .value("AXIS")
            .optional(),
            BINARY,
            LABEL,
        ],
        holes,
    ),
    Filter::new(
        "reconstruct",
        "Spread an image, the marker, under or over another one, the mask",
        &[
            Argument::new("mask", File, "The image that bounds the marker").value("IMAGE"),
            Argument::new(
                "by",
                OneOf(&[
                    Choice::new("dilation", "It grows under the mask"),
                    Choice::new("erosion", "It shrinks over the mask"),
                ]),
                "Whether the marker grows under the mask or shrinks over it",
            )
            .default("dilation"),
            neighbours("Through how many neighbours it spreads"),
        ],
        spread,
    ),
];

/// The value of `neighbours`.
pub(super) fn connectivity(run: &Run) -> Result<Connectivity> {
    Ok(match run.values.word("neighbours")? {
        "6" => Connectivity::Faces,
        "18" => Connectivity::Edges,
        _ => Connectivity::Corners,
    })
}

/// The place of an axis by its name.
pub(super) fn axis(name: &str) -> usize {
    AXES.iter()
        .position(|axis| axis.name == name)
        .unwrap_or_default()
}

fn element(run: &Run) -> Result<Element> {
    let shape = match run.values.word("shape")? {
        "box" => Shape::Box,
        "cross" => Shape::Cross,
        _ => Shape::Ball,
    };
    Ok(match run.values.maybe_numbers("radius-mm")? {
        Some(millimetres) => Element::millimetres(shape, millimetres),
        None => Element::voxels(shape, run.values.counts("radius")?),
    })
}

/// All labels, or a mask of those that `binary` or `label` name.
fn masked<'a>(run: &Run, labels: &'a LabelMap) -> Result<Cow<'a, LabelMap>> {
    Ok(match run.values.maybe_label("label")? {
        Some(label) => Cow::Owned(labels.map(|value| u16::from(value == label))),
        None if run.values.flag("binary") => Cow::Owned(labels.map(|value| u16::from(value != 0))),
        None => Cow::Borrowed(labels),
    })
}

/// Names and colours of what [`masked`] gives: the one label that it keeps has the value 1.
fn masked_names(run: &Run) -> Result<Vec<LabelName>> {
    let mut names = run.names()?;
    if let Some(label) = run.values.maybe_label("label")? {
        names.retain(|name| name.value == u32::from(label));
        names.iter_mut().for_each(|name| name.value = 1);
    } else if run.values.flag("binary") {
        names.clear();
    }
    Ok(names)
}

fn structured(
    run: &mut Run,
    filter: impl FnOnce(&LabelMap, &Element, &Control) -> filters::Result<LabelMap>,
) -> Result<Findings> {
    let labels = run.labels()?;
    let result = filter(&*masked(run, &labels)?, &element(run)?, run.control)?;
    run.write_named(&result, masked_names(run)?)
}

fn holes(run: &mut Run) -> Result<Findings> {
    let options = HoleOptions {
        connectivity: connectivity(run)?,
        slices: run.values.maybe_word("slices")?.map(axis),
    };
    let labels = run.labels()?;
    let result = fill_holes_with(&*masked(run, &labels)?, &options, run.control)?;
    run.write_named(&result, masked_names(run)?)
}

fn spread(run: &mut Run) -> Result<Findings> {
    let way = match run.values.word("by")? {
        "erosion" => Reconstruction::ByErosion,
        _ => Reconstruction::ByDilation,
    };
    let connectivity = connectivity(run)?;
    let mask = run.image_at("mask")?;
    let control = run.control;
    run.filter(|marker| reconstruct_with(marker, &mask, way, connectivity, control))
}
