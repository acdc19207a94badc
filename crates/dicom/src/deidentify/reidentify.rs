//! Results that were made from de-identified images go back to their patient. Identifiers are hashed one way, so the
//! originals are read again and hashed: what fits to a hash is the original.

use super::element::{Element, Value, ascii, each, find, is_text};
use super::folder::{NewFolder, below};
use super::key::DeidentifyKey;
use super::open::{Closed, Opened, open, sound};
use super::persons::pseudonym;
use super::pseudonym::uid;
use super::report::ReidentifyReport;
use super::rules::STATEMENT;
use super::values::shifted;
use super::{LeftOut, LeftOutReason};
use crate::{Error, Result};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use vesalius_control::Control;

/// What belongs to patient and study, and is the original's again.
const IDENTITY: [Tag; 36] = [
    tags::STUDY_DATE,
    tags::STUDY_TIME,
    tags::ACCESSION_NUMBER,
    tags::ISSUER_OF_ACCESSION_NUMBER_SEQUENCE,
    tags::REFERRING_PHYSICIAN_NAME,
    tags::STUDY_DESCRIPTION,
    tags::PROCEDURE_CODE_SEQUENCE,
    tags::PHYSICIANS_OF_RECORD,
    tags::ADMITTING_DIAGNOSES_DESCRIPTION,
    tags::REFERENCED_STUDY_SEQUENCE,
    tags::TIMEZONE_OFFSET_FROM_UTC,
    tags::PATIENT_NAME,
    tags::PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID,
    tags::ISSUER_OF_PATIENT_ID_QUALIFIERS_SEQUENCE,
    tags::PATIENT_BIRTH_DATE,
    tags::PATIENT_BIRTH_TIME,
    tags::PATIENT_SEX,
    tags::OTHER_PATIENT_I_DS_SEQUENCE,
    tags::OTHER_PATIENT_NAMES,
    tags::PATIENT_AGE,
    tags::PATIENT_SIZE,
    tags::PATIENT_WEIGHT,
    tags::PATIENT_COMMENTS,
    tags::CLINICAL_TRIAL_SPONSOR_NAME,
    tags::CLINICAL_TRIAL_PROTOCOL_ID,
    tags::CLINICAL_TRIAL_PROTOCOL_NAME,
    tags::CLINICAL_TRIAL_SITE_ID,
    tags::CLINICAL_TRIAL_SITE_NAME,
    tags::CLINICAL_TRIAL_SUBJECT_ID,
    tags::CLINICAL_TRIAL_SUBJECT_READING_ID,
    tags::CLINICAL_TRIAL_TIME_POINT_ID,
    tags::CLINICAL_TRIAL_TIME_POINT_DESCRIPTION,
    tags::STUDY_ID,
    tags::STUDY_INSTANCE_UID,
    tags::SPECIFIC_CHARACTER_SET,
];

/// A study of the originals.
#[derive(Debug, Default)]
struct Study {
    /// The pseudonym of its patient.
    pseudonym: String,
    identity: Vec<Element>,
}

/// Gives results (SEG, series, …) that were made from de-identified images their patient and study again.
///
/// Patient and study are taken from the originals byte for byte, with their character set; identifiers that are hashes of
/// the originals' become these; shifted dates of the originals become these. What the result itself is (its own
/// identifiers, date and content) stays.
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_dicom::{Deidentifier, DeidentifyKey, Reidentifier, SegWriter, Segment, example_series};
/// use vesalius_io::{ReadOptions, list_series, read_series};
/// use vesalius_volume::LabelMap;
///
/// let folder = tempfile::tempdir()?;
/// let at = |name: &str| folder.path().join(name);
/// let originals = example_series(folder.path(), "CT", [6, 5, 4])?;
/// let key = DeidentifyKey::create(at("study.key"))?;
/// let control = Control::new();
/// Deidentifier::new(key.clone()).folder(&originals, at("out"), &control)?;
///
/// // A result is made elsewhere …
/// let series = &list_series(at("out"))?.series[0];
/// let image = read_series::<f32>(series, &ReadOptions::default())?;
/// let labels = LabelMap::<u16>::from_fn(*image.geometry(), |[x, ..]| u16::from(x > 2));
/// let segment = Segment::named(1, "liver");
/// SegWriter::new(series)?.segments(vec![segment]).write(&labels, at("result.dcm"))?;
/// // … and comes back.
/// let report = Reidentifier::new(key, &originals, &control)?.file(at("result.dcm"), at("back.dcm"))?;
/// assert!(report.identifiers > 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reidentifier {
    /// Originals by hash.
    identifiers: BTreeMap<String, String>,
    /// Of the originals' instances, hashed and not.
    instances: BTreeSet<String>,
    /// By identifier, hashed and not.
    studies: BTreeMap<String, Study>,
    /// Original dates by pseudonym, attribute and shifted date.
    dates: BTreeMap<(String, Tag, String), String>,
}

