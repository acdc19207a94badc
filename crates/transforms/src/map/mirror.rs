//! Mirrors in place: the most frequent move, and one that needs no second buffer.

use rayon::prelude::*;

/// Mirrors every channel of a buffer of `size` voxels `[x, y, z]` per channel along the named axes.
pub(super) fn mirror<T: Send>(values: &mut [T], size: [usize; 3], axes: [bool; 3]) {
    let [nx, ny, nz] = size;
    let (slice, channel) = (nx * ny, nx * ny * nz);
    if channel == 0 {
        return;
    }
    for values in values.chunks_mut(channel) {
        if !axes[2] {
            values
                .par_chunks_mut(slice)
                .for_each(|slice| alone(slice, nx, axes));
            continue;
        }
        let (front, rest) = values.split_at_mut(nz / 2 * slice);
        let (middle, back) = rest.split_at_mut(nz % 2 * slice);
        front
            .par_chunks_mut(slice)
            .zip(back.par_chunks_mut(slice).rev())
            .for_each(|(a, b)| exchange(a, b, nx, axes));
        if !middle.is_empty() {
            alone(middle, nx, axes);
        }
    }
}

/// A slice that stays where it is.
fn alone<T>(slice: &mut [T], nx: usize, axes: [bool; 3]) {
    match (axes[0], axes[1]) {
        // Rows in reverse order, each reversed: everything reversed.
        (true, true) => slice.reverse(),
        (true, false) => slice.chunks_mut(nx).for_each(<[T]>::reverse),
        (false, true) => {
            let ny = slice.len() / nx;
            let (top, rest) = slice.split_at_mut(ny / 2 * nx);
            let bottom = &mut rest[ny % 2 * nx..];
            for (a, b) in top.chunks_mut(nx).zip(bottom.chunks_mut(nx).rev()) {
                a.swap_with_slice(b);
            }
        }
        (false, false) => {}
    }
}

/// Two slices that change places.
fn exchange<T>(a: &mut [T], b: &mut [T], nx: usize, axes: [bool; 3]) {
    match (axes[0], axes[1]) {
        (true, true) => a.iter_mut().zip(b.iter_mut().rev()).for_each(swap),
        (true, false) => {
            for (a, b) in a.chunks_mut(nx).zip(b.chunks_mut(nx)) {
                a.iter_mut().zip(b.iter_mut().rev()).for_each(swap);
            }
        }
        (false, true) => {
            for (a, b) in a.chunks_mut(nx).zip(b.chunks_mut(nx).rev()) {
                a.swap_with_slice(b);
            }
        }
        (false, false) => a.swap_with_slice(b),
    }
}

fn swap<T>((a, b): (&mut T, &mut T)) {
    std::mem::swap(a, b);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_puts_each_voxel_where_it_belongs() {
        for size in [[3, 4, 5], [4, 3, 2], [1, 1, 6], [5, 2, 1]] {
            let [nx, ny, nz] = size;
            for code in 0..8usize {
                let axes = [code & 1 > 0, code & 2 > 0, code & 4 > 0];
                let before: Vec<usize> = (0..2 * nx * ny * nz).collect();
                let mut after = before.clone();
                mirror(&mut after, size, axes);
                for (at, value) in after.iter().enumerate() {
                    let place = [
                        at % nx,
                        at / nx % ny,
                        at / (nx * ny) % nz,
                        at / (nx * ny * nz),
                    ];
                    let from: [usize; 3] = std::array::from_fn(|a| match axes[a] {
                        true => size[a] - 1 - place[a],
                        false => place[a],
                    });
                    let expected = ((place[3] * nz + from[2]) * ny + from[1]) * nx + from[0];
                    assert_eq!(*value, expected, "{size:?} {axes:?}");
                }
            }
        }
    }
}
