//! The options of the profile, and the rules for what must be refused.

use super::element::Element;
use dicom_core::VR;
use dicom_dictionary_std::tags;

/// What becomes of dates and times, but those of birth, which are never kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dates {
    /// Removed, emptied, or 1 January 1900 where an object must have one.
    #[default]
    Remove,
    /// Shifted back by a number of whole days (1 to 3650) that is the patient's own, so that distances stay. Times of day
    /// are kept. (Retain Longitudinal Temporal Information with Modified Dates)
    Shift,
    /// Kept. (Retain Longitudinal Temporal Information with Full Dates)
    Keep,
}

/// Pixels that may show text: what is marked as such, of modalities and classes that usually do (ultrasound, secondary
/// capture, endoscopy, photographs, …), pictures of screens, and overlays in unused bits of the pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum PixelRule {
    /// An error, and nothing is written.
    #[default]
    Refuse,
    /// Not written, and in the report.
    LeaveOut,
    /// Written when BurnedInAnnotation says `NO`, else left out.
    TrustFlag,
    /// Written: the caller has looked at the pixels or cleans them.
    Keep,
}

/// Objects that are texts: reports, documents, presentation states, objects of a manufacturer's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentRule {
    /// An error, and nothing is written.
    #[default]
    Refuse,
    /// Not written, and in the report.
    LeaveOut,
}

/// DICOM files that cannot be read to their end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BrokenRule {
    /// An error, and nothing is written.
    #[default]
    Refuse,
    /// Not written, and in the report.
    LeaveOut,
}

/// Everything that a caller chooses.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    pub uids: bool,
    pub dates: Dates,
    pub descriptors: bool,
    pub private: bool,
    pub patient: bool,
    pub device: bool,
    pub institution: bool,
    pub pixels: PixelRule,
    pub documents: DocumentRule,
    pub broken: BrokenRule,
}

impl Options {
    /// Code (CID 7050) and meaning of the profile and the options.
    pub fn methods(&self) -> Vec<(&'static str, &'static str)> {
        let all = [
            (true, "113100", "Basic Application Confidentiality Profile"),
            (self.descriptors, "113105", "Clean Descriptors Option"),
            (
                self.dates == Dates::Keep,
                "113106",
                "Retain Longitudinal Temporal Information Full Dates Option",
            ),
            (
                self.dates == Dates::Shift,
                "113107",
                "Retain Longitudinal Temporal Information Modified Dates Option",
            ),
            (
                self.patient,
                "113108",
                "Retain Patient Characteristics Option",
            ),
            (self.device, "113109", "Retain Device Identity Option"),
            (self.uids, "113110", "Retain UIDs Option"),
            (self.private, "113111", "Retain Safe Private Option"),
            (
                self.institution,
                "113112",
                "Retain Institution Identity Option",
            ),
        ];
        let chosen = all.into_iter().filter(|(chosen, ..)| *chosen);
        chosen.map(|(_, code, meaning)| (code, meaning)).collect()
    }

    /// The elements that say what was done.
    pub fn statement(&self) -> Vec<Element> {
        let method = concat!(
            "Vesalius ",
            env!("CARGO_PKG_VERSION"),
            ", PS3.15 E.1-1 2026c"
        );
        let codes = self.methods().into_iter().map(|(code, meaning)| {
            vec![
                Element::text(tags::CODE_VALUE, VR::SH, code),
                Element::text(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
                Element::text(tags::CODE_MEANING, VR::LO, meaning),
            ]
        });
        let dates = match self.dates {
            Dates::Remove => "REMOVED",
            Dates::Shift => "MODIFIED",
            Dates::Keep => "UNMODIFIED",
        };
        vec![
            Element::text(tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES"),
            Element::text(tags::DEIDENTIFICATION_METHOD, VR::LO, method),
            Element::items(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, codes.collect()),
            Element::text(
                tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
                VR::CS,
                dates,
            ),
        ]
    }
}
