//! Words in a picture, from the Noto Sans Mono glyphs of `noto-sans-mono-bitmap`.

use crate::{Colour, Picture};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

/// Height of a line of text in pixels.
pub(crate) const LINE: usize = 16;
/// Width of one letter in pixels.
pub(crate) const LETTER: usize = get_raster_width(FontWeight::Regular, RasterHeight::Size16);

/// Width of a text in pixels.
pub(crate) fn width(text: &str) -> usize {
    text.chars().count() * LETTER
}

/// `text` with an ellipsis instead of what does not fit into `pixels`.
pub(crate) fn fitted(text: &str, pixels: usize) -> String {
    let room = pixels / LETTER;
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let kept: String = text.chars().take(room.saturating_sub(2)).collect();
    format!("{kept}..").chars().take(room).collect()
}

/// Writes one line with its top left corner at `corner`.
pub(crate) fn write(picture: &mut Picture, corner: [usize; 2], text: &str, colour: Colour) {
    for (place, letter) in text.chars().enumerate() {
        // Scripts beyond Latin-1 are not in the embedded font; a placeholder is drawn.
        let raster = [letter, '?']
            .into_iter()
            .find_map(|c| get_raster(c, FontWeight::Regular, RasterHeight::Size16));
        for (y, row) in raster.iter().flat_map(|r| r.rows().enumerate()) {
            for (x, &strength) in row.iter().enumerate().filter(|(_, s)| **s > 0) {
                let opacity = f32::from(strength) / 255.0;
                let x = corner[0] + place * LETTER + x;
                picture.put(x, corner[1] + y, colour, opacity);
            }
        }
    }
}

/// Writes one line that stays legible on any background: with a dark rim.
pub(crate) fn write_over(picture: &mut Picture, corner: [usize; 2], text: &str, colour: Colour) {
    for (dx, dy) in [(0, 1), (2, 1), (1, 0), (1, 2), (2, 2)] {
        let rim = [
            (corner[0] + dx).saturating_sub(1),
            (corner[1] + dy).saturating_sub(1),
        ];
        write(picture, rim, text, [0; 3]);
    }
    write(picture, corner, text, colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_leave_ink_and_unknown_ones_a_question_mark() {
        let ink = |text: &str| {
            let mut picture = Picture::filled(60, 20, [0; 3]).unwrap();
            write(&mut picture, [2, 2], text, [255; 3]);
            picture
        };
        assert!(ink("A").pixels().iter().any(|p| p[0] > 100));
        assert_eq!(ink("語"), ink("?"));
        assert_ne!(ink("é"), ink("?"));
        assert_eq!(fitted("hippocampus", 6 * LETTER), "hipp..");
        assert_eq!(fitted("organ", 6 * LETTER), "organ");
    }
}
