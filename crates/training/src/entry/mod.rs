//! A preprocessed case on disk: written whole or not at all, checked when it is opened, then mapped
//! into memory, so that a patch reads what it covers and nothing else.
//!
//! Layout: magic bytes, the length of a JSON header, the header, zeros up to a multiple of 64, then
//! the image (f32), its labels and, where preprocessing moved the grid, the file's own labels (u16),
//! all little-endian.

use crate::dataset::index_bytes;
use crate::{Case, Error, Result};
use memmap2::Mmap;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_transforms::LabelIndex;
use vesalius_volume::{Affine, Geometry, LabelMap, Subject, Volume};

const MAGIC: &[u8; 8] = b"VESCASE1";
const START: usize = MAGIC.len() + 8;
const ALIGNMENT: usize = 64;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Header {
    key: String,
    name: String,
    channels: usize,
    grid: Grid,
    original: Option<Grid>,
    values: Vec<u16>,
    /// BLAKE3 of everything after the header.
    content: String,
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
}

/// An open case on disk.
#[derive(Debug)]
pub struct Entry {
    path: PathBuf,
    header: Header,
    geometry: Geometry,
    index: LabelIndex,
    ignore: Option<u16>,
    map: Mmap,
    /// Where the image begins.
    start: usize,
}

/// Writes a case under this key, whole or not at all.
///
/// # Errors
/// [`Error::Cache`] for a folder that cannot be written or a full disk.
pub(crate) fn write(path: &Path, key: &str, case: &Case) -> Result<()> {
    let subject = &case.subject;
    let none = || cache_error(path, "a case without labels cannot be cached");
    let labels = subject.labels().ok_or_else(none)?;
    let voxels = subject.geometry().voxel_count();
    let mut content = Vec::with_capacity(voxels * (4 * subject.image().channels() + 4));
    content.extend(subject.image().data().iter().flat_map(|v| v.to_le_bytes()));
    content.extend(labels.data().iter().flat_map(|v| v.to_le_bytes()));
    if let Some(original) = &case.original_labels {
        content.extend(original.data().iter().flat_map(|v| v.to_le_bytes()));
    }
    let header = Header {
        key: key.to_owned(),
        name: subject.name().to_owned(),
        channels: subject.image().channels(),
        grid: Grid::of(subject.geometry()),
        original: case
            .original_labels
            .as_ref()
            .map(|l| Grid::of(l.geometry())),
        values: case.values.clone(),
        content: blake3::hash(&content).to_hex().to_string(),
    };
    let header = serde_json::to_vec(&header).map_err(|e| cache_error(path, &e.to_string()))?;
    let padding =
        vec![0; (START + header.len()).next_multiple_of(ALIGNMENT) - START - header.len()];
    vesalius_io::write_atomically(path, |writer| {
        writer.write_all(MAGIC)?;
        writer.write_all(&(header.len() as u64).to_le_bytes())?;
        writer.write_all(&header)?;
        writer.write_all(&padding)?;
        writer.write_all(&content)
    })
    .map_err(|source| Error::CacheWrite { source })
}

impl Entry {
    /// Opens the entry of this key; nothing when there is none, or one that is not whole.
    pub(crate) fn open(path: &Path, key: &str, ignore: Option<u16>) -> Option<Self> {
        let file = File::open(path).ok()?;
        // SAFETY: entries are only ever replaced by renaming a whole file over them, never written
        // in place, so the mapped bytes do not change; the same holds for other processes of ours.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.ok()?;
        let (header, start) = parse(&map)?;
        let geometry = header.grid.geometry().ok()?;
        let content = map.get(start..)?;
        let original = header
            .original
            .as_ref()
            .map(Grid::geometry)
            .transpose()
            .ok()?;
        let voxels = geometry.voxel_count();
        let labels = voxels + original.map_or(0, |grid| grid.voxel_count());
        let whole = content.len() == voxels * 4 * header.channels + labels * 2;
        let intact = || blake3::hash(content).to_hex().to_string() == header.content;
        if header.key != key || !whole || !intact() {
            return None;
        }
        let mut entry = Self {
            path: path.to_owned(),
            header,
            geometry,
            index: LabelIndex::default(),
            ignore,
            map,
            start,
        };
        entry.index = LabelIndex::of(&entry.labels().ok()?, ignore);
        Some(entry)
    }

