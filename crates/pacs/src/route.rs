//! Which model runs on which series, and where results are sent: rules of a config.

use crate::data_set::InstanceHeader;
use crate::{AeTitle, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Rules in order: all that a series fits apply.
///
/// ```
/// use vesalius_pacs::{RouteRules, RoutedSeries};
///
/// let rules: RouteRules = serde_json::from_str(r#"{"rules": [
///     {"callers": ["CT1"], "modalities": ["CT"], "description": "*abdomen*", "model": "liver", "destinations": ["PACS"]}
/// ]}"#)?;
/// rules.check(["liver"], ["PACS"])?;
/// let series = RoutedSeries { caller: "CT1", modality: "CT", description: "Abdomen 1mm", ..RoutedSeries::default() };
/// assert_eq!(rules.matching(&series).next().unwrap().model, "liver");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RouteRules {
    /// The rules.
    pub rules: Vec<RouteRule>,
    /// Classes of objects that are never taken for a series to run on, beside segmentations, reports and the like.
    pub ignored_classes: Vec<String>,
}

/// A condition, and what happens with a series that meets it. Conditions that are absent are met by all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteRule {
    /// Calling titles.
    #[serde(default)]
    pub callers: Vec<AeTitle>,
    /// Modalities, such as `CT`.
    #[serde(default)]
    pub modalities: Vec<String>,
    /// A pattern for the description of the series: `*` stands for any text, `?` for any character; case does not count.
    #[serde(default)]
    pub description: Option<String>,
    /// A pattern for the body part.
    #[serde(default)]
    pub body_part: Option<String>,
    /// How many objects the series must have at least. Default 1.
    #[serde(default = "one")]
    pub objects: usize,
    /// The name of the model.
    pub model: String,
    /// Names of the destinations of results.
    #[serde(default)]
    pub destinations: Vec<String>,
}

fn one() -> usize {
    1
}

/// What a series is, for rules.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutedSeries<'a> {
    /// The title that sent it.
    pub caller: &'a str,
    /// The class of its objects.
    pub class: &'a str,
    /// Modality.
    pub modality: &'a str,
    /// SeriesDescription.
    pub description: &'a str,
    /// BodyPartExamined.
    pub body_part: &'a str,
    /// How many objects it has; 0 where this is not known.
    pub objects: usize,
    /// Whether it is a result of this library.
    pub is_own: bool,
}

impl<'a> RoutedSeries<'a> {
    /// A series by one of its objects, which `caller` sent.
    pub fn new(
        header: &'a InstanceHeader,
        implementation: &str,
        caller: &'a str,
        objects: usize,
    ) -> Self {
        Self {
            caller,
            class: &header.class,
            modality: &header.modality,
            description: &header.description,
            body_part: &header.body_part,
            objects,
            is_own: header.is_own(implementation) || header.is_derived_object(),
        }
    }
}

impl RouteRules {
    /// The rules that a series meets; none for results of this library, which would run in a loop.
    pub fn matching(&self, series: &RoutedSeries<'_>) -> impl Iterator<Item = &RouteRule> {
        let is_ignored =
            series.is_own || self.ignored_classes.iter().any(|one| one == series.class);
        let series = *series;
        let rules = self.rules.iter();
        rules.filter(move |rule| !is_ignored && rule.is_met(&series))
    }

    /// Checks that the models and destinations that rules name exist, and that each rule can be met.
    ///
    /// # Errors
    /// [`Error::Settings`] with the rule's number.
    pub fn check<'a>(
        &self,
        models: impl IntoIterator<Item = &'a str>,
        destinations: impl IntoIterator<Item = &'a str>,
    ) -> Result<()> {
        let models: BTreeSet<_> = models.into_iter().collect();
        let destinations: BTreeSet<_> = destinations.into_iter().collect();
        let list = |names: &BTreeSet<&str>| names.iter().copied().collect::<Vec<_>>().join(", ");
        for (number, rule) in (1..).zip(&self.rules) {
            let bad = |what: String| Err(Error::Settings(format!("rule {number}: {what}")));
            if !models.contains(rule.model.as_str()) {
                let known = list(&models);
                return bad(format!(
                    "there is no model `{}`; known are: {known}",
                    rule.model
                ));
            }
            let missing = rule
                .destinations
                .iter()
                .find(|one| !destinations.contains(one.as_str()));
            if let Some(name) = missing {
                let known = list(&destinations);
                return bad(format!(
                    "there is no destination `{name}`; known are: {known}"
                ));
            }
            if rule.description.as_deref() == Some("") || rule.body_part.as_deref() == Some("") {
                return bad("an empty pattern matches nothing; leave it out, or write `*`".into());
            }
        }
        Ok(())
    }
}

