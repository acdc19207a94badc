//! Applies the profile to data sets and their items.

use super::element::{Element, Value, is_text, known_vr};
use super::key::DeidentifyKey;
use super::options::{Dates, Options};
use super::persons::{Identity, pseudonym};
use super::private::{is_private, safe};
use super::profile::{Action, row};
use super::pseudonym::Pseudonym;
use super::report::{Done, Tally};
use super::values::{dummy, emptied, hashed, is_sound, shifted};
use super::words;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;

/// Attributes beyond the profile's that are removed: encrypted originals, descriptions of private elements.
const ALSO_REMOVED: [Tag; 2] = [
    tags::ENCRYPTED_ATTRIBUTES_SEQUENCE,
    tags::PRIVATE_DATA_ELEMENT_CHARACTERISTICS_SEQUENCE,
];
/// Identifiers of kinds of things, which are of the standard or of a manufacturer and name no instance.
const KINDS: [Tag; 14] = [
    tags::SOP_CLASS_UID,
    tags::RELATED_GENERAL_SOP_CLASS_UID,
    tags::ORIGINAL_SPECIALIZED_SOP_CLASS_UID,
    tags::SOP_CLASSES_IN_STUDY,
    tags::CODING_SCHEME_UID,
    tags::CONTEXT_UID,
    tags::MAPPING_RESOURCE_UID,
    tags::REFERENCED_SOP_CLASS_UID,
    tags::SOP_CLASSES_SUPPORTED,
    tags::AVAILABLE_TRANSFER_SYNTAX_UID,
    tags::MAC_CALCULATION_TRANSFER_SYNTAX_UID,
    tags::ENCRYPTED_CONTENT_TRANSFER_SYNTAX_UID,
    tags::PERTINENT_SOP_CLASSES_IN_STUDY,
    tags::PERTINENT_SOP_CLASSES_IN_SERIES,
];
/// Long texts that are parts of codes.
const CODES: [Tag; 5] = [
    tags::URN_CODE_VALUE,
    tags::CODING_SCHEME_URL,
    tags::CODING_SCHEME_EXTERNAL_ID,
    tags::CODING_SCHEME_NAME,
    tags::CODING_SCHEME_RESPONSIBLE_ORGANIZATION,
];
/// Attributes that the statement of de-identification replaces.
pub(crate) const STATEMENT: [Tag; 4] = [
    tags::PATIENT_IDENTITY_REMOVED,
    tags::DEIDENTIFICATION_METHOD,
    tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE,
    tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED,
];

/// What a data set lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    File,
    Sequence,
    /// A sequence of which only terms stay.
    Cleaned,
    /// A sequence of which nothing stays but its structure.
    Dummy,
}

/// The profile for one file.
pub(crate) struct Rules<'a> {
    pub options: &'a Options,
    pub key: &'a DeidentifyKey,
    pub patient: Pseudonym,
    identity: Identity,
}

impl<'a> Rules<'a> {
    pub fn new(options: &'a Options, key: &'a DeidentifyKey, set: &[Element]) -> Self {
        Self {
            options,
            key,
            patient: pseudonym(key, set),
            identity: Identity::of(set),
        }
    }

    /// The elements of a file, in order, without the patient's identity.
    pub fn file(&self, set: Vec<Element>, tally: &mut Tally) -> Vec<Element> {
        let mut made = self.data_set(set, Within::File, tally);
        made.retain(|e| !matches!(e.tag, tags::PATIENT_NAME | tags::PATIENT_ID));
        made.push(Element::text(
            tags::PATIENT_NAME,
            VR::PN,
            &self.patient.name(),
        ));
        made.push(Element::text(tags::PATIENT_ID, VR::LO, &self.patient.id));
        made.extend(self.options.statement());
        made.sort_by_key(|element| element.tag);
        made
    }

    /// Elements behind the pixels.
    pub fn rest(&self, set: Vec<Element>, tally: &mut Tally) -> Vec<Element> {
        self.data_set(set, Within::Sequence, tally)
    }

    fn data_set(&self, set: Vec<Element>, within: Within, tally: &mut Tally) -> Vec<Element> {
        let private = set.iter().filter(|e| is_private(e.tag)).count() as u64;
        let safe = match self.options.private {
            true => safe(&set),
            false => Vec::new(),
        };
        tally.private_retained += safe.len() as u64;
        tally.private_removed += private.saturating_sub(safe.len() as u64);
        let standard = set.into_iter().filter(|e| !is_private(e.tag));
        let treated = standard
            .chain(safe)
            .filter_map(|e| self.element(e, within, tally));
        let mut made: Vec<Element> = treated.collect();
        made.sort_by_key(|element| element.tag);
        made
    }

    fn element(&self, element: Element, within: Within, tally: &mut Tally) -> Option<Element> {
        let tag = element.tag;
        // Lengths of groups are no longer right, and the statement replaces that of an earlier de-identification.
        if tag.element() == 0 || STATEMENT.contains(&tag) {
            return None;
        }
        if tag == tags::PATIENT_NAME || tag == tags::PATIENT_ID {
            tally.count(tag, Done::Replaced);
            let text = if tag == tags::PATIENT_ID {
                self.patient.id.clone()
            } else {
                self.patient.name()
            };
            return Some(Element::text(tag, element.vr, &text));
        }
        let (basic, option) = self.actions(&element);
        let action = match (option.unwrap_or(basic), within) {
            (Action::Keep, Within::Cleaned) if is_wordy(element.vr) => Action::Clean,
            (Action::Keep, Within::Dummy) if may_tell(element.vr) => Action::Dummy,
            (action, _) => action,
        };
        self.act(action, basic, option.is_some(), element, within, tally)
    }

