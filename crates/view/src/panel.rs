//! One slice as a picture: grey image, labels blended over it, outlines, letters at its edges.

use crate::{Colour, Picture, Result, Scene, Slicing, text, window};
use vesalius_volume::{LabelMap, limits};

const LETTERS: Colour = [235, 235, 235];

/// How labels lie over an image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlay {
    /// How much of the image a label hides, 0 to 1.
    pub opacity: f32,
    /// Width of the outline in pixels; 0 draws none.
    pub outline: usize,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            opacity: 0.3,
            outline: 2,
        }
    }
}

/// A slice and the scale it is drawn at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel<'a> {
    pub scene: &'a Scene<'a>,
    pub slicing: &'a Slicing,
    pub slice: usize,
    /// Intensities drawn black and white.
    pub range: [f32; 2],
    /// Millimetres per pixel, so that the aspect is that of the body.
    pub scale: f64,
}

impl Panel<'_> {
    /// Width and height in pixels.
    pub fn size(&self) -> [usize; 2] {
        let (size, spacing) = (self.slicing.size(), self.slicing.spacing());
        [0, 1].map(|i| (limits::round(size[i] as f64 * spacing[i] / self.scale) as usize).max(1))
    }

    /// The slice with a label map over it.
    pub fn draw(&self, labels: Option<(&LabelMap, Overlay)>) -> Result<Picture> {
        let [width, height] = self.size();
        let mut picture = Picture::filled(width, height, [0; 3])?;
        let image = self.resampled([width, height]);
        for (i, value) in image.into_iter().enumerate() {
            let colour = [window::grey(value, self.range); 3];
            picture.put(i % width, i / width, colour, 1.0);
        }
        if let Some((map, overlay)) = labels {
            self.lay(&mut picture, map, overlay);
        }
        self.write_letters(&mut picture);
        Ok(picture)
    }

    /// The voxel that a pixel shows, as a fraction of voxels.
    fn place(&self, axis: usize, pixel: f64) -> f64 {
        (pixel + 0.5) * self.scale / self.slicing.spacing()[axis] - 0.5
    }

    fn nearest(&self, axis: usize, pixel: usize) -> usize {
        let last = self.slicing.size()[axis] - 1;
        (limits::round(self.place(axis, pixel as f64)).max(0.0) as usize).min(last)
    }

    /// The image at every pixel: bilinear where it is enlarged, averaged where it is reduced.
    fn resampled(&self, [width, height]: [usize; 2]) -> Vec<f32> {
        let [across, down] = self.slicing.size();
        let values = self.scene.image.channel(self.scene.channel);
        let grid = self.scene.image.geometry();
        let at = |x: usize, y: usize| values[grid.offset(self.slicing.index(x, y, self.slice))];
        let (columns, rows) = (self.taps(0, width), self.taps(1, height));
        // Separable: first every row of voxels to the picture's columns, then the columns.
        let mut wide = vec![0.0f32; width * down];
        for y in 0..down {
            let row: Vec<f32> = (0..across).map(|x| at(x, y)).collect();
            for (x, taps) in columns.iter().enumerate() {
                wide[y * width + x] = taps.iter().map(|&(i, w)| row[i] * w).sum();
            }
        }
        let mut out = Vec::with_capacity(width * height);
        for taps in &rows {
            let sum = |x: usize| {
                taps.iter()
                    .map(|&(i, w)| wide[i * width + x] * w)
                    .sum::<f32>()
            };
            out.extend((0..width).map(sum));
        }
        out
    }

    /// Voxels and weights of each pixel along one axis.
    fn taps(&self, axis: usize, pixels: usize) -> Vec<Vec<(usize, f32)>> {
        let last = self.slicing.size()[axis] - 1;
        let samples = limits::ceil(self.scale / self.slicing.spacing()[axis]);
        let samples = samples.clamp(1.0, 64.0) as usize;
        let weight = 1.0 / samples as f32;
        let taps = |pixel: usize| {
            let mut taps = Vec::with_capacity(2 * samples);
            for i in 0..samples {
                let offset = (i as f64 + 0.5) / samples as f64 - 0.5;
                let place = self
                    .place(axis, pixel as f64 + offset)
                    .clamp(0.0, last as f64);
                let (low, fraction) = (place.floor() as usize, place.fract() as f32);
                taps.push((low, (1.0 - fraction) * weight));
                // A weight of zero would still make a neighbour's NaN count.
                if fraction > 0.0 {
                    taps.push((low + 1, fraction * weight));
                }
            }
            taps
        };
        (0..pixels).map(taps).collect()
    }

    fn lay(&self, picture: &mut Picture, map: &LabelMap, overlay: Overlay) {
        let (width, height) = (picture.width(), picture.height());
        let columns: Vec<usize> = (0..width).map(|x| self.nearest(0, x)).collect();
        let rows: Vec<usize> = (0..height).map(|y| self.nearest(1, y)).collect();
        let label = |x: usize, y: usize| {
            u32::from(map.get(self.slicing.index(columns[x], rows[y], self.slice)))
        };
        let labels: Vec<u32> = (0..width * height)
            .map(|i| label(i % width, i / width))
            .collect();
        for (i, &label) in labels.iter().enumerate().filter(|(_, l)| **l != 0) {
            let (x, y) = (i % width, i / width);
            // The picture's border is no border of the structure.
            let reach = overlay.outline;
            let (columns, rows) = (
                x.saturating_sub(reach)..=(x + reach).min(width - 1),
                y.saturating_sub(reach)..=(y + reach).min(height - 1),
            );
            let on_edge = rows.into_iter().any(|y| {
                labels[y * width..][columns.clone()]
                    .iter()
                    .any(|l| *l != label)
            });
            let opacity = if on_edge { 1.0 } else { overlay.opacity };
            picture.put(x, y, self.scene.colour(label), opacity);
        }
    }

    fn write_letters(&self, picture: &mut Picture) {
        let (width, height) = (picture.width(), picture.height());
        if width < 5 * text::LETTER || height < 4 * text::LINE {
            return;
        }
        let [left, right, top, bottom] = self.slicing.plane().letters();
        let (middle_x, middle_y) = ((width - text::LETTER) / 2, (height - text::LINE) / 2);
        let places = [
            (left, [3, middle_y]),
            (right, [width - text::LETTER - 3, middle_y]),
            (top, [middle_x, 1]),
            (bottom, [middle_x, height - text::LINE - 1]),
        ];
        for (letter, corner) in places {
            text::write_over(picture, corner, &letter.to_string(), LETTERS);
        }
    }
}
