//! Colours over colours; those of labels are `vesalius_volume`'s.

/// Red, green, blue.
pub type Colour = [u8; 3];

/// `below` with `above` laid over it; an opacity of 1 hides what is below.
pub(crate) fn blend(below: Colour, above: Colour, opacity: f32) -> Colour {
    std::array::from_fn(|i| {
        let (b, a) = (f32::from(below[i]), f32::from(above[i]));
        (b + (a - b) * opacity).round() as u8
    })
}
