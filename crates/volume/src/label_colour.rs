//! Colours of labels: a fixed palette that colour-blind readers can distinguish, the same in pictures and in files.

/// Okabe and Ito's palette (Color Universal Design, 2008) without black, brightest first, because
/// it lies over grey images.
const PALETTE: [[u8; 3]; 7] = [
    [230, 159, 0],
    [86, 180, 233],
    [0, 158, 115],
    [240, 228, 66],
    [213, 94, 0],
    [204, 121, 167],
    [0, 114, 178],
];

/// The colour of a label, red, green and blue: the same for the same value in every picture and file.
///
/// After seven labels the palette repeats lighter, then darker, then from the start.
///
/// ```
/// use vesalius_volume::label_colour;
///
/// assert_eq!(label_colour(1), label_colour(1));
/// assert_ne!(label_colour(1), label_colour(2));
/// // Label 8 has the hue of label 1, lighter.
/// assert_ne!(label_colour(1), label_colour(8));
/// ```
pub fn label_colour(label: u32) -> [u8; 3] {
    let place = label.saturating_sub(1) as usize;
    let colour = PALETTE[place % PALETTE.len()];
    let towards = |end: f32, share: f32| {
        colour.map(|c| (f32::from(c) + (end - f32::from(c)) * share).round() as u8)
    };
    match place / PALETTE.len() % 3 {
        0 => colour,
        1 => towards(255.0, 0.5),
        _ => towards(0.0, 0.45),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_labels_have_colours_of_their_own() {
        let colours: Vec<[u8; 3]> = (1..=21).map(label_colour).collect();
        for (i, a) in colours.iter().enumerate() {
            assert!(!colours[..i].contains(a), "label {} repeats", i + 1);
        }
        assert_eq!(label_colour(22), label_colour(1));
    }
}
