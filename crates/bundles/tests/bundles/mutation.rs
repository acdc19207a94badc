//! Configs and expressions with letters changed: whatever they say, they are described or refused.

use crate::made::{config, metadata};
use serde_json::json;
use vesalius_bundles::{Config, TextFormat};

/// Numbers that follow from one another (Knuth's MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }
}

/// A text with a few letters changed, cut out or doubled.
fn changed(text: &str, signs: &str, numbers: &mut Numbers) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let signs: Vec<char> = signs.chars().collect();
    for _ in 0..=numbers.below(3) {
        let at = numbers.below(letters.len());
        match numbers.below(3) {
            0 => letters[at] = signs[numbers.below(signs.len())],
            1 if letters.len() > 1 => drop(letters.remove(at)),
            _ => letters.insert(at, letters[numbers.below(letters.len())]),
        }
    }
    letters.into_iter().collect()
}

#[test]
fn changed_configs_are_described_or_refused() {
    let mut config = config();
    config["bundle_root"] = json!(".");
    let text = config.to_string();
    let mut numbers = Numbers(1);
    let (mut described, mut refused) = (0, 0);
    for _ in 0..1500 {
        let text = changed(&text, "@$%#:{}[]\",1-.eé\\", &mut numbers);
        let Ok(config) = Config::from_text(&text, TextFormat::Json) else {
            continue;
        };
        match config.describe(&metadata(), &|_| false) {
            Ok(_) => described += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                refused += 1;
            }
        }
    }
    assert!(described > 50 && refused > 50, "{described} and {refused}");
}

#[test]
fn changed_expressions_are_evaluated_or_refused() {
    let mut numbers = Numbers(2);
    let (mut evaluated, mut refused) = (0, 0);
    for text in [
        "$@sizes[1:-1] + list(range(3, 90, 7)) if len(@sizes) > 2 and not @off else [1.5, -2e3]",
        "$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, 0))",
        "$'a' + \"b\" * 3 // 2 % -4 - {'k': (1, 2,)}['k'][0]",
        "%sizes::1",
        "@::sizes#::0",
    ] {
        for _ in 0..1500 {
            let text = changed(text, "@$%#:{}[]()'\"é*/-+.,9 \\", &mut numbers);
            let config = json!({"sizes": [96, 96, 64], "off": false, "x": text});
            match Config::from_value(config).unwrap().resolve("x") {
                Ok(_) => evaluated += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(
        evaluated > 100 && refused > 100,
        "{evaluated} and {refused}"
    );
}
