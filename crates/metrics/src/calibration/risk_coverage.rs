//! Risk and coverage: how much better the results are that an uncertainty keeps.

use crate::Result;

/// The mean risk of those items (voxels, lesions or cases) that are kept when the most uncertain ones are given to an
/// expert. (Geifman and El-Yaniv, arXiv 1705.08500)
///
/// ```
/// use vesalius_metrics::RiskCoverage;
///
/// // Four cases: the least certain one is the worst, as it should be.
/// let uncertainty = [0.1, 0.2, 0.9, 0.3];
/// let risk = [0.0, 0.1, 0.5, 0.2];
/// let curve = RiskCoverage::of(&uncertainty, &risk)?;
/// assert_eq!(curve.points[1].coverage, 0.5);
/// assert_eq!(curve.points[1].risk, 0.05);
/// assert_eq!(curve.area(), curve.best_area(), "no order is better");
/// # Ok::<(), vesalius_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RiskCoverage {
    /// From the most certain items alone to all of them. Equally uncertain items are kept together: one point for all
    /// of them.
    pub points: Vec<CoveragePoint>,
    best: f64,
    area: f64,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CoveragePoint {
    /// Items up to this uncertainty are kept.
    pub uncertainty: f64,
    /// The share of items that are kept, above 0 and up to 1.
    pub coverage: f64,
    /// Their mean risk.
    pub risk: f64,
}

impl RiskCoverage {
    /// The curve of items with an uncertainty (larger is less certain) and a risk (1 - Dice, or 1 for a wrong voxel).
    ///
    /// # Errors
    /// [`crate::Error::Pairs`] for lists of different lengths, no item or numbers that are not finite.
    pub fn of(uncertainty: &[f64], risk: &[f64]) -> Result<Self> {
        crate::compare::check_pairs(uncertainty, risk, 1)?;
        let mut order: Vec<usize> = (0..risk.len()).collect();
        order.sort_by(|&a, &b| uncertainty[a].total_cmp(&uncertainty[b]));
        let count = risk.len() as f64;
        let mut points = Vec::new();
        let (mut kept, mut sum, mut area) = (0usize, 0.0, 0.0);
        for equal in order.chunk_by(|&a, &b| uncertainty[a] == uncertainty[b]) {
            // Items in an order that the uncertainty does not give have the mean risk of all of them.
            let of_these: f64 = equal.iter().map(|&item| risk[item]).sum();
            let each = of_these / equal.len() as f64;
            for _ in equal {
                kept += 1;
                sum += each;
                area += sum / kept as f64;
            }
            points.push(CoveragePoint {
                uncertainty: uncertainty[equal[0]],
                coverage: kept as f64 / count,
                risk: sum / kept as f64,
            });
        }
        let mut sorted = risk.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut sum = 0.0;
        let best = sorted.iter().zip(1u64..).map(|(risk, kept)| {
            sum += risk;
            sum / kept as f64
        });
        Ok(Self {
            points,
            best: best.sum::<f64>() / count,
            area: area / count,
        })
    }

    /// AURC: the mean risk over all coverages, one for each number of items that are kept.
    pub fn area(&self) -> f64 {
        self.area
    }

    /// AURC of the best order: the items by their risk.
    pub fn best_area(&self) -> f64 {
        self.best
    }

    /// E-AURC: how much larger the area is than that of the best order.
    pub fn excess_area(&self) -> f64 {
        self.area - self.best
    }

    /// The largest coverage whose risk, and that of every smaller one, is at most a limit; `None` when not even the most
    /// certain items reach it.
    pub fn coverage_at(&self, risk: f64) -> Option<f64> {
        let within = self.points.iter().take_while(|point| point.risk <= risk);
        within.last().map(|point| point.coverage)
    }
}
