//! How the network is applied.

use crate::Result;
use crate::component::{Component, Work};
use crate::description::{Blending, InfererSpec, Padding, SlidingWindow};
use crate::resolve::Item;

/// Arguments that choose where and in what order the same numbers are computed.
const WITHOUT_EFFECT: [&str; 7] = [
    "sw_device",
    "device",
    "progress",
    "cache_roi_weight_map",
    "cpu_thresh",
    "buffer_steps",
    "buffer_dim",
];

pub(super) fn read(
    work: &Work<'_>,
    item: Option<Item<'_>>,
    dimensions: usize,
) -> Result<InfererSpec> {
    // The evaluator has a `SimpleInferer` of its own.
    let Some(item) = item else {
        return Ok(InfererSpec::Simple);
    };
    let mut inferer = Component::of(work, item, "inferer")?;
    let spec = match inferer.class.as_str() {
        "SimpleInferer" => InfererSpec::Simple,
        "SlidingWindowInferer" | "SlidingWindowInfererAdapt" => {
            InfererSpec::SlidingWindow(window(&mut inferer, dimensions)?)
        }
        "SliceInferer" => {
            let axis = inferer.whole("spatial_dim")?.unwrap_or(0);
            let axis = u8::try_from(axis).ok().filter(|axis| *axis < 3);
            InfererSpec::Slice {
                axis: axis.ok_or_else(|| inferer.bad("spatial_dim", "is no axis of an image"))?,
                window: window(&mut inferer, 2)?,
            }
        }
        _ => return Err(inferer.unknown("as an inferer")),
    };
    inferer.finish()?;
    Ok(spec)
}

fn window(inferer: &mut Component<'_, '_>, dimensions: usize) -> Result<SlidingWindow> {
    let roi_size = inferer.wholes("roi_size")?;
    let roi_size = roi_size.ok_or_else(|| inferer.bad("roi_size", "is not given"))?;
    let axes = if roi_size.len() == 1 {
        dimensions
    } else {
        roi_size.len()
    };
    let batch = inferer.whole("sw_batch_size")?.unwrap_or(1);
    let batch_size = usize::try_from(batch).ok().filter(|size| *size > 0);
    let batch_size = batch_size.ok_or_else(|| inferer.bad("sw_batch_size", "is not above 0"))?;
    let overlap = inferer.numbers("overlap")?.unwrap_or(vec![0.25]);
    if overlap.iter().any(|part| !(0.0..1.0).contains(part)) {
        let reason = format!("is {overlap:?}; parts from 0 to less than 1 are expected");
        return Err(inferer.bad("overlap", reason));
    }
    let sigma_scale = inferer.numbers("sigma_scale")?.unwrap_or(vec![0.125]);
    if sigma_scale.iter().any(|sigma| *sigma <= 0.0) {
        return Err(inferer.bad("sigma_scale", "is not above 0"));
    }
    let mode = match inferer.text("mode")?.as_deref() {
        None | Some("constant") => Blending::Constant,
        Some("gaussian") => Blending::Gaussian,
        Some(other) => {
            let reason = format!("is `{other}`; constant or gaussian is expected");
            return Err(inferer.bad("mode", reason));
        }
    };
    let padding_mode = match inferer.text("padding_mode")?.as_deref() {
        None | Some("constant") => Padding::Constant,
        Some("reflect") => Padding::Reflect,
        Some("replicate") => Padding::Replicate,
        Some("circular") => Padding::Circular,
        Some(other) => {
            let reason =
                format!("is `{other}`; constant, reflect, replicate or circular is expected");
            return Err(inferer.bad("padding_mode", reason));
        }
    };
    let cval = inferer.number("cval")?.unwrap_or(0.0);
    inferer.only("with_coord", &[])?;
    inferer.ignore(&WITHOUT_EFFECT);
    Ok(SlidingWindow {
        roi_size: for_axes(inferer, "roi_size", roi_size, axes)?,
        batch_size,
        overlap: for_axes(inferer, "overlap", overlap, axes)?,
        mode,
        sigma_scale: for_axes(inferer, "sigma_scale", sigma_scale, axes)?,
        padding_mode,
        cval,
    })
}

/// One value for each axis.
fn for_axes<T: Copy>(
    inferer: &Component<'_, '_>,
    name: &str,
    values: Vec<T>,
    axes: usize,
) -> Result<Vec<T>> {
    match values[..] {
        [one] => Ok(vec![one; axes]),
        _ if values.len() == axes => Ok(values),
        _ => {
            let reason = format!("has {} values for {axes} axes", values.len());
            Err(inferer.bad(name, reason))
        }
    }
}
