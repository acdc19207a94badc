//! Descriptions in the character sets of the standard.

use crate::dicom_writer::{save, slice};
use crate::shared::shared;
use vesalius_io::list_series;

#[test]
fn every_shared_character_set_is_read_as_it_is_meant() {
    for (folder, description) in [
        ("GB18030", "头颅平扫"),
        ("ISO_IR-100", "Schädel"),
        ("ISO_IR-101", "Kręgosłup"),
        ("ISO_IR-127", "رأس"),
        ("ISO_IR-13", "ﾔﾏﾀﾞ"),
        ("ISO_IR-144", "Голова"),
        ("ISO_IR-148", "Baş ğ"),
        ("ISO_IR-192", "头颅 µ"),
        ("_ISO-2022-IR-58", "头颅"),
        ("_ISO-2022-IR-87", "頭部単純"),
    ] {
        let Some(folder) = shared(&format!("cases/images/charset/{folder}")) else {
            return;
        };
        let list = list_series(&folder).unwrap();
        assert_eq!(list.series.len(), 1, "{folder:?}");
        assert_eq!(list.series[0].description, description, "{folder:?}");
    }
}

#[test]
fn a_series_is_found_by_its_description_in_its_character_set() {
    let folder = tempfile::tempdir().unwrap();
    let changes: [(u32, &[u8; 2], &[u8]); 3] = [
        (0x0008_0005, b"CS", b"\\ISO 2022 IR 87"),
        (0x0008_103E, b"LO", b"\x1b$BF,It\x1b(B axial"),
        (0x0010_0010, b"PN", b"Yamada^Tarou\x1b[2J"),
    ];
    for z in 0..3 {
        let bytes = slice(f64::from(z) * 3.0, [z; 6].map(|v| v as i16), &changes);
        save(folder.path(), &format!("{z}.dcm"), &bytes);
    }
    let series = &list_series(folder.path()).unwrap().series[0];
    assert!(series.is_called("頭部 axial"), "{}", series.description);
    // What clears a terminal is text.
    assert_eq!(series.metadata["PatientName"], "Yamada^Tarou[2J");
}
