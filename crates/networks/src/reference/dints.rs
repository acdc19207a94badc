//! MONAI's `DiNTS`, whose `dints_space` is a `TopologyInstance` with the codes of an architecture.

use super::Arguments;
use super::monai::{activation, norm};
use crate::{DiNTSConfig, Result};
use serde_json::Value;

pub(super) fn dints(arguments: &mut Arguments) -> Result<DiNTSConfig> {
    let default = DiNTSConfig::default();
    let Some(space) = arguments.take("dints_space") else {
        return Err(arguments.wrong(
            "dints_space",
            "is missing; a `TopologyInstance` is expected",
        ));
    };
    let mut space = Arguments::of(&space, "`dints_space`")?;
    let target: String = space.need("_target_")?;
    if target.rsplit('.').next() != Some("TopologyInstance") {
        return Err(space.wrong(
            "_target_",
            format!("is `{target}`; only an architecture that was found, a `TopologyInstance`, is understood"),
        ));
    }
    space.take("_mode_");
    space.take("device");
    let spatial_dims = arguments.read("spatial_dims", 3)?;
    let use_downsample = arguments.read("use_downsample", true)?;
    // Both have these, and MONAI's network fails where they differ.
    space.only(
        "spatial_dims",
        if spatial_dims == 2 {
            2.into()
        } else {
            3.into()
        },
    )?;
    space.only("use_downsample", use_downsample.into())?;
    let own_activation = activation(arguments, "act_name", default.activation)?;
    let own_norm = norm(arguments, "norm_name", Some(default.norm))?;
    let inner_activation = activation(&mut space, "act_name", default.activation)?;
    let inner_norm = norm(&mut space, "norm_name", Some(default.norm))?;
    if own_activation != inner_activation || own_norm != inner_norm {
        return Err(space.wrong(
            "act_name` or `norm_name",
            "differs from that of `DiNTS`, which is not supported",
        ));
    }
    let [paths, operations] = codes(&mut space)?;
    let node_a = match arguments.take("node_a") {
        Some(value) => code(&value).ok_or_else(|| arguments.wrong("node_a", NO_CODE))?,
        None => Vec::new(),
    };
    let config = DiNTSConfig {
        spatial_dims,
        in_channels: arguments.need("in_channels")?,
        out_channels: arguments.need("num_classes")?,
        channel_mul: space.read("channel_mul", default.channel_mul)?,
        num_blocks: space.read("num_blocks", default.num_blocks)?,
        num_depths: space.read("num_depths", default.num_depths)?,
        use_downsample,
        arch_code_a: paths,
        arch_code_c: operations,
        node_a,
        activation: own_activation,
        norm: own_norm
            .ok_or_else(|| arguments.wrong("norm_name", "is null; a norm is expected"))?,
    };
    space.finish()?;
    Ok(config)
}

const NO_CODE: &str = "holds no rows of whole numbers from 0 to 255";

fn codes(space: &mut Arguments) -> Result<[Vec<Vec<u8>>; 2]> {
    let value = space.take("arch_code");
    match value.as_ref().and_then(Value::as_array).map(Vec::as_slice) {
        Some([paths, operations]) => match (code(paths), code(operations)) {
            (Some(paths), Some(operations)) => Ok([paths, operations]),
            _ => Err(space.wrong("arch_code", NO_CODE)),
        },
        _ => Err(space.wrong(
            "arch_code",
            "holds no pair; the codes of paths and of operations are expected",
        )),
    }
}

/// Rows of small whole numbers, which files also hold as reals.
fn code(value: &Value) -> Option<Vec<Vec<u8>>> {
    let number = |value: &Value| {
        let value = match value {
            Value::Bool(value) => f64::from(u8::from(*value)),
            other => other.as_f64()?,
        };
        (value.fract() == 0.0 && (0.0..=255.0).contains(&value)).then_some(value as u8)
    };
    let row = |value: &Value| value.as_array()?.iter().map(number).collect();
    value.as_array()?.iter().map(row).collect()
}
