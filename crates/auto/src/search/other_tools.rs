//! Distributions in the forms of Optuna (`suggest_float` and its JSON form) and of NNI (`_type`, `_value`).

use super::Distribution;
use super::trial::Setting;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use vesalius_transforms::{nearest_name, with_suggestion};

type Parsed<T> = std::result::Result<T, String>;

const OPTUNA: &str = "float, int, categorical (Optuna); FloatDistribution, IntDistribution, CategoricalDistribution (its JSON)";
const NNI: &str = "choice, randint, uniform, quniform, loguniform, qloguniform, normal, qnormal, lognormal, qlognormal";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Float {
    low: f64,
    high: f64,
    #[serde(default)]
    log: bool,
    step: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Int {
    low: i64,
    high: i64,
    #[serde(default)]
    log: bool,
    step: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Categorical {
    choices: Vec<Setting>,
}

/// A distribution as a search space writes it.
pub(super) fn parse(value: &Value) -> Parsed<Distribution> {
    let Some(map) = value.as_object() else {
        return Err(format!(
            "{value} is not a distribution; expected one of {OPTUNA}, or `_type` with {NNI}"
        ));
    };
    let only = |known: &[&str]| match map.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!("has the unknown key `{key}`{}", hint(key, known))),
    };
    if let (Some(kind), Some(arguments)) =
        (map.get("_type").and_then(Value::as_str), map.get("_value"))
    {
        only(&["_type", "_value"])?;
        return nni(kind, arguments);
    }
    if let (Some(name), Some(attributes)) = (
        map.get("name").and_then(Value::as_str),
        map.get("attributes"),
    ) {
        only(&["name", "attributes"])?;
        return optuna(name, attributes);
    }
    match map.iter().next() {
        Some((name, attributes)) if map.len() == 1 => optuna(name, attributes),
        _ => Err(format!(
            "has the keys {:?}; expected one of {OPTUNA}, or `_type` and `_value`",
            map.keys().collect::<Vec<_>>()
        )),
    }
}

/// The name that was probably meant.
fn hint(found: &str, known: &[&str]) -> String {
    nearest_name(found, known).map_or(String::new(), |n| format!("; did you mean `{n}`?"))
}

fn optuna(name: &str, attributes: &Value) -> Parsed<Distribution> {
    match name {
        "float" | "suggest_float" | "FloatDistribution" => {
            let Float {
                low,
                high,
                log,
                step,
            } = read(name, attributes)?;
            if log && step.is_some() {
                return Err(
                    "`log` and `step` exclude each other, as in Optuna; leave one out, or take NNI's `qloguniform`"
                        .to_owned(),
                );
            }
            Ok(Distribution::Float {
                low,
                high,
                log,
                step,
            })
        }
        "int" | "suggest_int" | "IntDistribution" => {
            let Int {
                low,
                high,
                log,
                step,
            } = read(name, attributes)?;
            Ok(Distribution::Int {
                low,
                high,
                log,
                step: step.unwrap_or(1),
            })
        }
        "categorical" | "suggest_categorical" | "CategoricalDistribution" => {
            let Categorical { choices } = read(name, attributes)?;
            Ok(Distribution::Categorical { choices })
        }
        other => Err(format!(
            "`{other}` is not a distribution; expected one of {OPTUNA}{}",
            hint(
                other,
                &[
                    "float",
                    "int",
                    "categorical",
                    "FloatDistribution",
                    "IntDistribution",
                    "CategoricalDistribution"
                ]
            )
        )),
    }
}

