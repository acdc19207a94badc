//! Bundles that are wrong or made to harm: each is refused by name, quickly.

use crate::made::{self, archive, config, described_with, folder, metadata, write};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use vesalius_bundles::{Bundle, BundleOptions, Config, Error, TextFormat};
use vesalius_volume::ErrorKind;

fn refused(bundle: vesalius_bundles::Result<Bundle>, words: &[&str]) {
    let message = bundle.unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn circles_are_named_with_every_id_of_them() {
    let config = Config::from_value(json!({
        "a": "@b", "b": "$[@c]", "c": {"d": "%a"}, "self": "@self", "inner": {"x": ["@inner"]}, "fine": {"x": 1, "y": "@fine::x"}
    }))
    .unwrap();
    for (id, circle) in [
        ("a", "c → c::d → c"),
        ("self", "self → self"),
        ("inner", "inner → inner::x → inner"),
    ] {
        let error = config.resolve(id).unwrap_err();
        assert!(matches!(error, Error::Cycle { .. }), "{error}");
        let message = error.to_string();
        assert!(
            circle.split(" → ").all(|id| message.contains(id)),
            "{message}"
        );
    }
    assert_eq!(config.resolve("fine").unwrap(), json!({"x": 1, "y": 1}));
}

#[test]
fn references_that_multiply_or_run_deep_meet_a_limit() {
    let start = Instant::now();
    let mut many = json!({"n0": [1, 1]});
    for level in 1..40 {
        let below = format!("@n{}", level - 1);
        many[format!("n{level}")] = json!([below, below]);
    }
    let mut chain = json!({"n0": 1});
    for level in 1..2000 {
        chain[format!("n{level}")] = json!(format!("$@n{} + 1", level - 1));
    }
    for (config, id) in [(many, "n39"), (chain, "n1999")] {
        let error = Config::from_value(config).unwrap().resolve(id).unwrap_err();
        assert!(matches!(error, Error::Limit { .. }), "{error}");
    }
    let deep =
        Config::from_value(json!({"x": format!("${}1{}", "(".repeat(3000), ")".repeat(3000))}))
            .unwrap();
    assert!(
        deep.resolve("x")
            .unwrap_err()
            .to_string()
            .contains("levels")
    );
    let long = Config::from_value(json!({"x": "$range(10000000000)", "y": "$[0] * 1000000000000"}))
        .unwrap();
    assert!(long.resolve("x").is_err() && long.resolve("y").is_err());
    assert!(start.elapsed() < Duration::from_secs(120));
}

#[test]
fn a_config_of_50_megabytes_is_refused_by_its_size() {
    let bundle = folder(&config(), &metadata());
    let text = format!("{{\"text\": \"{}\"}}", "a".repeat(50 << 20));
    write(bundle.path(), "configs/inference.json", &text);
    refused(
        Bundle::open(bundle.path()),
        &["configs/inference.json", "52428812 bytes"],
    );
    let error = Config::from_text(&text, TextFormat::Json).unwrap_err();
    assert!(error.to_string().contains("bytes"), "{error}");
}

#[test]
fn an_archive_that_unpacks_to_50_megabytes_is_refused() {
    let bundle = tempfile::tempdir().unwrap();
    let text = format!("{{\"text\": \"{}\"}}", "a".repeat(50 << 20));
    let path = archive(bundle.path(), &[("b/configs/inference.json", &text)]);
    refused(Bundle::open(&path), &["configs/inference.json", "bytes"]);
}

#[test]
fn deep_nesting_and_multiplied_aliases_are_refused() {
    let deep = format!("{{\"a\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    for format in [TextFormat::Json, TextFormat::Yaml] {
        assert!(matches!(
            Config::from_text(&deep, format),
            Err(Error::Config { .. })
        ));
    }
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{}", level - 1);
        let list = vec![below; 10].join(", ");
        bomb.push_str(&format!("a{level}: &a{level} [{list}]\n"));
    }
    let start = Instant::now();
    assert!(matches!(
        Config::from_text(&bomb, TextFormat::Yaml),
        Err(Error::Config { .. })
    ));
    assert!(start.elapsed() < Duration::from_secs(120));
}

#[test]
fn a_key_given_twice_and_keys_of_this_library_are_refused() {
    for text in ["{\"a\": 1, \"a\": 2}", "{\"_file_\": \"x\"}"] {
        let error = Config::from_text(text, TextFormat::Json).unwrap_err();
        assert!(error.to_string().contains("has the key"), "{error}");
    }
    assert!(Config::from_text("a: 1\na: 2\n", TextFormat::Yaml).is_err());
    assert!(Config::from_text("[1]", TextFormat::Json).is_err());
    assert!(Config::from_text("a: .nan", TextFormat::Yaml).is_err());
}

