//! Which token stands where when a grid is padded, shifted and cut into windows: one list of indices
//! there, one back, and what may not see what. All arrays are `[z, y, x]`.

/// A grid cut into windows; windows no smaller than the grid are the grid, and do not shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Windows {
    /// For each place of each window its token; `None` is padding.
    pub take: Vec<Option<usize>>,
    /// For each place the region it comes from, when the grid was shifted: a window at the grid's
    /// end holds what was moved there from the other end, which is no neighbour.
    pub regions: Option<Vec<u32>>,
    /// Number of windows.
    pub count: usize,
    /// Places of a window.
    pub places: usize,
}

impl Windows {
    /// Cuts a grid, shifted by half a window if `shifted`.
    pub fn new(size: [usize; 3], window: [usize; 3], shifted: bool) -> Self {
        let shift: [usize; 3] = std::array::from_fn(|a| match shifted && size[a] > window[a] {
            true => window[a] / 2,
            false => 0,
        });
        let window: [usize; 3] = std::array::from_fn(|a| window[a].min(size[a]));
        let padded: [usize; 3] = std::array::from_fn(|a| size[a].next_multiple_of(window[a]));
        let along: [usize; 3] = std::array::from_fn(|a| padded[a] / window[a]);
        let mut take = Vec::with_capacity(padded.iter().product());
        let mut regions = Vec::with_capacity(take.capacity());
        for corner in raster(along) {
            for place in raster(window) {
                let at: [usize; 3] = std::array::from_fn(|a| corner[a] * window[a] + place[a]);
                let from: [usize; 3] = std::array::from_fn(|a| (at[a] + shift[a]) % padded[a]);
                let inside = (0..3).all(|a| from[a] < size[a]);
                take.push(inside.then(|| flat(from, size)));
                let region = (0..3).fold(0, |code, a| {
                    3 * code + region(at[a], padded[a], window[a], shift[a])
                });
                regions.push(region);
            }
        }
        Self {
            take,
            regions: (shift != [0; 3]).then_some(regions),
            count: along.iter().product(),
            places: window.iter().product(),
        }
    }
}

/// 0 before the last window, 1 in it, 2 for what came from the other end.
fn region(at: usize, padded: usize, window: usize, shift: usize) -> u32 {
    if shift == 0 || at < padded - window {
        0
    } else if at < padded - shift {
        1
    } else {
        2
    }
}

/// All positions of a grid, x fastest.
pub(super) fn raster([z, y, x]: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..z).flat_map(move |z| (0..y).flat_map(move |y| (0..x).map(move |x| [z, y, x])))
}

/// The number of a position.
pub(super) fn flat([z, y, x]: [usize; 3], size: [usize; 3]) -> usize {
    (z * size[1] + y) * size[2] + x
}

/// For each pair of the first `places` places of a window, the row of the table with the attention bias of
/// their distance. A window that was cut to a small grid has fewer places; MONAI numbers them as those of the
/// whole window, and its weights are trained that way.
pub(super) fn distances(window: [usize; 3], places: usize) -> Vec<i32> {
    let span = window.map(|w| 2 * w - 1);
    let positions: Vec<[usize; 3]> = raster(window).take(places).collect();
    let mut rows = Vec::with_capacity(places * places);
    for from in &positions {
        for to in &positions {
            let apart = std::array::from_fn(|a| from[a] + window[a] - 1 - to[a]);
            rows.push(flat(apart, span) as i32);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back() {
        for (size, window, shifted) in [
            ([4, 6, 8], [2, 3, 4], true),
            ([5, 7, 3], [4, 3, 7], true),
            ([1, 9, 10], [1, 4, 4], false),
        ] {
            let windows = Windows::new(size, window, shifted);
            assert_eq!(windows.count * windows.places, windows.take.len());
            let tokens: usize = size.iter().product();
            let mut found: Vec<usize> = windows.take.into_iter().flatten().collect();
            found.sort_unstable();
            assert_eq!(found, (0..tokens).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_shifted_row_is_cut_where_its_ends_meet() {
        let windows = Windows::new([1, 1, 8], [1, 1, 4], true);
        assert_eq!(windows.take, [2, 3, 4, 5, 6, 7, 0, 1].map(Some));
        assert_eq!(windows.regions.unwrap(), [0, 0, 0, 0, 1, 1, 2, 2]);
        let whole = Windows::new([1, 1, 4], [1, 1, 4], true);
        assert_eq!(
            (whole.take, whole.regions),
            (vec![Some(0), Some(1), Some(2), Some(3)], None)
        );
    }

    #[test]
    fn distances_are_numbered_from_the_farthest_left() {
        assert_eq!(
            distances([1, 1, 3], 3),
            [2, 1, 0, 3, 2, 1, 4, 3, 2].to_vec()
        );
        assert_eq!(distances([1, 1, 3], 2), [2, 1, 3, 2].to_vec());
    }
}