/// NNI's `q` kinds take multiples of `q` between their bounds; `randint` leaves its end out.
fn nni(kind: &str, arguments: &Value) -> Parsed<Distribution> {
    let float = |low, high, log, step| Distribution::Float {
        low,
        high,
        log,
        step,
    };
    let normal = |mean, deviation, log, step| Distribution::Normal {
        mean,
        deviation,
        log,
        step,
    };
    Ok(match kind {
        "choice" => Distribution::Categorical {
            choices: read(kind, arguments)?,
        },
        "randint" => {
            let [low, end]: [i64; 2] = read(kind, arguments)?;
            Distribution::Int {
                low,
                high: end.saturating_sub(1),
                log: false,
                step: 1,
            }
        }
        "uniform" | "loguniform" => {
            let [low, high] = read(kind, arguments)?;
            float(low, high, kind == "loguniform", None)
        }
        "quniform" | "qloguniform" => {
            let [low, high, q]: [f64; 3] = read(kind, arguments)?;
            float((low / q).ceil() * q, high, kind == "qloguniform", Some(q))
        }
        "normal" | "lognormal" => {
            let [mean, deviation] = read(kind, arguments)?;
            normal(mean, deviation, kind == "lognormal", None)
        }
        "qnormal" | "qlognormal" => {
            let [mean, deviation, q] = read(kind, arguments)?;
            normal(mean, deviation, kind == "qlognormal", Some(q))
        }
        other => {
            return Err(format!(
                "`_type: {other}` is not a distribution; expected one of {NNI}{}",
                hint(other, &NNI.split(", ").collect::<Vec<_>>())
            ));
        }
    })
}

fn read<T: DeserializeOwned>(name: &str, value: &Value) -> Parsed<T> {
    serde_json::from_value(value.clone())
        .map_err(|e| format!("`{name}` with {value}: {}", with_suggestion(&e.to_string())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Parsed<Distribution> {
        parse(&serde_saphyr::from_str(yaml).unwrap())
    }

    #[test]
    fn optuna_and_nni_say_the_same() {
        let float = Distribution::Float {
            low: 1e-4,
            high: 0.1,
            log: true,
            step: None,
        };
        for yaml in [
            "{float: {low: 0.0001, high: 0.1, log: true}}",
            "{name: FloatDistribution, attributes: {low: 0.0001, high: 0.1, log: true, step: null}}",
            "{_type: loguniform, _value: [0.0001, 0.1]}",
        ] {
            assert_eq!(of(yaml).unwrap(), float, "{yaml}");
        }
        let int = Distribution::Int {
            low: 1,
            high: 4,
            log: false,
            step: 1,
        };
        assert_eq!(of("{int: {low: 1, high: 4}}").unwrap(), int);
        assert_eq!(of("{_type: randint, _value: [1, 5]}").unwrap(), int);
        let choice = of("{_type: choice, _value: [a, 2, 0.5, true]}").unwrap();
        assert_eq!(
            of("{categorical: {choices: [a, 2, 0.5, true]}}").unwrap(),
            choice
        );
    }

    #[test]
    fn an_unknown_word_is_answered_with_those_there_are() {
        assert!(
            of("{flaot: {low: 0, high: 1}}")
                .unwrap_err()
                .contains("float, int")
        );
        assert!(
            of("{_type: gauss, _value: [0, 1]}")
                .unwrap_err()
                .contains("loguniform")
        );
        for (yaml, meant) in [
            ("{float: {low: 0, hihg: 1}}", "high"),
            ("{flaot: {low: 0, high: 1}}", "float"),
            ("{_type: chioce, _value: [1]}", "choice"),
            ("{_type: choice, _value: [1], _vlaue: [2]}", "_value"),
            ("{int: {low: 0, high: 4, stpe: 2}}", "step"),
        ] {
            let error = of(yaml).unwrap_err();
            assert!(
                error.contains(&format!("did you mean `{meant}`")),
                "{error}"
            );
        }
        let both = of("{float: {low: 0.1, high: 1, log: true, step: 0.1}}").unwrap_err();
        assert!(both.contains("exclude each other"), "{both}");
        assert!(
            of("{_type: uniform, _value: [1]}")
                .unwrap_err()
                .contains("uniform")
        );
        assert!(of("0.5").is_err());
    }
}
