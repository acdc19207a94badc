//! References, macros, relative ids, merged files, values set by the caller.

use crate::made::{self, write};
use serde_json::{Value, json};
use vesalius_bundles::{Bundle, BundleOptions, Config, Error, TextFormat};

fn resolved(config: Value, id: &str) -> Value {
    Config::from_value(config).unwrap().resolve(id).unwrap()
}

#[test]
fn references_lead_to_values_wherever_they_stand() {
    let config = json!({
        "sizes": {"out": [3, 4]}, "alias": "@sizes", "text": "@sizes is no reference", "mail": "a@sizes",
        "net": {"_target_": "UNet", "out": "@sizes::out::1", "old": "@sizes#out#0", "all": "@alias::out"}
    });
    let net = json!({"_target_": "UNet", "out": 4, "old": 3, "all": [3, 4]});
    assert_eq!(resolved(config.clone(), "net"), net);
    assert_eq!(resolved(config.clone(), "net#old"), 3);
    assert_eq!(resolved(config.clone(), "text"), "@sizes is no reference");
    assert_eq!(resolved(config, "mail"), "a@sizes");
}

#[test]
fn relative_ids_and_macros_are_monais() {
    // The example in MONAI's documentation of relative ids, and a macro of a mapping with references.
    let config = json!({
        "A": 1,
        "B": {"key": "@##A", "value1": 2, "value2": "%#value1", "value3": [3, 4, "@#1"]},
        "net": {"size": "@A"}, "copy": "%net", "part": "%B::value3"
    });
    let b = json!({"key": 1, "value1": 2, "value2": 2, "value3": [3, 4, 4]});
    assert_eq!(resolved(config.clone(), "B"), b);
    assert_eq!(resolved(config.clone(), "copy"), json!({"size": 1}));
    assert_eq!(resolved(config, "part"), json!([3, 4, 4]));
    let far = Config::from_value(json!({"a": {"b": "@####c"}})).unwrap();
    let error = far.resolve("a").unwrap_err();
    assert_eq!(error.id(), Some("a::b"));
}

#[test]
fn a_macro_of_another_file_is_read_from_the_bundle_alone() {
    let mut config = made::config();
    config["network_def"] = json!("%configs/nets.yaml::small");
    let folder = made::folder(&config, &made::metadata());
    let nets = "small: {_target_: BasicUNet, out_channels: '@wanted'}\nrelative: {a: '@#b', b: 1}\nagain: '%small'\n";
    write(folder.path(), "configs/nets.yaml", nets);
    let mut bundle = Bundle::open(folder.path()).unwrap();
    bundle.config_mut().set("wanted", json!(3)).unwrap();
    let description = bundle.describe().unwrap();
    assert_eq!(description.network.class, "BasicUNet");
    assert_eq!(description.network.arguments["out_channels"], 3);
    for (text, reason) in [
        ("%nets.yaml::none", "which the file does not have"),
        ("%nets.yaml::relative", "does not look up in a file"),
        ("%nets.yaml::again", "does not look up in a file"),
        ("%absent.json", "does not have"),
        ("%../nets.yaml", "not inside the bundle"),
        ("%/etc/nets.yaml", "not inside the bundle"),
    ] {
        bundle.config_mut().set("network_def", json!(text)).unwrap();
        let message = bundle
            .config()
            .resolve("network_def")
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(reason) && message.contains("network_def"),
            "{message}"
        );
    }
}

#[test]
fn reserved_keys_are_no_arguments_and_disabled_components_are_left_out() {
    let config = json!({
        "off": true,
        "list": [
            {"_target_": "A", "_desc_": "of no effect", "_requires_": "@absent", "_mode_": "default", "a": 1},
            {"_target_": "B", "_disabled_": true}, {"_target_": "C", "_disabled_": " True "},
            {"_target_": "D", "_disabled_": "@off"}, {"_target_": "E", "_disabled_": "$not @off"},
            {"_target_": "F", "_disabled_": "false"}
        ],
        "count": "$len(@list)"
    });
    let kept = json!([{"_target_": "A", "a": 1}, {"_target_": "E"}, {"_target_": "F"}]);
    assert_eq!(resolved(config.clone(), "list"), kept);
    assert_eq!(resolved(config, "count"), 3);
}

#[test]
fn files_are_merged_in_their_order_and_may_add_to_lists() {
    let folder = made::folder(&made::config(), &made::metadata());
    let more = "inferer::overlap: 0.75\n+inferer: {mode: gaussian}\n+imports: ['$import os']\n";
    write(folder.path(), "configs/more.yaml", more);
    let options = BundleOptions::default()
        .config("configs/inference.json")
        .config("configs/more.yaml");
    let bundle = Bundle::open_with(folder.path(), &options).unwrap();
    let inferer = bundle.config().resolve("inferer").unwrap();
    assert_eq!(
        (&inferer["overlap"], &inferer["mode"]),
        (&json!(0.75), &json!("gaussian"))
    );
    let imports = bundle.config().get("imports").unwrap();
    assert_eq!(imports.as_array().unwrap().len(), 4);
    let mut config = Config::from_value(json!({"a": {"b": 1}})).unwrap();
    assert!(matches!(
        config.merge(json!({"+a": [1]})),
        Err(Error::Config { .. })
    ));
    assert!(matches!(
        config.merge(json!({"x::y": 1})),
        Err(Error::Config { .. })
    ));
}

#[test]
fn set_values_replace_those_of_the_file_and_must_have_a_place() {
    let mut config = Config::from_value(json!({"a": {"b": [1, 2]}, "c": "@a::b"})).unwrap();
    config.set_text("a#b#1", "[3, 4.5]").unwrap();
    config.set_text("a::new", "$len(@c)").unwrap();
    config.set_text("name", "plain text: with a colon").unwrap();
    assert_eq!(config.resolve("c").unwrap(), json!([1, [3, 4.5]]));
    assert_eq!(config.resolve("a::new").unwrap(), 2);
    assert_eq!(
        config.get("name"),
        Some(&json!({"plain text": "with a colon"}))
    );
    for id in ["a::b::2", "a::b::x", "x::y", "c::d"] {
        let error = config.set(id, Value::Null).unwrap_err();
        assert!(error.to_string().contains(id), "{error}");
    }
    assert_eq!(config.sets(), ["a::b::1", "a::new", "name"]);
}

#[test]
fn yaml_is_read_as_pyyaml_reads_it() {
    let text = "on_off: [yes, No, on, off, true]\nquoted: ['yes', \"off\"]\nnumbers: [010, 1_000, 1.5, -3]\n1: one\nnone: [~, null]";
    let config = Config::from_text(text, TextFormat::Yaml).unwrap();
    assert_eq!(
        config.get("on_off"),
        Some(&json!([true, false, true, false, true]))
    );
    assert_eq!(config.get("quoted"), Some(&json!(["yes", "off"])));
    assert_eq!(config.get("numbers"), Some(&json!([8, 1000, 1.5, -3])));
    assert_eq!(config.get("1"), Some(&json!("one")));
    assert_eq!(config.get("none"), Some(&json!([null, null])));
}
