//! One transform before the network, with MONAI 1.6's defaults and every argument looked at.

use crate::Result;
use crate::component::Component;
use crate::description::{About, Padding};
use crate::note::Note;
use crate::step::{
    ChannelAxis, CropForeground, Dtype, Interpolation, Reader, ResizeMode, Spacing, Step,
};
use serde_json::Value;

/// The labels that clicks are made for, once they are known.
#[derive(Default)]
pub(super) struct Clicks(Option<Vec<String>>);

/// The script of the DeepEdit bundle that turns clicks along with the image.
const TURNED_CLICKS: &str = "scripts.transforms.OrientationGuidanceMultipleLabelDeepEditd";

pub(super) fn is_of_clicks(class: &str) -> bool {
    [
        TURNED_CLICKS,
        "AddGuidanceFromPointsDeepEditd",
        "ResizeGuidanceMultipleLabelDeepEditd",
        "AddGuidanceSignalDeepEditd",
    ]
    .contains(&class)
}

/// The steps of a transform, of which one without effect has none; `joined` are the inputs of one that joins some.
pub(super) fn read(
    mut c: Component<'_, '_>,
    joined: Option<Vec<String>>,
    clicks: &mut Clicks,
    about: &About,
) -> Result<Option<Step>> {
    if c.class.starts_with("scripts.") {
        c.work().note(Note::ClassByName {
            id: c.id.clone(),
            class: c.class.clone(),
        });
    }
    let step = match (joined, c.class.as_str()) {
        (Some(inputs), _) => Some(concatenate(&mut c, inputs)?),
        (None, "LoadImaged") => Some(load(&mut c)?),
        (None, "EnsureChannelFirstd") => Some(channel_first(&mut c)?),
        (None, "EnsureTyped" | "CastToTyped" | "ToDeviced" | "ToTensord") => typed(&mut c)?,
        (None, "Orientationd") => Some(orient(&mut c)?),
        (None, "Spacingd") => Some(spacing(&mut c)?),
        (None, "ScaleIntensityRanged") => Some(scale_range(&mut c)?),
        (None, "ScaleIntensityd") => Some(scale(&mut c)?),
        (None, "NormalizeIntensityd") => Some(normalize(&mut c)?),
        (None, "CropForegroundd") => Some(crop_foreground(&mut c, about)?),
        (None, "SpatialPadd") => Some(pad(&mut c, "spatial_size")?),
        (None, "DivisiblePadd") => Some(pad(&mut c, "k")?),
        (None, "CenterSpatialCropd") => Some(Step::CropCentre {
            size: needed_wholes(&mut c, "roi_size")?,
        }),
        (None, "Resized") => Some(resize(&mut c)?),
        (None, class) if is_of_clicks(class) => of_clicks(&mut c, clicks)?,
        _ => return Err(c.unknown("as a step before the network")),
    };
    not_lazy(&mut c)?;
    c.finish()?;
    Ok(step)
}

/// Lazy resampling joins several resamplings into one, with other results.
fn not_lazy(c: &mut Component<'_, '_>) -> Result<()> {
    match c.flag("lazy", false)? {
        true => Err(c.bad("lazy", "is true, which is not supported")),
        false => Ok(()),
    }
}

fn concatenate(c: &mut Component<'_, '_>, inputs: Vec<String>) -> Result<Step> {
    if let Some(axis) = c.whole("dim")?.filter(|axis| *axis != 0) {
        return Err(c.bad("dim", format!("is {axis}; only channels (0) are joined")));
    }
    Ok(Step::Concatenate { inputs })
}

fn load(c: &mut Component<'_, '_>) -> Result<Step> {
    let reader = match c.for_keys("reader")? {
        None => Reader::Default,
        Some(Value::String(name)) if name.eq_ignore_ascii_case("itkreader") => Reader::Itk,
        Some(Value::String(name)) if name.eq_ignore_ascii_case("nibabelreader") => Reader::Nibabel,
        Some(other) => {
            let reason = format!("is {other}; ITKReader or NibabelReader is expected");
            return Err(c.bad("reader", reason));
        }
    };
    not_cast(c)?;
    c.only("ensure_channel_first", &[])?;
    c.only("prune_meta_pattern", &[])?;
    c.ignore(&[
        "image_only",
        "meta_keys",
        "meta_key_postfix",
        "overwriting",
        "simple_keys",
        "prune_meta_sep",
        "expanduser",
    ]);
    Ok(Step::Load { reader })
}

