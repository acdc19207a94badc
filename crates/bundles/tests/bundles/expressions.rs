//! Expressions of Python: those that are evaluated, and those that are refused with their id.

use serde_json::{Value, json};
use vesalius_bundles::{Config, Error};
use vesalius_volume::ErrorKind;

fn config(expression: &str) -> Config {
    Config::from_value(json!({
        "imports": ["$import numpy as np", "$import os", "$import copy", "$from monai.utils import CommonKeys"],
        "root": ".", "name": "model.pt", "high": true, "low": 0.0, "sizes": [96, 96, 64], "labels": {"spleen": 1, "background": 0},
        "a": [{"_target_": "A"}], "b": [{"_target_": "B"}, {"_target_": "C", "_disabled_": true}],
        "net": {"_target_": "UNet", "wide": "@sizes"}, "search": "$torch.load(@root + '/models/s.pt', map_location=torch.device('cuda'))",
        "x": expression
    }))
    .unwrap()
}

fn value(expression: &str) -> Value {
    config(expression)
        .resolve("x")
        .unwrap_or_else(|error| panic!("{expression}: {error}"))
}

#[test]
fn the_forms_of_the_zoo_are_evaluated() {
    for (expression, expected) in [
        ("$@sizes ", json!([96, 96, 64])),
        (
            "$copy.deepcopy(@net)",
            json!({"_target_": "UNet", "wide": [96, 96, 64]}),
        ),
        (
            "$@net.to(@device_that_is_absent)",
            json!({"_target_": "UNet", "wide": [96, 96, 64]}),
        ),
        ("$@root + '/models/' + @name", json!("./models/model.pt")),
        (
            "$os.path.join(@root, 'models', @name)",
            json!("./models/model.pt"),
        ),
        (
            "$@a + @b + []",
            json!([{"_target_": "A"}, {"_target_": "B"}]),
        ),
        ("$[@name]", json!(["model.pt"])),
        (
            "$list(range(3, 6)) + list(range(9, 5, -2)) + [114, 120]",
            json!([3, 4, 5, 9, 7, 114, 120]),
        ),
        ("$len(@sizes)", json!(3)),
        ("$len(@labels) + 1", json!(3)),
        ("$[1.5, 1.5] if @high else [3.0, 3.0]", json!([1.5, 1.5])),
        ("$'a' if @low or not @high else 'b'", json!("b")),
        ("$np.float32", json!({"_constant_": "float32"})),
        ("$torch.int16", json!({"_constant_": "int16"})),
        ("$None", json!(null)),
        ("$CommonKeys.IMAGE", json!("image")),
        ("$monai.utils.CommonKeys.PRED", json!("pred")),
        (
            "$torch.from_numpy(@search['node_a'])",
            json!({"_file_": "models/s.pt", "_entry_": "node_a"}),
        ),
        ("$@labels['spleen']", json!(1)),
        ("$@sizes[-1]", json!(64)),
        ("$@sizes[1:]", json!([96, 64])),
        ("$@sizes[:-1]", json!([96, 96])),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn numbers_are_calculated_as_python_does() {
    for (expression, expected) in [
        ("$7 // 2", json!(3)),
        ("$-7 // 2", json!(-4)),
        ("$-7 % 3", json!(2)),
        ("$7 / 2", json!(3.5)),
        ("$2 + 3 * 4 - 1", json!(13)),
        ("$(2 + 3) * 4", json!(20)),
        ("$-2 - -3", json!(1)),
        ("$[0.5] * 3", json!([0.5, 0.5, 0.5])),
        ("$True + 1", json!(2)),
        ("$1 == 1.0", json!(true)),
        ("$'a' < 'b' and 2 >= 2", json!(true)),
        ("$not 1 > 2", json!(true)),
        ("$max(1, 2.5)", json!(2.5)),
        ("$sum(@sizes)", json!(256)),
        ("$int(2.9)", json!(2)),
        ("$1e3", json!(1000.0)),
        ("$0 or 'else'", json!("else")),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn the_branch_that_is_not_taken_is_not_looked_up() {
    assert_eq!(value("$1 if @high else @absent"), 1);
    assert_eq!(value("$@low and @absent"), 0.0);
}

#[test]
fn what_is_not_evaluated_is_refused_with_its_id_and_text() {
    for (expression, reason) in [
        ("$glob.glob('*')", "nothing imports"),
        ("$os.listdir('.')", "calls `os.listdir`"),
        ("$[i for i in @sizes]", "`for`"),
        ("$__import__('os').system('true')", "calls Python"),
        ("$().__class__", "attribute"),
        ("$open('/etc/passwd').read()", "calls"),
        ("$import os", "imports"),
        ("$from os import path", "imports"),
        ("$lambda x: x", "a function"),
        ("$@net.forward(1)", "calls"),
        ("$@sizes.to(1)", "calls `to`"),
        (
            "$monai.networks.nets.vista3d132(in_channels=1)",
            "vista3d132",
        ),
        ("$scipy.pi", "nothing imports"),
        ("$torch.backends", "not known"),
        ("$np.float", "not known"),
        ("$'a' + 1", "no value"),
        ("$1 / 0", "no value"),
        ("$9223372036854775807 + 1", "no value"),
        ("$'text with @sizes'", "`@`"),
        ("$f'{1}'", "prefix"),
        ("$1 < 2 < 3", "more than two"),
        ("$[1, 2", "ends too early"),
        ("$", "ends too early"),
        ("$@sizes[7]", "index"),
        ("$@search['a']['b']", "index"),
        ("$len(@net)", "length"),
        ("$(x := 1)", "`:`"),
        ("$2 ** 3", "`**`"),
    ] {
        let error = config(expression).resolve("x").unwrap_err();
        let message = error.to_string();
        assert_eq!(error.id(), Some("x"), "{message}");
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{message}");
        assert!(
            message.contains(reason) && message.contains("set `x`"),
            "{expression}: {message}"
        );
    }
}

#[test]
fn an_import_that_gives_a_known_name_another_meaning_counts() {
    let config = Config::from_value(json!({
        "imports": ["$import scripts.fake as torch", "$from scripts import len"],
        "dtype": "$torch.float32", "count": "$len([1])"
    }))
    .unwrap();
    for id in ["dtype", "count"] {
        let error = config.resolve(id).unwrap_err();
        assert!(
            matches!(&error, Error::NotUnderstood { reason, .. } if reason.contains("scripts") || reason.contains("torch")),
            "{error}"
        );
    }
}
