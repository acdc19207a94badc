//! What made bundles describe: network, weights, steps before the network, inferer, names.

use crate::made::{config, describe, described_with, folder, metadata, write};
use serde_json::{Value, json};
use vesalius_bundles::{
    Blending, Bundle, ChannelAxis, InfererSpec, Interpolation, Note, Padding, Reader, Step,
};

#[test]
fn a_bundle_like_those_for_ct_is_described_in_full() {
    let bundle = folder(&config(), &metadata());
    write(bundle.path(), "models/model.pt", "");
    let found = Bundle::open(bundle.path()).unwrap().describe().unwrap();
    assert_eq!(found.about.name.as_deref(), Some("Made"));
    assert_eq!(found.about.modality.as_deref(), Some("CT"));
    assert_eq!(
        (&found.inputs[..], &found.channels[..]),
        (&["image".to_owned()][..], &["image".to_owned()][..])
    );
    assert_eq!(found.network.as_config(), config()["network_def"]);
    assert_eq!(found.weights.path, "models/model.pt");
    assert_eq!(found.weights.key.as_deref(), Some("model"));
    assert!(found.weights.is_present && found.weights.strict);
    let steps: Vec<&Step> = found
        .preprocessing
        .iter()
        .map(|placed| &placed.step)
        .collect();
    assert_eq!(
        *steps[0],
        Step::Load {
            reader: Reader::Default
        }
    );
    assert_eq!(
        *steps[1],
        Step::ChannelFirst {
            channels: ChannelAxis::ByFile
        }
    );
    assert_eq!(
        *steps[2],
        Step::Orient {
            to: "RAS".to_owned()
        }
    );
    let Step::Spacing(spacing) = steps[3] else {
        panic!("{:?}", steps[3]);
    };
    assert_eq!(
        (&spacing.to[..], spacing.mode, spacing.padding),
        (
            &[1.5, 1.5, 2.0][..],
            Interpolation::Linear,
            Padding::Replicate
        )
    );
    assert_eq!(
        *steps[4],
        Step::ScaleRange {
            from: [-57.0, 164.0],
            to: [Some(0.0), Some(1.0)],
            clip: true
        }
    );
    assert_eq!(steps.len(), 5);
    assert_eq!(found.preprocessing[3].id, "preprocessing::transforms::3");
    let InfererSpec::SlidingWindow(window) = &found.inferer else {
        panic!("{:?}", found.inferer);
    };
    assert_eq!(
        (&window.roi_size[..], window.batch_size, &window.overlap[..]),
        (&[96, 96, 64][..], 4, &[0.5; 3][..])
    );
    assert_eq!(
        (window.mode, window.padding_mode, window.cval),
        (Blending::Constant, Padding::Constant, 0.0)
    );
    let labels: Vec<(i64, &str)> = found
        .labels
        .iter()
        .map(|label| (label.value, label.name.as_str()))
        .collect();
    assert_eq!(labels, [(1, "liver"), (2, "tumour")]);
    assert_eq!(found.notes, []);
    let again = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(found, again);
}

#[test]
fn several_inputs_are_joined_and_what_the_network_does_not_need_is_left_out() {
    let mut config = config();
    let keys = json!(["artery", "vein"]);
    config["network_def"]["in_channels"] = json!(2);
    config["preprocessing"]["transforms"] = json!([
        {"_target_": "LoadImaged", "keys": ["artery", "label", "vein"], "image_only": false},
        {"_target_": "EnsureChannelFirstd", "keys": keys},
        {"_target_": "Spacingd", "keys": keys, "pixdim": 0.8, "mode": ["bilinear", "bilinear"]},
        {"_target_": "EnsureTyped", "keys": "label"},
        {"_target_": "ConcatItemsd", "keys": keys, "name": "image"},
        {"_target_": "ScaleIntensityd", "keys": "image"}
    ]);
    let found = describe(&config).unwrap();
    assert_eq!(found.inputs, ["artery", "vein"]);
    assert_eq!(found.channels, ["artery", "vein"]);
    let inputs = vec!["artery".to_owned(), "vein".to_owned()];
    assert_eq!(found.preprocessing[3].step, Step::Concatenate { inputs });
    let left_out = Note::LeftOut {
        id: "preprocessing::transforms::3".to_owned(),
        class: "EnsureTyped".to_owned(),
    };
    assert!(found.notes.contains(&left_out), "{:?}", found.notes);

    config["preprocessing"]["transforms"][1]["keys"] = json!("artery");
    let message = describe(&config).unwrap_err().to_string();
    assert!(
        message.contains("vein") && message.contains("transforms::1"),
        "{message}"
    );
    config["preprocessing"]["transforms"][1]["keys"] = keys;
    config["preprocessing"]["transforms"][2]["mode"] = json!(["bilinear", "nearest"]);
    let message = describe(&config).unwrap_err().to_string();
    assert!(message.contains("differs between the images"), "{message}");
}

#[test]
fn lists_by_reference_or_joined_and_chains_in_chains_are_laid_out() {
    let mut config = config();
    let all = config["preprocessing"]["transforms"]
        .as_array()
        .unwrap()
        .clone();
    config["first"] = json!({"_target_": "Compose", "transforms": all[..2]});
    config["second"] = json!(all[2..4]);
    config["third"] = json!(all[4..]);
    for transforms in [
        json!("$[@first] + @second + @third"),
        json!(["@first", all[2], all[3], all[4], all[5]]),
    ] {
        config["preprocessing"]["transforms"] = transforms;
        let found = describe(&config).unwrap();
        assert_eq!(found.preprocessing.len(), 5);
        assert_eq!(found.preprocessing[0].id, "first::transforms::0");
    }
}

