//! Filters that change what values mean: ranges, histograms, the bias field.

use super::ArgumentKind::{Choice as OneOf, Count, CountList, Counts, File, Number, Pair};
use super::{Argument, Choice, Filter, Findings, Result, Run};
use vesalius_filters::{
    ClaheOptions, Deviation, HistogramMatchingOptions, N4Options, ScikitImageClaheOptions,
    clahe_scikit_image_with, clahe_with, clip, match_histogram_with, n4_bias_field_correction_with,
    normalise, rescale_intensity, window,
};

pub(super) const FILTERS: &[Filter] = &[
    Filter::new(
        "rescale",
        "Map the smallest value to `low` and the largest to `high`, linearly",
        &[
            Argument::new("low", Number, "What the smallest value becomes")
                .default("0")
                .negative(),
            Argument::new("high", Number, "What the largest value becomes")
                .default("1")
                .negative(),
        ],
        |run| {
            let [low, high] = ends(run)?;
            run.filter(|image| rescale_intensity(image, low, high))
        },
    ),
    Filter::new(
        "window",
        "Map a window of values to a range, linearly, and cut off what lies outside",
        &[
            Argument::new(
                "level",
                Number,
                "The window's centre, in the image's values",
            )
            .negative(),
            Argument::new("width", Number, "The window's width, in the image's values"),
            Argument::new("to", Pair, "What the ends of the window become")
                .value("LOW,HIGH")
                .default("0,1")
                .negative(),
        ],
        |run| {
            let (level, width) = (run.values.number("level")?, run.values.number("width")?);
            let to = run.values.pair("to")?;
            let ends = [level - width / 2.0, level + width / 2.0];
            run.filter(|image| window(image, ends, to))
        },
    ),
    Filter::new(
        "clip",
        "Cut values off below `low` and above `high`",
        &[
            Argument::new("low", Number, "The least value that stays").negative(),
            Argument::new("high", Number, "The largest value that stays").negative(),
        ],
        |run| {
            let [low, high] = ends(run)?;
            run.filter(|image| clip(image, low, high))
        },
    ),
    Filter::new(
        "normalise",
        "Mean 0 and standard deviation 1, each channel on its own",
        &[
            Argument::new(
                "mask",
                File,
                "Labels: mean and deviation are those of the foreground",
            )
            .value("LABELS")
            .optional(),
            Argument::flag(
                "sample",
                "Divide by n - 1 in the deviation, as ITK does, instead of by n",
            ),
        ],
        normalised,
    ),
    Filter::new(
        "match-histogram",
        "Give the image the histogram of another one",
        &[
            Argument::new("reference", File, "The image whose histogram it gets").value("IMAGE"),
            Argument::new("levels", Count, "Bins of the histograms").default("256"),
            Argument::new(
                "points",
                Count,
                "Quantiles that are matched, besides the ends",
            )
            .default("1"),
            Argument::flag(
                "whole",
                "Match what lies below each image's mean too, usually air",
            ),
        ],
        matched,
    ),
    Filter::new(
        "clahe",
        "Contrast-limited adaptive histogram equalisation, over tiles of the image",
        &[
            Argument::new(
                "tiles",
                Counts,
                "Tiles along x,y,z [default: 8,8,4; scikit-image's are an eighth of the image]",
            )
            .value("X,Y,Z")
            .optional(),
            Argument::new(
                "clip-limit",
                Number,
                "Times the mean of the bins that a bin may hold, from 1 on [default: 3]; scikit-image's is the share of a tile's voxels, from 0 on [default: 0.01]",
            )
            .optional(),
            Argument::new("bins", Count, "Bins of a tile's histogram").default("256"),
            Argument::new(
                "convention",
                OneOf(&[
                    Choice::new("exact", "Without rounding to grey levels; the range stays"),
                    Choice::new("scikit-image", "As `skimage.exposure.equalize_adapthist`"),
                ]),
                "Keep the range and every shade, or do as scikit-image: 14 bits, to the range 0 to 1",
            )
            .default("exact"),
        ],
        equalised,
    ),
    Filter::new(
        "n4",
        "N4: take the slow unevenness of an MR coil out of the image",
        &[
            Argument::new(
                "mask",
                File,
                "Labels: the field is estimated over their foreground",
            )
            .value("LABELS")
            .optional(),
            Argument::new(
                "iterations",
                CountList,
                "Most iterations on each level, each twice as fine as the one before",
            )
            .value("N,N,…")
            .default("50,50,50,50"),
            Argument::new(
                "convergence",
                Number,
                "A level ends when the field changes by less than this, as a share",
            )
            .default("0.001"),
            Argument::new(
                "spans",
                Counts,
                "Spans of the first level's spline along x,y,z",
            )
            .value("X,Y,Z")
            .default("1"),
            Argument::new("bins", Count, "Bins of the histogram of log intensities").default("200"),
            Argument::new(
                "width",
                Number,
                "Full width at half maximum of the Gaussian taken out of the histogram, in log intensity",
            )
            .default("0.15"),
            Argument::new(
                "noise",
                Number,
                "Noise of the Wiener filter that takes it out",
            )
            .default("0.01"),
            Argument::new(
                "log-field",
                File,
                "Write the logarithm of the field here",
            )
            .value("FILE")
            .optional(),
        ],
        bias_corrected,
    ),
];

