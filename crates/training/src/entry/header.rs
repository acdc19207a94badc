//! The header of a cache entry: what it was made from, by which version, and how it is laid out.

use super::parts::read_at;
use crate::{Case, Result};
use serde::{Deserialize, Serialize};
use std::fs::File;
use vesalius_transforms::Coverage;
use vesalius_volume::{Affine, Geometry, Warning};

const MAGIC: &[u8; 8] = b"VESCASE2";
const HASH: usize = 32;
/// Where the header begins.
const START: usize = MAGIC.len() + 8 + HASH;
const ALIGNMENT: usize = 64;
/// No header is longer; a length beyond it is damage.
const LONGEST: u64 = 64 << 20;

/// Changes when a later version preprocesses, indexes or stores otherwise: what an earlier one stored is then
/// made again.
pub(super) const FORMAT: u32 = 5;

/// Everything that a preprocessed case follows from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The version of the layout and of the preprocessing behind it.
    format: u32,
    /// The version of the program.
    version: String,
    /// The case's name.
    pub name: String,
    /// Channels of the image.
    pub channels: usize,
    /// What labels mean, as JSON: as text, in which no number loses its last bit.
    pub labels: String,
    /// The transforms that were done, as JSON.
    pub preprocessing: String,
    /// The files it was read from.
    pub sources: Vec<Source>,
}

/// A file, by its content, not by its path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its content.
    pub hash: String,
}

/// The number of a file among the identity's sources, and what was decided on reading it.
pub(crate) type FileNote = (usize, Warning);

impl Identity {
    /// What this version of the program would make of these files.
    pub fn new(
        name: &str,
        channels: usize,
        labels: String,
        preprocessing: String,
        sources: Vec<Source>,
    ) -> Self {
        Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            name: name.to_owned(),
            channels,
            labels,
            preprocessing,
            sources,
        }
    }

    #[cfg(test)]
    pub fn of_another_version(&mut self) {
        self.format -= 1;
    }

    /// The name of its entry: a hash of all of it.
    pub fn key(&self) -> String {
        // A struct of texts, numbers and JSON always becomes JSON.
        let text = serde_json::to_string(self).unwrap_or_default();
        blake3::hash(text.as_bytes()).to_hex()[..40].to_owned()
    }

    /// What of another one differs first, in words.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let differs = [
            (self.format != other.format, "another version of the cache"),
            (
                self.version != other.version,
                "another version of the program",
            ),
            (self.name != other.name, "a case of another name"),
            (self.sources != other.sources, "files of other content"),
            (
                self.channels != other.channels,
                "another number of channels",
            ),
            (self.labels != other.labels, "other labels"),
            (
                self.preprocessing != other.preprocessing,
                "other preprocessing",
            ),
        ];
        let found = differs.into_iter().find(|(differs, _)| *differs);
        found.map(|(_, what)| what)
    }
}

/// The header of an entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Header {
    pub identity: Identity,
    pub name: String,
    pub channels: usize,
    grid: Grid,
    original: Option<Grid>,
    pub values: Vec<u16>,
    /// Bytes of the index of labelled voxels, which is last.
    pub index: u64,
    /// The label value that the index leaves out.
    pub ignore: Option<u16>,
    /// What preprocessing left of the file's grid.
    pub coverage: Option<Coverage>,
    /// What was decided on reading the files.
    pub told: Vec<FileNote>,
    /// BLAKE3 of everything after the header, in hex.
    pub content: String,
}

/// A geometry to the bit: JSON's decimal numbers may lose the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Grid {
    size: [usize; 3],
    affine: [[u64; 4]; 4],
}

impl Grid {
    fn of(geometry: &Geometry) -> Self {
        let affine = geometry.affine().rows().map(|row| row.map(f64::to_bits));
        let size = geometry.size();
        Self { size, affine }
    }

    fn geometry(&self) -> Result<Geometry> {
        let rows = self.affine.map(|row| row.map(f64::from_bits));
        Ok(Geometry::new(self.size, Affine::new(rows)?)?)
    }

    fn voxels(&self) -> Option<u64> {
        self.size
            .iter()
            .try_fold(1u64, |product, &n| product.checked_mul(n as u64))
    }
}

impl Header {
    pub fn of(
        case: &Case,
        identity: &Identity,
        index: u64,
        content: blake3::Hash,
        told: Vec<FileNote>,
    ) -> Self {
        let subject = case.subject();
        let original = case.original_labels();
        Self {
            identity: identity.clone(),
            name: subject.name().to_owned(),
            channels: subject.image().channels(),
            grid: Grid::of(subject.geometry()),
            original: original.map(|labels| Grid::of(labels.geometry())),
            values: case.values().to_vec(),
            index,
            ignore: case.ignore(),
            coverage: case.coverage().cloned(),
            told,
            content: content.to_hex().to_string(),
        }
    }

    /// Everything that comes before the image.
    pub fn bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut header = serde_json::to_vec(self)?;
        // Spaces are JSON as well, and so the checksum goes over what fills up.
        header.resize(
            (START + header.len()).next_multiple_of(ALIGNMENT) - START,
            b' ',
        );
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(blake3::hash(&header).as_bytes());
        bytes.extend_from_slice(&header);
        Ok(bytes)
    }

    /// The header of a file, and where the image begins.
    pub fn read(file: &File) -> std::result::Result<(Self, u64), String> {
        let cut = |e: std::io::Error| format!("is cut short ({e})");
        let mut start = [0; START];
        read_at(file, 0, &mut start).map_err(cut)?;
        let (magic, length) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err("is not an entry of this version".to_owned());
        }
        let (length, hash) = length.split_at(8);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(length);
        let length = u64::from_le_bytes(bytes);
        let damaged = || "is damaged: its header's checksum does not match".to_owned();
        if length > LONGEST {
            return Err(damaged());
        }
        let mut header = vec![0; length as usize];
        read_at(file, START as u64, &mut header).map_err(cut)?;
        if blake3::hash(&header).as_bytes().as_slice() != hash {
            return Err(damaged());
        }
        let header = serde_json::from_slice(&header)
            .map_err(|e| format!("has a header of another form ({e})"))?;
        Ok((header, START as u64 + length))
    }

    /// Checks that it was made by this version, and from `identity` where that is known.
    pub fn check(&self, identity: Option<&Identity>) -> std::result::Result<(), String> {
        let found = &self.identity;
        let same = || Identity {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            ..found.clone()
        };
        let expected = identity.cloned().unwrap_or_else(same);
        match expected.difference(found) {
            Some(what) => Err(format!("was made by or from {what}")),
            None => Ok(()),
        }
    }

    pub fn geometry(&self) -> std::result::Result<Geometry, String> {
        self.grid.geometry().map_err(|e| e.to_string())
    }

    pub fn original_geometry(&self) -> Result<Option<Geometry>> {
        self.original.as_ref().map(Grid::geometry).transpose()
    }

    /// Bytes after the header; `None` for sizes that overflow.
    pub fn content_bytes(&self) -> Option<u64> {
        self.voxel_bytes()?.checked_add(self.index)
    }

    /// Bytes of image and labels; `None` for sizes that overflow.
    pub fn voxel_bytes(&self) -> Option<u64> {
        let voxels = self.grid.voxels()?;
        let original = self.original.as_ref().map_or(Some(0), Grid::voxels)?;
        let image = voxels.checked_mul(self.channels as u64)?.checked_mul(4)?;
        let labels = voxels.checked_add(original)?.checked_mul(2)?;
        image.checked_add(labels)
    }
}
