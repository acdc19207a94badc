//! MONAI's steps before the network as our chain.

use super::Refused;
use crate::ClickChannels;
use vesalius_bundles::{
    BundleDescription, CropForeground, Dtype, Interpolation, Padding, ResizeMode, Spacing, Step,
};
use vesalius_transforms as transforms;
use vesalius_transforms::{
    AddChannels, Chain, Clip, CropCentre, ImageSampling, Orient, Pad, PadSide, PaddingMode, Resize,
    ResizeInterpolation, ResizeTo, ScaleMinMax, SpacingRule, Transform, Window, ZScore,
};

/// The chain of all inputs, whose channels are those of one image here.
pub(super) fn chain(described: &BundleDescription) -> Result<Chain, Refused> {
    let joins = |step: &Step| matches!(step, Step::Concatenate { .. });
    let join = described
        .preprocessing
        .iter()
        .position(|placed| joins(&placed.step));
    let mut chain = Vec::new();
    for (at, placed) in described.preprocessing.iter().enumerate() {
        let alone = join.is_some_and(|join| at < join);
        let refused = |reason: String| format!("`{}`: {reason}", placed.id);
        for transform in transforms_of(&placed.step, alone).map_err(refused)? {
            let checked = Chain(vec![transform]);
            checked
                .check()
                .map_err(|error| refused(error.to_string()))?;
            chain.extend(checked.0);
        }
    }
    Ok(Chain(chain))
}

/// The channels of clicks, where the bundle has them.
pub(super) fn clicks(described: &BundleDescription) -> Option<ClickChannels> {
    let mut steps = described.preprocessing.iter();
    steps.find_map(|placed| match &placed.step {
        Step::Clicks { labels, sigma, .. } => Some(ClickChannels {
            labels: labels.clone(),
            sigma: *sigma,
        }),
        _ => None,
    })
}

/// The transforms of a step; `alone` where each of several inputs, which are single channels, goes through it by itself.
fn transforms_of(step: &Step, alone: bool) -> Result<Vec<Transform>, Refused> {
    let one = |transform| Ok(vec![transform]);
    match step {
        Step::Load { .. } | Step::ChannelFirst { .. } | Step::Concatenate { .. } => Ok(Vec::new()),
        Step::Orient { to } => one(Transform::Orient(Orient { to: to.clone() })),
        Step::Spacing(step) => one(Transform::Spacing(spacing(step)?)),
        Step::ScaleRange { from, to, clip } => scale_range(*from, *to, *clip),
        Step::ScaleMinMax { to, channel_wise } => one(Transform::ScaleMinMax(ScaleMinMax {
            to: *to,
            per_channel: *channel_wise || alone,
        })),
        Step::ScaleFactor { factor } => one(Transform::Window(Window {
            from: [0.0, 1.0],
            to: [0.0, 1.0 + factor],
            clip: false,
        })),
        Step::Normalize {
            nonzero,
            channel_wise,
            subtrahend,
            divisor,
        } => one(Transform::ZScore(ZScore {
            nonzero: *nonzero,
            per_channel: *channel_wise || alone,
            subtract: subtrahend.clone().unwrap_or_default(),
            divide: divisor.clone().unwrap_or_default(),
            ..ZScore::default()
        })),
        Step::CropForeground(_) if alone => Err(
            "each of several inputs is cropped to its own foreground, which is not supported"
                .to_owned(),
        ),
        Step::CropForeground(step) => one(Transform::CropForeground(crop(step)?)),
        Step::Pad {
            size,
            is_symmetric,
            mode,
            value,
        } => one(Transform::Pad(Pad {
            size: per_axis(size, 0)?.map(or_zero),
            ..pad(*is_symmetric, *mode, *value)?
        })),
        Step::PadToMultiple {
            of,
            is_symmetric,
            mode,
            value,
        } => one(Transform::Pad(Pad {
            divisible_by: per_axis(of, 1)?.map(|k| or_zero(k).max(1)),
            ..pad(*is_symmetric, *mode, *value)?
        })),
        Step::CropCentre { size } => one(Transform::CropCentre(CropCentre {
            size: per_axis(size, -1)?.map(|n| if n > 0 { n } else { -1 }),
        })),
        Step::Resize {
            size,
            is_of_longest,
            mode,
            align_corners,
        } => one(Transform::Resize(resize(
            size,
            *is_of_longest,
            *mode,
            *align_corners,
        )?)),
        // The channels of clicks are zeros where there are none; an `InteractiveSegmenter` draws into them.
        Step::Clicks {
            labels,
            image_channels,
            ..
        } => match image_channels {
            1 => one(Transform::AddChannels(AddChannels {
                count: labels.len(),
                ..AddChannels::default()
            })),
            more => Err(format!(
                "clicks on an image of {more} channels are not supported"
            )),
        },
        Step::Cast { to } => match to {
            Dtype::Float64 | Dtype::Float32 => Ok(Vec::new()),
            other => Err(format!(
                "a change of the numbers to {other:?} is not supported"
            )),
        },
        _ => Err("a step that is not known here".to_owned()),
    }
}

/// A value for each axis; one holds for all.
fn per_axis<T: Copy>(values: &[T], beside: T) -> Result<[T; 3], Refused> {
    match *values {
        [one] => Ok([one; 3]),
        [x, y] => Ok([x, y, beside]),
        [x, y, z] => Ok([x, y, z]),
        _ => Err(format!(
            "{} values are not those of three axes",
            values.len()
        )),
    }
}

fn or_zero(value: i64) -> usize {
    usize::try_from(value).unwrap_or(0)
}