impl RouteRule {
    fn is_met(&self, series: &RoutedSeries<'_>) -> bool {
        let has = |list: &[String], text: &str| {
            list.is_empty() || list.iter().any(|one| one.eq_ignore_ascii_case(text))
        };
        let callers = &self.callers;
        let fits = |pattern: &Option<String>, text: &str| {
            pattern
                .as_deref()
                .is_none_or(|pattern| matches(pattern, text))
        };
        (callers.is_empty() || callers.iter().any(|one| one.as_str() == series.caller))
            && has(&self.modalities, series.modality)
            && fits(&self.description, series.description)
            && fits(&self.body_part, series.body_part)
            && (series.objects == 0 || series.objects >= self.objects)
    }
}

/// Whether a text fits a pattern with `*` and `?`, case aside. Its time is at most the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&letter) if letter == '?' || letter == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((place, taken)) => {
                    star = Some((place, taken + 1));
                    p = place + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&letter| letter == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule() -> RouteRule {
        RouteRule {
            callers: Vec::new(),
            modalities: Vec::new(),
            description: None,
            body_part: None,
            objects: 1,
            model: "m".into(),
            destinations: Vec::new(),
        }
    }

    #[test]
    fn patterns_match_whole_texts_whatever_the_case() {
        for (pattern, text) in [
            ("*", ""),
            ("a*c", "ABBC"),
            ("*t1*", "ax T1 fs"),
            ("?b", "ab"),
            ("a**b", "ab"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("?", ""),
            ("a*c", "ab"),
            ("*t1", "t1 x"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        let long = "a".repeat(10_000);
        assert!(!matches(&"*a".repeat(50).replace("*a", "*aa*b"), &long));
    }

    #[test]
    fn all_conditions_of_a_rule_must_be_met() {
        let rules = RouteRules {
            rules: vec![
                RouteRule {
                    callers: vec![AeTitle::new("CT1").unwrap()],
                    modalities: vec!["CT".into()],
                    body_part: Some("abd*".into()),
                    objects: 10,
                    ..rule()
                },
                rule(),
            ],
            ignored_classes: vec!["1.2.3".into()],
        };
        let series = RoutedSeries {
            caller: "CT1",
            modality: "CT",
            body_part: "ABDOMEN",
            objects: 20,
            ..RoutedSeries::default()
        };
        let count = |series: RoutedSeries<'_>| rules.matching(&series).count();
        assert_eq!(count(series), 2);
        assert_eq!(
            count(RoutedSeries {
                caller: "CT2",
                ..series
            }),
            1
        );
        assert_eq!(
            count(RoutedSeries {
                objects: 3,
                ..series
            }),
            1
        );
        assert_eq!(
            count(RoutedSeries {
                modality: "MR",
                ..series
            }),
            1
        );
        assert_eq!(
            count(RoutedSeries {
                class: "1.2.3",
                ..series
            }),
            0,
            "an ignored class"
        );
        assert_eq!(
            count(RoutedSeries {
                is_own: true,
                ..series
            }),
            0,
            "a loop"
        );
    }

    #[test]
    fn a_rule_with_an_unknown_model_destination_or_key_is_refused() {
        let mut rules = RouteRules {
            rules: vec![rule()],
            ..RouteRules::default()
        };
        rules.check(["m"], []).unwrap();
        let error = rules.check(["n"], []).unwrap_err().to_string();
        assert_eq!(error, "rule 1: there is no model `m`; known are: n");
        rules.rules[0].destinations.push("PACS".into());
        assert!(
            rules
                .check(["m"], ["OTHER"])
                .unwrap_err()
                .to_string()
                .contains("OTHER")
        );
        let yaml = "rules:\n- {model: m, modality: [CT]}\n";
        assert!(serde_saphyr::from_str::<RouteRules>(yaml).is_err());
        let yaml =
            "rules:\n- {model: m, modalities: [CT], callers: [TOO LONG A TITLE FOR DICOM]}\n";
        assert!(serde_saphyr::from_str::<RouteRules>(yaml).is_err());
    }
}
