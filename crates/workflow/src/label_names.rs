//! The names of labels from a segmentation's own header, the record of a prediction next to it, or the list of its
//! dataset.

use std::collections::BTreeMap;
use std::path::Path;
use vesalius_io::{ReadOptions, probe_with, read_label_names, strip_extension};

/// Files that name the labels of files next to or below them.
const RECORDS: [&str; 2] = ["predicted_by.json", "dataset.json"];

/// Names by value from a segmentation's header, the label file next to it, or a record in its folder or the one
/// above: the first that has any.
pub(crate) fn label_names(file: &Path, reading: &ReadOptions) -> BTreeMap<u32, String> {
    let of_list = |list: Vec<vesalius_io::LabelName>| {
        let named = list.into_iter().filter(|label| !label.name.is_empty());
        named.map(|label| (label.value, label.name)).collect()
    };
    let header = probe_with(file, reading).map(|info| of_list(info.labels));
    let beside = file.with_file_name(format!("{}.label", strip_extension(file)));
    let beside = beside.is_file().then(|| read_label_names(beside));
    let beside = beside.and_then(Result::ok).map(of_list);
    let folders = file.ancestors().skip(1).take(2);
    let records = folders.flat_map(|folder| RECORDS.map(|name| folder.join(name)));
    let mut found = header.ok().into_iter().chain(beside);
    found
        .find(|names: &BTreeMap<u32, String>| !names.is_empty())
        .or_else(|| {
            records
                .map(|path| of_record(&path))
                .find(|names| !names.is_empty())
        })
        .unwrap_or_default()
}

/// The names in a record; none where it is absent or has none.
fn of_record(path: &Path) -> BTreeMap<u32, String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let record: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let mut names = BTreeMap::new();
    let labels = match &record["model"]["labels"] {
        serde_json::Value::Null => &record["labels"],
        labels => labels,
    };
    named(labels, &mut names);
    names.retain(|value, _| *value != 0);
    names
}

/// Names of all objects with `name` and `value`, and of the forms `{"1": "name"}` and `{"name": 1}`.
fn named(labels: &serde_json::Value, names: &mut BTreeMap<u32, String>) {
    use serde_json::Value;
    let number = |value: &Value| value.as_u64().and_then(|value| u32::try_from(value).ok());
    match labels {
        Value::Array(list) => list.iter().for_each(|label| named(label, names)),
        Value::Object(fields) => {
            let value = fields.get("value").or(fields.get("paint")).and_then(number);
            if let (Some(value), Some(Value::String(name))) = (value, fields.get("name")) {
                names.insert(value, name.clone());
                return;
            }
            for (key, field) in fields {
                match (key.parse(), field) {
                    (Ok(value), Value::String(name)) => {
                        names.insert(value, name.clone());
                    }
                    (Err(_), field) if field.is_number() => {
                        names.extend(number(field).map(|value| (value, key.clone())));
                    }
                    _ => named(field, names),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_record_of_a_prediction_and_from_datasets_of_both_forms() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("out/a.nii");
        std::fs::create_dir(folder.path().join("out")).unwrap();
        let reading = ReadOptions::default();
        assert!(label_names(&file, &reading).is_empty());
        let expected = BTreeMap::from([(1, "liver".to_owned()), (3, "tumour".to_owned())]);
        for text in [
            r#"{"labels": {"0": "background", "1": "liver", "3": "tumour"}}"#,
            r#"{"labels": {"background": 0, "liver": 1, "tumour": 3}}"#,
        ] {
            std::fs::write(folder.path().join("dataset.json"), text).unwrap();
            assert_eq!(label_names(&file, &reading), expected);
        }
        let record = r#"{"model": {"labels": {"exclusive": {"classes": [{"name": "background", "value": 0}, {"name": "spleen", "value": 1}]}}}}"#;
        std::fs::write(folder.path().join("out/predicted_by.json"), record).unwrap();
        let expected = BTreeMap::from([(1, "spleen".to_owned())]);
        assert_eq!(label_names(&file, &reading), expected);
    }
}
