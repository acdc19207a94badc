//! A picture in memory: red, green and blue bytes, and the few ways of drawing that views need.

use crate::colour::blend;
use crate::{Colour, Error, Result};

const LARGEST_SIDE: usize = 16384;

/// A picture of `width` × `height` pixels, top row first.
///
/// ```
/// use vesalius_view::Picture;
///
/// // 4 columns, 3 rows, black; a white rectangle in the upper left corner.
/// let mut picture = Picture::filled(4, 3, [0, 0, 0])?;
/// picture.fill([0, 0], [2, 1], [255, 255, 255], 1.0);
/// assert_eq!(picture.get(1, 0), Some([255, 255, 255]));
/// assert_eq!((picture.get(2, 0), picture.get(4, 0)), (Some([0, 0, 0]), None));
/// assert_eq!(picture.png()?[1..4], *b"PNG");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<Colour>,
}

impl Picture {
    /// A picture of one colour.
    ///
    /// # Errors
    /// [`Error::TooLarge`] beyond 16384 pixels a side.
    pub fn filled(width: usize, height: usize, colour: Colour) -> Result<Self> {
        if width.max(height) > LARGEST_SIDE {
            return Err(Error::TooLarge { width, height });
        }
        let (width, height) = (width.max(1), height.max(1));
        Ok(Self {
            width,
            height,
            pixels: vec![colour; width * height],
        })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> usize {
        self.height
    }

    /// All pixels, top row first.
    pub fn pixels(&self) -> &[Colour] {
        &self.pixels
    }

    /// The pixel in column `x` of row `y`; nothing outside.
    pub fn get(&self, x: usize, y: usize) -> Option<Colour> {
        let inside = x < self.width && y < self.height;
        inside.then(|| self.pixels[y * self.width + x])
    }

    /// Lays a colour over a pixel; outside, nothing happens.
    pub fn put(&mut self, x: usize, y: usize, colour: Colour, opacity: f32) {
        if x < self.width && y < self.height {
            let pixel = &mut self.pixels[y * self.width + x];
            *pixel = blend(*pixel, colour, opacity);
        }
    }

    /// Lays a colour over a rectangle.
    pub fn fill(&mut self, corner: [usize; 2], size: [usize; 2], colour: Colour, opacity: f32) {
        for y in corner[1]..corner[1] + size[1] {
            for x in corner[0]..corner[0] + size[0] {
                self.put(x, y, colour, opacity);
            }
        }
    }

    /// Copies another picture onto this one with its top left corner at `corner`.
    pub fn paste(&mut self, other: &Self, corner: [usize; 2]) {
        for (i, &colour) in other.pixels.iter().enumerate() {
            let (x, y) = (corner[0] + i % other.width, corner[1] + i / other.width);
            self.put(x, y, colour, 1.0);
        }
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// [`Error::Png`] when the encoder refuses, which a picture within the limits gives no cause for.
    pub fn png(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // `filled` keeps both sides far below 2³².
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_png_reads_back_as_it_was_drawn() {
        let mut picture = Picture::filled(7, 5, [1, 2, 3]).unwrap();
        picture.fill([2, 1], [3, 2], [200, 100, 0], 1.0);
        picture.put(100, 100, [0; 3], 1.0);
        let bytes = picture.png().unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut buffer).unwrap();
        assert_eq!((info.width, info.height), (7, 5));
        assert_eq!(buffer, picture.pixels().as_flattened());
        assert_eq!(picture.get(4, 2), Some([200, 100, 0]));
        assert_eq!(picture.get(5, 2), Some([1, 2, 3]));
    }

    #[test]
    fn a_picture_beyond_all_screens_is_refused() {
        assert!(Picture::filled(20_000, 5, [0; 3]).is_err());
    }
}
