//! Which pixels of a slice lie inside of closed contours: those whose centre does, by the even-odd rule.

/// Flips every pixel of `mask` (`columns` a row) whose centre lies inside of the contour, so that a contour inside of
/// another makes a hole. A centre on the contour counts where the area lies on its right or above it: rows
/// `y₀ ≤ row < y₁` of an edge, columns `x₀ < column ≤ x₁` between two edges, as plastimatch counts them with
/// `--xor-contours`. Two areas that share an edge share no pixel.
pub(super) fn flip_inside(points: &[[f64; 2]], columns: usize, mask: &mut [bool]) {
    let rows = mask.len() / columns.max(1);
    if columns == 0 || rows == 0 {
        return;
    }
    // A crossing right of a pixel flips it: each is noted at the last pixel that it flips.
    let mut flips = vec![false; mask.len()];
    let ends = points.iter().zip(points.iter().cycle().skip(1));
    for (a, b) in ends {
        let ([x0, y0], [x1, y1]) = match a[1] <= b[1] {
            true => (*a, *b),
            false => (*b, *a),
        };
        // No row lies between equal heights, and those outside of the slice are clipped.
        let first = y0.ceil().clamp(0.0, rows as f64) as usize;
        let last = y1.ceil().clamp(0.0, rows as f64) as usize;
        for row in first..last {
            let x = x0 + (row as f64 - y0) / (y1 - y0) * (x1 - x0);
            if x >= 0.0 {
                let column = (x.floor() as usize).min(columns - 1);
                flips[row * columns + column] ^= true;
            }
        }
    }
    for (mask, flips) in mask
        .chunks_exact_mut(columns)
        .zip(flips.chunks_exact(columns))
    {
        let mut inside = false;
        for (pixel, flip) in mask.iter_mut().zip(flips).rev() {
            inside ^= flip;
            *pixel ^= inside;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(contours: &[&[[f64; 2]]]) -> (usize, Vec<[usize; 2]>) {
        let mut mask = vec![false; 20 * 20];
        for contour in contours {
            flip_inside(contour, 20, &mut mask);
        }
        let inside = (0..400).filter(|i| mask[*i]).map(|i| [i % 20, i / 20]);
        let inside: Vec<_> = inside.collect();
        (inside.len(), inside)
    }

    fn square(low: f64, high: f64) -> [[f64; 2]; 4] {
        [[low, low], [high, low], [high, high], [low, high]]
    }

    #[test]
    fn pixels_are_those_that_plastimatch_counts() {
        assert_eq!(count(&[&square(2.5, 8.5)]).0, 36);
        let (through_centres, pixels) = count(&[&square(3.0, 8.0)]);
        assert_eq!(through_centres, 25);
        assert_eq!((pixels[0], pixels[24]), ([4, 3], [8, 7]));
        let (outer, inner) = (square(2.5, 12.5), square(5.5, 9.5));
        assert_eq!(count(&[&outer, &inner]).0, 84);
        // The hole by a keyhole: out along one line and back along the same.
        let mut keyhole = vec![
            [2.5, 2.5],
            [2.5, 12.5],
            [12.5, 12.5],
            [12.5, 2.5],
            [5.5, 2.5],
        ];
        keyhole.extend([
            [5.5, 5.5],
            [9.5, 5.5],
            [9.5, 9.5],
            [5.5, 9.5],
            [5.5, 5.5],
            [5.5, 2.5],
        ]);
        assert_eq!(count(&[&keyhole]).0, 84);
    }

    #[test]
    fn neighbours_share_no_pixel_and_what_lies_outside_is_clipped() {
        let mut mask = vec![false; 100];
        for x in 0..3 {
            let [low, high] = [f64::from(x) * 3.0 - 0.5, f64::from(x + 1) * 3.0 - 0.5];
            let slab = [[low, -5.0], [high, -5.0], [high, 50.0], [low, 50.0]];
            flip_inside(&slab, 10, &mut mask);
        }
        assert_eq!(mask.iter().filter(|m| **m).count(), 90);
        assert_eq!(count(&[&square(-100.0, 100.0)]).0, 400);
        assert_eq!(count(&[&square(30.0, 40.0)]).0, 0);
        assert_eq!(count(&[&square(-40.0, -30.0)]).0, 0);
        flip_inside(&[], 10, &mut mask);
        flip_inside(&[[1.0, 1.0]], 10, &mut []);
    }
}
