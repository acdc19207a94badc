//! What a segment shows: its name, its codes, its colour, how it was made.

use super::anatomy;
use crate::Result;
use crate::uid::new_uid;
use vesalius_volume::label_colour;

/// A code of a terminology.
///
/// ```
/// use vesalius_dicom::Code;
///
/// let liver = Code::snomed("10200004", "Liver");
/// assert_eq!(liver.scheme, "SCT");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// CodeValue.
    pub value: String,
    /// CodingSchemeDesignator, such as `SCT` for SNOMED CT or `DCM`.
    pub scheme: String,
    /// CodeMeaning.
    pub meaning: String,
}

impl Code {
    /// A code of any terminology.
    pub fn new(
        value: impl Into<String>,
        scheme: impl Into<String>,
        meaning: impl Into<String>,
    ) -> Self {
        Self {
            value: value.into(),
            scheme: scheme.into(),
            meaning: meaning.into(),
        }
    }

    /// A code of SNOMED CT.
    pub fn snomed(value: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self::new(value, "SCT", meaning)
    }
}

/// Who made a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AlgorithmType {
    /// A program alone.
    #[default]
    Automatic,
    /// A program with a person's help.
    SemiAutomatic,
    /// A person.
    Manual,
}

impl AlgorithmType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Automatic => "AUTOMATIC",
            Self::SemiAutomatic => "SEMIAUTOMATIC",
            Self::Manual => "MANUAL",
        }
    }
}

/// A label value and what it means in a DICOM object.
///
/// ```
/// use vesalius_dicom::Segment;
///
/// // The name is known: it has a code of SNOMED CT and a side.
/// let kidney = Segment::named(2, "kidney_left");
/// assert_eq!(kidney.kind.value, "64033007");
/// assert_eq!(kidney.modifier.unwrap().meaning, "Left");
/// // Another has a private code.
/// assert_eq!(Segment::named(3, "my structure").kind.scheme, "99VESALIUS");
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Segment {
    /// The value in the label map.
    pub label: u32,
    /// The label map that holds it, where segments overlap and are in several.
    pub layer: usize,
    /// SegmentLabel, at most 64 characters.
    pub name: String,
    /// SegmentDescription.
    pub description: Option<String>,
    /// SegmentedPropertyCategoryCodeSequence.
    pub category: Code,
    /// SegmentedPropertyTypeCodeSequence.
    pub kind: Code,
    /// SegmentedPropertyTypeModifierCodeSequence, such as a side.
    pub modifier: Option<Code>,
    /// AnatomicRegionSequence: where something that is no part of the anatomy lies.
    pub region: Option<Code>,
    /// AnatomicRegionModifierSequence.
    pub region_modifier: Option<Code>,
    /// RecommendedDisplayCIELabValue, as red, green and blue.
    pub color: [u8; 3],
    /// Who made it.
    pub algorithm_type: AlgorithmType,
    /// SegmentAlgorithmName, where it is not that of the writer.
    pub algorithm: Option<String>,
    /// TrackingID and TrackingUID, by which objects refer to the same finding; new ones otherwise.
    pub tracking: Option<(String, String)>,
}

impl Segment {
    /// A segment of this label and name. The name decides the codes where it is one of the names of organs of
    /// TotalSegmentator, of the Medical Segmentation Decathlon or another in common use; else they are private.
    pub fn named(label: u32, name: impl Into<String>) -> Self {
        let name = name.into();
        let known = anatomy::of(&name);
        let (category, kind) = match &known {
            Some(known) => (known.category.clone(), known.kind.clone()),
            None => (Code::snomed("85756007", "Tissue"), private(&name)),
        };
        let (modifier, region, region_modifier) = match known {
            Some(known) => (known.modifier, known.region, known.region_modifier),
            None => (None, None, None),
        };
        Self {
            label,
            layer: 0,
            name,
            description: None,
            category,
            kind,
            modifier,
            region,
            region_modifier,
            color: label_colour(label),
            algorithm_type: AlgorithmType::default(),
            algorithm: None,
            tracking: None,
        }
    }

    /// The same segment in another colour.
    #[must_use]
    pub fn colored(mut self, color: [u8; 3]) -> Self {
        self.color = color;
        self
    }

    /// The same segment of this type and category.
    #[must_use]
    pub fn coded(mut self, category: Code, kind: Code) -> Self {
        (self.category, self.kind) = (category, kind);
        self
    }

    /// The same segment in another label map of several.
    #[must_use]
    pub fn in_layer(mut self, layer: usize) -> Self {
        self.layer = layer;
        self
    }

    /// Whether its type is a code of no public terminology.
    pub(crate) fn is_private(&self) -> bool {
        self.kind.scheme == PRIVATE
    }

    /// The same with a pair of identifiers.
    pub(crate) fn tracked(mut self) -> Result<Self> {
        if self.tracking.is_none() {
            let name: String = self.name.chars().take(64).collect();
            self.tracking = Some((name, new_uid()?));
        }
        Ok(self)
    }
}

impl From<&vesalius_io::LabelName> for Segment {
    fn from(label: &vesalius_io::LabelName) -> Self {
        Self::named(label.value, &label.name)
            .colored(label.color)
            .in_layer(label.layer as usize)
    }
}

const PRIVATE: &str = "99VESALIUS";

/// A code that no terminology has: the name itself, in the characters that a code may have.
fn private(name: &str) -> Code {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_uppercase()
        } else {
            '_'
        }
    };
    let mut value: String = name.chars().map(plain).collect();
    if value.len() > 16 || !name.is_ascii() {
        // Two long names have two codes.
        let sum = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |sum, byte| {
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        value = format!("{}_{:08X}", &value[..7.min(value.len())], sum as u32);
    }
    let meaning: String = name.chars().take(64).collect();
    Code::new(value, PRIVATE, meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_codes_are_short_and_different() {
        let codes = [
            "a b",
            "x",
            "a very long name of a structure",
            "a very long name of another",
            "肝臓",
            "脾臓",
        ];
        let codes: Vec<Code> = codes.into_iter().map(private).collect();
        for (i, code) in codes.iter().enumerate() {
            assert!(
                !code.value.is_empty() && code.value.len() <= 16 && code.value.is_ascii(),
                "{code:?}"
            );
            assert!(
                codes[..i].iter().all(|other| other.value != code.value),
                "{code:?}"
            );
        }
    }
}
