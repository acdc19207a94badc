//! Settings put into a config by their keys, for configs of any type.

use super::{Result, SearchError, Settings};
use serde_json::Value;
use vesalius_transforms::nearest_name;

/// The config with these keys replaced: `optimizer.adamw.learning_rate` is looked up part by part, and a number is
/// an index of a list. A key must exist, so that a misspelt key is an error; where the config has another choice
/// (`sgd` in place of `adamw`), replace the map above it.
///
/// ```
/// use serde_json::json;
/// use vesalius_auto::search::{Setting, Settings, with_settings};
///
/// let config = json!({"optimizer": {"adamw": {"learning_rate": 0.001}}, "batch_size": 2});
/// let key = "optimizer.adamw.learning_rate".to_owned();
/// let changed = with_settings(&config, &Settings::from([(key, Setting::Float(0.01))]))?;
/// assert_eq!(changed["optimizer"]["adamw"]["learning_rate"], 0.01);
///
/// let misspelt = Settings::from([("batch_sise".to_owned(), Setting::Int(4))]);
/// assert!(with_settings(&config, &misspelt).unwrap_err().to_string().contains("batch_size"));
/// # Ok::<(), vesalius_auto::search::SearchError>(())
/// ```
///
/// # Errors
/// [`SearchError::UnknownKey`] with the most similar key there is.
pub fn with_settings(config: &Value, settings: &Settings) -> Result<Value> {
    let mut config = config.clone();
    for (key, setting) in settings {
        let unknown = |config: &Value| SearchError::UnknownKey {
            key: key.clone(),
            nearest: nearest(key, config),
        };
        let Some(place) = look_up(&mut config, key) else {
            return Err(unknown(&config));
        };
        *place = serde_json::to_value(setting).map_err(|e| SearchError::Space(e.to_string()))?;
    }
    Ok(config)
}

fn look_up<'a>(config: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    key.split('.').try_fold(config, |value, part| match value {
        Value::Object(map) => map.get_mut(part),
        Value::Array(list) => list.get_mut(part.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The existing key that was probably meant.
fn nearest(key: &str, config: &Value) -> Option<String> {
    let mut keys = Vec::new();
    collect(config, "", &mut keys);
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    nearest_name(key, &names).map(str::to_owned)
}

fn collect(value: &Value, prefix: &str, keys: &mut Vec<String>) {
    let mut push = |part: &str, inner: &Value| {
        let key = match prefix {
            "" => part.to_owned(),
            prefix => format!("{prefix}.{part}"),
        };
        collect(inner, &key, keys);
        keys.push(key);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(part, inner)| push(part, inner)),
        Value::Array(list) => (0..)
            .zip(list)
            .for_each(|(n, inner): (usize, _)| push(&n.to_string(), inner)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Setting;
    use serde_json::json;

    #[test]
    fn settings_replace_what_is_there_and_nothing_else() {
        let config =
            json!({"optimizer": {"adamw": {"learning_rate": 0.1}}, "patch": {"size": [32, 48]}});
        let set = |key: &str, value: Setting| {
            with_settings(&config, &Settings::from([(key.to_owned(), value)]))
        };
        let changed = set("optimizer.adamw.learning_rate", Setting::Float(0.5)).unwrap();
        assert_eq!(changed["optimizer"]["adamw"]["learning_rate"], 0.5);
        assert_eq!(changed["patch"], config["patch"]);
        assert_eq!(
            set("patch.size.1", Setting::Int(64)).unwrap()["patch"]["size"],
            json!([32, 64])
        );
        let error = set("optimiser.adamw.learning_rate", Setting::Float(0.5))
            .unwrap_err()
            .to_string();
        assert!(error.contains("optimizer.adamw.learning_rate?"), "{error}");
        assert!(set("patch.size.2", Setting::Int(64)).is_err());
    }
}