/// A type of numbers that changes the values is not supported inside a transform of intensities.
fn not_cast(c: &mut Component<'_, '_>) -> Result<()> {
    match c.dtype("dtype")? {
        None | Some(Dtype::Float32 | Dtype::Float64) => Ok(()),
        Some(other) => Err(c.bad("dtype", format!("is {other:?}, which is not supported"))),
    }
}

fn channel_first(c: &mut Component<'_, '_>) -> Result<Step> {
    c.ignore(&["strict_check"]);
    let channels = match c.value("channel_dim")? {
        None => ChannelAxis::ByFile,
        Some(Value::String(text)) if text == "no_channel" => ChannelAxis::None,
        Some(value) => match value.as_i64() {
            Some(axis) => ChannelAxis::At(axis),
            None => return Err(c.bad("channel_dim", format!("is {value}, which is no axis"))),
        },
    };
    Ok(Step::ChannelFirst { channels })
}

fn typed(c: &mut Component<'_, '_>) -> Result<Option<Step>> {
    let to = match c.class.as_str() {
        "ToDeviced" => None,
        _ => c.dtype("dtype")?,
    };
    c.ignore(&[
        "data_type",
        "device",
        "wrap_sequence",
        "track_meta",
        "non_blocking",
    ]);
    Ok(to
        .filter(|dtype| *dtype != Dtype::Float32)
        .map(|to| Step::Cast { to }))
}

fn orient(c: &mut Component<'_, '_>) -> Result<Step> {
    let labels = c.value("labels")?;
    if labels
        .is_some_and(|labels| labels != serde_json::json!([["L", "R"], ["P", "A"], ["I", "S"]]))
    {
        return Err(c.bad(
            "labels",
            "gives the directions other letters, which is not supported",
        ));
    }
    if c.flag("as_closest_canonical", false)? {
        c.ignore(&["axcodes"]);
        return Ok(Step::Orient {
            to: "RAS".to_owned(),
        });
    }
    let to = match c.value("axcodes")? {
        Some(Value::String(text)) => text,
        Some(Value::Array(letters)) => letters.iter().filter_map(Value::as_str).collect(),
        _ => return Err(c.bad("axcodes", "is not given")),
    };
    let axes = ["LR", "PA", "IS"];
    let of_axes = axes.map(|pair| to.chars().filter(|letter| pair.contains(*letter)).count());
    match to.chars().count() == 3 && of_axes == [1; 3] {
        true => Ok(Step::Orient { to }),
        false => Err(c.bad(
            "axcodes",
            format!("is `{to}`; three directions such as RAS are expected"),
        )),
    }
}

fn spacing(c: &mut Component<'_, '_>) -> Result<Step> {
    let to = c.numbers("pixdim")?;
    let to = to.ok_or_else(|| c.bad("pixdim", "is not given"))?;
    let mode = interpolation(c)?;
    let padding = match c
        .for_keys("padding_mode")?
        .as_ref()
        .map(|value| value.as_str())
    {
        None | Some(Some("border")) => Padding::Replicate,
        Some(Some("zeros")) => Padding::Zeros,
        Some(Some("reflection")) => Padding::Reflect,
        Some(_) => return Err(c.bad("padding_mode", "is none of border, zeros, reflection")),
    };
    not_cast(c)?;
    c.ignore(&["ensure_same_shape"]);
    Ok(Step::Spacing(Spacing {
        to,
        diagonal: c.flag("diagonal", false)?,
        mode,
        padding,
        align_corners: c.flag("align_corners", false)?,
        scale_extent: c.flag("scale_extent", false)?,
        recompute_affine: c.flag("recompute_affine", false)?,
        keep_from: c.numbers("min_pixdim")?,
        keep_to: c.numbers("max_pixdim")?,
    }))
}

