//! What is asked for by C-FIND, C-MOVE, C-GET and QIDO-RS.

use crate::{Error, Result};
use dicom_core::dictionary::{DataDictionary, DataDictionaryEntry};
use dicom_core::{DataElement, PrimitiveValue, Tag, VR};
use dicom_dictionary_std::{StandardDataDictionary, tags};
use dicom_object::InMemDicomObject;
use std::collections::BTreeMap;
use std::fmt;

/// What the matches of a query are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Studies.
    Study,
    /// Series.
    Series,
    /// Single objects.
    Image,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Study => "STUDY",
            Self::Series => "SERIES",
            Self::Image => "IMAGE",
        })
    }
}

/// A query below the root of studies: attributes that must match, and attributes that are asked for.
///
/// ```
/// use vesalius_pacs::{Level, Query};
///
/// let query = Query::new(Level::Series).matching("StudyDate", "20260101-")?.matching("Modality", "CT")?
///     .asking("NumberOfSeriesRelatedInstances")?;
/// assert_eq!(query.level(), Level::Series);
/// assert!(Query::new(Level::Study).asking("PatientNmae").is_err(), "no attribute has this name");
/// # Ok::<(), vesalius_pacs::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    level: Level,
    /// By tag; an empty text asks for the attribute.
    pub(crate) keys: BTreeMap<Tag, (VR, String)>,
}

impl Query {
    /// Everything at a level. The identifiers down to the level are asked for.
    pub fn new(level: Level) -> Self {
        let mut keys = BTreeMap::new();
        let mut uid = |tag| keys.insert(tag, (VR::UI, String::new()));
        uid(tags::STUDY_INSTANCE_UID);
        if level >= Level::Series {
            uid(tags::SERIES_INSTANCE_UID);
        }
        if level >= Level::Image {
            uid(tags::SOP_INSTANCE_UID);
            uid(tags::SOP_CLASS_UID);
        }
        Self { level, keys }
    }

    /// One study.
    pub fn study(uid: &str) -> Result<Self> {
        Self::new(Level::Study).matching("StudyInstanceUID", uid)
    }

    /// One series.
    pub fn series(study: &str, series: &str) -> Result<Self> {
        Self::new(Level::Series)
            .matching("StudyInstanceUID", study)?
            .matching("SeriesInstanceUID", series)
    }

    /// What the matches are.
    pub fn level(&self) -> Level {
        self.level
    }

    /// An attribute that must match: by its keyword, such as `PatientID`, or its tag, such as `00100020`. `*` and `?` stand
    /// for any text and any character where the peer's rules allow it, `-` for a range of dates or times.
    ///
    /// # Errors
    /// [`Error::Settings`] for an attribute that the standard does not have, a sequence, or a value that such an attribute
    /// cannot have.
    pub fn matching(mut self, attribute: &str, value: &str) -> Result<Self> {
        let (tag, vr) = attribute_of(attribute)?;
        if vr == VR::UI
            && !value
                .split('\\')
                .all(|uid| uid.is_empty() || crate::is_uid(uid))
        {
            return Err(Error::Settings(format!(
                "`{value}` is no value of {attribute}: expected an identifier of digits and dots"
            )));
        }
        if value.chars().any(char::is_control) || value.len() > 1024 {
            return Err(Error::Settings(format!(
                "the value of {attribute} is longer than 1,024 bytes or has control characters"
            )));
        }
        self.keys.insert(tag, (vr, value.to_owned()));
        Ok(self)
    }

    /// An attribute that the matches shall have.
    ///
    /// # Errors
    /// As [`Query::matching`].
    pub fn asking(mut self, attribute: &str) -> Result<Self> {
        let (tag, vr) = attribute_of(attribute)?;
        self.keys.entry(tag).or_insert((vr, String::new()));
        Ok(self)
    }

    /// The data set of a request by C-FIND.
    pub(crate) fn identifier(&self) -> InMemDicomObject {
        self.object(|_| true)
    }