#[test]
fn a_loader_may_put_the_channels_first() {
    let loader = json!({"_target_": "LoadImaged", "keys": "image", "ensure_channel_first": true, "reader": "ITKReader"});
    let mut config = config();
    config["preprocessing"]["transforms"] = json!([loader]);
    let found = describe(&config).unwrap();
    let steps: Vec<&Step> = found
        .preprocessing
        .iter()
        .map(|placed| &placed.step)
        .collect();
    let channels = ChannelAxis::ByFile;
    assert_eq!(
        steps,
        [
            &Step::Load {
                reader: Reader::Itk
            },
            &Step::ChannelFirst { channels }
        ]
    );
}

#[test]
fn settings_are_kept_as_they_are_given() {
    let step = |component: Value| {
        let mut config = config();
        let transforms = config["preprocessing"]["transforms"]
            .as_array_mut()
            .unwrap();
        transforms.push(component);
        describe(&config).unwrap().preprocessing.pop().unwrap().step
    };
    let crop = json!({"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": [1, 2, 3],
        "k_divisible": 16, "allow_smaller": true, "mode": ["minimum"]});
    let Step::CropForeground(crop) = step(crop) else {
        panic!("a crop")
    };
    assert_eq!(
        (
            &crop.margin[..],
            &crop.divisible_by[..],
            crop.allow_smaller,
            crop.mode
        ),
        (&[1, 2, 3][..], &[16][..], true, Padding::Minimum)
    );
    let resized =
        step(json!({"_target_": "ResizeD", "keys": "image", "spatial_size": [128, 128, -1]}));
    assert!(
        matches!(&resized, Step::Resize { size, is_of_longest: false, .. } if size == &[128, 128, -1]),
        "{resized:?}"
    );
    let normal = step(
        json!({"_target_": "monai.transforms.NormalizeIntensityDict", "keys": "image", "nonzero": "True", "divisor": 2}),
    );
    let expected = Step::Normalize {
        nonzero: true,
        channel_wise: false,
        subtrahend: None,
        divisor: Some(vec![2.0]),
    };
    assert_eq!(normal, expected);
    let scaled = step(
        json!({"_target_": "ScaleIntensityd", "keys": "image", "minv": null, "maxv": null, "factor": 0.5}),
    );
    assert_eq!(scaled, Step::ScaleFactor { factor: 0.5 });
    let padded = step(
        json!({"_target_": "SpatialPadd", "keys": "image", "spatial_size": 96, "method": "end", "mode": "edge"}),
    );
    assert!(
        matches!(
            padded,
            Step::Pad {
                is_symmetric: false,
                mode: Padding::Replicate,
                ..
            }
        ),
        "{padded:?}"
    );
    let cast = step(json!({"_target_": "CastToTyped", "keys": "image", "dtype": "$torch.float16"}));
    assert!(matches!(cast, Step::Cast { .. }), "{cast:?}");
}

#[test]
fn notes_tell_what_was_taken_for_granted() {
    let has = |id: &str, value: Value, wanted: &dyn Fn(&Note) -> bool| {
        let found = described_with(id, value).unwrap();
        assert!(found.notes.iter().any(wanted), "{id}: {:?}", found.notes);
        found
            .notes
            .iter()
            .for_each(|note| assert!(!note.to_string().is_empty()));
    };
    has("checkpointloader::_disabled_", json!(true), &|note| {
        matches!(note, Note::WeightsByConvention { .. })
    });
    has("checkpointloader::strict", json!("False"), &|note| {
        matches!(note, Note::TextAsTrue { .. })
    });
    has(
        "postprocessing::transforms::1::_disabled_",
        json!(true),
        &|note| *note == Note::NotInverted,
    );
    has("network_def::out_channels", json!(5), &|note| {
        matches!(
            note,
            Note::ChannelNames {
                channels: 5,
                names: 3,
                ..
            }
        )
    });
    has(
        "overlap",
        json!(0.5),
        &|note| matches!(note, Note::SetWithoutUse { id } if id == "overlap"),
    );
    let crop =
        json!({"_target_": "CropForegroundd", "keys": "image", "source_key": "image", "margin": 5});
    has("preprocessing::transforms::5", crop, &|note| {
        matches!(note, Note::ChangedDefault { .. })
    });
    let used = described_with("inferer::overlap", json!(0.25)).unwrap();
    assert_eq!(used.notes, []);
}

#[test]
fn other_inferers_and_the_order_of_axes_are_told() {
    let simple = described_with("inferer", json!({"_target_": "SimpleInferer"})).unwrap();
    assert_eq!(simple.inferer, InfererSpec::Simple);
    let slice = json!({"_target_": "SliceInferer", "roi_size": [256, 128], "spatial_dim": 2, "mode": "gaussian", "overlap": [0.5, 0.25]});
    let InfererSpec::Slice { axis, window } = described_with("inferer", slice).unwrap().inferer
    else {
        panic!("slices");
    };
    assert_eq!(
        (axis, &window.overlap[..], window.mode),
        (2, &[0.5, 0.25][..], Blending::Gaussian)
    );
}

#[test]
fn two_loaders_of_the_same_weights_are_one_and_of_others_are_refused() {
    let loader = json!([{"_target_": "CheckpointLoader", "load_path": "models/model.pt", "load_dict": {"model": "@network"},
        "_disabled_": "$not os.path.exists('models/model.pt')"}]);
    assert!(described_with("handlers", loader.clone()).is_ok());
    let mut other = loader;
    other[0]["load_path"] = json!("models/ema.pt");
    let message = described_with("handlers", other).unwrap_err().to_string();
    assert!(
        message.contains("ema.pt") && message.contains("checkpointloader"),
        "{message}"
    );
}
