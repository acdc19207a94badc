//! Identifiers of services, of classes of objects and of transfer syntaxes.

/// Transfer syntax: implicit little-endian, which every application entity knows.
pub const IMPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2";
/// Transfer syntax: explicit little-endian.
pub const EXPLICIT_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";
/// Transfer syntax: deflated explicit little-endian.
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
/// Transfer syntax: explicit big-endian, retired.
pub const EXPLICIT_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// Transfer syntaxes that the crate `io` reads, the preferred one first: explicit little-endian, compressed ones, and
/// implicit little-endian last, because a peer that proposes it beside a compressed one may not be able to decompress.
pub const READABLE_SYNTAXES: [&str; 13] = [
    EXPLICIT_LITTLE_ENDIAN,
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.57",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    DEFLATED,
    EXPLICIT_BIG_ENDIAN,
    IMPLICIT_LITTLE_ENDIAN,
];

pub(crate) const UNCOMPRESSED: [&str; 2] = [EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN];

pub(crate) const VERIFICATION: &str = "1.2.840.10008.1.1";
pub(crate) const COMMITMENT: &str = "1.2.840.10008.1.20.1";
/// The object of every request of commitment.
pub(crate) const COMMITMENT_INSTANCE: &str = "1.2.840.10008.1.20.1.1";

/// Classes of stored objects begin so.
const STORAGE: &str = "1.2.840.10008.5.1.4.1.1.";
/// Label map segmentations, which some receivers cannot take.
pub const LABEL_MAP_SEGMENTATION: &str = "1.2.840.10008.5.1.4.1.1.66.7";

/// Whether a class is one of objects that are stored, by its identifier: also those that newer editions of the standard add.
///
/// ```
/// use vesalius_pacs::is_storage_class;
///
/// assert!(is_storage_class("1.2.840.10008.5.1.4.1.1.2"), "CT images");
/// assert!(!is_storage_class("1.2.840.10008.1.1"), "verification");
/// ```
pub fn is_storage_class(uid: &str) -> bool {
    uid.strip_prefix(STORAGE).is_some_and(crate::is_uid)
}

/// The parts after the common beginning of the classes that are asked for by C-GET, frequent ones first.
const RETRIEVED: [&str; 62] = [
    "2", "4", "128", "66.4", "66.7", "88.33", "88.34", "88.22", "88.11", "481.3", "7", "7.1",
    "7.2", "7.3", "7.4", "2.1", "2.2", "4.1", "4.2", "4.3", "4.4", "130", "128.1", "20", "1",
    "1.1", "1.1.1", "1.2", "1.2.1", "6.1", "6.2", "3.1", "12.1", "12.1.1", "12.2", "12.2.1",
    "13.1.1", "13.1.2", "13.1.3", "13.1.4", "13.1.5", "30", "66", "66.1", "66.2", "66.3", "66.5",
    "66.6", "67", "11.1", "11.2", "88.50", "88.59", "88.67", "88.71", "104.1", "104.3", "481.1",
    "481.2", "481.4", "481.5", "481.8",
];

/// Classes of the objects that are asked for by C-GET: images, segmentations, reports, radiotherapy, documents.
pub fn retrieved_classes() -> impl Iterator<Item = String> {
    RETRIEVED.iter().map(|part| format!("{STORAGE}{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_asked_for_by_get_fit_into_one_association() {
        let all: std::collections::BTreeSet<_> = retrieved_classes().collect();
        assert_eq!(all.len(), RETRIEVED.len());
        assert!(all.iter().all(|uid| is_storage_class(uid)) && all.len() < 128);
        assert!(
            !is_storage_class("1.2.840.10008.5.1.4.1.1.")
                && !is_storage_class("1.2.840.10008.5.1.4.1.1.x")
        );
    }
}
