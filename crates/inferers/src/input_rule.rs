//! Which DICOM series of a study is the image of a channel.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The DICOM series that a channel is read from, where a study holds several: `{modality: MR, description: "*t1*"}`.
///
/// A series fits if it has the modality and its description matches; a rule without either fits every series.
///
/// ```
/// use vesalius_inferers::InputRule;
///
/// let rule = InputRule::new().modality("MR").description("*T1*post*");
/// assert!(rule.fits("MR", "ax t1 mprage post gd"));
/// assert!(!rule.fits("MR", "ax t1 mprage"));
/// assert!(!rule.fits("CT", "ax t1 post"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InputRule {
    /// DICOM's Modality, such as `CT`, `MR` or `PT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modality: Option<String>,
    /// The whole SeriesDescription, upper and lower case alike; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl InputRule {
    /// A rule that fits every series.
    pub fn new() -> Self {
        Self::default()
    }

    /// Requires a modality.
    #[must_use]
    pub fn modality(mut self, modality: impl Into<String>) -> Self {
        self.modality = Some(modality.into());
        self
    }

    /// Requires a description; `*` stands for any text.
    #[must_use]
    pub fn description(mut self, pattern: impl Into<String>) -> Self {
        self.description = Some(pattern.into());
        self
    }

    /// The rule that a channel's name implies: `CT`, `MR` or `MRI`, `PT` or `PET` are modalities.
    pub fn of_channel(name: &str) -> Option<Self> {
        let modality = match name.to_ascii_uppercase().as_str() {
            "CT" => "CT",
            "MR" | "MRI" => "MR",
            "PT" | "PET" => "PT",
            _ => return None,
        };
        Some(Self::new().modality(modality))
    }

    /// Whether a series of this modality and description may be the channel's.
    pub fn fits(&self, modality: &str, description: &str) -> bool {
        let modality = self
            .modality
            .as_ref()
            .is_none_or(|wanted| wanted.eq_ignore_ascii_case(modality.trim()));
        let description = self.description.as_ref().is_none_or(|pattern| {
            matches(&pattern.to_lowercase(), &description.trim().to_lowercase())
        });
        modality && description
    }
}

impl fmt::Display for InputRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = self.description.as_ref().map(|text| format!("`{text}`"));
        let parts: Vec<&str> = [&self.modality, &quoted]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        match parts.is_empty() {
            true => f.write_str("any series"),
            false => f.write_str(&parts.join(" ")),
        }
    }
}

/// Whether a text is a pattern's, in which `*` stands for any text. Each part between two `*` is taken where it first
/// occurs, which leaves the most for the parts after it.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(first) else {
        return false;
    };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some(at) = text.find(part) else {
            return false;
        };
        text = text.get(at + part.len()..).unwrap_or_default();
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_none() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "t1"),
            ("t1", "t1"),
            ("t1*", "t1"),
            ("*t1*post*", "ax t1 t2 post"),
            ("*t1", "t1 t1"),
            ("a*b*c", "abbc"),
            ("**t1**", "t1"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "t1"),
            ("t1", "t1 "),
            ("a*a", "a"),
            ("a*b*b", "ab"),
            ("*t1*post*", "post t1"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn only_names_of_modalities_imply_a_rule() {
        let mr = InputRule::new().modality("MR");
        assert_eq!(InputRule::of_channel("MRI"), Some(mr));
        assert_eq!(InputRule::of_channel("T1"), None);
        assert_eq!(InputRule::of_channel("0"), None);
    }
}