fn interpolation(c: &mut Component<'_, '_>) -> Result<Interpolation> {
    match c.for_keys("mode")? {
        None => Ok(Interpolation::Linear),
        Some(Value::String(text)) if text == "bilinear" => Ok(Interpolation::Linear),
        Some(Value::String(text)) if text == "nearest" => Ok(Interpolation::Nearest),
        Some(value) => match value.as_u64().and_then(|order| u8::try_from(order).ok()) {
            Some(order) if order <= 5 => Ok(Interpolation::Spline(order)),
            _ => {
                let reason =
                    format!("is {value}; bilinear, nearest or a spline's order is expected");
                Err(c.bad("mode", reason))
            }
        },
    }
}

fn scale_range(c: &mut Component<'_, '_>) -> Result<Step> {
    let from = [needed_number(c, "a_min")?, needed_number(c, "a_max")?];
    let to = [c.number("b_min")?, c.number("b_max")?];
    not_cast(c)?;
    let clip = c.flag("clip", false)?;
    Ok(Step::ScaleRange { from, to, clip })
}

fn scale(c: &mut Component<'_, '_>) -> Result<Step> {
    let mut ends = [Some(0.0), Some(1.0)];
    for (end, name) in ends.iter_mut().zip(["minv", "maxv"]) {
        match c.written(name)? {
            None => {}
            Some(Value::Null) => *end = None,
            Some(value) => {
                let number = value.as_f64();
                *end = Some(
                    number.ok_or_else(|| c.bad(name, format!("is {value}, which is no number")))?,
                );
            }
        }
    }
    let factor = c.number("factor")?;
    let channel_wise = c.flag("channel_wise", false)?;
    not_cast(c)?;
    match (ends, factor) {
        ([None, None], Some(factor)) => Ok(Step::ScaleFactor { factor }),
        ([None, None], None) => Err(c.bad("factor", "is not given, nor are `minv` and `maxv`")),
        ([from, to], _) => Ok(Step::ScaleMinMax {
            // MONAI leaves the range at 0 to 1 where one of its ends is null.
            to: from.zip(to).map_or([0.0, 1.0], |(from, to)| [from, to]),
            channel_wise,
        }),
    }
}

fn normalize(c: &mut Component<'_, '_>) -> Result<Step> {
    not_cast(c)?;
    Ok(Step::Normalize {
        nonzero: c.flag("nonzero", false)?,
        channel_wise: c.flag("channel_wise", false)?,
        subtrahend: c.numbers("subtrahend")?,
        divisor: c.numbers("divisor")?,
    })
}

fn crop_foreground(c: &mut Component<'_, '_>, about: &About) -> Result<Step> {
    let source = c.text("source_key")?;
    if source.as_deref() != Some(super::IMAGE) {
        return Err(c.bad(
            "source_key",
            "is another image than the one that is cropped, which is not supported",
        ));
    }
    c.only("select_fn", &[])?;
    c.ignore(&["start_coord_key", "end_coord_key"]);
    let margin = c.wholes("margin")?.unwrap_or(vec![0]);
    let divisible_by = c.wholes("k_divisible")?.unwrap_or(vec![1]);
    let given = c.value("allow_smaller")?;
    let allow_smaller = given.as_ref().is_some_and(crate::value::truth);
    let matters = margin.iter().any(|margin| *margin != 0) || divisible_by.iter().any(|k| *k > 1);
    let made_with = about.monai_version.as_deref();
    if let Some(made_with) =
        made_with.filter(|version| given.is_none() && matters && is_before_1_5(version))
    {
        c.work().note(Note::ChangedDefault {
            id: c.id.clone(),
            argument: "allow_smaller".to_owned(),
            made_with: made_with.to_owned(),
        });
    }
    Ok(Step::CropForeground(CropForeground {
        margin,
        allow_smaller,
        divisible_by,
        mode: padding(c, Padding::Constant)?,
        channels: c.wholes("channel_indices")?,
    }))
}

fn is_before_1_5(version: &str) -> bool {
    let mut parts = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (parts.next(), parts.next()) < (Some(1), Some(5))
}

