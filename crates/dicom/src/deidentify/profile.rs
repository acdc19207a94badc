//! The Basic Application Level Confidentiality Profile of PS3.15 (table E.1-1) and its options, as a table.
//!
//! `profile.csv` holds one line an attribute: tag, keyword, action of the basic profile, and the options that change it:
//! `u` identifiers, `d` device, `i` institution, `p` patient's characteristics and `f` full dates retain it, `m` shifts its
//! dates, `t` cleans its text; a `C` after `d` or `p` means that this option cleans it instead.
//!
//! Sources: the actions are those of the edition 2026c (checked against 2024e, in which all attributes that both have
//! are the same); the options are those of 2024e. The 35 attributes that are new since then have no option, but
//! `TableTopPositionAlignmentUID`, which is retained with the identifiers.
//!
//! Actions of several codes depend on what the object's definition requires, and are decided without it, so that no
//! required attribute is missing:
//!
//! | code | here |
//! |---|---|
//! | X | removed |
//! | Z | without a value; name and identifier of the patient: the pseudonym |
//! | D, Z/D | a dummy value that is valid for the type; in a sequence, for each of its texts |
//! | X/Z | without a value; a sequence is removed, but AcquisitionContextSequence, which some definitions require |
//! | X/D, X/Z/D | a dummy value; a sequence is removed, for no definition requires one of these |
//! | U | the hashed identifier |
//! | X/Z/U | the items stay, with hashed identifiers |

use super::options::{Dates, Options};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What is done with an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Remove,
    Empty,
    Dummy,
    Hash,
    /// Unchanged; the items of a sequence are treated one by one.
    Keep,
    Clean,
    Shift,
}

/// A line of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    code: &'static str,
    options: &'static str,
}

static TABLE: LazyLock<BTreeMap<Tag, Row>> = LazyLock::new(|| {
    let lines = include_str!("profile.csv").lines();
    lines.filter_map(line).collect()
});

fn line(text: &'static str) -> Option<(Tag, Row)> {
    let mut cells = text.split(',');
    let tag = u32::from_str_radix(cells.next()?, 16).ok()?;
    let (_keyword, code, options) = (cells.next()?, cells.next()?, cells.next()?);
    let tag = Tag((tag >> 16) as u16, tag as u16);
    Some((tag, Row { code, options }))
}

/// The line of an attribute that the profile names.
pub(crate) fn row(tag: Tag) -> Option<Row> {
    TABLE.get(&tag).copied()
}

impl Row {
    /// What the basic profile does with an attribute of this value type.
    pub fn basic(self, tag: Tag, vr: VR) -> Action {
        match self.code {
            // A sequence that is not required must not be without items.
            "X/Z" if vr == VR::SQ && tag != tags::ACQUISITION_CONTEXT_SEQUENCE => Action::Remove,
            "Z" | "X/Z" => Action::Empty,
            "D" | "Z/D" => Action::Dummy,
            "X/D" | "X/Z/D" if vr != VR::SQ => Action::Dummy,
            "U" => Action::Hash,
            "X/Z/U" => Action::Keep,
            _ => Action::Remove,
        }
    }

    /// What an option does instead; where several apply, the one that retains.
    pub fn option(self, options: &Options) -> Option<Action> {
        let has = |letter: char| self.options.contains(letter);
        let cleans = |letter: &str| self.options.contains(letter);
        let retained = options.uids && has('u')
            || options.device && has('d') && !cleans("dC")
            || options.institution && has('i')
            || options.patient && has('p') && !cleans("pC")
            || options.dates == Dates::Keep && has('f');
        if retained {
            return Some(Action::Keep);
        }
        if options.dates == Dates::Shift && has('m') {
            return Some(Action::Shift);
        }
        let cleaned = options.descriptors && has('t')
            || options.device && cleans("dC")
            || options.patient && cleans("pC");
        cleaned.then_some(Action::Clean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_its_codes_are_known() {
        let text = include_str!("profile.csv");
        assert_eq!(TABLE.len(), text.lines().count() - 1);
        assert_eq!(TABLE.len(), 652);
        let codes = ["X", "Z", "D", "U", "Z/D", "X/Z", "X/D", "X/Z/D", "X/Z/U"];
        for row in TABLE.values() {
            assert!(codes.contains(&row.code));
            assert!(row.options.chars().all(|c| "udipfmtC".contains(c)));
        }
    }

    #[test]
    fn options_change_the_actions_that_they_name_and_no_others() {
        let basic = Options::default();
        let action = |tag, vr, options: &Options| {
            let row = row(tag).unwrap();
            row.option(options).unwrap_or(row.basic(tag, vr))
        };
        let date = |dates| Options {
            dates,
            ..Options::default()
        };
        assert_eq!(action(tags::STUDY_DATE, VR::DA, &basic), Action::Empty);
        assert_eq!(
            action(tags::STUDY_DATE, VR::DA, &date(Dates::Shift)),
            Action::Shift
        );
        assert_eq!(
            action(tags::STUDY_DATE, VR::DA, &date(Dates::Keep)),
            Action::Keep
        );
        assert_eq!(
            action(tags::PATIENT_BIRTH_DATE, VR::DA, &date(Dates::Keep)),
            Action::Empty
        );
        assert_eq!(action(tags::SOP_INSTANCE_UID, VR::UI, &basic), Action::Hash);
        let patient = Options {
            patient: true,
            ..Options::default()
        };
        assert_eq!(action(tags::PATIENT_AGE, VR::AS, &patient), Action::Keep);
        assert_eq!(action(tags::ALLERGIES, VR::LO, &patient), Action::Clean);
        assert_eq!(action(tags::PATIENT_AGE, VR::AS, &basic), Action::Remove);
        let text = Options {
            descriptors: true,
            ..Options::default()
        };
        assert_eq!(
            action(tags::SERIES_DESCRIPTION, VR::LO, &text),
            Action::Clean
        );
        assert_eq!(
            action(tags::SERIES_DESCRIPTION, VR::LO, &basic),
            Action::Remove
        );
        assert_eq!(
            action(tags::INSTITUTION_NAME, VR::LO, &basic),
            Action::Dummy
        );
        assert_eq!(
            action(tags::SOURCE_IMAGE_SEQUENCE, VR::SQ, &basic),
            Action::Keep
        );
    }
}