    /// The data set of a request by C-MOVE or C-GET: only unique keys down to the level.
    pub(crate) fn unique_keys(&self) -> Result<InMemDicomObject> {
        const UNIQUE: [Tag; 3] = [
            tags::STUDY_INSTANCE_UID,
            tags::SERIES_INSTANCE_UID,
            tags::SOP_INSTANCE_UID,
        ];
        let needed = &UNIQUE[..=self.level as usize];
        let missing = |tag: &&Tag| {
            self.keys
                .get(*tag)
                .is_none_or(|(_, value)| value.is_empty())
        };
        if let Some(tag) = needed.iter().find(missing) {
            let entry = StandardDataDictionary.by_tag(*tag);
            return Err(Error::Settings(format!(
                "a request for objects at the level {} needs the value of {}",
                self.level,
                entry.map_or("an identifier", |entry| entry.alias),
            )));
        }
        Ok(self.object(|tag| needed.contains(&tag)))
    }

    fn object(&self, wanted: impl Fn(Tag) -> bool) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        let level = PrimitiveValue::from(self.level.to_string());
        object.put(DataElement::new(tags::QUERY_RETRIEVE_LEVEL, VR::CS, level));
        let is_ascii = self.keys.values().all(|(_, value)| value.is_ascii());
        if !is_ascii {
            let charset = PrimitiveValue::from("ISO_IR 192");
            object.put(DataElement::new(
                tags::SPECIFIC_CHARACTER_SET,
                VR::CS,
                charset,
            ));
        }
        for (tag, (vr, value)) in self.keys.iter().filter(|(tag, _)| wanted(**tag)) {
            let value = match value.as_str() {
                "" => PrimitiveValue::Empty,
                text => PrimitiveValue::from(text),
            };
            object.put(DataElement::new(*tag, *vr, value));
        }
        object
    }
}

/// The tag and the value representation of an attribute by its keyword or tag.
fn attribute_of(name: &str) -> Result<(Tag, VR)> {
    let entry = StandardDataDictionary.by_expr(name);
    let unknown = || {
        Error::Settings(format!(
            "`{name}` is no attribute of DICOM; give its keyword, such as PatientID, or its tag, such as 00100020"
        ))
    };
    let by_tag = || {
        name.parse::<Tag>()
            .ok()
            .and_then(|tag| StandardDataDictionary.by_tag(tag))
    };
    let entry = entry.or_else(by_tag).ok_or_else(unknown)?;
    let (tag, vr) = (entry.tag(), entry.vr().relaxed());
    match vr {
        VR::SQ | VR::OB | VR::OW | VR::UN => Err(Error::Settings(format!(
            "`{name}` is a sequence or binary and cannot be asked for here"
        ))),
        vr => Ok((tag, vr)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_for_objects_has_only_the_identifiers_down_to_its_level() {
        let query = Query::series("1.2", "1.2.3")
            .unwrap()
            .matching("Modality", "CT")
            .unwrap();
        let keys = query.unique_keys().unwrap();
        assert!(
            keys.get(tags::MODALITY).is_none() && keys.get(tags::SERIES_INSTANCE_UID).is_some()
        );
        assert!(query.identifier().get(tags::MODALITY).is_some());
        let error = Query::new(Level::Series).unique_keys().unwrap_err();
        assert!(error.to_string().contains("StudyInstanceUID"), "{error}");
    }

    #[test]
    fn identifiers_with_wildcards_and_unknown_attributes_are_refused() {
        assert!(Query::study("1.2*").is_err());
        assert!(
            Query::new(Level::Study)
                .matching("NoSuchThing", "1")
                .is_err()
        );
        assert!(
            Query::new(Level::Study)
                .matching("PatientID", "a\nb")
                .is_err()
        );
        assert!(
            Query::new(Level::Study)
                .matching("00100020", "4711")
                .is_ok()
        );
        assert!(
            Query::new(Level::Study)
                .asking("ReferencedStudySequence")
                .is_err()
        );
    }

    #[test]
    fn texts_beyond_ascii_are_sent_in_utf_8_and_say_so() {
        let query = Query::new(Level::Study)
            .matching("PatientName", "M\u{fc}ller*")
            .unwrap();
        let bytes = crate::data_set::encode(&query.identifier(), "1.2.840.10008.1.2").unwrap();
        let has = |part: &[u8]| bytes.windows(part.len()).any(|some| some == part);
        assert!(
            has("M\u{fc}ller*".as_bytes()) && has(b"ISO_IR 192"),
            "{bytes:?}"
        );
        let read = crate::data_set::decode(&bytes, "1.2.840.10008.1.2").unwrap();
        assert_eq!(
            read.element_by_name("PatientName")
                .unwrap()
                .to_str()
                .unwrap(),
            "M\u{fc}ller*"
        );
    }
}
