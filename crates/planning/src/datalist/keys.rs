//! Misspelt keys of a list. Lists of the Decathlon, of Auto3DSeg and of nnU-Net carry further keys that have
//! no meaning here and are ignored; one that is nearly a key that is read, and which the list lacks, was meant
//! as that key.

use serde_json::{Map, Value};
use vesalius_volume::nearest_name;

type Checked = Result<(), String>;

/// Keys of a list that are read.
const LIST: [&str; 11] = [
    "name",
    "modality",
    "channel_names",
    "labels",
    "regions_class_order",
    "training",
    "validation",
    "test",
    "testing",
    "file_ending",
    "dataset",
];
/// Keys of published lists that have no meaning here.
const OTHERS: [&str; 17] = [
    "description",
    "reference",
    "licence",
    "license",
    "release",
    "relase",
    "tensorImageSize",
    "tensorimagesize",
    "numTraining",
    "numTest",
    "numtraining",
    "numtest",
    "numValidation",
    "overwrite_image_reader_writer",
    "dataset_name",
    "citation",
    "converted_by",
];
/// Keys of a case that are read, and those of Auto3DSeg's lists that have no meaning here.
const CASE: [&str; 6] = ["image", "label", "fold", "patient", "subject", "group"];
/// Keys that mean the same: with one of them there, the others are not missed.
const SAME: [&[&str]; 3] = [
    &["patient", "subject", "group"],
    &["test", "testing"],
    &["modality", "channel_names"],
];

/// Checks that no key is a misspelling of one that is read; `further` are the further image keys of a case.
pub(super) fn check(list: &Value, further: &[String]) -> Checked {
    let Some(list) = list.as_object() else {
        return Ok(());
    };
    look(list, &LIST, &OTHERS, "")?;
    let further = || further.iter().map(String::as_str);
    for part in ["training", "validation", "test", "testing"] {
        let (known, others): (Vec<&str>, &[&str]) = match part {
            "training" | "validation" => (CASE.into_iter().chain(further()).collect(), &[]),
            _ => (["image"].into_iter().chain(further()).collect(), &CASE),
        };
        let cases = list.get(part).and_then(Value::as_array);
        for (position, case) in cases.into_iter().flatten().enumerate() {
            if let Some(case) = case.as_object() {
                look(case, &known, others, &format!("{part}[{position}]."))?;
            }
        }
    }
    Ok(())
}

fn look(map: &Map<String, Value>, known: &[&str], others: &[&str], place: &str) -> Checked {
    let there = |name: &str| {
        let same = SAME.iter().find(|names| names.contains(&name));
        match same {
            Some(names) => names.iter().any(|name| map.contains_key(*name)),
            None => map.contains_key(name),
        }
    };
    let strange = map
        .keys()
        .map(String::as_str)
        .filter(|key| !known.contains(key) && !others.contains(key));
    for key in strange {
        if let Some(meant) = slip(key, known).find(|name| !there(name)) {
            return Err(format!(
                "has the unknown key `{place}{key}`; did you mean `{meant}`?"
            ));
        }
    }
    Ok(())
}

/// The names that a key may be a misspelling of.
pub(super) fn slip<'a>(key: &'a str, known: &'a [&'a str]) -> impl Iterator<Item = &'a str> {
    // `train` is a misspelling of `training` and `folds` one of `fold`; `label_path` is another word.
    let longer = |name: &str| key.contains(name) && key.len() > name.len() + 1;
    let is_slip = move |name: &&str| nearest_name(key, &[name]).is_some() && !longer(name);
    known.iter().copied().filter(is_slip)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(list: Value) -> Option<String> {
        check(&list, &["image2".to_owned()]).err()
    }

    #[test]
    fn slips_are_named_with_what_was_meant() {
        let case = |key: &str| json!({"image": "a", "label": "b", key: 0});
        for (list, key, meant) in [
            (
                json!({"training": [case("fold"), case("flod")]}),
                "training[1].flod",
                "fold",
            ),
            (
                json!({"training": [case("fold:")]}),
                "training[0].fold:",
                "fold",
            ),
            (
                json!({"training": [case("Fold")]}),
                "training[0].Fold",
                "fold",
            ),
            (
                json!({"training": [case("folds")]}),
                "training[0].folds",
                "fold",
            ),
            (
                json!({"training": [], "testing": [{"imag": "a"}]}),
                "testing[0].imag",
                "image",
            ),
            (json!({"training": [case("patint")]}), "patint", "patient"),
            (json!({"training": [case("imge2")]}), "imge2", "image2"),
            (
                json!({"training": [], "valdiation": []}),
                "valdiation",
                "validation",
            ),
            (json!({"train": []}), "train", "training"),
            (json!({"training": [], "lables": {}}), "lables", "labels"),
            (
                json!({"training": [], "region_class_order": []}),
                "region_class_order",
                "regions_class_order",
            ),
        ] {
            let text = message(list).unwrap_or_default();
            assert!(
                text.contains(key) && text.contains(&format!("`{meant}`")),
                "{key}: {text}"
            );
        }
    }

    #[test]
    fn keys_of_the_peers_and_of_others_are_left_alone() {
        let case = json!({"image": "a", "label": "b", "fold": 0, "image2": "c", "pseudo": true, "class": 1, "label_path": "x"});
        let list = json!({
            "name": "T", "description": "d", "reference": "r", "licence": "l", "relase": "1.0",
            "tensorImageSize": "3D", "modality": {}, "labels": {}, "numTraining": 1, "numTest": 0,
            "training": [case], "test": [{"image": "a", "pseudo_label": "p"}], "authors": "somebody", "institution": "elsewhere",
        });
        assert_eq!(message(list), None);
    }
}