fn ends(run: &Run) -> Result<[f64; 2]> {
    Ok([run.values.number("low")?, run.values.number("high")?])
}

fn normalised(run: &mut Run) -> Result<Findings> {
    let mask = run.labels_at("mask")?;
    let deviation = match run.values.flag("sample") {
        true => Deviation::Sample,
        false => Deviation::Population,
    };
    run.filter(|image| normalise(image, mask.as_ref(), deviation))
}

fn matched(run: &mut Run) -> Result<Findings> {
    let options = HistogramMatchingOptions {
        levels: run.values.count("levels")?,
        match_points: run.values.count("points")?,
        threshold_at_mean: !run.values.flag("whole"),
    };
    let reference = run.image_at("reference")?;
    let control = run.control;
    run.filter(|image| match_histogram_with(image, &reference, &options, control))
}

fn equalised(run: &mut Run) -> Result<Findings> {
    let tiles = run.values.maybe_counts("tiles")?;
    let clip_limit = run.values.maybe_number("clip-limit")?;
    let bins = run.values.count("bins")?;
    let control = run.control;
    if run.values.word("convention")? == "exact" {
        let default = ClaheOptions::default();
        let options = ClaheOptions {
            tiles: tiles.unwrap_or(default.tiles),
            clip_limit: clip_limit.unwrap_or(default.clip_limit),
            bins,
        };
        return run.filter(|image| clahe_with(image, &options, control));
    }
    run.filter(|image| {
        let size = image.geometry().size();
        let voxels =
            |tiles: [usize; 3]| std::array::from_fn(|axis| size[axis].div_ceil(tiles[axis].max(1)));
        let default = ScikitImageClaheOptions::default();
        let options = ScikitImageClaheOptions {
            tile: tiles.map(voxels),
            clip_limit: clip_limit.unwrap_or(default.clip_limit),
            bins,
        };
        clahe_scikit_image_with(image, &options, control)
    })
}

fn bias_corrected(run: &mut Run) -> Result<Findings> {
    let options = N4Options {
        iterations: run.values.counts_list("iterations"),
        convergence_threshold: run.values.number("convergence")?,
        spans: run.values.counts("spans")?,
        bins: run.values.count("bins")?,
        full_width_at_half_maximum: run.values.number("width")?,
        wiener_noise: run.values.number("noise")?,
    };
    let mask = run.labels_at("mask")?;
    let result =
        n4_bias_field_correction_with(&run.image()?, mask.as_ref(), &options, run.control)?;
    if let Some(path) = run.values.file("log-field")? {
        vesalius_io::write(path, &result.log_bias)?;
    }
    run.write(&result.corrected)
}
