//! Colours of labels: a fixed palette that colour-blind readers can tell apart.

/// Red, green, blue.
pub type Colour = [u8; 3];

/// Okabe and Ito's palette (Color Universal Design, 2008) without black, brightest first, because
/// it lies over grey images.
const PALETTE: [Colour; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [213, 94, 0],
    [204, 121, 167],
    [0, 114, 178],
];

/// The colour of a label: the same for the same value in every picture.
///
/// After seven labels the palette comes again lighter, then darker, then from the start.
pub fn label_colour(label: u32) -> Colour {
    let place = label.saturating_sub(1) as usize;
    let colour = PALETTE[place % PALETTE.len()];
    match place / PALETTE.len() % 3 {
        0 => colour,
        1 => blend(colour, [255; 3], 0.5),
        _ => blend(colour, [0; 3], 0.45),
    }
}

/// `below` with `above` laid over it; an opacity of 1 hides what is below.
pub(crate) fn blend(below: Colour, above: Colour, opacity: f32) -> Colour {
    std::array::from_fn(|i| {
        let (b, a) = (f32::from(below[i]), f32::from(above[i]));
        (b + (a - b) * opacity).round() as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_labels_have_colours_of_their_own() {
        let colours: Vec<Colour> = (1..=21).map(label_colour).collect();
        for (i, a) in colours.iter().enumerate() {
            assert!(!colours[..i].contains(a), "label {} repeats", i + 1);
        }
        assert_eq!(label_colour(22), label_colour(1));
    }
}