fn spacing(step: &Spacing) -> Result<transforms::Spacing, Refused> {
    let refused = |what: &str| Err(format!("{what} is not supported"));
    if step.align_corners {
        return refused("`align_corners`, which stretches the grid,");
    }
    if step.recompute_affine {
        return refused("`recompute_affine`, after which the grid's position is lost,");
    }
    let interpolation = match step.mode {
        Interpolation::Linear => ImageSampling::Linear,
        Interpolation::Nearest => ImageSampling::Nearest,
        Interpolation::Spline(order) => {
            return refused(&format!("a spline of order {order}"));
        }
        _ => return refused("this interpolation"),
    };
    // A shorter list repeats its last.
    let last = step.to.last().copied().unwrap_or(0.0);
    let to: [f64; 3] =
        std::array::from_fn(|axis| step.to.get(axis).copied().unwrap_or(last).max(0.0));
    // A limit that is not given is the wanted spacing itself.
    let limits = |given: &Option<Vec<f64>>| {
        let given = given.as_ref()?;
        Some(std::array::from_fn(|axis| {
            given.get(axis).copied().unwrap_or(to[axis])
        }))
    };
    Ok(transforms::Spacing {
        to,
        interpolation,
        rule: SpacingRule::Monai,
        diagonal: step.diagonal,
        scale_extent: step.scale_extent,
        keep_from: limits(&step.keep_from),
        keep_to: limits(&step.keep_to),
        outside: match step.padding {
            Padding::Replicate => PaddingMode::Edge,
            Padding::Zeros | Padding::Constant => PaddingMode::Zeros,
            Padding::Reflect => PaddingMode::Reflect,
            other => return refused(&format!("padding by {other:?}")),
        },
        ..transforms::Spacing::default()
    })
}

fn scale_range(
    from: [f64; 2],
    to: [Option<f64>; 2],
    clip: bool,
) -> Result<Vec<Transform>, Refused> {
    let window = |to, clip| Transform::Window(Window { from, to, clip });
    if let [Some(low), Some(high)] = to {
        return Ok(vec![window([low, high], clip)]);
    }
    // An end that is null is not applied, neither as a scaling nor as a limit.
    let mut steps = vec![window([0.0, 1.0], false)];
    if clip {
        let [low, high] = to.map(|end| end.map(|end| end as f32));
        steps.push(Transform::Clip(Clip { low, high }));
    }
    Ok(steps)
}

fn crop(step: &CropForeground) -> Result<transforms::CropForeground, Refused> {
    let margin = per_axis(&step.margin, 0)?;
    if let Some(negative) = margin.iter().find(|margin| **margin < 0) {
        return Err(format!("`margin` is {negative}, which is negative"));
    }
    // A box without a margin lies within the image, so that nothing is padded.
    let reaches_out = margin.iter().any(|n| *n > 0) || step.divisible_by.iter().any(|k| *k > 1);
    let channels = step.channels.as_deref().unwrap_or_default().iter();
    let channels: Result<Vec<usize>, _> = channels.map(|&c| usize::try_from(c)).collect();
    Ok(transforms::CropForeground {
        margin: margin.map(or_zero),
        allow_smaller: step.allow_smaller,
        divisible_by: per_axis(&step.divisible_by, 1)?.map(|k| or_zero(k).max(1)),
        mode: match reaches_out {
            true => padding(step.mode)?,
            false => transforms::Padding::Constant,
        },
        channels: channels.map_err(|_| {
            "`channel_indices` counts from the end, which is not supported".to_owned()
        })?,
        ..transforms::CropForeground::default()
    })
}

fn pad(is_symmetric: bool, mode: Padding, value: f64) -> Result<Pad, Refused> {
    Ok(Pad {
        mode: padding(mode)?,
        value: match mode {
            Padding::Constant => value as f32,
            _ => 0.0,
        },
        side: match is_symmetric {
            true => PadSide::Both,
            false => PadSide::End,
        },
        ..Pad::default()
    })
}

fn padding(mode: Padding) -> Result<transforms::Padding, Refused> {
    Ok(match mode {
        Padding::Constant | Padding::Zeros => transforms::Padding::Constant,
        Padding::Replicate => transforms::Padding::Edge,
        Padding::Reflect => transforms::Padding::Reflect,
        Padding::Symmetric => transforms::Padding::Symmetric,
        Padding::Circular => transforms::Padding::Circular,
        other => return Err(format!("padding by {other:?} is not supported")),
    })
}

fn resize(
    size: &[i64],
    is_of_longest: bool,
    mode: ResizeMode,
    align_corners: bool,
) -> Result<Resize, Refused> {
    let interpolation = match mode {
        ResizeMode::Area => ResizeInterpolation::Area,
        ResizeMode::Nearest => ResizeInterpolation::Begin,
        ResizeMode::NearestExact => ResizeInterpolation::Nearest,
        ResizeMode::Linear if align_corners => {
            return Err("`align_corners` of a linear `Resized` is not supported".to_owned());
        }
        ResizeMode::Linear => ResizeInterpolation::Linear,
        _ => return Err("this interpolation is not supported".to_owned()),
    };
    let to = match (is_of_longest, size) {
        (true, [longest]) if *longest > 0 => ResizeTo::LongestSide(or_zero(*longest)),
        (true, _) => {
            return Err(format!(
                "the longest side is {size:?}; a number is expected"
            ));
        }
        (false, size) => ResizeTo::Size(per_axis(size, -1)?.map(or_zero)),
    };
    Ok(Resize {
        to,
        interpolation,
        apart: true,
        ..Resize::default()
    })
}
