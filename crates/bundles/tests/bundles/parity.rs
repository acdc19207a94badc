//! What MONAI's own `ConfigParser` resolves, stored by `tests/parity/bundle_config.py`, is resolved here.

use crate::made;
use crate::shared::shared;
use serde_json::{Map, Value, json};
use vesalius_bundles::{Bundle, Config, Dtype, Step};

fn stored() -> Value {
    serde_json::from_str(include_str!("monai.json")).unwrap()
}

/// Whether two values are equal; 1 and 1.0 are.
fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, a)| b.get(key).is_some_and(|b| equal(a, b)))
        }
        _ => a == b,
    }
}

fn compare(config: &Config, id: &str, arguments: &Map<String, Value>) -> usize {
    for (name, expected) in arguments {
        let id = format!("{id}::{name}");
        let found = config
            .resolve(&id)
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        assert!(
            equal(&found, expected),
            "{id}: {found}, MONAI has {expected}"
        );
    }
    arguments.len()
}

#[test]
fn the_zoos_configs_have_monais_values() {
    let Some(folder) = shared("data/bundles") else {
        return;
    };
    let stored = stored();
    let mut compared = 0;
    for (name, expected) in stored["bundles"].as_object().unwrap() {
        let bundle = Bundle::open(&folder.join(name)).unwrap();
        let config = bundle.config();
        for part in ["network_def", "inferer"] {
            compared += compare(config, part, expected[part].as_object().unwrap());
        }
        for part in ["preprocessing", "postprocessing"] {
            for (index, transform) in expected[part].as_array().unwrap().iter().enumerate() {
                let id = format!("{part}::transforms::{index}");
                assert_eq!(
                    config.resolve(&format!("{id}::_target_")).unwrap(),
                    transform["class"]
                );
                compared += compare(config, &id, transform["arguments"].as_object().unwrap());
            }
        }
        let mut bundle = bundle;
        let nearest = "postprocessing::transforms::2::nearest_interp";
        if name == "prostate_mri_anatomy" {
            bundle.config_mut().set(nearest, json!(true)).unwrap();
        }
        let path = bundle.describe().unwrap().weights.path;
        assert_eq!(format!("./{path}"), expected["load_path"].as_str().unwrap());
    }
    println!("{compared} values of {}", stored["monai"]);
    assert!(compared > 400, "{compared}");
}

#[test]
fn small_configs_have_monais_values() {
    let stored = stored();
    let forms = stored["forms"].as_array().unwrap();
    assert!(forms.len() >= 15);
    for form in forms {
        let config = Config::from_value(form["config"].clone()).unwrap();
        let expected = &form["value"];
        let whole = form["config"].as_object().unwrap().keys();
        let found = match form["id"].as_str().unwrap() {
            "" => whole
                .map(|id| (id.clone(), config.resolve(id).unwrap()))
                .collect::<Map<_, _>>()
                .into(),
            id => config
                .resolve(id)
                .unwrap_or_else(|error| panic!("{form}: {error}")),
        };
        assert!(equal(&found, expected), "{form}: {found}");
    }
}

#[test]
fn defaults_are_monais() {
    let stored = stored();
    let defaults = |class: &str| stored["defaults"][class].clone();
    let mut config = made::config();
    config["preprocessing"]["transforms"] = json!([
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "Spacingd", "keys": "image", "pixdim": [1, 1, 1]},
        {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": 0, "a_max": 1},
        {"_target_": "ScaleIntensityd", "keys": "image"},
        {"_target_": "NormalizeIntensityd", "keys": "image"},
        {"_target_": "CropForegroundd", "keys": "image", "source_key": "image"},
        {"_target_": "SpatialPadd", "keys": "image", "spatial_size": 8},
        {"_target_": "Resized", "keys": "image", "spatial_size": 8}
    ]);
    config["postprocessing"]["transforms"] = json!([
        {"_target_": "AsDiscreted", "keys": "pred", "argmax": true},
        {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image"},
        {"_target_": "KeepLargestConnectedComponentd", "keys": "pred"},
        {"_target_": "RemoveSmallObjectsd", "keys": "pred"},
        {"_target_": "FillHolesd", "keys": "pred"},
        {"_target_": "SaveImaged", "keys": "pred"}
    ]);
    let found = made::describe(&config).unwrap();
    let all = serde_json::to_value(&found).unwrap();
    let before = |index: usize, key: &str| all["preprocessing"][index]["step"][key].clone();
    let after = |index: usize, key: &str| all["postprocessing"][index]["step"][key].clone();
    let check = |found: &Value, class: &str, pairs: &[(&str, &str)]| {
        for (ours, theirs) in pairs {
            let (found, expected) = (&found[*ours], &defaults(class)[*theirs]);
            assert!(
                equal(found, expected),
                "{class}.{theirs}: {found}, MONAI has {expected}"
            );
        }
    };
    let same = |names: &[&'static str]| names.iter().map(|name| (*name, *name)).collect::<Vec<_>>();
    check(
        &before(1, "spacing"),
        "Spacingd",
        &same(&[
            "diagonal",
            "align_corners",
            "scale_extent",
            "recompute_affine",
        ]),
    );
    check(
        &before(2, "scale_range"),
        "ScaleIntensityRanged",
        &[("clip", "clip")],
    );
    check(
        &before(3, "scale_min_max"),
        "ScaleIntensityd",
        &same(&["channel_wise"]),
    );
    assert!(equal(
        &before(3, "scale_min_max")["to"],
        &json!([
            defaults("ScaleIntensityd")["minv"],
            defaults("ScaleIntensityd")["maxv"]
        ])
    ));
    check(
        &before(4, "normalize"),
        "NormalizeIntensityd",
        &same(&["nonzero", "channel_wise", "subtrahend", "divisor"]),
    );
    check(
        &before(5, "crop_foreground"),
        "CropForegroundd",
        &[
            ("allow_smaller", "allow_smaller"),
            ("mode", "mode"),
            ("channels", "channel_indices"),
        ],
    );
    check(&before(6, "pad"), "SpatialPadd", &[("mode", "mode")]);
    check(&before(7, "resize"), "Resized", &[("mode", "mode")]);
    check(
        &after(1, "invert"),
        "Invertd",
        &[("is_nearest", "nearest_interp")],
    );
    check(
        &after(2, "keep_largest"),
        "KeepLargestConnectedComponentd",
        &[
            ("labels", "applied_labels"),
            ("independent", "independent"),
            ("connectivity", "connectivity"),
            ("components", "num_components"),
        ],
    );
    check(
        &after(3, "remove_small"),
        "RemoveSmallObjectsd",
        &same(&[
            "min_size",
            "connectivity",
            "independent_channels",
            "by_measure",
        ]),
    );
    check(
        &after(4, "fill_holes"),
        "FillHolesd",
        &[
            ("labels", "applied_labels"),
            ("connectivity", "connectivity"),
        ],
    );
    check(
        &all["save"],
        "SaveImaged",
        &[
            ("extension", "output_ext"),
            ("postfix", "output_postfix"),
            ("separate_folder", "separate_folder"),
            ("resample", "resample"),
            ("squeeze_end_dims", "squeeze_end_dims"),
        ],
    );
    let written = &defaults("SaveImaged")["output_dtype"]["_constant_"];
    assert_eq!(
        (found.save.unwrap().dtype, written),
        (Some(Dtype::Float32), &json!("float32"))
    );
    assert!(matches!(found.preprocessing[0].step, Step::Load { .. }));
}
