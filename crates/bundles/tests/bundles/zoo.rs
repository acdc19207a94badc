//! The zoo's own configs: which are described, and what is missing of the others.

use crate::shared::shared;
use serde_json::json;
use std::path::Path;
use vesalius_bundles::{Bundle, BundleDescription, InfererSpec, PostStep, Result, Step, ValueKind};

/// Bundles by name: the network, steps before and after it, labels, the weights' file.
const DESCRIBED: [(&str, &str, usize, usize, usize, &str); 13] = [
    (
        "brats_mri_segmentation",
        "SegResNet",
        2,
        4,
        3,
        "models/model.pt",
    ),
    (
        "multi_organ_segmentation",
        "DiNTS",
        5,
        3,
        7,
        "models/model.pt",
    ),
    (
        "pancreas_ct_dints_segmentation",
        "DiNTS",
        5,
        3,
        2,
        "models/model.pt",
    ),
    (
        "pediatric_abdominal_ct_segmentation",
        "DynUNet",
        6,
        3,
        3,
        "models/dynunet_FT.pt",
    ),
    (
        "renalStructures_CECT_segmentation",
        "SegResNet",
        6,
        4,
        5,
        "models/model.pt",
    ),
    (
        "renalStructures_UNEST_segmentation",
        "UNesT",
        5,
        3,
        3,
        "models/model.pt",
    ),
    ("segmentation_template", "UNet", 3, 2, 3, "models/model.pt"),
    ("spleen_ct_segmentation", "UNet", 5, 3, 1, "models/model.pt"),
    (
        "spleen_deepedit_annotation",
        "DynUNet",
        6,
        3,
        1,
        "models/model.pt",
    ),
    (
        "swin_unetr_btcv_segmentation",
        "SwinUNETR",
        5,
        3,
        13,
        "models/model.pt",
    ),
    (
        "ventricular_short_axis_3label",
        "UNet",
        3,
        3,
        3,
        "models/model.pt",
    ),
    (
        "wholeBody_ct_segmentation",
        "SegResNet",
        6,
        3,
        104,
        "models/model.pt",
    ),
    (
        "wholeBrainSeg_Large_UNEST_segmentation",
        "UNesT",
        3,
        3,
        132,
        "models/model.pt",
    ),
];

/// Bundles that are not, with the id and words of the reason.
const NOT_DESCRIBED: [(&str, &str, &str); 2] = [
    (
        "prostate_mri_anatomy",
        "postprocessing::transforms::2",
        "numbers between labels",
    ),
    ("vista3d", "evaluator", "Vista3dEvaluator"),
];

fn describe(folder: &Path, name: &str) -> Result<BundleDescription> {
    Bundle::open(&folder.join(name))?.describe()
}

#[test]
fn thirteen_of_the_fifteen_are_described_and_the_others_say_what_is_missing() {
    let Some(folder) = shared("data/bundles") else {
        return;
    };
    for (name, class, before, after, labels, weights) in DESCRIBED {
        let found = describe(&folder, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{name}: {class}, {} notes", found.notes.len());
        assert_eq!(found.network.class, class, "{name}");
        assert_eq!(
            found.preprocessing.len(),
            before,
            "{name}: {:?}",
            found.preprocessing
        );
        assert_eq!(
            found.postprocessing.len(),
            after,
            "{name}: {:?}",
            found.postprocessing
        );
        assert_eq!(found.labels.len(), labels, "{name}");
        assert_eq!(found.weights.path, weights, "{name}");
        assert!(found.save.is_some(), "{name}");
    }
    for (name, id, reason) in NOT_DESCRIBED {
        let error = describe(&folder, name).unwrap_err();
        println!("{name}: {error}");
        assert_eq!(error.id(), Some(id), "{error}");
        assert!(error.to_string().contains(reason), "{error}");
    }
    let all = std::fs::read_dir(&folder).unwrap().flatten();
    let bundles = all.filter(|entry| Bundle::is_at(&entry.path())).count();
    assert_eq!(bundles, DESCRIBED.len() + NOT_DESCRIBED.len());
}

#[test]
fn prostate_is_described_once_its_labels_are_taken_back_by_the_nearest_voxel() {
    let Some(folder) = shared("data/bundles/prostate_mri_anatomy") else {
        return;
    };
    let mut bundle = Bundle::open(&folder).unwrap();
    let config = bundle.config_mut();
    config
        .set_text("postprocessing::transforms::2::nearest_interp", "true")
        .unwrap();
    let found = bundle.describe().unwrap();
    let expected = PostStep::Invert {
        of: ValueKind::Labels,
        is_nearest: true,
        like: "image".to_owned(),
    };
    assert_eq!(found.postprocessing[2].step, expected);
}

#[test]
fn where_the_result_is_taken_back_differs_between_the_bundles() {
    let Some(folder) = shared("data/bundles") else {
        return;
    };
    for (name, of, is_nearest) in [
        ("spleen_ct_segmentation", ValueKind::Exclusive, false),
        ("wholeBody_ct_segmentation", ValueKind::Labels, true),
        (
            "renalStructures_CECT_segmentation",
            ValueKind::Logits,
            false,
        ),
        ("brats_mri_segmentation", ValueKind::Independent, false),
    ] {
        let found = describe(&folder, name).unwrap();
        let inverted = found
            .postprocessing
            .iter()
            .find_map(|placed| match &placed.step {
                PostStep::Invert { of, is_nearest, .. } => Some((*of, *is_nearest)),
                _ => None,
            });
        assert_eq!(inverted, Some((of, is_nearest)), "{name}");
    }
}

#[test]
fn a_choice_in_the_config_is_followed_when_it_is_set_otherwise() {
    let Some(folder) = shared("data/bundles/wholeBody_ct_segmentation") else {
        return;
    };
    let mut bundle = Bundle::open(&folder).unwrap();
    bundle
        .config_mut()
        .set_text("displayable_configs::highres", "false")
        .unwrap();
    let found = bundle.describe().unwrap();
    assert_eq!(found.weights.path, "models/model_lowres.pt");
    let spacing = found
        .preprocessing
        .iter()
        .find_map(|placed| match &placed.step {
            Step::Spacing(spacing) => Some(spacing.to.clone()),
            _ => None,
        });
    assert_eq!(spacing, Some(vec![3.0; 3]));
}

#[test]
fn networks_that_need_more_than_their_arguments_say_where_it_is() {
    let Some(folder) = shared("data/bundles") else {
        return;
    };
    let found = describe(&folder, "multi_organ_segmentation").unwrap();
    let node = &found.network.arguments["node_a"];
    assert_eq!(
        node,
        &json!({"_file_": "models/search_code_18590.pt", "_entry_": "node_a"})
    );
    let space = &found.network.arguments["dints_space"];
    assert_eq!(
        (&space["num_blocks"], space.get("device")),
        (&json!(12), None)
    );
    let found = describe(&folder, "ventricular_short_axis_3label").unwrap();
    assert!(matches!(found.inferer, InfererSpec::Slice { axis: 2, .. }));
    let found = describe(&folder, "spleen_deepedit_annotation").unwrap();
    let clicks = found
        .preprocessing
        .iter()
        .find_map(|placed| match &placed.step {
            Step::Clicks { labels, .. } => Some(labels.clone()),
            _ => None,
        });
    assert_eq!(
        clicks,
        Some(vec!["spleen".to_owned(), "background".to_owned()])
    );
    assert_eq!(found.channels, ["image"]);
}
