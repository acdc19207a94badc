//! What replaces identifiers: the same for the same original and key, and not to be turned back without both.

use super::key::DeidentifyKey;
use chrono::{Days, NaiveDate};

/// Dates are shifted back by at most ten years.
const LONGEST_SHIFT: u64 = 3650;
/// Identifiers that the standard defines name no instance.
const STANDARD: &str = "1.2.840.10008.";

/// The new identifier for one of an instance, a series, a study, …: 2.25 and 128 bits of a hash.
pub(crate) fn uid(key: &DeidentifyKey, original: &str) -> String {
    if original.is_empty() || original.starts_with(STANDARD) {
        return original.to_owned();
    }
    let hash = key.hash("uid", &[original.as_bytes()]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    // Version 8 (of an application's own making) and variant of a UUID (RFC 9562).
    bytes[6] = bytes[6] & 0x0F | 0x80;
    bytes[8] = bytes[8] & 0x3F | 0x80;
    format!("2.25.{}", u128::from_be_bytes(bytes))
}

/// A patient under another name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pseudonym {
    /// For PatientID and, behind `Anonymous^`, PatientName.
    pub id: String,
    /// By how many days dates are earlier.
    days: u64,
}

impl Pseudonym {
    /// Of the patient with this identifier and its issuer, or, without one, of the patient of a study.
    pub fn new(key: &DeidentifyKey, id: &[u8], issuer: &[u8], study: &[u8]) -> Self {
        let parts: [&[u8]; 3] = if id.is_empty() {
            [b"study", study, b""]
        } else {
            [b"patient", id, issuer]
        };
        let name = key.hash("patient", &parts);
        let days = key.hash("days", &parts);
        let digits: String = name[..8].iter().map(|byte| format!("{byte:02X}")).collect();
        let mut number = [0; 8];
        number.copy_from_slice(&days[..8]);
        Self {
            id: format!("P{digits}"),
            days: u64::from_le_bytes(number) % LONGEST_SHIFT + 1,
        }
    }

    pub fn name(&self) -> String {
        format!("Anonymous^{}", self.id)
    }

    /// A date (`YYYYMMDD`, or `YYYY.MM.DD` of old files) by the patient's days earlier, or nothing where it is none.
    pub fn date(&self, date: &str) -> Option<String> {
        let plain: String = match date.len() {
            10 => date.split('.').collect(),
            _ => date.to_owned(),
        };
        if plain.len() != 8 || !plain.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let [year, month, day] = [&plain[..4], &plain[4..6], &plain[6..]].map(str::parse::<u32>);
        let date = NaiveDate::from_ymd_opt(year.ok()? as i32, month.ok()?, day.ok()?)?;
        let shifted = date.checked_sub_days(Days::new(self.days))?;
        Some(shifted.format("%Y%m%d").to_string())
    }

    /// Date and time, of which the date is shifted. One without a day is none.
    pub fn date_time(&self, value: &str) -> Option<String> {
        let (date, time) = value.split_at_checked(8)?;
        let sound = |c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-');
        if !time.chars().all(sound) {
            return None;
        }
        Some(self.date(date)? + time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> DeidentifyKey {
        DeidentifyKey::from_bytes([byte; 32])
    }

    #[test]
    fn identifiers_are_the_same_for_the_same_key_and_only_then() {
        let made = uid(&key(1), "1.2.3");
        assert_eq!(made, uid(&key(1), "1.2.3"));
        assert!(made != uid(&key(2), "1.2.3") && made != uid(&key(1), "1.2.4"));
        assert!(made.starts_with("2.25.") && made.len() <= 44);
        assert_eq!(uid(&key(1), "1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1");
        assert_eq!(uid(&key(1), ""), "");
    }

    #[test]
    fn dates_of_a_patient_keep_their_distances() {
        let patient = Pseudonym::new(&key(1), b"42", b"", b"");
        let day = |text: &str| NaiveDate::parse_from_str(text, "%Y%m%d").unwrap();
        let [a, b] = ["20240228", "20240301"].map(|date| day(&patient.date(date).unwrap()));
        assert_eq!((b - a).num_days(), 2);
        let shift = (day("20240228") - a).num_days();
        assert!((1..=3650).contains(&shift));
        assert_eq!(patient.date("2024.02.28"), patient.date("20240228"));
        let moment = patient.date_time("20240228101112.5+0100").unwrap();
        assert_eq!(moment, patient.date("20240228").unwrap() + "101112.5+0100");
        for wrong in ["", "2024", "20241301", "2024022x", "Doe^Jane", "ä024.02.2"] {
            assert_eq!(patient.date(wrong), None);
            assert_eq!(patient.date_time(wrong), None);
        }
        assert_eq!(patient.date_time("20240228Jane"), None);
    }

    #[test]
    fn patients_are_told_apart_by_identifier_and_issuer() {
        let of =
            |id: &[u8], issuer: &[u8], study: &[u8]| Pseudonym::new(&key(3), id, issuer, study).id;
        let all = [
            of(b"42", b"", b"1"),
            of(b"42", b"A", b"1"),
            of(b"43", b"", b"1"),
            of(b"", b"", b"1"),
            of(b"", b"", b"2"),
            of(b"1", b"", b"1"),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        // The same patient in two studies.
        assert_eq!(of(b"42", b"", b"1"), of(b"42", b"", b"2"));
    }
}
