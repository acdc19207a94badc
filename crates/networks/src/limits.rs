//! How large the numbers of a network's config may be: larger ones belong to no network, and products of them
//! (voxels of a kernel, parameters, bytes) would not fit in 64 bits.

use crate::{Error, NetworkConfig, Result};
use serde_json::Value;

/// Voxels along one axis of a kernel or a stride, and layers or blocks of one kind.
const MOST_ALONG_AXIS: u64 = 255;
/// Channels, features, sizes in voxels.
const MOST: u64 = 65_536;
/// Levels, stages and other entries of a list.
const MOST_ENTRIES: usize = 64;
/// Parts of names of keys for which [`MOST_ALONG_AXIS`] holds.
const SMALL: [&str; 7] = [
    "kernel", "stride", "blocks", "n_conv", "depth", "num_res", "window",
];

impl NetworkConfig {
    /// Checks that no number of the config is larger than any network's.
    ///
    /// # Errors
    /// [`Error::BadConfig`] with the key.
    pub(crate) fn check_limits(&self) -> Result<()> {
        if matches!(self, Self::Custom(_)) {
            return Ok(());
        }
        let network = self.architecture().name();
        let value = serde_json::to_value(self).map_err(Error::custom)?;
        limited("", &value).map_err(|problem| Error::BadConfig { network, problem })
    }
}

/// Checks that the value of a key, and all within it, are small enough.
fn limited(key: &str, value: &Value) -> std::result::Result<(), String> {
    match value {
        Value::Number(number) => {
            let small = SMALL.iter().any(|part| key.contains(part));
            let most = if small { MOST_ALONG_AXIS } else { MOST };
            let size = number.as_f64().map_or(f64::INFINITY, f64::abs);
            if size > most as f64 {
                return Err(format!("`{key}` must be at most {most}, not {number}"));
            }
        }
        Value::Array(entries) => {
            if entries.len() > MOST_ENTRIES {
                let count = entries.len();
                return Err(format!(
                    "`{key}` must have at most {MOST_ENTRIES} entries, not {count}"
                ));
            }
            entries.iter().try_for_each(|entry| limited(key, entry))?;
        }
        Value::Object(entries) => {
            for (key, entry) in entries {
                limited(key, entry)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_beyond_any_network_are_refused_by_their_key() {
        let unet = |key: &str, value: Value| -> String {
            let mut config = json!({"unet": {"channels": [4, 8], "strides": [2]}});
            config["unet"][key] = value;
            let config: NetworkConfig = serde_json::from_value(config).unwrap();
            config
                .check()
                .err()
                .map_or(String::new(), |error| error.to_string())
        };
        assert_eq!(unet("kernel_size", json!(255)), "");
        for (key, value) in [
            ("kernel_size", json!(257)),
            ("kernel_size", json!([3, 3, u64::MAX])),
            ("up_kernel_size", json!(1_000_001)),
            ("strides", json!([1u64 << 40])),
            ("channels", json!([4, 1u64 << 40])),
            ("channels", json!(vec![4; 65])),
            ("in_channels", json!(u64::MAX)),
            ("out_channels", json!(65_537)),
            ("num_res_units", json!(u64::MAX)),
        ] {
            let message = unet(key, value.clone());
            assert!(message.contains(&format!("`{key}`")), "{value}: {message}");
        }
    }
}
