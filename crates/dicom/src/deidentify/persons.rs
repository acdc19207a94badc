//! The persons that a file names: the patient's pseudonym, and the names and numbers that must not stay in other texts.

use super::element::{Element, each, find};
use super::key::DeidentifyKey;
use super::pseudonym::Pseudonym;
use dicom_core::VR;
use dicom_dictionary_std::tags;
use std::collections::BTreeSet;

/// The pseudonym of the patient of a file.
pub(crate) fn pseudonym(key: &DeidentifyKey, set: &[Element]) -> Pseudonym {
    let bytes = |tag| find(set, tag).map_or(&[][..], Element::trimmed);
    let [id, issuer, study] = [
        tags::PATIENT_ID,
        tags::ISSUER_OF_PATIENT_ID,
        tags::STUDY_INSTANCE_UID,
    ]
    .map(bytes);
    Pseudonym::new(key, id, issuer, study)
}

/// Names and numbers of the persons of a file.
#[derive(Debug, Default)]
pub(crate) struct Identity {
    /// In lower case, for words of descriptions.
    pub words: BTreeSet<String>,
    /// In lower case, the patient's own, long enough to be no chance.
    own: Vec<Vec<u8>>,
}

impl Identity {
    pub fn of(set: &[Element]) -> Self {
        let mut identity = Self::default();
        each(set, &mut |element| {
            let numbers = [tags::PATIENT_ID, tags::ACCESSION_NUMBER, tags::STUDY_ID];
            let number = numbers.contains(&element.tag);
            if element.vr != VR::PN && element.tag != tags::PATIENT_NAME && !number {
                return;
            }
            let own = matches!(element.tag, tags::PATIENT_NAME | tags::PATIENT_ID);
            let lower = element.trimmed().to_ascii_lowercase();
            let apart = |byte: &u8| matches!(byte, b'^' | b'=' | b' ' | b'\\' | b',');
            for word in lower.split(apart).filter(|word| word.len() > 1) {
                identity
                    .words
                    .insert(String::from_utf8_lossy(word).into_owned());
                if own && word.len() > 3 {
                    identity.own.push(word.to_vec());
                }
            }
        });
        identity
    }

    /// Whether a text has the patient's name or number as a whole word.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let lower = text.to_ascii_lowercase();
        let holds = |word: &Vec<u8>| {
            let mut places = lower.windows(word.len()).enumerate();
            places.any(|(at, part)| {
                let whole = |byte: Option<&u8>| !byte.is_some_and(u8::is_ascii_alphanumeric);
                let before = at.checked_sub(1).and_then(|at| lower.get(at));
                part == word && whole(before) && whole(lower.get(at + word.len()))
            })
        };
        self.own.iter().any(holds)
    }
}
