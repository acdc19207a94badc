//! How a result is written.

use crate::Result;
use crate::component::Component;
use crate::post_step::Save;
use crate::step::Dtype;
use crate::value::constant_name;
use serde_json::Value;

pub(super) fn save(c: &mut Component<'_, '_>) -> Result<Save> {
    let extension = c
        .text("output_ext")?
        .unwrap_or_else(|| ".nii.gz".to_owned());
    let postfix = c
        .text("output_postfix")?
        .unwrap_or_else(|| "trans".to_owned());
    let dtype = match c.node("output_dtype") {
        None => Some(Dtype::Float32),
        Some(node) => match c.work().resolver.force_node(node)? {
            Value::Null => None,
            value => {
                let found = constant_name(&value).or(value.as_str());
                let dtype = found.and_then(crate::component::dtype);
                Some(dtype.ok_or_else(|| {
                    c.bad(
                        "output_dtype",
                        format!("is {value}, which is no known type of numbers"),
                    )
                })?)
            }
        },
    };
    if let Some(scale) = c.value("scale")? {
        return Err(c.bad(
            "scale",
            format!("is {scale}, which would change the labels"),
        ));
    }
    c.ignore(&[
        "meta_keys",
        "meta_key_postfix",
        "output_dir",
        "mode",
        "padding_mode",
        "dtype",
        "data_root_dir",
        "print_log",
        "output_format",
        "writer",
        "savepath_in_metadict",
        "output_name_formatter",
        "folder_layout",
    ]);
    Ok(Save {
        id: c.id.clone(),
        extension,
        postfix,
        dtype,
        separate_folder: c.flag("separate_folder", true)?,
        resample: c.flag("resample", false)?,
        squeeze_end_dims: c.flag("squeeze_end_dims", true)?,
    })
}
