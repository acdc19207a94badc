//! Axes that a file stores in another order than x, y, z, channels: put in order once, on loading.

use rayon::prelude::*;

/// The axes of a file from the one that varies fastest on: 0, 1, 2 for x, y, z and 3 for the channels.
pub(crate) type StoredOrder = [usize; 4];

/// Values of `width` bytes from a stored order to x fastest, channels outermost.
pub(crate) fn put_in_order(
    bytes: &[u8],
    order: StoredOrder,
    ([x, y, z], channels): ([usize; 3], usize),
    width: usize,
) -> Vec<u8> {
    let extent = [x, y, z, channels];
    let mut step = [0; 4];
    let mut next = width;
    for axis in order {
        step[axis] = next;
        next *= extent[axis];
    }
    let mut out = vec![0; bytes.len()];
    let plane = (x * y * width).max(1);
    out.par_chunks_mut(plane).enumerate().for_each(|(at, to)| {
        let start = at % z * step[2] + at / z * step[3];
        for (j, row) in to.chunks_exact_mut(x * width).enumerate() {
            let start = start + j * step[1];
            for (i, value) in row.chunks_exact_mut(width).enumerate() {
                let from = start + i * step[0];
                value.copy_from_slice(&bytes[from..from + width]);
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_of_axes_comes_to_x_fastest() {
        let (size, channels) = ([2, 3, 4], 5);
        let extent = [2, 3, 4, 5];
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [0, 3, 1, 2], [2, 0, 3, 1]] {
            // A value tells its place.
            let mut bytes = vec![0u8; 2 * 120];
            for at in 0..120 {
                let (mut rest, mut index) = (at, [0; 4]);
                for axis in order {
                    index[axis] = rest % extent[axis];
                    rest /= extent[axis];
                }
                let [x, y, z, c] = index;
                let value = (((c * 4 + z) * 3 + y) * 2 + x) as u16;
                bytes[2 * at..][..2].copy_from_slice(&value.to_le_bytes());
            }
            let out = put_in_order(&bytes, order, (size, channels), 2);
            let values = out.chunks(2).map(|b| u16::from_le_bytes([b[0], b[1]]));
            assert!(values.eq(0..120), "{order:?}");
        }
    }
}
