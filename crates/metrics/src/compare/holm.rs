//! Several tests at once.

use crate::{Error, Result};

/// p-values adjusted by Holm's step-down method, in the order given: the chance of one or more false discoveries among
/// all tests stays below the level that the adjusted values are compared with. (Holm, Scandinavian Journal of
/// Statistics 6, 1979)
///
/// # Errors
/// [`Error::BadOption`] for a value that is not a probability.
///
/// ```
/// use vesalius_metrics::holm;
///
/// assert_eq!(holm(&[0.01, 0.5, 0.03])?, [0.03, 0.5, 0.06]);
/// assert!(holm(&[1.5]).is_err());
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>> {
    if let Some(found) = p_values.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(Error::BadOption {
            option: "a p-value",
            found: found.to_string(),
            expected: "a number from 0 to 1",
        });
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0f64;
    for (rank, &place) in order.iter().enumerate() {
        let tests = (p_values.len() - rank) as f64;
        largest = largest.max((tests * p_values[place]).min(1.0));
        adjusted[place] = largest;
    }
    Ok(adjusted)
}
