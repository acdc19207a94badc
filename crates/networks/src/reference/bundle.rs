//! MONAI's bundles: `network_def` of a config with its references looked up. Nothing is evaluated.

use crate::{Error, NetworkConfig, Result};
use serde_json::Value;

/// References that lead to references, at most.
const LONGEST_CHAIN: usize = 32;

impl NetworkConfig {
    /// The network of a MONAI bundle's config (`configs/inference.json`): what stands under
    /// `network_def`, or `network`, with references such as `@channels` or `@sizes::0` looked up.
    ///
    /// # Errors
    /// [`Error::UnknownArchitecture`] that names the place of an expression (`$…`), a macro (`%…`) or a
    /// reference that leads nowhere, or the argument that was not understood.
    pub fn from_monai_bundle(config: &Value) -> Result<Self> {
        let (name, found) = ["network_def", "network"]
            .iter()
            .find_map(|name| Some((*name, config.get(name)?)))
            .ok_or_else(|| unknown("the bundle's config", "it has no `network_def`".to_owned()))?;
        let found = resolved(config, found, name, LONGEST_CHAIN)?;
        Self::from_monai_or_nnunet(&found)
    }
}

fn unknown(what: &str, problem: String) -> Error {
    Error::UnknownArchitecture {
        what: what.to_owned(),
        problem,
    }
}

/// A value with every reference in it replaced by what it leads to.
fn resolved(config: &Value, value: &Value, place: &str, chain: usize) -> Result<Value> {
    let inside =
        |part: &str, value: &Value| resolved(config, value, &format!("{place}::{part}"), chain);
    match value {
        Value::Object(values) => values
            .iter()
            .map(|(key, value)| Ok((key.clone(), inside(key, value)?)))
            .collect::<Result<_>>()
            .map(Value::Object),
        Value::Array(values) => (values.iter().enumerate())
            .map(|(i, value)| inside(&i.to_string(), value))
            .collect::<Result<_>>()
            .map(Value::Array),
        Value::String(text) => match text.chars().next() {
            Some('@') => reference(config, &text[1..], place, chain),
            // An expression that is one reference is that reference.
            Some('$') => match text[1..].trim().strip_prefix('@') {
                Some(id) if id.chars().all(is_of_a_name) => reference(config, id, place, chain),
                _ => Err(unknown(
                    &format!("`{place}`"),
                    format!(
                        "`{text}` is an expression of Python, and none is run; write its value instead"
                    ),
                )),
            },
            Some('%') => Err(unknown(
                &format!("`{place}`"),
                format!("`{text}` refers to another file; write its value instead"),
            )),
            _ => Ok(value.clone()),
        },
        _ => Ok(value.clone()),
    }
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | ':' | '#')
}

fn reference(config: &Value, id: &str, place: &str, chain: usize) -> Result<Value> {
    let leads_nowhere = || {
        unknown(
            &format!("`{place}`"),
            format!("`@{id}` leads to nothing in the bundle's config"),
        )
    };
    if chain == 0 {
        let problem = format!("`@{id}` leads in a circle");
        return Err(unknown(&format!("`{place}`"), problem));
    }
    // Levels are parted by `::`, in older bundles by `#`.
    let path = id.replace('#', "::");
    let found = path
        .split("::")
        .try_fold(config, |value, part| match value {
            Value::Object(values) => values.get(part),
            Value::Array(values) => values.get(part.parse::<usize>().ok()?),
            _ => None,
        });
    resolved(config, found.ok_or_else(leads_nowhere)?, &path, chain - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bundle(channels: Value) -> Value {
        json!({
            "levels": [8, 16],
            "sizes": {"out": 3},
            "wide": "@levels",
            "around": "@circle",
            "circle": "@around",
            "network_def": {
                "_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": "@sizes::out",
                "channels": channels, "strides": [2]
            },
            "network": "$@network_def.to(@device)"
        })
    }

    #[test]
    fn references_are_looked_up() {
        for channels in [
            json!("@wide"),
            json!("$@levels"),
            json!(["@levels#0", "@levels::1"]),
        ] {
            let config = NetworkConfig::from_monai_bundle(&bundle(channels)).unwrap();
            let NetworkConfig::UNet(unet) = config else {
                panic!("a UNet");
            };
            assert_eq!((unet.channels, unet.out_channels), (vec![8, 16], 3));
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (channels, problem) in [
            (json!("$[8] * 2"), "expression"),
            (json!("@nowhere"), "leads to nothing"),
            (json!("@circle"), "circle"),
            (json!("%other.json"), "another file"),
        ] {
            let error = NetworkConfig::from_monai_bundle(&bundle(channels)).unwrap_err();
            let message = error.to_string();
            assert!(message.contains(problem), "{message}");
            assert!(
                message.contains("channels") || problem == "circle",
                "{message}"
            );
        }
        let none = NetworkConfig::from_monai_bundle(&json!({})).unwrap_err();
        assert!(none.to_string().contains("network_def"));
    }
}
