//! Labels as the frames of a segmentation: a bit for each pixel of a segment's frame, or the label itself.

use super::frames::Frame;
use super::layer::Layer;
use super::pixels::Bits;
use super::slices::LabelSlices;
use super::write::{Job, WriteFrames};
use super::{SegKind, WrittenSeg};
use crate::{Error, Result};
use std::io::{self, Write};

impl Job<'_, '_> {
    /// Labels kept as runs; where frames do not lie in slices, all are unpacked first.
    pub fn slices(mut self, slices: &LabelSlices) -> Result<WrittenSeg> {
        if !slices.is_whole() {
            let what = "slices of the label map are missing; push all of them first";
            return Err(Error::Segments(what.to_owned()));
        }
        let grid = self.grid(std::iter::once(slices.geometry()))?;
        match grid.lies_in_slices() {
            true => self.labels(std::slice::from_ref(slices)),
            false => self.labels(&[slices.to_label_map()?]),
        }
    }

    pub fn labels<L: Layer>(mut self, layers: &[L]) -> Result<WrittenSeg> {
        let segments = self.segments(layers.len())?;
        let grid = self.grid(layers.iter().map(Layer::geometry))?;
        let found = self.occurrence(&grid, layers, &segments)?;
        let numbers: Vec<u16> = self.numbers(&segments)?;
        let control = &self.writer.control;
        if self.writer.kind == SegKind::LabelMap {
            if layers.len() > 1 {
                let what = "segments of several layers may overlap, which a label map cannot hold; choose `SegKind::Binary`";
                return Err(Error::Segments(what.to_owned()));
            }
            // Labels beyond the segments were refused.
            let wide = segments.iter().any(|segment| segment.label > 255);
            let mut pixels = |to: &mut dyn Write, frames: &[Frame]| {
                let stage = control.stage("frames", frames.len() as u64);
                let mut bytes = Vec::new();
                for frame in frames {
                    control.check().map_err(io::Error::other)?;
                    bytes.clear();
                    layers[0].runs(&grid, frame.source, |length, label| match wide {
                        true => {
                            let label = (label as u16).to_le_bytes();
                            bytes.extend(std::iter::repeat_n(label, length).flatten());
                        }
                        false => bytes.resize(bytes.len() + length, label as u8),
                    });
                    to.write_all(&bytes)?;
                    stage.advance(1);
                }
                Ok(())
            };
            let bits = if wide { 16 } else { 8 };
            let pixels: &mut WriteFrames = &mut pixels;
            return self.write(&segments, &numbers, &found, bits, pixels);
        }
        let mut pixels = |to: &mut dyn Write, frames: &[Frame]| {
            let stage = control.stage("frames", frames.len() as u64);
            let mut bits = Bits::new(to);
            for frame in frames {
                control.check().map_err(io::Error::other)?;
                let segment = &segments[frame.segment];
                layers[segment.layer].bits(&grid, frame.source, segment.label, &mut bits)?;
                stage.advance(1);
            }
            bits.end()
        };
        self.write(&segments, &numbers, &found, 1, &mut pixels)
    }
}
