//! The pixel data of a segmentation: bits that run on from frame to frame, or bytes.

use std::io::{self, Write};

/// Writes bits, the first one lowest, without padding between frames (PS3.5 8.2 and D).
pub(crate) struct Bits<'a> {
    to: &'a mut dyn Write,
    /// Bits that do not yet fill a byte.
    rest: u8,
    held: u32,
    buffer: Vec<u8>,
}

impl<'a> Bits<'a> {
    pub fn new(to: &'a mut dyn Write) -> Self {
        Self {
            to,
            rest: 0,
            held: 0,
            buffer: Vec::new(),
        }
    }

    /// The bits of a frame.
    pub fn frame<T: Copy>(&mut self, pixels: &[T], inside: impl Fn(T) -> bool) -> io::Result<()> {
        self.buffer.clear();
        self.buffer.reserve(pixels.len() / 8 + 1);
        let held = self.held;
        let chunks = pixels.chunks_exact(8);
        let last = chunks.remainder();
        for chunk in chunks {
            let byte = (0..8).fold(0u8, |byte, i| byte | u8::from(inside(chunk[i])) << i);
            self.buffer
                .push(self.rest | ((u16::from(byte) << held) as u8));
            self.rest = (u16::from(byte) >> (8 - held)) as u8;
        }
        for &pixel in last {
            self.rest |= u8::from(inside(pixel)) << self.held;
            self.held += 1;
            if self.held == 8 {
                self.buffer.push(self.rest);
                (self.rest, self.held) = (0, 0);
            }
        }
        self.to.write_all(&self.buffer)
    }

    /// The bits of a frame from its runs: length, and whether they are set.
    pub fn runs(&mut self, runs: impl Iterator<Item = (usize, bool)>) -> io::Result<()> {
        self.buffer.clear();
        for (mut length, set) in runs {
            while length > 0 {
                if self.held == 0 && length >= 8 {
                    let bytes = self.buffer.len() + length / 8;
                    self.buffer.resize(bytes, if set { u8::MAX } else { 0 });
                    length %= 8;
                    continue;
                }
                let count = length.min(8 - self.held as usize) as u32;
                if set {
                    self.rest |= (((1u16 << count) - 1) << self.held) as u8;
                }
                self.held += count;
                length -= count as usize;
                if self.held == 8 {
                    self.buffer.push(self.rest);
                    (self.rest, self.held) = (0, 0);
                }
            }
        }
        self.to.write_all(&self.buffer)
    }

    /// The bits that are left.
    pub fn end(self) -> io::Result<()> {
        match self.held {
            0 => Ok(()),
            _ => self.to.write_all(&[self.rest]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_run_on_from_frame_to_frame() {
        for size in [1, 3, 7, 8, 9, 35, 64, 1785] {
            let frames: Vec<Vec<u8>> = (0..5)
                .map(|f| {
                    (0..size)
                        .map(|i| u8::from((i * i / 9 + f * 3) % 5 < 2))
                        .collect()
                })
                .collect();
            let mut bytes = Vec::new();
            let mut bits = Bits::new(&mut bytes);
            frames
                .iter()
                .for_each(|frame| bits.frame(frame, |v| v == 1).unwrap());
            bits.end().unwrap();
            let mut by_runs = Vec::new();
            let mut bits = Bits::new(&mut by_runs);
            for frame in &frames {
                let runs = frame.chunk_by(|a, b| a == b);
                bits.runs(runs.map(|run| (run.len(), run[0] == 1))).unwrap();
            }
            bits.end().unwrap();
            assert_eq!(by_runs, bytes);
            assert_eq!(bytes.len(), (size * 5usize).div_ceil(8));
            for (k, &value) in frames.iter().flatten().enumerate() {
                assert_eq!(
                    bytes[k / 8] >> (k % 8) & 1,
                    value,
                    "pixel {k} of frames of {size}"
                );
            }
        }
    }
}
