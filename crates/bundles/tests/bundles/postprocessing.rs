//! The chain after the network, and what stands where it is taken back.

use crate::made::{config, describe};
use serde_json::{Value, json};
use vesalius_bundles::{BundleDescription, Error, PostStep, Result, Rule, ValueKind};

fn chain(steps: Value) -> Result<BundleDescription> {
    let mut config = config();
    config["postprocessing"]["transforms"] = steps;
    describe(&config)
}

fn steps(found: &BundleDescription) -> Vec<&PostStep> {
    found
        .postprocessing
        .iter()
        .map(|placed| &placed.step)
        .collect()
}

fn invert(nearest: bool) -> Value {
    json!({"_target_": "Invertd", "keys": "pred", "transform": "$copy.deepcopy(@preprocessing)", "orig_keys": "image",
        "nearest_interp": nearest})
}

fn sigmoid() -> Value {
    json!({"_target_": "Activationsd", "keys": "pred", "sigmoid": true})
}

fn threshold() -> Value {
    json!({"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5})
}

fn argmax() -> Value {
    json!({"_target_": "AsDiscreted", "keys": "pred", "argmax": true})
}

#[test]
fn what_is_taken_back_is_named() {
    let softmax = json!({"_target_": "Activationsd", "keys": "pred", "softmax": true});
    for (before, after, of) in [
        (vec![], vec![argmax()], ValueKind::Logits),
        (vec![softmax.clone()], vec![argmax()], ValueKind::Exclusive),
        (vec![sigmoid()], vec![threshold()], ValueKind::Independent),
        (vec![softmax, argmax()], vec![], ValueKind::Labels),
        (vec![sigmoid(), threshold()], vec![], ValueKind::Masks),
    ] {
        let is_nearest = after.is_empty();
        let all = [before, vec![invert(is_nearest)], after].concat();
        let found = chain(json!(all)).unwrap();
        let expected = PostStep::Invert {
            of,
            is_nearest,
            like: "image".to_owned(),
        };
        assert!(steps(&found).contains(&&expected), "{:?}", steps(&found));
    }
}

#[test]
fn labels_taken_back_by_interpolation_are_refused_until_nearest_is_set() {
    let error = chain(json!([argmax(), invert(false)])).unwrap_err();
    assert!(
        matches!(&error, Error::FractionalLabels { id } if id == "postprocessing::transforms::1"),
        "{error}"
    );
    let mut config = config();
    config["postprocessing"]["transforms"] = json!([argmax(), invert(false)]);
    // Where nothing interpolates, labels stay whole.
    config["preprocessing"]["transforms"]
        .as_array_mut()
        .unwrap()
        .remove(3);
    assert!(describe(&config).is_ok());
}

#[test]
fn lambdas_and_classes_that_paint_become_rules() {
    let nest = "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] >= 0.5, 1, torch.where(x[[1]] == 1, 2, 0)))";
    let paint = json!({"_target_": "Lambdad", "keys": "pred", "func": nest});
    let found = chain(json!([sigmoid(), threshold(), paint.clone()])).unwrap();
    let rules = [(2, 4), (0, 1), (1, 2)].map(|(channel, label)| Rule { channel, label });
    let expected = PostStep::Paint {
        rules: rules.to_vec(),
        otherwise: 0,
    };
    assert_eq!(steps(&found)[2], &expected);
    let labels: Vec<(i64, usize)> = found
        .labels
        .iter()
        .map(|label| (label.value, label.channel))
        .collect();
    assert_eq!(labels, [(1, 0), (2, 1), (4, 2)]);
    let merged = json!({"_target_": "scripts.my_transforms.MergeClassesd", "keys": "pred"});
    let found = chain(json!([invert(false), sigmoid(), threshold(), merged])).unwrap();
    let rules = [(1, 1), (2, 2)].map(|(channel, label)| Rule { channel, label });
    assert_eq!(
        steps(&found)[3],
        &PostStep::Paint {
            rules: rules.to_vec(),
            otherwise: 0
        }
    );
    // Probabilities above 0 are everywhere.
    let error = chain(json!([sigmoid(), paint])).unwrap_err();
    assert!(error.to_string().contains("torch.where"), "{error}");
}

#[test]
fn other_lambdas_are_refused_with_their_text() {
    for text in [
        "$lambda x: x * 2",
        "$lambda x: torch.where(x[[0]] > 1, 1, 0)",
        "$lambda x: torch.where(x[[0]] < 1, 1, 0)",
        "$lambda x: torch.where(x[0] > 0, 1, 0)",
        "$lambda x: torch.where(y[[0]] > 0, 1, 0)",
        "$lambda x: np.where(x[[0]] > 0, 1, 0)",
        "$scripts.paint",
    ] {
        let step = json!({"_target_": "Lambdad", "keys": "pred", "func": text});
        let error = chain(json!([sigmoid(), threshold(), step])).unwrap_err();
        assert_eq!(
            error.id(),
            Some("postprocessing::transforms::2::func"),
            "{error}"
        );
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn channels_are_chosen_and_labels_renamed() {
    let first = json!({"_target_": "Lambdad", "keys": "pred", "func": "$lambda x : x[1:]"});
    let found = chain(json!([first, argmax()])).unwrap();
    assert_eq!(steps(&found)[0], &PostStep::SelectChannels { from: 1 });
    assert_eq!(
        (
            found.labels.len(),
            found.labels[0].name.as_str(),
            found.labels[0].value
        ),
        (1, "tumour", 1)
    );
    let map = json!({"_target_": "MapLabelValued", "keys": "pred", "orig_labels": [1, 2], "target_labels": [10, 20]});
    let found = chain(json!([argmax(), map])).unwrap();
    let values: Vec<i64> = found.labels.iter().map(|label| label.value).collect();
    assert_eq!(values, [10, 20]);
}

#[test]
fn components_have_monais_settings_and_defaults() {
    let found = chain(json!([
        argmax(),
        {"_target_": "KeepLargestConnectedComponentd", "keys": "pred", "applied_labels": [1, 2]},
        {"_target_": "RemoveSmallObjectsd", "keys": "pred"},
        {"_target_": "RemoveSmallObjectsd", "keys": "pred", "connectivity": null, "by_measure": true, "min_size": 12.5},
        {"_target_": "FillHolesd", "keys": "pred", "applied_labels": 1, "connectivity": 2}
    ]))
    .unwrap();
    let expected = [
        PostStep::Argmax,
        PostStep::KeepLargest {
            labels: Some(vec![1, 2]),
            independent: true,
            connectivity: None,
            components: 1,
        },
        PostStep::RemoveSmall {
            min_size: 64.0,
            connectivity: Some(1),
            independent_channels: true,
            by_measure: false,
        },
        PostStep::RemoveSmall {
            min_size: 12.5,
            connectivity: None,
            independent_channels: true,
            by_measure: true,
        },
        PostStep::FillHoles {
            labels: Some(vec![1]),
            connectivity: Some(2),
        },
    ];
    assert_eq!(steps(&found), expected.iter().collect::<Vec<_>>());
}

#[test]
fn steps_that_do_not_fit_what_stands_there_are_refused() {
    let largest = json!({"_target_": "KeepLargestConnectedComponentd", "keys": "pred"});
    let save = json!({"_target_": "SaveImaged", "keys": "pred"});
    let cast = json!({"_target_": "CastToTyped", "keys": "pred", "dtype": "$torch.uint8"});
    for (steps, words) in [
        (json!([largest]), "Logits"),
        (json!([sigmoid(), sigmoid(), threshold()]), "Independent"),
        (json!([argmax(), argmax()]), "Labels"),
        (
            json!([argmax(), save, argmax()]),
            "after the result was saved",
        ),
        (
            json!([invert(true), invert(true), argmax()]),
            "taken back once",
        ),
        (json!([sigmoid()]), "not with labels"),
        (json!([sigmoid(), cast, threshold()]), "changes the numbers"),
        (json!([]), "not with labels"),
    ] {
        let message = chain(steps).unwrap_err().to_string();
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
}

#[test]
fn the_way_of_saving_is_told() {
    let save = json!({"_target_": "SaveImaged", "keys": "pred", "output_dtype": "uint8", "output_postfix": "", "separate_folder": false,
        "dtype": "$None", "output_dir": "@absent"});
    let save = chain(json!([argmax(), save])).unwrap().save.unwrap();
    assert_eq!(
        (
            save.postfix.as_str(),
            save.extension.as_str(),
            save.separate_folder
        ),
        ("", ".nii.gz", false)
    );
    assert_eq!(save.dtype, Some(vesalius_bundles::Dtype::UInt8));
    let of_result = json!({"_target_": "SaveImaged", "keys": "pred", "output_dtype": null});
    assert_eq!(
        chain(json!([argmax(), of_result]))
            .unwrap()
            .save
            .unwrap()
            .dtype,
        None
    );
    assert_eq!(chain(json!([argmax()])).unwrap().save, None);
}
