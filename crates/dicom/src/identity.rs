//! What every object made from a source has alike: the source's patient, study and frame of reference byte for byte, and
//! Vesalius as the equipment.

use crate::set::Set;
use crate::source::Source;
use crate::{Result, raw};
use chrono::{DateTime, Local};
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// The maker of the objects, in the file meta information: a fixed number of this library.
pub(crate) const IMPLEMENTATION_CLASS: &str = "2.25.203814972047150162748927846212037518366";
pub(crate) const IMPLEMENTATION_NAME: &str = concat!("VESALIUS_", env!("CARGO_PKG_VERSION"));
pub(crate) const MANUFACTURER: &str = "Vesalius";
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Attributes of patient and study that may be absent.
const OPTIONAL: [Tag; 28] = [
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_TIME,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::OTHER_PATIENT_NAMES,
    tags::PATIENT_COMMENTS,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
    tags::CLINICAL_TRIAL_SPONSOR_NAME,
    tags::CLINICAL_TRIAL_PROTOCOL_ID,
    tags::CLINICAL_TRIAL_PROTOCOL_NAME,
    tags::CLINICAL_TRIAL_SITE_ID,
    tags::CLINICAL_TRIAL_SITE_NAME,
    tags::CLINICAL_TRIAL_SUBJECT_ID,
    tags::CLINICAL_TRIAL_SUBJECT_READING_ID,
    tags::CLINICAL_TRIAL_TIME_POINT_ID,
    tags::CLINICAL_TRIAL_TIME_POINT_DESCRIPTION,
    tags::STUDY_DESCRIPTION,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::TIMEZONE_OFFSET_FROM_UTC,
];

/// Attributes that must be there, without a value where the source has none.
const REQUIRED: [Tag; 10] = [
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_SEX,
    tags::STUDY_INSTANCE_UID,
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::STUDY_ID,
    tags::ACCESSION_NUMBER,
    tags::REFERRING_PHYSICIAN_NAME,
];

/// The moment at which an object is made, in the time of this machine.
#[derive(Debug, Clone)]
pub(crate) struct Moment {
    pub date: String,
    pub time: String,
}

impl Moment {
    pub fn now() -> Self {
        Self::of(Local::now())
    }

    fn of(now: DateTime<Local>) -> Self {
        Self {
            date: now.format("%Y%m%d").to_string(),
            time: now.format("%H%M%S").to_string(),
        }
    }

    /// Writes it as that of series and instance, and as that of the content, whose date and time have these tags.
    pub fn write(&self, set: &mut Set, content: [Tag; 2]) -> Result<()> {
        for tag in [tags::SERIES_DATE, content[0], tags::INSTANCE_CREATION_DATE] {
            set.text(tag, &self.date)?;
        }
        for tag in [tags::SERIES_TIME, content[1], tags::INSTANCE_CREATION_TIME] {
            set.text(tag, &self.time)?;
        }
        Ok(())
    }
}

/// SeriesNumber of a new series: the one that is given, else the source's and `beyond`.
pub(crate) fn series_number(source: &Source, given: Option<u32>, beyond: i64) -> i64 {
    let number = raw::numbers::<1>(source.head(), tags::SERIES_NUMBER).map_or(0.0, |[n]| n);
    given.map_or(number as i64 + beyond, i64::from)
}

/// Patient and study of the source.
pub(crate) fn patient_and_study(set: &mut Set, source: &Source) {
    let head = source.head();
    set.declare_charset();
    set.copy_or_empty(head, &REQUIRED);
    for tag in OPTIONAL {
        // An empty value says less than none, and some must not be empty.
        let holds = head.get(tag).is_some_and(|element| match element.items() {
            Some(items) => !items.is_empty(),
            None => raw::bytes(head, tag).is_some_and(|b| b.iter().any(|b| !matches!(b, b' ' | 0))),
        });
        if holds {
            set.copy(head, tag);
        }
    }
}

/// The frame of reference of the source.
pub(crate) fn frame_of_reference(set: &mut Set, source: &Source) {
    set.copy(source.head(), tags::FRAME_OF_REFERENCE_UID);
    set.copy_or_empty(source.head(), &[tags::POSITION_REFERENCE_INDICATOR]);
}

/// What made the object.
///
/// # Errors
/// None that occurs: the texts are ASCII and short.
pub(crate) fn equipment(set: &mut Set) -> Result<()> {
    set.text(tags::MANUFACTURER, MANUFACTURER)?;
    set.text(tags::MANUFACTURER_MODEL_NAME, MANUFACTURER)?;
    set.text(tags::DEVICE_SERIAL_NUMBER, VERSION)?;
    set.text(tags::SOFTWARE_VERSIONS, VERSION)?;
    Ok(())
}

/// A code of a terminology as an item.
///
/// # Errors
/// [`Error::Text`](crate::Error::Text).
pub(crate) fn code_item<'a>(
    like: &Set<'a>,
    value: &str,
    scheme: &str,
    meaning: &str,
) -> Result<Set<'a>> {
    let mut item = like.item();
    // A code of more than 16 characters has an element of its own.
    let tag = if value.len() > 16 {
        tags::LONG_CODE_VALUE
    } else {
        tags::CODE_VALUE
    };
    item.text(tag, value)?;
    item.text(tags::CODING_SCHEME_DESIGNATOR, scheme)?;
    item.text(tags::CODE_MEANING, meaning)?;
    Ok(item)
}

/// Class and instance of a referred file.
///
/// # Errors
/// [`Error::Text`](crate::Error::Text) for identifiers of the source that are too long.
pub(crate) fn reference<'a>(like: &Set<'a>, class: &str, instance: &str) -> Result<Set<'a>> {
    let mut item = like.item();
    item.text(tags::REFERENCED_SOP_CLASS_UID, class)?;
    item.text(tags::REFERENCED_SOP_INSTANCE_UID, instance)?;
    Ok(item)
}

/// ReferencedSeriesSequence: the source's series with these of its instances.
///
/// # Errors
/// As [`reference`].
pub(crate) fn referenced_series(set: &mut Set, source: &Source, instances: &[usize]) -> Result<()> {
    let mut series = set.item();
    series.copy(source.head(), tags::SERIES_INSTANCE_UID);
    let items = instances.iter().map(|&i| {
        let instance = &source.instances[i];
        reference(&series, &instance.class, &instance.uid)
    });
    let items = items.collect::<Result<Vec<_>>>()?;
    series.items(tags::REFERENCED_INSTANCE_SEQUENCE, items);
    set.items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    Ok(())
}

/// Whether the source was compressed with loss, which all that is made of it tells.
pub(crate) fn lossy(set: &mut Set, source: &Source) -> Result<()> {
    let lossy = source.instances.iter().find(|instance| {
        raw::text(&instance.header, tags::LOSSY_IMAGE_COMPRESSION).as_deref() == Some("01")
    });
    match lossy {
        Some(instance) => {
            set.text(tags::LOSSY_IMAGE_COMPRESSION, "01")?;
            let about = [
                tags::LOSSY_IMAGE_COMPRESSION_RATIO,
                tags::LOSSY_IMAGE_COMPRESSION_METHOD,
            ];
            set.copy_all(&instance.header, &about);
        }
        None => {
            set.text(tags::LOSSY_IMAGE_COMPRESSION, "00")?;
        }
    }
    Ok(())
}
