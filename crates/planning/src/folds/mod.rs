//! Which cases are trained on and which are held out: k folds as scikit-learn and nnU-Net draw them, or balanced by
//! label and size with each patient in one fold; kept in the list or in nnU-Net's `splits_final.json`.

mod splits;
mod stratified;

pub use splits::{Split, Splits};
pub use stratified::FoldCase;

use crate::numpy::RandomState;
use crate::{Datalist, Error, Result};

/// How cases are assigned to folds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FoldMethod {
    /// scikit-learn's `KFold(count, shuffle=True, random_state=seed)` over the cases in the list's order,
    /// as Auto3DSeg does with seed 0. Patients are ignored.
    KFold {
        /// `random_state`.
        seed: u32,
    },
    /// nnU-Net's folds: `KFold` with seed 12345 over the cases sorted by name. Patients are ignored.
    NnUnet,
    /// Each fold gets its share of every stratum, the rarest first (iterative stratification, Sechidis
    /// et al., 2011); the cases of a patient stay together.
    Stratified {
        /// Decides between equally good folds.
        seed: u64,
        /// The strata of each case, in the list's order.
        cases: Vec<FoldCase>,
    },
}

impl Datalist {
    /// Assigns every case to one of `count` folds and replaces the folds of the list.
    ///
    /// # Errors
    /// [`Error::Folds`] for fewer than two folds, or more than cases (or patients).
    pub fn assign_folds(&mut self, count: usize, method: &FoldMethod) -> Result<()> {
        let cases = self.cases.len();
        let folds = match method {
            FoldMethod::KFold { seed } => k_fold(cases, count, *seed)?,
            FoldMethod::NnUnet => {
                let mut order: Vec<usize> = (0..cases).collect();
                order.sort_by(|&a, &b| self.cases[a].name.cmp(&self.cases[b].name));
                let mut folds = vec![0; cases];
                for (case, fold) in order.into_iter().zip(k_fold(cases, count, 12345)?) {
                    folds[case] = fold;
                }
                folds
            }
            FoldMethod::Stratified { seed, cases: known } => {
                if known.len() != cases {
                    return Err(Error::Folds(format!(
                        "{} cases are described for a list of {cases}",
                        known.len()
                    )));
                }
                stratified::assign(known, count, *seed)?
            }
        };
        for (case, fold) in self.cases.iter_mut().zip(folds) {
            case.fold = Some(fold);
        }
        self.held_out.clear();
        Ok(())
    }
}

/// The fold of each of `cases`, as scikit-learn's shuffled `KFold` has it.
fn k_fold(cases: usize, count: usize, seed: u32) -> Result<Vec<usize>> {
    check(count, cases, "cases")?;
    let mut order: Vec<usize> = (0..cases).collect();
    RandomState::new(seed).shuffle(&mut order);
    let mut folds = vec![0; cases];
    let sizes = (0..count).map(|fold| cases / count + usize::from(fold < cases % count));
    let numbers = sizes
        .enumerate()
        .flat_map(|(fold, size)| std::iter::repeat_n(fold, size));
    for (case, fold) in order.into_iter().zip(numbers) {
        folds[case] = fold;
    }
    Ok(folds)
}

fn check(count: usize, there: usize, what: &str) -> Result<()> {
    match (2..=there).contains(&count) {
        true => Ok(()),
        false => Err(Error::Folds(format!(
            "{count} folds cannot be made of {there} {what}; ask for at least 2 and at most {there}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(folds: &[usize]) -> Vec<Vec<usize>> {
        let count = folds.iter().max().unwrap() + 1;
        let fold = |fold| {
            (0..folds.len())
                .filter(|&case| folds[case] == fold)
                .collect()
        };
        (0..count).map(fold).collect()
    }

    /// scikit-learn 1.9.1 with NumPy 2.4.6.
    #[test]
    fn folds_are_scikit_learns() {
        let nnunet = k_fold(13, 5, 12345).unwrap();
        let expected: [&[usize]; 5] = [&[0, 7, 9], &[3, 6, 10], &[8, 11, 12], &[1, 4], &[2, 5]];
        assert_eq!(members(&nnunet), expected);
        let auto3dseg = k_fold(7, 3, 0).unwrap();
        let expected: [&[usize]; 3] = [&[1, 2, 6], &[0, 3], &[4, 5]];
        assert_eq!(members(&auto3dseg), expected);
    }

    #[test]
    fn impossible_folds_are_refused() {
        for (cases, count) in [(1, 5), (4, 5), (4, 1), (4, 0)] {
            let error = k_fold(cases, count, 0).unwrap_err().to_string();
            assert!(error.contains(&format!("{count} folds")), "{error}");
        }
    }
}
