//! Made files of a made patient, in every form in which files are written.

use std::path::{Path, PathBuf};
use vesalius_dicom::DeidentifyKey;

/// What the made patient can be recognised by.
pub const SECRETS: [&str; 22] = [
    "Quasimodo",
    "QUASIMODO",
    "Esmeralda",
    "ID-4711-0815",
    "ACC998877",
    "Frollo",
    "Gringoire",
    "Hopital",
    "20240229",
    "19711103",
    "101112",
    "1.2.826.0.1.99.1",
    "1.2.826.0.1.99.2",
    "1.2.826.0.1.99.3",
    "1.2.826.0.1.99.4",
    "1.2.826.0.1.99.5",
    "SCANNER7",
    "SER-5566",
    "secret comment",
    "private secret",
    "overlay secret",
    "curve secret",
];

pub const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub const IMPLICIT: &str = "1.2.840.10008.1.2";
pub const BIG: &str = "1.2.840.10008.1.2.2";
pub const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
pub const JPEG: &str = "1.2.840.10008.1.2.4.70";

pub fn key() -> DeidentifyKey {
    DeidentifyKey::from_bytes([7; 32])
}

/// A file in the making.
#[derive(Clone)]
pub struct Made {
    pub syntax: &'static str,
    pub elements: Vec<(u32, &'static str, Vec<u8>)>,
    pub pixels: Vec<u8>,
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

impl Made {
    /// A CT slice of the made patient with something of his in every place.
    pub fn new(syntax: &'static str) -> Self {
        let mut made = Self {
            syntax,
            elements: Vec::new(),
            pixels: (0..32).collect(),
        };
        for (tag, vr, text) in [
            (0x0008_0005, "CS", "ISO_IR 100"),
            (0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
            (0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
            (0x0008_0018, "UI", "1.2.826.0.1.99.3"),
            (0x0008_0020, "DA", "20240229"),
            (0x0008_0022, "DA", "20240229"),
            (0x0008_0023, "DA", "20240229"),
            (0x0008_002A, "DT", "20240229101112.5"),
            (0x0008_0030, "TM", "101112"),
            (0x0008_0050, "SH", "ACC998877"),
            (0x0008_0060, "CS", "CT"),
            (0x0008_0070, "LO", "Maker"),
            (0x0008_0080, "LO", "Hopital Paris"),
            (0x0008_0090, "PN", "Frollo^Claude"),
            (0x0008_1010, "SH", "SCANNER7"),
            (0x0008_103E, "LO", "CT thorax Quasimodo 2.5mm"),
            (0x0008_1070, "PN", "Gringoire"),
            (0x0010_0010, "PN", "Quasimodo^Esmeralda"),
            (0x0010_0020, "LO", "ID-4711-0815"),
            (0x0010_0030, "DA", "19711103"),
            (0x0010_0040, "CS", "M"),
            (0x0010_1010, "AS", "052Y"),
            (0x0010_4000, "LT", "secret comment"),
            (0x0018_0050, "DS", "2.5"),
            (0x0018_1000, "LO", "SER-5566"),
            (0x0018_9004, "CS", "PRODUCT"),
            (0x0020_000D, "UI", "1.2.826.0.1.99.1"),
            (0x0020_000E, "UI", "1.2.826.0.1.99.2"),
            (0x0020_0052, "UI", "1.2.826.0.1.99.4"),
            (0x0028_0004, "CS", "MONOCHROME2"),
            // Texts that no rule names, one with the patient's name, one that is free.
            (0x0018_0022, "CS", "HELICAL MODE"),
            (0x0018_1160, "SH", "for QUASIMODO"),
            (0x0028_1351, "ST", "secret comment"),
            // Private blocks: one on the list of safe elements.
            (0x0019_0010, "LO", "ACME"),
            (0x0019_1001, "LO", "private secret"),
            (0x7053_0010, "LO", "Philips PET Private Group"),
            (0x7053_1000, "DS", "0.25"),
            (0x7053_1009, "DS", "4"),
            (0x7053_1044, "LO", "private secret"),
            (0x5000_0022, "LO", "curve secret"),
            (0x6000_1500, "LO", "overlay secret"),
            (0x6000_4000, "LT", "overlay secret"),
        ] {
            made.elements.push((tag, vr, bytes(text)));
        }
        for (tag, value) in [(0x0028_0010, 4u16), (0x0028_0011, 4), (0x0028_0100, 16)] {
            let value = match syntax {
                BIG => value.to_be_bytes(),
                _ => value.to_le_bytes(),
            };
            made.elements.push((tag, "US", value.to_vec()));
        }
        let reference = made.item(&[
            (0x0008_1150, "UI", bytes("1.2.840.10008.5.1.4.1.1.2")),
            (0x0008_1155, "UI", bytes("1.2.826.0.1.99.5")),
            (0x0040_A123, "PN", bytes("Gringoire^Pierre")),
        ]);
        let deep = made.items(0x0008_1140, &[reference]);
        let within = made.bare_item(deep);
        made.elements.push((
            0x0008_1140,
            "SQ",
            made.item(&[
                (0x0008_1150, "UI", bytes("1.2.840.10008.5.1.4.1.1.2")),
                (0x0008_1155, "UI", bytes("1.2.826.0.1.99.3")),
            ]),
        ));
        made.elements.push((0x0008_9215, "SQ", within));
        made
    }

    pub fn with(mut self, tag: u32, vr: &'static str, text: &str) -> Self {
        self.elements.retain(|element| element.0 != tag);
        self.elements.push((tag, vr, bytes(text)));
        self
    }

    fn word(&self, value: u16) -> [u8; 2] {
        match self.syntax {
            BIG => value.to_be_bytes(),
            _ => value.to_le_bytes(),
        }
    }

    fn long(&self, value: u32) -> [u8; 4] {
        match self.syntax {
            BIG => value.to_be_bytes(),
            _ => value.to_le_bytes(),
        }
    }

    fn element(&self, tag: u32, vr: &str, value: &[u8]) -> Vec<u8> {
        let mut value = value.to_vec();
        if value.len() % 2 == 1 {
            value.push(if vr == "UI" { 0 } else { b' ' });
        }
        let mut to = Vec::new();
        to.extend(self.word((tag >> 16) as u16));
        to.extend(self.word(tag as u16));
        if self.syntax == IMPLICIT {
            to.extend(self.long(value.len() as u32));
        } else {
            to.extend(vr.bytes());
            if ["SQ", "OB", "OW", "UT", "UN"].contains(&vr) {
                to.extend([0, 0]);
                to.extend(self.long(value.len() as u32));
            } else {
                to.extend(self.word(value.len() as u16));
            }
        }
        to.extend(value);
        to
    }

    pub fn item(&self, elements: &[(u32, &str, Vec<u8>)]) -> Vec<u8> {
        let content = elements
            .iter()
            .flat_map(|(tag, vr, value)| self.element(*tag, vr, value));
        self.bare_item(content.collect())
    }

    fn bare_item(&self, content: Vec<u8>) -> Vec<u8> {
        let mut to = [self.word(0xFFFE), self.word(0xE000)].concat();
        to.extend(self.long(content.len() as u32));
        to.extend(content);
        to
    }

    fn items(&self, tag: u32, items: &[Vec<u8>]) -> Vec<u8> {
        self.element(tag, "SQ", &items.concat())
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut elements = self.elements.clone();
        elements.sort_by_key(|element| element.0);
        let mut content: Vec<u8> = elements
            .iter()
            .flat_map(|(tag, vr, value)| self.element(*tag, vr, value))
            .collect();
        if self.syntax == JPEG {
            content.extend(b"\xE0\x7F\x10\0OB\0\0\xFF\xFF\xFF\xFF");
            content.extend(b"\xFE\xFF\0\xE0\0\0\0\0");
            content.extend(self.bare_item(self.pixels.clone()));
            content.extend(b"\xFE\xFF\xDD\xE0\0\0\0\0");
        } else if !self.pixels.is_empty() {
            content.extend(self.element(0x7FE0_0010, "OW", &self.pixels));
        }
        // What lies behind the pixels.
        content.extend(self.element(0xFFFC_FFFC, "OB", b"private secret"));
        if self.syntax == DEFLATED {
            content = deflated(&content);
        }
        let meta = Self {
            syntax: EXPLICIT,
            elements: Vec::new(),
            pixels: Vec::new(),
        };
        let mut head = Vec::new();
        for (tag, vr, text) in [
            (0x0002_0002, "UI", "1.2.840.10008.5.1.4.1.1.2"),
            (0x0002_0003, "UI", "1.2.826.0.1.99.3"),
            (0x0002_0010, "UI", self.syntax),
            (0x0002_0016, "AE", "SCANNER7"),
        ] {
            head.extend(meta.element(tag, vr, text.as_bytes()));
        }
        let mut to = b"Quasimodo".to_vec();
        to.resize(128, b' ');
        to.extend(b"DICM");
        to.extend(meta.element(0x0002_0000, "UL", &(head.len() as u32).to_le_bytes()));
        to.extend(head);
        to.extend(content);
        to
    }

    pub fn save(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(&path, self.bytes()).unwrap();
        path
    }
}

fn deflated(content: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let level = flate2::Compression::default();
    let mut to = flate2::write::DeflateEncoder::new(Vec::new(), level);
    to.write_all(content).unwrap();
    to.finish().unwrap()
}

/// The content of a file as bytes, inflated when it is deflated.
pub fn content(path: &Path) -> Vec<u8> {
    use std::io::Read;
    let bytes = std::fs::read(path).unwrap();
    if !holds(&bytes, DEFLATED.as_bytes()) {
        return bytes;
    }
    let meta = u32::from_le_bytes(bytes[140..144].try_into().unwrap()) as usize + 144;
    let mut to = bytes[..meta].to_vec();
    flate2::read::DeflateDecoder::new(&bytes[meta..])
        .read_to_end(&mut to)
        .unwrap();
    to
}

pub fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// The value of an element of explicit little-endian at any depth, the first there is.
pub fn value(bytes: &[u8], tag: u32, vr: &str) -> Option<String> {
    let made = Made {
        syntax: EXPLICIT,
        elements: Vec::new(),
        pixels: Vec::new(),
    };
    let head = &made.element(tag, vr, b"")[..6];
    let at = bytes.windows(6).position(|window| window == head)?;
    let length = u16::from_le_bytes([bytes[at + 6], bytes[at + 7]]) as usize;
    let text = String::from_utf8_lossy(&bytes[at + 8..at + 8 + length]).into_owned();
    Some(text.trim_end_matches([' ', '\0']).to_owned())
}
