//! NumPy's arithmetic, to the bit, where another tool's numbers follow from it: its legacy random numbers,
//! its percentiles and its sums.

mod random_state;
mod ranks;
mod sums;

pub(crate) use random_state::RandomState;
pub(crate) use ranks::{by_rank, median, percentile, percentiles};
pub(crate) use sums::{Summand, mean, standard_deviation};
