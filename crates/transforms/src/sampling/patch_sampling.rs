//! How the place of a training patch is drawn, as configs write it: a word, or a map whose keys
//! choose the kind.

use super::CustomSampler;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use vesalius_registry::Custom;
use vesalius_volume::unknown_name;

/// How the place of a patch is drawn.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PatchSampling {
    /// Anywhere with equal chances: MONAI's `RandSpatialCrop`.
    #[default]
    Random,
    /// By a user-defined sampler: `{custom: my_sampler}`, or with its options `{custom: {name: my_sampler, …}}`.
    Custom(Custom<dyn CustomSampler>),
    /// Around a labelled voxel with chance positive / (positive + negative), else around a
    /// background voxel: MONAI's `RandCropByPosNegLabel`.
    #[serde(untagged)]
    PositiveNegative(PositiveNegative),
    /// Around a voxel of a class or region drawn by weight: MONAI's `RandCropByLabelClasses`.
    #[serde(untagged)]
    Classes(ClassRatios),
    /// For a share of patches around a voxel of a class that occurs, with equal chances: nnU-Net's forced
    /// foreground.
    #[serde(untagged)]
    Foreground(ForcedForeground),
}

impl PatchSampling {
    /// Whether places depend on the labels of a case: all ways but `random`. A user-defined sampler may read them.
    pub fn reads_labels(&self) -> bool {
        !matches!(self, Self::Random)
    }
}

/// The weights of classes or regions as centres.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassRatios {
    /// The weight of each class of the label scheme, in its order, the background's first; or of each region in
    /// its order, with one for voxels of no region before them where there is one more.
    ///
    /// The class of a patch is drawn among those that occur in its case, as MONAI does; where none of positive
    /// weight does, the patch lies anywhere.
    pub classes: Vec<f64>,
}

/// How often a patch is forced to hold foreground.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ForcedForeground {
    /// The share of patches, 0 to 1; nnU-Net takes 0.33.
    pub foreground: f64,
}

/// The weights of labelled and of background centres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PositiveNegative {
    /// Weight of patches around a labelled voxel.
    pub positive: f64,
    /// Weight of patches around a background voxel.
    pub negative: f64,
}

/// The keys of all ways, so that a misspelt one is named with the nearest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    positive: Option<f64>,
    negative: Option<f64>,
    classes: Option<Vec<f64>>,
    foreground: Option<f64>,
    custom: Option<Custom<dyn CustomSampler>>,
}

impl Written {
    fn sampling(self) -> Result<PatchSampling, &'static str> {
        if let Some(custom) = self.custom {
            let others = [self.positive, self.negative, self.foreground];
            let alone = self.classes.is_none() && others.iter().all(Option::is_none);
            return match alone {
                true => Ok(PatchSampling::Custom(custom)),
                false => Err("`custom` stands alone: it is one way to draw"),
            };
        }
        match (self.positive, self.negative, self.classes, self.foreground) {
            (Some(positive), Some(negative), None, None) => {
                let weights = PositiveNegative { positive, negative };
                Ok(PatchSampling::PositiveNegative(weights))
            }
            (None, None, Some(classes), None) => {
                Ok(PatchSampling::Classes(ClassRatios { classes }))
            }
            (None, None, None, Some(foreground)) => {
                Ok(PatchSampling::Foreground(ForcedForeground { foreground }))
            }
            (Some(_), None, None, None) => Err("`negative` is missing beside `positive`"),
            (None, Some(_), None, None) => Err("`positive` is missing beside `negative`"),
            _ => Err(
                "expected the keys of one way to draw: `positive` and `negative`, `classes`, `foreground`, or `custom`",
            ),
        }
    }
}

impl<'de> Deserialize<'de> for PatchSampling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyWay;

        impl<'de> Visitor<'de> for AnyWay {
            type Value = PatchSampling;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "`random`, `{positive: 1, negative: 1}`, `{classes: [1, 2, 2]}`, `{foreground: 0.33}` or `{custom: my_sampler}`",
                )
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<PatchSampling, E> {
                match word {
                    "random" => Ok(PatchSampling::Random),
                    other => Err(E::custom(unknown_name("sampling", other, &["random"]))),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PatchSampling, A::Error> {
                let written = Written::deserialize(MapAccessDeserializer::new(map))?;
                written.sampling().map_err(A::Error::custom)
            }
        }

        deserializer.deserialize_any(AnyWay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::with_suggestion;

    fn refused(text: &str) -> String {
        let error = serde_saphyr::from_str::<PatchSampling>(text).unwrap_err();
        with_suggestion(&error.to_string())
    }

    #[test]
    fn every_way_reads_as_it_is_written() {
        for sampling in [
            PatchSampling::Random,
            PatchSampling::PositiveNegative(PositiveNegative {
                positive: 2.0,
                negative: 0.5,
            }),
            PatchSampling::Classes(ClassRatios {
                classes: vec![1.0, 0.0, 2.5],
            }),
            PatchSampling::Foreground(ForcedForeground { foreground: 0.33 }),
        ] {
            let yaml = serde_saphyr::to_string(&sampling).unwrap();
            let json = serde_json::to_string(&sampling).unwrap();
            assert_eq!(
                serde_saphyr::from_str::<PatchSampling>(&yaml).unwrap(),
                sampling
            );
            assert_eq!(
                serde_json::from_str::<PatchSampling>(&json).unwrap(),
                sampling
            );
        }
    }

    #[test]
    fn a_misspelt_key_or_word_is_refused_with_the_nearest_known_one() {
        for (text, meant) in [
            ("{postive: 2, negative: 1}", "positive"),
            ("{positive: 2, negatve: 1}", "negative"),
            ("{clases: [1, 2]}", "classes"),
            ("{foregruond: 0.33}", "foreground"),
            ("randon", "random"),
        ] {
            let message = refused(text);
            assert!(
                message.contains(&format!("did you mean `{meant}`")),
                "{message}"
            );
        }
    }

    #[test]
    fn a_key_too_few_or_of_another_way_is_told() {
        assert!(refused("{positive: 1}").contains("`negative` is missing"));
        assert!(refused("{negative: 1}").contains("`positive` is missing"));
        for text in ["{}", "{positive: 1, negative: 1, foreground: 0.3}"] {
            assert!(refused(text).contains("one way to draw"), "{text}");
        }
        assert!(refused("{foreground: half}").contains("half"));
        assert!(refused("3").contains("`random`, `{positive"));
    }
}