impl Reidentifier {
    /// Reads the headers of the originals in a folder and in its folders.
    ///
    /// # Errors
    /// [`Error::Source`] for a damaged original or a folder without any; [`Error::Io`], [`Error::Cancelled`].
    pub fn new(key: DeidentifyKey, originals: impl AsRef<Path>, control: &Control) -> Result<Self> {
        let folder = originals.as_ref();
        let mut made = Self {
            identifiers: BTreeMap::new(),
            instances: BTreeSet::new(),
            studies: BTreeMap::new(),
            dates: BTreeMap::new(),
        };
        let paths = below(folder, control)?;
        let stage = control.stage("originals", paths.len() as u64);
        for path in &paths {
            stage.control().check()?;
            match open(path) {
                Ok(opened) => made.original(&key, &opened.set),
                Err(Closed::NotDicom | Closed::Directory) => {}
                Err(closed) => return Err(closed.error(path)),
            }
            stage.advance(1);
        }
        if made.instances.is_empty() {
            let problem = "it holds no DICOM file; choose the folder that was de-identified";
            return Err(Error::source(folder, problem));
        }
        Ok(made)
    }

    fn original(&mut self, key: &DeidentifyKey, set: &[Element]) {
        let patient = pseudonym(key, set);
        each(set, &mut |element| match element.vr {
            VR::UI => {
                let text = element.ascii().unwrap_or("");
                for original in text.split('\\').filter(|part| !part.is_empty()) {
                    let hash = uid(key, original);
                    if hash != original {
                        self.identifiers.insert(hash, original.to_owned());
                    }
                }
            }
            VR::DA | VR::DT => {
                let later = shifted(element, &patient);
                if let (Some(later), Some(original)) = (&later, element.ascii()) {
                    let text = later.ascii().unwrap_or("").to_owned();
                    let place = (patient.id.clone(), element.tag, text);
                    self.dates.insert(place, original.to_owned());
                }
            }
            _ => {}
        });
        let original = ascii(set, tags::SOP_INSTANCE_UID);
        self.instances
            .extend([original.to_owned(), uid(key, original)]);
        let original = ascii(set, tags::STUDY_INSTANCE_UID);
        if !original.is_empty() {
            for name in [original.to_owned(), uid(key, original)] {
                self.studies.entry(name).or_insert_with(|| Study {
                    pseudonym: patient.id.clone(),
                    identity: set
                        .iter()
                        .filter(|e| IDENTITY.contains(&e.tag))
                        .cloned()
                        .collect(),
                });
            }
        }
    }

    /// Gives one result back to its patient.
    ///
    /// # Errors
    /// [`Error::Exists`]; [`Error::Source`] for a file that was not made from these originals with this key, that is one
    /// of the de-identified originals itself, or whose texts are in another character set than the original's;
    /// [`Error::Io`].
    pub fn file(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
    ) -> Result<ReidentifyReport> {
        let (input, output) = (input.as_ref(), output.as_ref());
        if output.symlink_metadata().is_ok() {
            return Err(Error::Exists {
                path: output.to_owned(),
            });
        }
        let mut opened = open(input).map_err(|closed| closed.error(input))?;
        if self.is_source(&opened) {
            let problem = "it is a de-identified original, not a result; use the original itself";
            return Err(Error::source(input, problem));
        }
        let mut report = ReidentifyReport::default();
        let set = self.result(input, &mut opened, &mut report)?;
        let mut state = Ok(());
        let written = vesalius_io::write_atomically(output, |to| {
            state = opened.write(&set, |rest| rest, to)?;
            match state {
                Ok(()) => Ok(()),
                Err(_) => Err(std::io::Error::other("the input is damaged")),
            }
        });
        sound(input, state)?;
        written?;
        report.files = 1;
        Ok(report)
    }

