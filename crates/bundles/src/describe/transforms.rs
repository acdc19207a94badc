//! One transform before the network, with MONAI 1.6's defaults and every argument looked at.

use super::spatial;
use crate::Result;
use crate::component::Component;
use crate::description::About;
use crate::note::Note;
use crate::step::{ChannelAxis, Dtype, Reader, Step};
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

/// The steps of a transform; one without effect has none. `joined` are the inputs of one that
/// joins some.
pub(super) fn read(
    mut c: Component<'_, '_>,
    joined: Option<Vec<String>>,
    clicks: &mut Clicks,
    about: &About,
) -> Result<Vec<Step>> {
    if c.class.starts_with("scripts.") {
        c.work().note(Note::ClassByName {
            id: c.id.clone(),
            class: c.class.clone(),
        });
    }
    let steps: Vec<Step> = match (joined, c.class.as_str()) {
        (Some(inputs), _) => vec![concatenate(&mut c, inputs)?],
        (None, "LoadImaged") => load(&mut c)?,
        (None, "EnsureChannelFirstd") => vec![channel_first(&mut c)?],
        (None, "EnsureTyped" | "CastToTyped" | "ToDeviced" | "ToTensord") => {
            typed(&mut c)?.into_iter().collect()
        }
        (None, "Orientationd") => vec![spatial::orient(&mut c)?],
        (None, "Spacingd") => vec![spatial::spacing(&mut c)?],
        (None, "ScaleIntensityRanged") => vec![scale_range(&mut c)?],
        (None, "ScaleIntensityd") => vec![scale(&mut c)?],
        (None, "NormalizeIntensityd") => vec![normalize(&mut c)?],
        (None, "CropForegroundd") => vec![spatial::crop_foreground(&mut c, about)?],
        (None, "SpatialPadd") => vec![spatial::pad(&mut c, "spatial_size")?],
        (None, "DivisiblePadd") => vec![spatial::pad(&mut c, "k")?],
        (None, "CenterSpatialCropd") => vec![Step::CropCentre {
            size: needed_wholes(&mut c, "roi_size")?,
        }],
        (None, "Resized") => vec![spatial::resize(&mut c)?],
        (None, class) if is_of_clicks(class) => of_clicks(&mut c, clicks)?.into_iter().collect(),
        _ => return Err(c.unknown("as a step before the network")),
    };
    not_lazy(&mut c)?;
    c.finish()?;
    Ok(steps)
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

fn load(c: &mut Component<'_, '_>) -> Result<Vec<Step>> {
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
    let mut steps = vec![Step::Load { reader }];
    if c.flag("ensure_channel_first", false)? {
        let channels = ChannelAxis::ByFile;
        steps.push(Step::ChannelFirst { channels });
    }
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
    Ok(steps)
}

/// A type of numbers that changes the values is not supported inside a transform of intensities.
pub(super) fn not_cast(c: &mut Component<'_, '_>) -> Result<()> {
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

pub(super) fn needed_wholes(c: &mut Component<'_, '_>, name: &str) -> Result<Vec<i64>> {
    let values = c.wholes(name)?;
    values.ok_or_else(|| c.bad(name, "is not given"))
}