    /// What the case is called.
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Its grid after preprocessing.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Where its labelled voxels are.
    pub fn index(&self) -> &LabelIndex {
        &self.index
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The label values that occur.
    pub(crate) fn values(&self) -> &[u16] {
        &self.header.values
    }

    /// Bytes of memory that it takes while nothing of it is lent.
    pub(crate) fn bytes(&self) -> u64 {
        index_bytes(&self.index) as u64
    }

    /// Bytes of memory that [`Entry::case`] takes.
    pub(crate) fn case_bytes(&self) -> u64 {
        (self.map.len() - self.start) as u64 + self.bytes()
    }

    /// A box of the case that starts at voxel `start`; what reaches outside is zero and background.
    ///
    /// # Errors
    /// A size that overflows.
    pub fn region(&self, start: [i64; 3], size: [usize; 3]) -> Result<Subject> {
        let grid = self.geometry.region(start, size)?;
        let whole = self.geometry.size();
        let (channels, voxels) = (self.header.channels, self.geometry.voxel_count());
        let (image, rest) = self.map[self.start..].split_at(voxels * channels * 4);
        let labels = &rest[..voxels * 2];
        let image = cut(image, whole, channels, start, size, f32::from_le_bytes);
        let labels = cut(labels, whole, 1, start, size, u16::from_le_bytes);
        let image = Volume::new(grid, channels, image)?;
        Ok(Subject::new(
            self.name(),
            image,
            Some(LabelMap::new(grid, labels)?),
        )?)
    }

    /// The whole case, in memory.
    ///
    /// # Errors
    /// None for an entry that was opened.
    pub fn case(&self) -> Result<Case> {
        let subject = self.region([0; 3], self.geometry.size())?;
        let original = match &self.header.original {
            None => None,
            Some(grid) => {
                let grid = grid.geometry()?;
                let bytes = &self.map[self.map.len() - grid.voxel_count() * 2..];
                Some(LabelMap::new(grid, numbers(bytes, u16::from_le_bytes))?)
            }
        };
        Ok(Case::of_preprocessed(subject, original, self.ignore))
    }

    fn labels(&self) -> Result<LabelMap> {
        let voxels = self.geometry.voxel_count();
        let from = self.start + voxels * self.header.channels * 4;
        let bytes = &self.map[from..from + voxels * 2];
        Ok(LabelMap::new(
            self.geometry,
            numbers(bytes, u16::from_le_bytes),
        )?)
    }
}

/// The header, and where the content begins; nothing for other files and half ones.
fn parse(bytes: &[u8]) -> Option<(Header, usize)> {
    let length = bytes.strip_prefix(MAGIC)?.get(..8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let end = START.checked_add(length)?;
    let header = serde_json::from_slice(bytes.get(START..end)?).ok()?;
    Some((header, end.next_multiple_of(ALIGNMENT)))
}

fn numbers<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&b| value(b)).collect()
}