    /// Gives the results in a folder and in its folders back, into a new folder with the same names.
    ///
    /// De-identified originals among them are left out, and counted.
    ///
    /// # Errors
    /// As [`file`](Self::file); nothing is written then. [`Error::Source`] where there is no result.
    pub fn folder(
        &self,
        input: impl AsRef<Path>,
        output: impl AsRef<Path>,
        control: &Control,
    ) -> Result<ReidentifyReport> {
        let input = input.as_ref();
        let to = NewFolder::new(output.as_ref(), input)?;
        let paths = below(input, control)?;
        let mut report = ReidentifyReport::default();
        let stage = control.stage("files", paths.len() as u64);
        for path in &paths {
            stage.control().check()?;
            let name = path.strip_prefix(input).unwrap_or(path);
            let mut left = |reason| {
                let path = name.to_owned();
                report.left_out.push(LeftOut { path, reason });
            };
            match open(path) {
                Err(Closed::NotDicom) => left(LeftOutReason::NotDicom),
                Err(Closed::Directory) => left(LeftOutReason::Directory),
                Err(closed) => return Err(closed.error(path)),
                Ok(opened) if self.is_source(&opened) => report.sources += 1,
                Ok(mut opened) => {
                    let set = self.result(path, &mut opened, &mut report)?;
                    let written = to.file(name, |to| opened.write(&set, |rest| rest, to))?;
                    sound(path, written)?;
                    report.files += 1;
                }
            }
            stage.advance(1);
        }
        if report.files == 0 {
            let problem = "it holds no result of the originals; choose the folder of the results";
            return Err(Error::source(input, problem));
        }
        to.appear()?;
        Ok(report)
    }

    fn is_source(&self, opened: &Opened) -> bool {
        self.instances
            .contains(ascii(&opened.set, tags::SOP_INSTANCE_UID))
    }

    /// The elements of a result with its patient's identity.
    fn result(
        &self,
        path: &Path,
        opened: &mut Opened,
        report: &mut ReidentifyReport,
    ) -> Result<Vec<Element>> {
        let mut set = std::mem::take(&mut opened.set);
        let study = self.studies.get(ascii(&set, tags::STUDY_INSTANCE_UID)).ok_or_else(|| {
            let problem = "its study is none of the originals' with this key; choose the key and the originals of its source";
            Error::source(path, problem)
        })?;
        if ascii(&set, tags::PATIENT_ID) != study.pseudonym {
            let problem = "its patient is not the pseudonym that this key gives the study's; choose the key of its source";
            return Err(Error::source(path, problem));
        }
        let moved = ascii(&set, tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED) == "MODIFIED";
        set.retain(|e| {
            !IDENTITY.contains(&e.tag) && !STATEMENT.contains(&e.tag)
                || e.tag == tags::SPECIFIC_CHARACTER_SET
        });
        charset(path, &mut set, study)?;
        for element in &mut set {
            self.restore(element, moved.then_some(&study.pseudonym), report);
        }
        set.extend(study.identity.iter().cloned());
        set.sort_by_key(|element| element.tag);
        Ok(set)
    }

    fn restore(
        &self,
        element: &mut Element,
        moved: Option<&String>,
        report: &mut ReidentifyReport,
    ) {
        if let Value::Items(items) = &mut element.value {
            let inner = items.iter_mut().flatten();
            inner.for_each(|element| self.restore(element, moved, report));
            return;
        }
        let Some(text) = element.ascii() else {
            return;
        };
        if element.vr == VR::UI {
            let mut found = 0;
            let parts = text
                .split('\\')
                .map(|part| match self.identifiers.get(part) {
                    Some(original) => {
                        found += 1;
                        original.as_str()
                    }
                    None => part,
                });
            let parts: Vec<&str> = parts.collect();
            if found > 0 {
                *element = Element::text(element.tag, VR::UI, &parts.join("\\"));
                report.identifiers += found;
            }
        } else if let (Some(patient), VR::DA | VR::DT) = (moved, element.vr) {
            let place = (patient.clone(), element.tag, text.to_owned());
            if let Some(original) = self.dates.get(&place) {
                *element = Element::text(element.tag, element.vr, original);
                report.dates += 1;
            }
        }
    }
}

/// The original's character set becomes the result's, whose own texts must not become others by it.
fn charset(path: &Path, set: &mut Vec<Element>, study: &Study) -> Result<()> {
    let tag = tags::SPECIFIC_CHARACTER_SET;
    let name = |set: &[Element]| find(set, tag).map_or(Vec::new(), |e| e.trimmed().to_vec());
    let same = name(set) == name(&study.identity);
    let mut own = false;
    each(set, &mut |element| {
        own |= is_text(element.vr) && !element.trimmed().is_ascii();
    });
    if own && !same {
        let problem = "its texts and those of the original are in different character sets; write the result's texts in ASCII";
        return Err(Error::source(path, problem));
    }
    set.retain(|element| element.tag != tag);
    Ok(())
}
