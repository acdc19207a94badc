//! Colours as DICOM's scaled CIELab values (PS3.3 C.10.7.1.1), by the white point D65 as dcmqi and highdicom write them
//! and as `vesalius_io` reads them.

/// The CIELab value of an sRGB colour.
pub(crate) fn lab(color: [u8; 3]) -> [u16; 3] {
    let linear = color.map(|c| {
        let c = f64::from(c) / 255.0;
        match c > 0.040_45 {
            true => ((c + 0.055) / 1.055).powf(2.4),
            false => c / 12.92,
        }
    });
    let row = |row: [f64; 3]| (0..3).map(|i| row[i] * linear[i]).sum::<f64>();
    // The rounded coefficients of both programs.
    let [x, y, z] = [
        row([0.4124, 0.3576, 0.1805]) / 0.950_47,
        row([0.2126, 0.7152, 0.0722]),
        row([0.0193, 0.1192, 0.9505]) / 1.088_83,
    ];
    let root = |t: f64| match t > 216.0 / 24_389.0 {
        true => t.cbrt(),
        false => (24_389.0 / 27.0 * t + 16.0) / 116.0,
    };
    let (x, y, z) = (root(x), root(y), root(z));
    let (l, a, b) = (116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z));
    [
        (l * 65_535.0 / 100.0).round() as u16,
        ((a + 128.0) * 65_535.0 / 255.0).round() as u16,
        ((b + 128.0) * 65_535.0 / 255.0).round() as u16,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_dcmqi_and_highdicom() {
        assert_eq!(lab([168, 97, 76]), [31952, 39734, 39158]);
        assert_eq!(lab([0, 0, 0])[0], 0);
        assert!(lab([255, 255, 255])[0] >= 65_534);
    }
}
