//! Series made for tests, byte by byte in explicit little-endian, so that nothing of the crate under test writes its own
//! input.

use std::path::{Path, PathBuf};
use vesalius_io::{ReadOptions, Series, list_series, list_series_with};

/// A made series of slices.
#[derive(Clone)]
pub struct Made {
    pub modality: &'static str,
    pub columns: u16,
    pub rows: u16,
    pub row: [f64; 3],
    pub column: [f64; 3],
    /// Between rows, then between columns, mm.
    pub spacing: [f64; 2],
    /// Along the normal, mm; files are named in this order.
    pub heights: Vec<f64>,
    pub placed: bool,
    pub charset: &'static [u8],
    pub name: &'static [u8],
    pub patient_of: fn(usize) -> &'static str,
    pub frame_of: fn(usize) -> &'static str,
}

impl Default for Made {
    fn default() -> Self {
        Self {
            modality: "MR",
            columns: 7,
            rows: 5,
            row: [1.0, 0.0, 0.0],
            column: [0.0, 1.0, 0.0],
            spacing: [0.7, 0.8],
            heights: (0..6).map(|k| 10.0 + 2.5 * f64::from(k)).collect(),
            placed: true,
            charset: b"ISO_IR 100",
            name: b"M\xfcller^J\xf6rg",
            patient_of: |_| "P1",
            frame_of: |_| "1.2.3.9",
        }
    }
}

pub const SERIES: &str = "1.2.3.4";

impl Made {
    /// Writes it into a new folder, and lists it.
    pub fn series(&self, folder: &Path) -> Series {
        let place = self.save(folder);
        let list = list_series(&place).unwrap();
        assert!(list.unreadable.is_empty(), "{:?}", list.unreadable);
        list.series.into_iter().next().unwrap()
    }

    /// As [`Made::series`], of a source without places.
    pub fn assumed(&self, folder: &Path) -> Series {
        let mut options = ReadOptions::new();
        options.assume_spacing = Some([1.0; 3]);
        let list = list_series_with(self.save(folder), &options).unwrap();
        list.series.into_iter().next().unwrap()
    }

    pub fn save(&self, folder: &Path) -> PathBuf {
        let place = folder.join("made");
        std::fs::create_dir(&place).unwrap();
        for index in 0..self.heights.len() {
            std::fs::write(place.join(format!("{index:03}")), self.file(index)).unwrap();
        }
        place
    }

    pub fn instance(index: usize) -> String {
        format!("1.2.3.4.{}", index + 1)
    }

    /// The position of a slice as its file writes it.
    pub fn position(&self, index: usize) -> String {
        let [a, b] = [self.row, self.column];
        let normal = [
            a[1] * b[2] - a[2] * b[1],
            a[2] * b[0] - a[0] * b[2],
            a[0] * b[1] - a[1] * b[0],
        ];
        let at = |i: usize| [-31.7, 12.9, 4.3][i] + normal[i] * self.heights[index];
        format!("{:.6}\\{:.6}\\{:.6}", at(0), at(1), at(2))
    }

