//! Filters that move voxels without interpolating: every voxel keeps its place in the world.

use super::ArgumentKind::{
    Choice as OneOf, ChoiceList, Choices, Counts, File, Integers, Orientation,
};
use super::morphology::{AXES, axis};
use super::{Argument, Choice, Error, Filter, Findings, Result, Run};
use vesalius_filters::{
    self as filters, Bounds, OnGrid, PadMode, bounding_box, crop, crop_or_pad, flip, orient,
    permute,
};

const LABELS: Argument = Argument::flag("labels", "IN is a label map");

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "orient",
        "Store the voxels in another orientation, such as RAS",
        &[
            Argument::new("to", Orientation, "Three letters: where x, y and z run to")
                .value("CODE")
                .default("RAS"),
            LABELS,
        ],
        oriented,
    ),
    Filter::new(
        "flip",
        "Store axes backwards",
        &[
            Argument::new("axes", ChoiceList(AXES), "Which axes"),
            LABELS,
        ],
        flipped,
    ),
    Filter::new(
        "permute",
        "Store the axes in another order",
        &[
            Argument::new(
                "order",
                Choices(AXES),
                "The axes of IN in the order of OUT, such as z,x,y",
            )
            .value("AXIS,AXIS,AXIS"),
            LABELS,
        ],
        permuted,
    ),
    Filter::new(
        "crop-to-foreground",
        "Cut out the box around the foreground of labels, or of the image's values other than 0",
        &[
            Argument::new(
                "mask",
                File,
                "Labels on the same grid; without them what is not 0 in IN counts",
            )
            .value("LABELS")
            .optional(),
            Argument::new("margin", Counts, "Voxels around the box, one or x,y,z")
                .value("VOXELS")
                .default("0"),
            LABELS,
        ],
        cropped,
    ),
    Filter::new(
        "crop-or-pad",
        "Cut out or pad to a size",
        &[
            Argument::new("size", Counts, "Voxels x,y,z of the result").value("X,Y,Z"),
            Argument::new(
                "start",
                Integers,
                "The voxel of IN that comes first; negative pads [default: what centres it]",
            )
            .value("X,Y,Z")
            .optional()
            .negative(),
            Argument::new(
                "pad",
                OneOf(&[
                    Choice::new("zero", "0"),
                    Choice::new("edge", "The border voxel"),
                    Choice::new("reflect", "The image mirrored at the border voxel"),
                ]),
                "What stands in new voxels",
            )
            .default("zero"),
            LABELS,
        ],
        resized,
    ),
];

/// Evaluates one expression on the input as labels or as an image, and writes the result as such.
macro_rules! either {
    ($run:expr, $input:ident => $result:expr) => {
        if $run.values.flag("labels") {
            let $input = $run.labels()?;
            let result = $result?;
            $run.write_same_labels(&result)
        } else {
            let $input = $run.image()?;
            let result = $result?;
            $run.write(&result)
        }
    };
}

fn oriented(run: &mut Run) -> Result<Findings> {
    let to = run.values.orientation("to")?;
    either!(run, input => orient(&input, to))
}

fn flipped(run: &mut Run) -> Result<Findings> {
    let named = run.values.words("axes");
    let mut axes = [false; 3];
    for name in named {
        axes[axis(name)] = true;
    }
    either!(run, input => flip(&input, axes))
}

fn permuted(run: &mut Run) -> Result<Findings> {
    let order = run.values.three_words("order")?.map(axis);
    either!(run, input => permute(&input, order))
}

fn cropped(run: &mut Run) -> Result<Findings> {
    let margin = run.values.counts("margin")?;
    either!(run, input => crop(&input, {
        let found = match run.labels_at("mask")? {
            Some(mask) => {
                if let Some(difference) = input.geometry().difference(mask.geometry()) {
                    return Err(Error::MaskGrid { difference });
                }
                bounding_box(&mask)
            }
            None => bounding_box(&input),
        };
        widened(found.ok_or(Error::NoForeground)?, margin, input.geometry().size())
    }))
}

fn resized(run: &mut Run) -> Result<Findings> {
    let size = run.values.counts("size")?;
    let start = run.values.maybe_integers("start")?;
    let pad = run.values.word("pad")?;
    either!(run, input => {
        let start = start.unwrap_or_else(|| centred(input.geometry().size(), size));
        padded(&input, start, size, pad)
    })
}

/// The first voxel of a box of the new size in the middle of the old one.
fn centred(old: [usize; 3], new: [usize; 3]) -> [i64; 3] {
    let more = |axis: usize| (old[axis] as i64).saturating_sub(new[axis] as i64);
    std::array::from_fn(|axis| more(axis).div_euclid(2))
}

fn padded<G: OnGrid>(input: &G, start: [i64; 3], size: [usize; 3], pad: &str) -> filters::Result<G>
where
    G::Value: Default,
{
    let mode = match pad {
        "edge" => PadMode::Edge,
        "reflect" => PadMode::Reflect,
        _ => PadMode::Constant(G::Value::default()),
    };
    crop_or_pad(input, start, size, mode)
}

/// A box with a margin on each side, as far as the image reaches.
fn widened(found: Bounds, margin: [usize; 3], image: [usize; 3]) -> Bounds {
    let start: [usize; 3] = std::array::from_fn(|a| found.start[a].saturating_sub(margin[a]));
    let size = std::array::from_fn(|a| {
        let end = (found.start[a] + found.size[a]).saturating_add(margin[a]);
        end.min(image[a]) - start[a]
    });
    Bounds { start, size }
}
