//! Probabilities as the frames of a segmentation.

use super::frames::Frame;
use super::write::Job;
use super::{SegKind, SegWriter, WrittenSeg};
use crate::{Error, Result};
use std::io::{self, Write};
use vesalius_volume::Volume;

impl Job<'_, '_> {
    pub fn fractions(mut self, fractions: &Volume<f32>) -> Result<WrittenSeg> {
        let segments = self.described()?;
        if fractions.channels() != segments.len() {
            let what = format!(
                "there are {} channels of probabilities and {} segments; give one for each",
                fractions.channels(),
                segments.len()
            );
            return Err(Error::Segments(what));
        }
        let outside = fractions
            .data()
            .iter()
            .filter(|v| !(-1e-6..=1.0 + 1e-6).contains(*v))
            .count();
        if outside > 0 {
            let what = format!(
                "{outside} values are no probabilities from 0 to 1; give those of the model, not its logits"
            );
            return Err(Error::Segments(what));
        }
        let grid = self.grid(std::iter::once(fractions.geometry()))?;
        let share = |value: f32| (value * 255.0).round() as u8;
        let frames = self.writer.source.frames.len();
        let mut found = vec![Vec::new(); segments.len()];
        for (channel, found) in found.iter_mut().enumerate() {
            let data = fractions.channel(channel);
            for frame in 0..frames {
                self.writer.control.check()?;
                if grid.frame(data, frame).iter().any(|&v| share(v) > 0) {
                    found.push(frame);
                }
            }
        }
        let numbers: Vec<u16> = (1..).take(segments.len()).collect();
        let control = &self.writer.control;
        let mut pixels = |to: &mut dyn Write, frames: &[Frame]| {
            for frame in frames {
                control.check().map_err(io::Error::other)?;
                let values = grid.frame(fractions.channel(frame.segment), frame.source);
                let bytes: Vec<u8> = values.iter().map(|&v| share(v)).collect();
                to.write_all(&bytes)?;
            }
            Ok(())
        };
        let writer = SegWriter {
            kind: SegKind::Fractional,
            ..self.writer.clone()
        };
        let job = Job {
            writer: &writer,
            target: self.target,
            warnings: self.warnings,
        };
        job.write(&segments, &numbers, &found, 8, &mut pixels)
    }
}
