//! Filters of the connected components of labels.

use super::ArgumentKind::{Choice as OneOf, Counts, Number};
use super::morphology::NEIGHBOURS;
use super::{Argument, Component, Filter, Findings, Result, Run};
use vesalius_filters::{
    ComponentOptions, component_statistics_with, connected_components_with, keep_larger_than_with,
    keep_largest_with, keep_touching_with,
};

const NEIGHBOURHOOD: Argument = Argument::new(
    "neighbours",
    OneOf(NEIGHBOURS),
    "Through how many neighbours voxels hang together",
)
.default("26");
const BINARY: Argument = Argument::flag(
    "binary",
    "All labels but 0 are one mask: voxels of different labels hang together too",
);
const BY_LABEL: Argument = Argument::flag(
    "by-label",
    "Voxels of different labels never hang together, which is the default",
)
.conflicts("binary");

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "components",
        "Number the connected pieces of each label, in the order in which they are met",
        &[NEIGHBOURHOOD, BINARY, BY_LABEL],
        |run| {
            let options = options(run)?;
            let pieces = connected_components_with(&run.labels()?, &options, run.control)?;
            run.write_labels(&pieces.labels)
        },
    ),
    Filter::new(
        "keep-largest",
        "Keep the largest piece of each label",
        &[NEIGHBOURHOOD, BINARY, BY_LABEL],
        |run| {
            let (options, control) = (options(run)?, run.control);
            run.relabel(|labels| keep_largest_with(labels, &options, control))
        },
    ),
    Filter::new(
        "keep-larger-than",
        "Keep the pieces of at least a volume",
        &[
            Argument::new(
                "minimum-volume",
                Number,
                "The volume in mm³; a piece of exactly this volume stays",
            )
            .value("MM³"),
            NEIGHBOURHOOD,
            BINARY,
            BY_LABEL,
        ],
        |run| {
            let (volume, options) = (run.values.number("minimum-volume")?, options(run)?);
            let control = run.control;
            run.relabel(|labels| keep_larger_than_with(labels, volume, &options, control))
        },
    ),
    Filter::new(
        "keep-touching",
        "Keep the pieces that touch a seed",
        &[
            Argument::new("seed", Counts, "A voxel x,y,z; may be given several times")
                .value("X,Y,Z")
                .repeated(),
            NEIGHBOURHOOD,
            BINARY,
            BY_LABEL,
        ],
        |run| {
            let (seeds, options) = (run.values.voxels("seed"), options(run)?);
            let control = run.control;
            run.relabel(|labels| keep_touching_with(labels, &seeds, &options, control))
        },
    ),
    Filter::new(
        "component-statistics",
        "Print size, place and extent of each piece",
        &[NEIGHBOURHOOD, BINARY, BY_LABEL],
        statistics,
    )
    .measures(),
];

fn options(run: &Run) -> Result<ComponentOptions> {
    Ok(ComponentOptions {
        connectivity: super::morphology::connectivity(run)?,
        by_label: run.values.flag("by-label") || !run.values.flag("binary"),
    })
}

fn statistics(run: &mut Run) -> Result<Findings> {
    let options = options(run)?;
    let found = component_statistics_with(&run.labels()?, &options, run.control)?;
    Ok(Findings::Components(
        found.iter().map(Component::from).collect(),
    ))
}
