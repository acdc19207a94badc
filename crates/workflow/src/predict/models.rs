//! Which models are used, and the weight of each.

use std::path::PathBuf;
use vesalius_inferers::{Combination, OpenOptions, Segmenter};

/// Another number of weights than of what they weigh.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{weights} weights for {count} {what}; give one for each")]
pub struct WeightCount {
    /// How many weights were given.
    pub weights: usize,
    /// How many are needed.
    pub count: usize,
    /// What is weighed: models, folders.
    pub what: &'static str,
}

/// A weight for each of `count` models or folders (`what`); 1 where none are given.
///
/// # Errors
/// [`WeightCount`] for another number of weights.
pub fn weights(
    given: Option<&[f64]>,
    count: usize,
    what: &'static str,
) -> Result<Vec<f64>, WeightCount> {
    match given {
        Some(given) if given.len() != count => Err(WeightCount {
            weights: given.len(),
            count,
            what,
        }),
        Some(given) => Ok(given.to_vec()),
        None => Ok(vec![1.0; count]),
    }
}

/// Opens one model folder, or several whose weighted results are combined; one weight for each.
///
/// # Errors
/// As [`Segmenter::open_with`] and [`Segmenter::open_together`].
pub fn open_models(
    folders: &[PathBuf],
    weights: &[f64],
    combination: Combination,
    options: &OpenOptions,
) -> vesalius_inferers::Result<Segmenter> {
    match folders {
        [one] => Segmenter::open_with(one, options),
        several => Segmenter::open_together(several, options, Some(weights), combination),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_count_equally_unless_each_has_a_weight() {
        assert_eq!(weights(None, 2, "models"), Ok(vec![1.0, 1.0]));
        assert_eq!(weights(Some(&[2.0, 1.0]), 2, "models"), Ok(vec![2.0, 1.0]));
        let refused = weights(Some(&[2.0]), 3, "folders").unwrap_err();
        assert!(refused.to_string().contains("1 weights for 3 folders"));
    }
}
