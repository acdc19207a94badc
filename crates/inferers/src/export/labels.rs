//! Labels of a whole image in the smallest type that holds the scheme's, in memory or in a scratch file.

use super::scatter::Scatter;
use crate::store::Store;
use crate::{Result, store::Stored};
use std::collections::BTreeMap;
use std::path::Path;
use vesalius_io::{FileVoxel, LabelName, VoxelType, WriteOptions};
use vesalius_volume::{Geometry, Label, LabelMap, LabelScheme};

/// Labels on a grid.
#[derive(Debug)]
pub(crate) struct LabelStore {
    geometry: Geometry,
    values: Values,
    largest: u16,
}

#[derive(Debug)]
enum Values {
    U8(Store<u8>),
    U16(Store<u16>),
}

/// Voxels that are counted at a time.
const RUN: usize = 1 << 18;

impl LabelStore {
    /// Background everywhere, in memory or in a scratch file in a folder.
    pub fn background(
        geometry: Geometry,
        scheme: &LabelScheme,
        folder: Option<&Path>,
    ) -> Result<Self> {
        let voxels = geometry.voxel_count();
        Ok(Self {
            geometry,
            values: match Self::bytes(scheme) {
                1 => Values::U8(Store::new(voxels, folder)?),
                _ => Values::U16(Store::new(voxels, folder)?),
            },
            largest: 0,
        })
    }

    /// Bytes a voxel.
    pub fn bytes(scheme: &LabelScheme) -> usize {
        1 + usize::from(scheme.label_values().iter().any(|&value| value > 255))
    }

    /// Labels in memory.
    pub fn of_map(map: LabelMap) -> Self {
        let largest = map.data().iter().copied().max().unwrap_or(0);
        Self {
            geometry: *map.geometry(),
            values: Values::U16(Store::Memory(map.into_data())),
            largest,
        }
    }

    /// The grid.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Puts the labels of a box where they belong.
    pub(super) fn scatter(&mut self, scatter: &Scatter, labels: &[u16]) -> Result<()> {
        scatter.put(labels, |at, run| self.write(at, run))
    }

    /// Puts a run of labels, all of them of the scheme, from a voxel on.
    pub fn write(&mut self, at: usize, labels: &[u16]) -> Result<()> {
        self.largest = labels.iter().copied().fold(self.largest, u16::max);
        match &mut self.values {
            Values::U8(store) => {
                // `background` chose a type that holds all labels of the scheme.
                let narrow: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
                store.write(at, &narrow)
            }
            Values::U16(store) => store.write(at, labels),
        }
    }

    /// Copies a run of labels out, from a voxel on.
    pub fn read(&self, at: usize, labels: &mut [u16]) -> Result<()> {
        match &self.values {
            Values::U8(store) => {
                let mut narrow = vec![0; labels.len()];
                store.read(at, &mut narrow)?;
                let pairs = labels.iter_mut().zip(narrow);
                pairs.for_each(|(to, from)| *to = u16::from(from));
                Ok(())
            }
            Values::U16(store) => store.read(at, labels),
        }
    }

    /// A label map in memory.
    pub fn into_map(self) -> Result<LabelMap> {
        let voxels = self.geometry.voxel_count();
        let values = match self.values {
            Values::U8(store) => store
                .into_values(voxels)?
                .into_iter()
                .map(u16::from)
                .collect(),
            Values::U16(store) => store.into_values(voxels)?,
        };
        Ok(LabelMap::new(self.geometry, values)?)
    }

    /// How many voxels hold each label that occurs.
    pub fn counts(&self) -> Result<BTreeMap<u32, usize>> {
        match &self.values {
            Values::U8(store) => counts(store, self.geometry.voxel_count()),
            Values::U16(store) => counts(store, self.geometry.voxel_count()),
        }
    }

    /// Writes a file, run by run, in the smallest type that holds the labels that occur; a picture where its ending
    /// is a picture's. Formats with a field for names receive them.
    pub fn save(&self, path: &Path, names: &[LabelName]) -> Result<()> {
        if vesalius_io::is_picture(path) {
            let mut labels = vec![0; self.geometry.voxel_count()];
            self.read(0, &mut labels)?;
            return Ok(vesalius_io::write_picture(path, &self.geometry, &labels)?);
        }
        let options = WriteOptions {
            voxel_type: Some(match self.largest {
                0..=255 => VoxelType::U8,
                _ => VoxelType::U16,
            }),
            labels: names.to_vec(),
            ..WriteOptions::default()
        };
        match &self.values {
            Values::U8(store) => save(path, &self.geometry, store, &options),
            Values::U16(store) => save(path, &self.geometry, store, &options),
        }
    }

    /// Writes a file with 1 where a label is and 0 elsewhere, run by run.
    pub fn save_mask(&self, path: &Path, label: u16) -> Result<()> {
        let make = |first: usize, run: &mut [u8]| {
            let mut labels = vec![0; run.len()];
            self.read(first, &mut labels)
                .map_err(std::io::Error::other)?;
            let pairs = run.iter_mut().zip(labels);
            pairs.for_each(|(mask, found)| *mask = u8::from(found == label));
            Ok(())
        };
        let options = WriteOptions::default();
        Ok(vesalius_io::write_made(
            path,
            &self.geometry,
            1,
            &make,
            &options,
        )?)
    }
}

fn save<T: Stored + FileVoxel>(
    path: &Path,
    geometry: &Geometry,
    store: &Store<T>,
    options: &WriteOptions,
) -> Result<()> {
    let make = |first: usize, run: &mut [T]| store.read(first, run).map_err(std::io::Error::other);
    Ok(vesalius_io::write_made(path, geometry, 1, &make, options)?)
}

fn counts<T: Stored + Label>(store: &Store<T>, voxels: usize) -> Result<BTreeMap<u32, usize>> {
    let mut counts = BTreeMap::new();
    let mut run = vec![T::default(); RUN.min(voxels)];
    for first in (0..voxels).step_by(RUN) {
        let run = &mut run[..RUN.min(voxels - first)];
        store.read(first, run)?;
        // Labels come in long runs, so the map is searched once a run, not once a voxel.
        for same in run.chunk_by(|a, b| a == b) {
            *counts.entry(same[0].into()).or_insert(0) += same.len();
        }
    }
    Ok(counts)
}
