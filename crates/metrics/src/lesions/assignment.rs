//! The assignment problem: pairs of rows and columns with the least sum of costs.

/// One column for each row of a matrix (`costs[row][column]`, finite numbers), or one row for each column where there
/// are fewer columns, so that the sum of their costs is the least. Pairs are sorted by row.
///
/// Shortest augmenting paths (Crouse, 10.1109/TAES.2016.140952), as SciPy's `linear_sum_assignment`.
pub(crate) fn assignment(costs: &[Vec<f64>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (costs.len(), costs.first().map_or(0, Vec::len));
    if columns < rows {
        let turned: Vec<Vec<f64>> = (0..columns)
            .map(|column| costs.iter().map(|row| row[column]).collect())
            .collect();
        let mut pairs: Vec<_> = assignment(&turned)
            .into_iter()
            .map(|(c, r)| (r, c))
            .collect();
        pairs.sort_unstable();
        return pairs;
    }
    let mut state = State {
        costs,
        of_row: vec![0.0; rows],
        of_column: vec![0.0; columns],
        row_of: vec![None; columns],
        column_of: vec![None; rows],
    };
    for row in 0..rows {
        state.augment(row);
    }
    let pairs = state.column_of.into_iter().enumerate();
    pairs
        .filter_map(|(row, column)| Some((row, column?)))
        .collect()
}

struct State<'a> {
    costs: &'a [Vec<f64>],
    /// Dual variables.
    of_row: Vec<f64>,
    of_column: Vec<f64>,
    row_of: Vec<Option<usize>>,
    column_of: Vec<Option<usize>>,
}

impl State<'_> {
    /// Finds a column for one more row; others may change theirs.
    fn augment(&mut self, start: usize) {
        let columns = self.of_column.len();
        let mut shortest = vec![f64::INFINITY; columns];
        let mut came_from = vec![start; columns];
        let mut seen_rows = vec![false; self.of_row.len()];
        let mut seen = vec![false; columns];
        let (mut row, mut least) = (start, 0.0);
        let end = loop {
            seen_rows[row] = true;
            let mut best: Option<(f64, usize)> = None;
            // From the last column to the first, and a free one first among equals, as SciPy does.
            for column in (0..columns).rev().filter(|&column| !seen[column]) {
                let length =
                    least + self.costs[row][column] - self.of_row[row] - self.of_column[column];
                if length < shortest[column] {
                    shortest[column] = length;
                    came_from[column] = row;
                }
                let nearer = best.is_none_or(|(nearest, _)| {
                    let equal_and_free =
                        shortest[column] == nearest && self.row_of[column].is_none();
                    shortest[column] < nearest || equal_and_free
                });
                if nearer {
                    best = Some((shortest[column], column));
                }
            }
            // There are as many columns as rows at least, so one is left.
            let Some((length, column)) = best else { return };
            least = length;
            seen[column] = true;
            match self.row_of[column] {
                Some(next) => row = next,
                None => break column,
            }
        };
        self.of_row[start] += least;
        for other in (0..seen_rows.len()).filter(|&other| seen_rows[other] && other != start) {
            if let Some(column) = self.column_of[other] {
                self.of_row[other] += least - shortest[column];
            }
        }
        for column in (0..columns).filter(|&column| seen[column]) {
            self.of_column[column] -= least - shortest[column];
        }
        let mut column = end;
        loop {
            let row = came_from[column];
            self.row_of[column] = Some(row);
            let before = self.column_of[row].replace(column);
            match before {
                Some(before) if row != start => column = before,
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn least(costs: &[Vec<f64>], row: usize, used: &mut Vec<bool>) -> f64 {
        if row == costs.len() {
            return 0.0;
        }
        let mut best = f64::INFINITY;
        for column in 0..used.len() {
            if !used[column] {
                used[column] = true;
                best = best.min(costs[row][column] + least(costs, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn an_empty_matrix_has_no_pairs() {
        assert!(assignment(&[]).is_empty());
        assert!(assignment(&[vec![], vec![]]).is_empty());
    }

    proptest! {
        #[test]
        fn the_sum_is_the_least(
            rows in 1usize..5, more in 0usize..3, turned in any::<bool>(),
            values in proptest::collection::vec(-3i32..6, 40),
        ) {
            let columns = rows + more;
            let costs: Vec<Vec<f64>> = (0..rows)
                .map(|r| (0..columns).map(|c| f64::from(values[r * columns + c])).collect())
                .collect();
            let flipped: Vec<Vec<f64>> = (0..columns).map(|c| costs.iter().map(|row| row[c]).collect()).collect();
            let given = if turned { &flipped } else { &costs };
            let pairs = assignment(given);
            prop_assert_eq!(pairs.len(), rows);
            let sum: f64 = pairs.iter().map(|&(r, c)| given[r][c]).sum();
            prop_assert_eq!(sum, least(&costs, 0, &mut vec![false; columns]));
            let mut columns: Vec<usize> = pairs.iter().map(|pair| pair.1).collect();
            columns.sort_unstable();
            columns.dedup();
            prop_assert_eq!(columns.len(), rows);
        }
    }
}
