//! Masks of bits that grow, and the Euler characteristic of a mask.

use crate::bitmask::{Bits, Bounds, shifted_down, shifted_up};

impl Bits {
    /// The same voxels with `margin` more voxels of background on both sides of each axis that has a rim.
    pub fn with_margin(&self, margin: usize) -> Self {
        let shift = self.flat.map(|flat| if flat { 0 } else { margin });
        let inner: [usize; 3] = std::array::from_fn(|i| {
            let rim = usize::from(!self.flat[i]);
            self.size[i] + 2 * shift[i] - 2 * rim
        });
        Self::build(inner, Bounds::of(inner), |start, row| {
            // In the larger mask the first voxel inside of the rim is 0.
            let place = |i: usize| {
                let rim = usize::from(!self.flat[i]);
                (start[i] + rim)
                    .checked_sub(shift[i])
                    .filter(|&at| at < self.size[i])
            };
            row.fill(0);
            let (Some(y), Some(z)) = (place(1), place(2)) else {
                return;
            };
            let words = self.row(y, z);
            let first = (start[0] + usize::from(!self.flat[0])) as i64 - shift[0] as i64;
            for (i, byte) in row.iter_mut().enumerate() {
                let x = first + i as i64;
                if (0..self.size[0] as i64).contains(&x) {
                    *byte = (words[x as usize / 64] >> (x as usize % 64) & 1) as u8;
                }
            }
        })
    }

    /// The voxels, and all that share a face or an edge with one of them. What would grow out of the mask is cut off.
    pub fn grown_by_edges(&self) -> Self {
        let [_, ny, nz] = self.size;
        self.by_row(|y, z, out| {
            let around = |at: usize, n: usize, flat: bool| {
                let (low, high) = if flat {
                    (at, at)
                } else {
                    (at.saturating_sub(1), (at + 1).min(n - 1))
                };
                low..=high
            };
            for near_z in around(z, nz, self.flat[2]) {
                for near_y in around(y, ny, self.flat[1]) {
                    let row = self.row(near_y, near_z);
                    // Two axes may differ by one: along x too where y or z is the same.
                    let along_x = !self.flat[0] && (near_y == y || near_z == z);
                    for (i, word) in out.iter_mut().enumerate() {
                        *word |= row[i];
                        if along_x {
                            *word |= shifted_up(row, i) | shifted_down(row, i);
                        }
                    }
                }
            }
            // Bits beyond the last voxel of the row.
            let used = self.size[0] % 64;
            if used > 0
                && let Some(last) = out.last_mut()
            {
                *last &= (1 << used) - 1;
            }
        })
    }

    /// The Euler characteristic of the voxels as closed cubes (neighbours touch at corners too): vertices - edges +
    /// faces - cubes. An axis of one voxel does not count as a dimension.
    pub fn euler_characteristic(&self) -> i64 {
        let [_, ny, nz] = self.size;
        let empty = vec![0u64; self.stride];
        let mut sum = 0i64;
        for z in 0..nz {
            for y in 0..ny {
                let row = |y: usize, z: usize| {
                    if y < ny && z < nz {
                        self.row(y, z)
                    } else {
                        &empty[..]
                    }
                };
                let rows = [row(y, z), row(y + 1, z), row(y, z + 1), row(y + 1, z + 1)];
                for i in 0..self.stride {
                    sum += self.cells_at(rows, i);
                }
            }
        }
        sum
    }

    /// The cells that belong to word `i` of a row, counted with their signs: for each set of axes the places where one
    /// of the voxels on both sides along those axes is foreground.
    fn cells_at(&self, rows: [&[u64]; 4], i: usize) -> i64 {
        let axes = self.flat.map(|flat| usize::from(!flat));
        let dimensions: usize = axes.iter().sum();
        let mut sum = 0i64;
        for along_z in 0..=axes[2] {
            for along_y in 0..=axes[1] {
                let chosen = rows
                    .iter()
                    .enumerate()
                    .filter(|(k, _)| (k & 1 <= along_y) && (k >> 1 <= along_z));
                let (mut word, mut beside) = (0, 0);
                for (_, row) in chosen {
                    word |= row[i];
                    beside |= shifted_down(row, i);
                }
                for along_x in 0..=axes[0] {
                    let cells = if along_x == 1 { word | beside } else { word };
                    let count = i64::from(cells.count_ones());
                    let dimension = dimensions - along_x - along_y - along_z;
                    sum += if dimension.is_multiple_of(2) {
                        count
                    } else {
                        -count
                    };
                }
            }
        }
        sum
    }
}
