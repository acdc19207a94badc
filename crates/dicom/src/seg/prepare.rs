//! What is checked and found before anything is written: segments, the grid, which segment occurs on which frame.

use super::SegKind;
use super::grid::OnSource;
use super::layer::Layer;
use super::segment::Segment;
use super::write::{BOTH, Job};
use crate::{Error, Result};
use std::collections::BTreeMap;
use vesalius_volume::{Geometry, Warning};

impl Job<'_, '_> {
    /// The segments by rising label, each with tracking identifiers.
    pub fn segments(&mut self, layers: usize) -> Result<Vec<Segment>> {
        let mut segments = self.described()?;
        segments.sort_by_key(|segment| (segment.layer, segment.label));
        let refuse = |what: String| Err(Error::Segments(what));
        if let Some(segment) = segments.iter().find(|segment| segment.layer >= layers) {
            return refuse(format!(
                "segment `{}` is in layer {}, and there are {} label maps (layers count from 0)",
                segment.name, segment.layer, layers
            ));
        }
        if let Some(segment) = segments.iter().find(|segment| segment.label == 0) {
            return refuse(format!(
                "segment `{}` has label 0, which is background; give it another",
                segment.name
            ));
        }
        let twice = segments
            .windows(2)
            .find(|pair| (pair[0].layer, pair[0].label) == (pair[1].layer, pair[1].label));
        if let Some(pair) = twice {
            return refuse(format!(
                "label {} is both `{}` and `{}`; describe each label once",
                pair[0].label, pair[0].name, pair[1].name
            ));
        }
        Ok(segments)
    }

    pub(super) fn described(&mut self) -> Result<Vec<Segment>> {
        let earlier = self.writer.predecessor.as_ref();
        let segments = self.writer.segments.iter().cloned();
        let segments = segments.map(|segment| match earlier {
            Some(earlier) => earlier.tracked(segment),
            None => segment,
        });
        let segments = segments.map(Segment::tracked);
        let segments = segments.collect::<Result<Vec<_>>>()?;
        if segments.len() > usize::from(u16::MAX) {
            let what = format!(
                "there are {} segments, and an object has at most 65535; {BOTH}",
                segments.len()
            );
            return Err(Error::Segments(what));
        }
        for segment in segments.iter().filter(|segment| segment.is_private()) {
            self.warnings.push(Warning::PrivateCode {
                name: segment.name.clone(),
                code: segment.kind.value.clone(),
            });
        }
        Ok(segments)
    }

    /// The segments' numbers in the object.
    pub(super) fn numbers(&self, segments: &[Segment]) -> Result<Vec<u16>> {
        if self.writer.kind != SegKind::LabelMap {
            return Ok((1..).take(segments.len()).collect());
        }
        let number = |segment: &Segment| {
            u16::try_from(segment.label).map_err(|_| {
            let what = format!("label {} is more than the 65535 that a label map may hold; renumber the labels", segment.label);
            Error::Segments(what)
        })
        };
        segments.iter().map(number).collect()
    }

    pub fn grid<'g>(&mut self, grids: impl Iterator<Item = &'g Geometry>) -> Result<OnSource> {
        let mut grids = grids;
        let Some(first) = grids.next() else {
            return Err(Error::Segments(
                "there is no label map; give one or more".to_owned(),
            ));
        };
        for grid in grids {
            first.check_same(grid, "the layers of labels")?;
        }
        OnSource::of(&self.writer.source, first, self.writer.grid)
    }

    /// On which frames each segment occurs.
    pub fn occurrence<L: Layer>(
        &mut self,
        grid: &OnSource,
        layers: &[L],
        segments: &[Segment],
    ) -> Result<Vec<Vec<usize>>> {
        let mut found = vec![Vec::new(); segments.len()];
        let mut lost = 0;
        for (layer, labels) in layers.iter().enumerate() {
            let numbers: BTreeMap<u32, usize> = segments
                .iter()
                .enumerate()
                .filter(|(_, segment)| segment.layer == layer)
                .map(|(number, segment)| (segment.label, number))
                .collect();
            let mut left = labels.voxels();
            left.remove(&0);
            if let Some((label, voxels)) =
                left.iter().find(|(label, _)| !numbers.contains_key(label))
            {
                let what = format!(
                    "label {label} ({voxels} voxels) has no segment; say what it means by `SegWriter::segments`"
                );
                return Err(Error::Segments(what));
            }
            for frame in 0..self.writer.source.frames.len() {
                self.writer.control.check()?;
                labels.runs(grid, frame, |length, label| {
                    let Some(&number) = numbers.get(&label) else {
                        return;
                    };
                    if found[number].last() != Some(&frame) {
                        found[number].push(frame);
                    }
                    if let Some(left) = left.get_mut(&label) {
                        *left = left.saturating_sub(length as u64);
                    }
                });
            }
            let (&label, &voxels) = left
                .iter()
                .max_by_key(|(_, left)| **left)
                .unwrap_or((&0, &0));
            if voxels > 0 && grid.difference.is_none() {
                return Err(Error::OffSource { label, voxels });
            }
            lost += left.values().sum::<u64>();
        }
        if let Some(difference) = &grid.difference {
            self.warnings.push(Warning::LabelsToSource {
                difference: difference.clone(),
                lost,
            });
        }
        Ok(found)
    }
}
