//! The transforms before the network that move voxels, with MONAI 1.6's defaults and every argument looked at.

use super::transforms::{needed_wholes, not_cast};
use crate::Result;
use crate::component::Component;
use crate::description::{About, Padding};
use crate::note::Note;
use crate::step::{CropForeground, Interpolation, ResizeMode, Spacing, Step};
use serde_json::Value;

pub(super) fn orient(c: &mut Component<'_, '_>) -> Result<Step> {
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

pub(super) fn spacing(c: &mut Component<'_, '_>) -> Result<Step> {
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

pub(super) fn crop_foreground(c: &mut Component<'_, '_>, about: &About) -> Result<Step> {
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

pub(super) fn pad(c: &mut Component<'_, '_>, size: &str) -> Result<Step> {
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

pub(super) fn resize(c: &mut Component<'_, '_>) -> Result<Step> {
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
