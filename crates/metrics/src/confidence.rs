//! Bootstrap confidence intervals over cases.

use crate::Evaluation;
use crate::evaluation::mean;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A percentile bootstrap over cases (Efron, 10.1214/aos/1176344552): cases are drawn again with
/// replacement, and the interval spans the middle of the means that this gives.
///
/// ```
/// use vesalius_metrics::Bootstrap;
///
/// let dice = [0.9, 0.8, 0.85, 0.95, 0.7];
/// let mean = |cases: &[usize]| Some(cases.iter().map(|&i| dice[i]).sum::<f64>() / cases.len() as f64);
/// let interval = Bootstrap::default().interval(dice.len(), mean).expect("two cases or more");
/// assert!(interval.low < 0.84 && interval.high > 0.84, "the mean is 0.84");
/// assert_eq!(Bootstrap::default().interval(1, mean), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// How often the cases are drawn.
    pub resamples: usize,
    /// The share of means inside the interval, 0 to 1.
    pub level: f64,
    /// The same seed gives the same interval; all measures use the same draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self {
            resamples: 2000,
            level: 0.95,
            seed: 0,
        }
    }
}

/// The ends of a confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Bootstrap {
    /// The interval of a statistic of cases; `statistic` gets the indices of the drawn cases.
    /// Draws for which it has no value are left out. `None` below two cases.
    pub fn interval(
        &self,
        cases: usize,
        statistic: impl Fn(&[usize]) -> Option<f64>,
    ) -> Option<Interval> {
        if cases < 2 {
            return None;
        }
        let values: Vec<f64> = self
            .draws(cases)
            .filter_map(|drawn| statistic(&drawn))
            .collect();
        (!values.is_empty()).then(|| self.middle(values))
    }

    /// The indices of the cases that each draw gives.
    pub(crate) fn draws(&self, cases: usize) -> impl Iterator<Item = Vec<usize>> {
        let seed = self.seed;
        (0..self.resamples).map(move |draw| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(draw as u64);
            // The high half of a product maps 64 random bits to a place without a bias that could be measured.
            let mut place = || ((u128::from(random.next_u64()) * cases as u128) >> 64) as usize;
            (0..cases).map(|_| place()).collect()
        })
    }

    /// The interval in the middle of some values, of which there is one at least.
    pub(crate) fn middle(&self, mut values: Vec<f64>) -> Interval {
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.level.clamp(0.0, 1.0)) / 2.0;
        Interval {
            low: quantile(&values, tail),
            high: quantile(&values, 1.0 - tail),
        }
    }
}

/// A quantile of sorted values, linear between the two nearest.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (low, high) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    low + (high - low) * place.fract()
}

impl Evaluation {
    /// The confidence interval of a measure's mean over the cases of a target, by their keys.
    ///
    /// ```
    /// use vesalius_metrics::{Bootstrap, Evaluation, Evaluator, Measure, Targets};
    /// use vesalius_volume::{Geometry, LabelMap};
    ///
    /// let grid = Geometry::axis_aligned([4, 1, 1], [1.0; 3])?;
    /// let reference = LabelMap::new(grid, vec![0_u16, 1, 1, 0])?;
    /// let wrong = LabelMap::new(grid, vec![0_u16, 1, 0, 0])?;
    /// let evaluator = Evaluator::new(Targets::of_values(&[1])?, vec![Measure::Dice]);
    /// let evaluation = Evaluation::new(vec![
    ///     evaluator.case("a", &reference, &reference)?,
    ///     evaluator.case("b", &reference, &wrong)?,
    /// ])?;
    /// let interval = evaluation.interval("1", "dice", &Bootstrap::default()).unwrap();
    /// assert_eq!((interval.low, interval.high), (2.0 / 3.0, 1.0));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn interval(&self, target: &str, measure: &str, bootstrap: &Bootstrap) -> Option<Interval> {
        let counted = self.counted(target, measure)?;
        bootstrap.interval(counted.len(), |drawn| {
            mean(drawn.iter().filter_map(|&case| counted[case]))
        })
    }

    /// The confidence interval of [`Evaluation::mean`]: whole cases are drawn, all targets of one
    /// together, because they are not independent.
    pub fn mean_interval(&self, measure: &str, bootstrap: &Bootstrap) -> Option<Interval> {
        let targets = self.targets()?.list().iter();
        let columns: Option<Vec<Vec<Option<f64>>>> =
            targets.map(|t| self.counted(&t.key, measure)).collect();
        let columns = columns?;
        bootstrap.interval(self.cases().len(), |drawn| {
            let of_target =
                |column: &Vec<Option<f64>>| mean(drawn.iter().filter_map(|&case| column[case]));
            mean(columns.iter().filter_map(of_target))
        })
    }

    fn counted(&self, target: &str, measure: &str) -> Option<Vec<Option<f64>>> {
        let scores = self.cases().iter().map(|case| case.get(target, measure));
        scores.map(|score| Some(score?.counted)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_interval_of_a_mean_is_that_of_theory_and_comes_back_the_same() {
        // Mean 49.5, standard deviation of the mean 28.87 / 10: 95 % within 1.96 of those.
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        let of = |drawn: &[usize]| mean(drawn.iter().map(|&i| values[i]));
        let bootstrap = Bootstrap::default();
        let interval = bootstrap.interval(100, of).unwrap();
        assert!((interval.low - (49.5 - 5.66)).abs() < 0.5, "{interval:?}");
        assert!((interval.high - (49.5 + 5.66)).abs() < 0.5, "{interval:?}");
        assert_eq!(bootstrap.interval(100, of), Some(interval));
        let other = Bootstrap {
            seed: 1,
            ..bootstrap
        };
        assert_ne!(other.interval(100, of), Some(interval));
        assert_eq!(bootstrap.interval(1, of), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20))]
        #[test]
        fn intervals_lie_among_the_values(values in proptest::collection::vec(-5.0f64..5.0, 2..20)) {
            let bootstrap = Bootstrap { resamples: 200, ..Bootstrap::default() };
            let interval = bootstrap
                .interval(values.len(), |drawn| mean(drawn.iter().map(|&i| values[i])))
                .unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(least - 1e-9 <= interval.low && interval.low <= interval.high);
            prop_assert!(interval.high <= most + 1e-9);
        }
    }
}