/// A box out of the bytes of `channels` volumes of size `whole`; zero where it reaches outside.
fn cut<const N: usize, T: Copy + Default>(
    bytes: &[u8],
    whole: [usize; 3],
    channels: usize,
    start: [i64; 3],
    size: [usize; 3],
    value: impl Fn([u8; N]) -> T,
) -> Vec<T> {
    let source = bytes.as_chunks::<N>().0;
    let mut out = vec![T::default(); size.iter().product::<usize>() * channels];
    // The stretch of each row that lies inside is copied in one go.
    let from = (-start[0]).clamp(0, size[0] as i64) as usize;
    let until = (whole[0] as i64 - start[0]).clamp(from as i64, size[0] as i64) as usize;
    let inside = |axis: usize, i: usize| {
        let at = start[axis] + i as i64;
        (0..whole[axis] as i64).contains(&at).then_some(at as usize)
    };
    if from == until {
        return out;
    }
    let first = (start[0] + from as i64) as usize;
    for (row, target) in out.chunks_exact_mut(size[0]).enumerate() {
        let (y, z) = (row % size[1], row / size[1] % size[2]);
        let channel = row / (size[1] * size[2]);
        if let (Some(y), Some(z)) = (inside(1, y), inside(2, z)) {
            let begin = ((channel * whole[2] + z) * whole[1] + y) * whole[0] + first;
            let run = &source[begin..begin + until - from];
            for (target, &bytes) in target[from..until].iter_mut().zip(run) {
                *target = value(bytes);
            }
        }
    }
    out
}

pub(crate) fn cache_error(path: &Path, reason: &str) -> Error {
    Error::Cache {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Spheres;
    use crate::{Lent, TrainingConfig};
    use std::sync::Arc;
    use vesalius_volume::LabelScheme;

    fn case() -> Case {
        let config = TrainingConfig::parse(
            "name: t\npreprocessing:\n  - spacing: {to: [1.3, 0, 1.1]}\npatch: {size: [8, 8, 8]}\nnetwork:\n  unet: {}\n",
        )
        .unwrap();
        let spheres = Spheres {
            size: [20, 24],
            classes: 2,
            ..Spheres::default()
        };
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        Case::new(
            spheres.subject(1, 0).unwrap(),
            &scheme,
            &config.preprocessing,
        )
        .unwrap()
    }

    #[test]
    fn a_case_comes_back_to_the_bit_whole_and_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.case");
        let case = case();
        write(&path, "key", &case).unwrap();
        let entry = Entry::open(&path, "key", None).unwrap();
        let back = entry.case().unwrap();
        assert_eq!(back.subject, case.subject);
        assert_eq!(back.index, case.index);
        assert_eq!(entry.index(), &case.index);
        assert_eq!(back.original_labels, case.original_labels);
        assert!(back.original_labels.is_some() && back.values == [0, 1, 2]);
        let (memory, mapped) = (Lent::Whole(Arc::new(case)), Lent::Mapped(Arc::new(entry)));
        for (start, size) in [
            ([0, 0, 0], [3, 4, 5]),
            ([-4, 2, -9], [40, 5, 12]),
            ([15, 15, 15], [9, 9, 9]),
            ([90, 0, 0], [2, 2, 2]),
            ([-9, 0, 0], [4, 4, 4]),
        ] {
            let (a, b) = (memory.region(start, size), mapped.region(start, size));
            assert_eq!(a.unwrap(), b.unwrap(), "{start:?} {size:?}");
        }
    }

    #[test]
    fn half_changed_and_foreign_entries_are_never_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.case");
        write(&path, "key", &case()).unwrap();
        assert!(Entry::open(&path, "key", None).is_some());
        assert!(Entry::open(&path, "another key", None).is_none());
        assert!(Entry::open(&folder.path().join("b.case"), "key", None).is_none());
        let bytes = std::fs::read(&path).unwrap();
        for length in [0, 7, 15, 40, 400, bytes.len() / 2, bytes.len() - 1] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(Entry::open(&path, "key", None).is_none(), "{length}");
        }
        let mut changed = bytes.clone();
        let last = changed.len() - 1;
        changed[last] ^= 1;
        std::fs::write(&path, changed).unwrap();
        assert!(Entry::open(&path, "key", None).is_none());
        std::fs::write(&path, [bytes, vec![0]].concat()).unwrap();
        assert!(Entry::open(&path, "key", None).is_none());
    }
}