    fn file(&self, index: usize) -> Vec<u8> {
        let class: &[u8] = match self.modality {
            "CT" => b"1.2.840.10008.5.1.4.1.1.2",
            "PT" => b"1.2.840.10008.5.1.4.1.1.128",
            "MR" => b"1.2.840.10008.5.1.4.1.1.4",
            _ => b"1.2.840.10008.5.1.4.1.1.1",
        };
        let text = |text: &str| text.as_bytes().to_vec();
        let word = |value: u16| value.to_le_bytes().to_vec();
        let cosines: Vec<String> = self
            .row
            .iter()
            .chain(&self.column)
            .map(f64::to_string)
            .collect();
        let first = index * usize::from(self.columns) * usize::from(self.rows);
        let count = usize::from(self.columns) * usize::from(self.rows);
        let pixels = (first..first + count).flat_map(|v| (v as i16 - 20).to_le_bytes());
        let mut elements: Vec<(u32, &[u8; 2], Vec<u8>)> = vec![
            (0x0008_0005, b"CS", self.charset.to_vec()),
            (0x0008_0016, b"UI", class.to_vec()),
            (0x0008_0018, b"UI", text(&Self::instance(index))),
            (0x0008_0020, b"DA", text("20240229")),
            (0x0008_0050, b"SH", text("A17")),
            (0x0008_0060, b"CS", text(self.modality)),
            (0x0010_0010, b"PN", self.name.to_vec()),
            (0x0010_0020, b"LO", text((self.patient_of)(index))),
            (0x0018_0050, b"DS", text("2")),
            (0x0020_000D, b"UI", text("1.2.3")),
            (0x0020_000E, b"UI", text(SERIES)),
            (0x0020_0011, b"IS", text("7")),
            (0x0020_0013, b"IS", text(&(index + 1).to_string())),
            (0x0028_0002, b"US", word(1)),
            (0x0028_0004, b"CS", text("MONOCHROME2")),
            (0x0028_0010, b"US", word(self.rows)),
            (0x0028_0011, b"US", word(self.columns)),
            (0x0028_0100, b"US", word(16)),
            (0x0028_0101, b"US", word(16)),
            (0x0028_0102, b"US", word(15)),
            (0x0028_0103, b"US", word(1)),
            (0x7FE0_0010, b"OW", pixels.collect()),
        ];
        if self.placed {
            elements.extend([
                (0x0020_0032, b"DS", text(&self.position(index))),
                (0x0020_0037, b"DS", text(&cosines.join("\\"))),
                (0x0020_0052, b"UI", text((self.frame_of)(index))),
                (
                    0x0028_0030,
                    b"DS",
                    text(&format!("{}\\{}", self.spacing[0], self.spacing[1])),
                ),
            ]);
        }
        elements.sort_by_key(|element| element.0);
        let mut bytes = vec![0; 128];
        bytes.extend(b"DICM");
        let mut meta = element(0x0002_0001, b"OB", &[0, 1]);
        meta.extend(element(0x0002_0002, b"UI", class));
        meta.extend(element(
            0x0002_0003,
            b"UI",
            Self::instance(index).as_bytes(),
        ));
        meta.extend(element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1"));
        meta.extend(element(0x0002_0012, b"UI", b"1.2.3.77"));
        bytes.extend(element(
            0x0002_0000,
            b"UL",
            &(meta.len() as u32).to_le_bytes(),
        ));
        bytes.extend(meta);
        for (tag, kind, value) in elements {
            bytes.extend(element(tag, kind, &value));
        }
        bytes
    }
}

fn element(tag: u32, kind: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend(((tag >> 16) as u16).to_le_bytes());
    bytes.extend((tag as u16).to_le_bytes());
    bytes.extend(kind);
    let length = value.len().next_multiple_of(2);
    match kind {
        b"OW" | b"OB" => {
            bytes.extend([0, 0]);
            bytes.extend((length as u32).to_le_bytes());
        }
        _ => bytes.extend((length as u16).to_le_bytes()),
    }
    bytes.extend(value);
    let pad = if kind == b"UI" { 0 } else { b' ' };
    bytes.resize(bytes.len() + length - value.len(), pad);
    bytes
}

/// Axial, turned and oblique series, rising and descending.
pub fn orientations() -> Vec<(&'static str, Made)> {
    let with = |row, column| Made {
        row,
        column,
        ..Made::default()
    };
    let descending = Made {
        heights: (0..6).rev().map(|k| 10.0 + 2.5 * f64::from(k)).collect(),
        ..Made::default()
    };
    let one = Made {
        heights: vec![3.0],
        ..Made::default()
    };
    vec![
        ("axial", Made::default()),
        ("column negated", with([1.0, 0.0, 0.0], [0.0, -1.0, 0.0])),
        ("both negated", with([-1.0, 0.0, 0.0], [0.0, -1.0, 0.0])),
        ("sagittal", with([0.0, 1.0, 0.0], [0.0, 0.0, -1.0])),
        ("coronal", with([1.0, 0.0, 0.0], [0.0, 0.0, -1.0])),
        ("oblique", with([0.8, 0.6, 0.0], [-0.36, 0.48, 0.8])),
        ("descending", descending),
        ("one slice", one),
    ]
}