fn pad(c: &mut Component<'_, '_>, size: &str) -> Result<Step> {
    let sizes = needed_wholes(c, size)?;
    let is_symmetric = match c.text("method")?.as_deref() {
        None | Some("symmetric") => true,
        Some("end") => false,
        Some(other) => {
            return Err(c.bad(
                "method",
                format!("is `{other}`; symmetric or end is expected"),
            ));
        }
    };
    let mode = padding(c, Padding::Constant)?;
    let (value, values) = (c.number("value")?, c.number("constant_values")?);
    let value = value.or(values).unwrap_or(0.0);
    Ok(match size {
        "k" => Step::PadToMultiple {
            of: sizes,
            is_symmetric,
            mode,
            value,
        },
        _ => Step::Pad {
            size: sizes,
            is_symmetric,
            mode,
            value,
        },
    })
}

/// A padding by numpy's or torch's name.
fn padding(c: &mut Component<'_, '_>, default: Padding) -> Result<Padding> {
    Ok(match c.text("mode")?.as_deref() {
        None => default,
        Some("constant") => Padding::Constant,
        Some("edge" | "replicate") => Padding::Replicate,
        Some("reflect") => Padding::Reflect,
        Some("symmetric") => Padding::Symmetric,
        Some("wrap" | "circular") => Padding::Circular,
        Some("minimum") => Padding::Minimum,
        Some("maximum") => Padding::Maximum,
        Some("mean") => Padding::Mean,
        Some(other) => return Err(c.bad("mode", format!("is `{other}`, which is not supported"))),
    })
}

fn resize(c: &mut Component<'_, '_>) -> Result<Step> {
    let size = needed_wholes(c, "spatial_size")?;
    let is_of_longest = match c.text("size_mode")?.as_deref() {
        None | Some("all") => false,
        Some("longest") => true,
        Some(other) => {
            return Err(c.bad(
                "size_mode",
                format!("is `{other}`; all or longest is expected"),
            ));
        }
    };
    let mode = match c.text("mode")?.as_deref() {
        None | Some("area") => ResizeMode::Area,
        Some("nearest") => ResizeMode::Nearest,
        Some("nearest-exact") => ResizeMode::NearestExact,
        Some("linear" | "bilinear" | "trilinear") => ResizeMode::Linear,
        Some(other) => return Err(c.bad("mode", format!("is `{other}`, which is not supported"))),
    };
    not_cast(c)?;
    c.only("anti_aliasing", &[])?;
    c.ignore(&["anti_aliasing_sigma"]);
    let align_corners = c.flag("align_corners", false)?;
    Ok(Step::Resize {
        size,
        is_of_longest,
        mode,
        align_corners,
    })
}

/// Four transforms make the channels of the clicks; the last of them is where they join the image.
fn of_clicks(c: &mut Component<'_, '_>, clicks: &mut Clicks) -> Result<Option<Step>> {
    match c.class.as_str() {
        "AddGuidanceSignalDeepEditd" => {
            c.ignore(&["keys", "guidance", "allow_missing_keys"]);
            let sigma = c.number("sigma")?.unwrap_or(3.0);
            let channels = c.whole("number_intensity_ch")?.unwrap_or(1);
            let labels = clicks.0.take();
            let labels = labels
                .ok_or_else(|| c.unknown("without `AddGuidanceFromPointsDeepEditd` before it"))?;
            let image_channels = usize::try_from(channels).ok();
            let image_channels =
                image_channels.ok_or_else(|| c.bad("number_intensity_ch", "is negative"))?;
            Ok(Some(Step::Clicks {
                labels,
                sigma,
                image_channels,
            }))
        }
        "AddGuidanceFromPointsDeepEditd" => {
            let names = c.value("label_names")?;
            let labels = names.as_ref().and_then(Value::as_object);
            let labels =
                labels.ok_or_else(|| c.bad("label_names", "is no mapping of names to labels"))?;
            clicks.0 = Some(labels.keys().cloned().collect());
            c.ignore(&["ref_image", "guidance", "meta_keys", "meta_key_postfix"]);
            Ok(None)
        }
        _ => {
            c.ignore(&["ref_image", "guidance", "label_names"]);
            Ok(None)
        }
    }
}

fn needed_number(c: &mut Component<'_, '_>, name: &str) -> Result<f64> {
    let number = c.number(name)?;
    number.ok_or_else(|| c.bad(name, "is not given"))
}

fn needed_wholes(c: &mut Component<'_, '_>, name: &str) -> Result<Vec<i64>> {
    let values = c.wholes(name)?;
    values.ok_or_else(|| c.bad(name, "is not given"))
}
