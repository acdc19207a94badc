//! Rows of a matrix in another order, and matrices turned over: copies that do nothing else, on all
//! threads and in blocks that the caches hold.

use rayon::prelude::*;

use crate::buffer::Shared;
use crate::error::{Error, Result, check_length};
use crate::parallel::PART;

/// In place of a row's index: a row of zeros.
pub const NO_ROW: u32 = u32::MAX;

/// `output[s][i] = input[s][take[i]]` for rows of `length` values and every sample s; zeros where `take` is
/// [`NO_ROW`]. Samples of the input have `rows` rows, those of the output `take.len()`.
///
/// ```
/// use vesalius_kernels::{NO_ROW, take_rows};
///
/// // One sample of two rows of two values, in another order, with a row of zeros.
/// let mut output = [0.0; 6];
/// take_rows(1, 2, 2, &[1, NO_ROW, 0], &[1.0, 2.0, 3.0, 4.0], &mut output)?;
/// assert_eq!(output, [3.0, 4.0, 0.0, 0.0, 1.0, 2.0]);
/// # Ok::<(), vesalius_kernels::Error>(())
/// ```
///
/// # Errors
/// When a slice's length does not fit the others, or a row index is out of range.
pub fn take_rows(
    samples: usize,
    rows: usize,
    length: usize,
    take: &[u32],
    input: &[f32],
    output: &mut [f32],
) -> Result<()> {
    check_length("input", input, samples * rows * length)?;
    check_length("output", output, samples * take.len() * length)?;
    if let Some(&row) = take
        .iter()
        .find(|&&row| row != NO_ROW && row as usize >= rows)
    {
        return Err(Error::BadRow {
            row: row as usize,
            rows,
        });
    }
    if length == 0 || take.is_empty() {
        return Ok(());
    }
    let part = (PART / length).max(1);
    for (input, output) in input
        .chunks(rows.max(1) * length)
        .chain(std::iter::repeat(&[][..]))
        .zip(output.chunks_mut(take.len() * length))
    {
        output
            .par_chunks_mut(part * length)
            .zip(take.par_chunks(part))
            .for_each(|(output, take)| {
                for (to, &row) in output.chunks_exact_mut(length).zip(take) {
                    match row {
                        NO_ROW => to.fill(0.0),
                        row => to.copy_from_slice(&input[row as usize * length..][..length]),
                    }
                }
            });
    }
    Ok(())
}

/// Rows and columns of a block that is turned over at once.
const BLOCK: usize = 32;

/// `[samples, rows, columns]` to `[samples, columns, rows]`.
///
/// # Errors
/// When a slice's length does not fit the sizes.
pub fn transpose(
    samples: usize,
    rows: usize,
    columns: usize,
    input: &[f32],
    output: &mut [f32],
) -> Result<()> {
    check_length("input", input, samples * rows * columns)?;
    check_length("output", output, samples * rows * columns)?;
    if input.is_empty() {
        return Ok(());
    }
    let shared = Shared::new(output);
    let (down, across) = (rows.div_ceil(BLOCK), columns.div_ceil(BLOCK));
    (0..samples * across).into_par_iter().for_each(|task| {
        let start = task / across * rows * columns;
        let first = task % across * BLOCK;
        let wide = (columns - first).min(BLOCK);
        let mut block = [[0.0f32; BLOCK]; BLOCK];
        for top in (0..down).map(|block| block * BLOCK) {
            let high = (rows - top).min(BLOCK);
            for r in 0..high {
                let from = &input[start + (top + r) * columns + first..][..wide];
                for (line, &value) in block.iter_mut().zip(from) {
                    line[r] = value;
                }
            }
            for (c, line) in block.iter().take(wide).enumerate() {
                // SAFETY: a task has the columns from `first` on, which no other has and which are rows
                // of the output, and copies into one part of one of them at a time.
                let to = unsafe { shared.part(start + (first + c) * rows + top, high) };
                to.copy_from_slice(&line[..high]);
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_where_they_are_asked_for() {
        let input: Vec<f32> = (0..12).map(|i| i as f32).collect();
        let mut output = [9.0; 12];
        take_rows(2, 3, 2, &[2, NO_ROW, 0], &input, &mut output).unwrap();
        let expected = [4., 5., 0., 0., 0., 1., 10., 11., 0., 0., 6., 7.];
        assert_eq!(output, expected);
        let error = take_rows(2, 3, 2, &[0, 1, 3], &input, &mut output).unwrap_err();
        assert!(error.to_string().contains('3'), "{error}");
        assert!(take_rows(2, 2, 2, &[0, 1, 1], &input, &mut output).is_err());
    }

    #[test]
    fn a_matrix_is_turned_over() {
        for (samples, rows, columns) in [(1, 1, 1), (2, 3, 5), (3, 40, 70), (1, 64, 32), (2, 0, 3)]
        {
            let input: Vec<f32> = (0..samples * rows * columns).map(|i| i as f32).collect();
            let mut output = vec![-1.0; input.len()];
            transpose(samples, rows, columns, &input, &mut output).unwrap();
            for (i, &value) in input.iter().enumerate() {
                let (s, r, c) = (i / (rows * columns), i / columns % rows, i % columns);
                assert_eq!(output[(s * columns + c) * rows + r], value);
            }
        }
    }
}