#[test]
fn two_configs_no_config_and_what_is_no_bundle_are_told_apart() {
    let bundle = folder(&config(), &metadata());
    write(bundle.path(), "configs/inference.yaml", "a: 1");
    refused(
        Bundle::open(bundle.path()),
        &[
            "two configs",
            "inference.json",
            "inference.yaml",
            "name one of them",
        ],
    );
    let options = BundleOptions::default().config("configs/inference.json");
    assert!(Bundle::open_with(bundle.path(), &options).is_ok());
    let outside = BundleOptions::default().config("../inference.json");
    refused(Bundle::open_with(bundle.path(), &outside), &["not inside"]);

    let other = tempfile::tempdir().unwrap();
    assert!(!Bundle::is_at(other.path()));
    refused(Bundle::open(other.path()), &["no folder `configs`"]);
    write(other.path(), "configs/evaluate.json", "{}");
    refused(Bundle::open(other.path()), &["evaluate.json"]);
    let parent = tempfile::tempdir().unwrap();
    write(parent.path(), "spleen/configs/inference.json", "{}");
    refused(Bundle::open(parent.path()), &["spleen"]);
    write(parent.path(), "weights.pt", "not an archive");
    refused(
        Bundle::open(&parent.path().join("weights.pt")),
        &["neither"],
    );
    let absent = Bundle::open(&parent.path().join("absent")).unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
}

#[test]
fn an_archive_holds_one_bundle() {
    let place = tempfile::tempdir().unwrap();
    let (config, metadata) = (config().to_string(), metadata().to_string());
    let path = archive(
        place.path(),
        &[
            ("made/configs/inference.json", &config),
            ("made/configs/metadata.json", &metadata),
            ("made/models/model.pt", "weights"),
        ],
    );
    let bundle = Bundle::open(&path).unwrap();
    let description = bundle.describe().unwrap();
    assert!(description.weights.is_present);
    assert_eq!(
        bundle.read(&description.weights.path, 100).unwrap(),
        b"weights"
    );
    assert!(bundle.file("models/model.pt").unwrap().is_none());
    refused(
        bundle.read("models/model.pt", 3).map(|_| bundle.clone()),
        &["7 bytes"],
    );
    let two = archive(
        place.path(),
        &[
            ("a/configs/inference.json", "{}"),
            ("b/configs/inference.json", "{}"),
        ],
    );
    refused(Bundle::open(&two), &["more than one bundle"]);
    let none = archive(place.path(), &[("a/readme.txt", "")]);
    refused(Bundle::open(&none), &["no config"]);
}

#[test]
fn weights_outside_of_the_bundle_or_absent_are_named() {
    for path in [
        "/models/model.pt",
        "../model.pt",
        "models/../../model.pt",
        "C:\\model.pt",
    ] {
        let error = described_with("checkpointloader::load_path", json!(path)).unwrap_err();
        assert!(
            matches!(&error, Error::Outside { id, .. } if id == "checkpointloader::load_path"),
            "{error}"
        );
    }
    let bundle = folder(&config(), &metadata());
    write(bundle.path(), "models/other.pt", "");
    let bundle = Bundle::open(bundle.path()).unwrap();
    let weights = bundle.describe().unwrap().weights;
    assert!(!weights.is_present);
    refused(
        bundle.file(&weights.path).map(|_| bundle.clone()),
        &["models/model.pt", "other.pt"],
    );
}

#[test]
fn unknown_classes_and_arguments_are_refused_by_name() {
    for (id, value, words) in [
        ("network_def", json!("$import scripts"), "imports"),
        ("inferer::overlapp", json!(0.5), "did you mean `overlap`?"),
        ("inferer::overlap", json!(1.0), "less than 1"),
        ("inferer::mode", json!("triangle"), "triangle"),
        ("inferer::_target_", json!("PatchInferer"), "PatchInferer"),
        ("inferer::_mode_", json!("callable"), "_mode_"),
        ("preprocessing::transforms::2::axcodes", json!("RAR"), "RAR"),
        (
            "preprocessing::transforms::3::_target_",
            json!("scripts.Spacingd"),
            "scripts.Spacingd",
        ),
        ("preprocessing::transforms::3::lazy", json!(true), "lazy"),
        (
            "preprocessing::transforms::3::pixdim",
            Value::Null,
            "pixdim",
        ),
        (
            "preprocessing::transforms::0::keys",
            json!("label"),
            "LoadImaged",
        ),
        (
            "evaluator::prepare_batch",
            json!("@network_def"),
            "prepare_batch",
        ),
        (
            "evaluator::_target_",
            json!("scripts.Evaluator"),
            "SupervisedEvaluator",
        ),
        (
            "postprocessing::transforms::0::other",
            json!("$torch.exp"),
            "torch.exp",
        ),
        (
            "postprocessing::transforms::1::transform",
            json!("@inferer"),
            "chain before",
        ),
        (
            "postprocessing::transforms::3::_target_",
            json!("scripts.Save"),
            "scripts.Save",
        ),
        (
            "postprocessing::transforms::2::_disabled_",
            json!(true),
            "not with labels",
        ),
    ] {
        let message = made::described_with(id, value).unwrap_err().to_string();
        assert!(
            message.contains(words),
            "{id}: `{words}` is not in: {message}"
        );
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    for (name, needed) in [
        ("preprocessing", "preprocessing"),
        ("inferer", "inferer"),
        ("network_def", "network_def"),
    ] {
        let mut config = config();
        config.as_object_mut().unwrap().remove(name);
        let error = made::describe(&config).unwrap_err();
        assert!(
            matches!(&error, Error::Missing { id, .. } if id == needed),
            "{error}"
        );
    }
}