    /// What the basic profile does with an element, and what an option does instead.
    fn actions(&self, element: &Element) -> (Action, Option<Action>) {
        let Element { tag, vr, .. } = *element;
        let options = self.options;
        let graphic = matches!(tag.group() & 0xFF00, 0x5000 | 0x6000) && !is_private(tag);
        if tag.group() < 8 || graphic || ALSO_REMOVED.contains(&tag) {
            return (Action::Remove, None);
        }
        if let Some(row) = row(tag) {
            return (row.basic(tag, vr), row.option(options));
        }
        let dates = match options.dates {
            Dates::Remove => None,
            Dates::Shift => Some(Action::Shift),
            Dates::Keep => Some(Action::Keep),
        };
        match vr {
            // Neither the standard nor the list of private elements says what it is.
            _ if known_vr(tag).is_none() && !is_private(tag) => (Action::Remove, None),
            VR::UN => (Action::Remove, None),
            VR::PN => (Action::Dummy, None),
            VR::DA | VR::DT | VR::TM => (Action::Dummy, dates),
            VR::UI if KINDS.contains(&tag) => (Action::Keep, None),
            VR::UI => (Action::Hash, options.uids.then_some(Action::Keep)),
            _ if CODES.contains(&tag) => (Action::Keep, None),
            // It belongs to an identifier, without which it must not be.
            _ if tag == tags::TRACKING_ID => (Action::Dummy, None),
            VR::LT | VR::ST | VR::UT | VR::UR => {
                (Action::Remove, options.descriptors.then_some(Action::Clean))
            }
            _ => (Action::Keep, None),
        }
    }

    fn act(
        &self,
        action: Action,
        basic: Action,
        by_option: bool,
        element: Element,
        within: Within,
        tally: &mut Tally,
    ) -> Option<Element> {
        let tag = element.tag;
        // A sequence of unknown type that could not be read as one could hold anything.
        let closed = known_vr(tag) == Some(VR::SQ) && !matches!(element.value, Value::Items(_));
        let action = if closed { Action::Remove } else { action };
        let (made, done) = match action {
            Action::Remove => (None, Done::Removed),
            _ if element.is_empty() => return Some(element),
            Action::Empty => (Some(emptied(&element)), Done::Emptied),
            Action::Hash | Action::Dummy | Action::Keep | Action::Clean if element.vr == VR::SQ => {
                let inner = match action {
                    Action::Dummy => Within::Dummy,
                    Action::Clean => Within::Cleaned,
                    _ if within == Within::File => Within::Sequence,
                    _ => within,
                };
                if by_option {
                    tally.count(tag, Done::Retained);
                }
                return Some(self.items(element, inner, tally));
            }
            Action::Hash => (Some(hashed(&element, self.key)), Done::Replaced),
            Action::Dummy => (Some(dummy(&element, self.key)), Done::Replaced),
            Action::Keep if is_sound(&element) => {
                if by_option {
                    tally.count(tag, Done::Retained);
                }
                return Some(self.without_identity(element, tally));
            }
            Action::Clean if is_text(element.vr) => match self.clean(&element) {
                Some(clean) => (Some(clean), Done::Cleaned),
                None => return self.fall_back(basic, element, within, tally),
            },
            Action::Shift => match shifted(&element, &self.patient) {
                Some(made) => (Some(made), Done::Shifted),
                None => return self.fall_back(basic, element, within, tally),
            },
            Action::Keep | Action::Clean => {
                return self.fall_back(basic, element, within, tally);
            }
        };
        tally.count(tag, done);
        made
    }

    /// What the basic profile does, where an option has found nothing that may stay.
    fn fall_back(
        &self,
        basic: Action,
        element: Element,
        within: Within,
        tally: &mut Tally,
    ) -> Option<Element> {
        let action = match basic {
            Action::Keep | Action::Clean | Action::Shift => Action::Dummy,
            basic => basic,
        };
        self.act(action, action, false, element, within, tally)
    }

    fn items(&self, mut element: Element, within: Within, tally: &mut Tally) -> Element {
        if let Value::Items(items) = &mut element.value {
            for item in items {
                *item = self.data_set(std::mem::take(item), within, tally);
            }
        }
        element
    }

    fn clean(&self, element: &Element) -> Option<Element> {
        let text = words::cleaned(element.trimmed(), &self.identity.words);
        (!text.is_empty()).then(|| Element::text(element.tag, element.vr, &text))
    }

    /// A text that may stay, unless the patient's name or number is in it.
    fn without_identity(&self, element: Element, tally: &mut Tally) -> Element {
        if is_wordy(element.vr) && self.identity.is_in(element.trimmed()) {
            tally.identity_found += 1;
            tally.count(element.tag, Done::Replaced);
            return dummy(&element, self.key);
        }
        element
    }
}

/// Types of free texts.
fn is_wordy(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE | VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UR | VR::UT
    )
}

/// Types of values that can tell something of a person; numbers in binary and coded strings cannot.
fn may_tell(vr: VR) -> bool {
    is_wordy(vr)
        || matches!(
            vr,
            VR::AS | VR::DA | VR::DS | VR::DT | VR::IS | VR::TM | VR::OB | VR::UN
        )
}
