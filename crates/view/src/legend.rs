//! The names of a chart's curves, to the right of the curves, so that they never cover them.

use crate::{Colour, label_colour};
use plotters::coord::{CoordTranslate, Shift};
use plotters::element::DashedPathElement;
use plotters::prelude::*;

/// Where the first line is, in pixels from above.
const TOP: i32 = 44;
/// Pixels from one line to the next.
const LINE: i32 = 20;
/// Pixels of a letter, a little more than the fonts of browsers take.
const LETTER: u32 = 8;
/// Pixels of the sample of a curve, with the gap after it.
const SAMPLE: u32 = 34;
/// Dashes, and what is between them.
const DASH: i32 = 6;

/// How a curve is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stroke {
    pub colour: Colour,
    pub dashed: bool,
}

impl Stroke {
    /// Of the curve of that number: colours that can be seen on white paper, where the yellow of the labels could not,
    /// then the same with dashes.
    pub fn of_curve(number: usize) -> Self {
        const ON_WHITE: [u32; 6] = [7, 5, 3, 1, 6, 2];
        Self {
            colour: label_colour(ON_WHITE[number % ON_WHITE.len()]),
            dashed: number / ON_WHITE.len() % 2 == 1,
        }
    }

    /// Of what is marked on the x-axis.
    pub fn of_marks() -> Self {
        Self {
            colour: [110; 3],
            dashed: true,
        }
    }

    /// Draws a line through points of an area.
    pub fn line<T, C: CoordTranslate<From = T>>(
        self,
        area: &DrawingArea<SVGBackend, C>,
        points: Vec<T>,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>>
    where
        T: Clone + 'static,
    {
        let [r, g, b] = self.colour;
        let style = RGBColor(r, g, b).stroke_width(2);
        match self.dashed {
            true => area.draw(&DashedPathElement::new(points, DASH, DASH / 2, style)),
            false => area.draw(&PathElement::new(points, style)),
        }
    }
}

/// Pixels that the names take, at most a third of the picture; none for one name alone, which is in the title.
pub(crate) fn width(names: &[&str], picture: u32) -> u32 {
    if names.len() < 2 {
        return 0;
    }
    let longest = names.iter().map(|name| name.chars().count()).max();
    let longest = u32::try_from(longest.unwrap_or(0)).unwrap_or(u32::MAX);
    let wanted = longest.saturating_mul(LETTER).saturating_add(SAMPLE);
    wanted.min(picture / 3)
}

/// Pixels from the top of the picture to below the last name.
pub(crate) fn height(names: usize) -> u32 {
    let below = TOP + LINE * i32::try_from(names).unwrap_or(i32::MAX / LINE - LINE);
    u32::try_from(below).unwrap_or(0)
}

/// Writes the names with samples of their curves.
pub(crate) fn draw(
    area: &DrawingArea<SVGBackend, Shift>,
    names: &[(&str, Stroke)],
) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
    let (wide, _) = area.dim_in_pixel();
    for (&(name, stroke), line) in names.iter().zip(0..) {
        let y = TOP + LINE * line;
        stroke.line(area, vec![(2, y), (20, y)])?;
        let name = fitted(name, wide.saturating_sub(SAMPLE) / LETTER);
        area.draw(&Text::new(name, (26, y - 7), ("sans-serif", 13)))?;
    }
    Ok(())
}

/// A name with an ellipsis in place of what does not fit into so many letters.
fn fitted(name: &str, letters: u32) -> String {
    let letters = letters as usize;
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    // Names of runs differ at their ends.
    let kept = letters.saturating_sub(1);
    let ahead = name.chars().take(kept - kept / 2);
    let behind = name.chars().skip(name.chars().count() - kept / 2);
    ahead.chain(['…']).chain(behind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_legend_has_room_of_its_own() {
        assert_eq!(width(&["loss"], 640), 0);
        assert_eq!(width(&["loss", "validation"], 640), 114);
        assert_eq!(width(&["a", &"long".repeat(50)], 640), 213);
        assert!(height(20) >= 440);
        assert_eq!(fitted("segresnet fold 0", 16), "segresnet fold 0");
        assert_eq!(fitted("segresnet fold 0", 9), "segr…ld 0");
    }

    #[test]
    fn twelve_curves_look_different() {
        let strokes: Vec<Stroke> = (0..12).map(Stroke::of_curve).collect();
        for (i, a) in strokes.iter().enumerate() {
            assert!(strokes[..i].iter().all(|b| a != b), "{i}");
        }
    }
}
