//! `%` macros, which stand for what is written elsewhere: `%id`, `%file.json::id`; and relative ids, `@::id`.

use crate::read::{TextFormat, parse};
use crate::source::{CONFIGS, Source, inside};
use serde_json::Value;

/// A macro's path and id, without the `%`; either may be empty.
pub(crate) fn parts(text: &str) -> (&str, &str) {
    let lower = text.to_ascii_lowercase();
    let ends = [".json", ".yaml", ".yml"].into_iter().flat_map(|ending| {
        lower
            .match_indices(ending)
            .map(move |(at, _)| at + ending.len())
            .collect::<Vec<_>>()
    });
    let of_path = ends
        .filter(|end| text.len() == *end || text[*end..].starts_with("::"))
        .max();
    match of_path {
        None => ("", text),
        Some(end) => (&text[..end], text[end..].trim_start_matches("::")),
    }
}

/// The paths of the files that the macros in a config name.
pub(crate) fn files_named(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| files_named(value, found)),
        Value::Object(values) => values.values().for_each(|value| files_named(value, found)),
        Value::String(text) => {
            let normal = text.replace('#', "::");
            let path = normal.strip_prefix('%').map_or("", |text| parts(text).0);
            if !path.is_empty() && !found.iter().any(|known| known == path) {
                found.push(path.to_owned());
            }
        }
        _ => {}
    }
}

/// The content of a file of the bundle; the path is from the bundle's folder, or from that of its configs.
pub(crate) fn file(source: Option<&Source>, path: &str) -> Result<Value, String> {
    let source = source.ok_or("which is in another file, but this config has no folder")?;
    let name = inside(path).ok_or("which is not inside the bundle")?;
    let in_configs = format!("{CONFIGS}/{name}");
    let name = match source.has(&name) || !source.has(&in_configs) {
        true => name,
        false => in_configs,
    };
    if !source.has(&name) {
        return Err("which is in a file that the bundle does not have".to_owned());
    }
    let format = TextFormat::of_name(&name).ok_or("which is in a file that is no config")?;
    let text = source
        .text(&name)
        .map_err(|e| format!("which cannot be read: {e}"))?;
    parse(&text, format).map_err(|reason| format!("in a file that cannot be read: {reason}"))
}

/// A text at an id with its relative ids (`@::a` beside it, `@::::a` one level up) made whole; `None` where one has more
/// levels than the id.
pub(crate) fn absolute(text: &str, id: &str) -> Option<String> {
    let mut whole = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['@', '%']) {
        let (before, after) = rest.split_at(at + 1);
        whole.push_str(before);
        let mut levels = 0;
        rest = after;
        while let Some(next) = rest.strip_prefix("::") {
            levels += 1;
            rest = next;
        }
        if levels > 0 {
            let of_id: Vec<&str> = id.split("::").collect();
            let kept = of_id.len().checked_sub(levels)?;
            for part in &of_id[..kept] {
                whole.push_str(part);
                whole.push_str("::");
            }
        }
    }
    whole.push_str(rest);
    Some(whole)
}
