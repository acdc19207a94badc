//! nnU-Net's `splits_final.json`: for each fold the names of the cases to train on and to validate on.

use crate::{Datalist, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The two sides of a fold, by case name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// The cases to train on.
    pub train: Vec<String>,
    /// The cases to validate on.
    pub val: Vec<String>,
}

/// The splits of a dataset, one per fold.
///
/// ```
/// use vesalius_planning::{Split, Splits};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("splits_final.json");
/// let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
/// let splits = Splits(vec![
///     Split { train: names(&["b"]), val: names(&["a"]) },
///     Split { train: names(&["a"]), val: names(&["b"]) },
/// ]);
/// splits.write(&path)?;
/// assert_eq!(Splits::read(&path)?.0[1].val, ["b"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Splits(pub Vec<Split>);

impl Splits {
    /// The splits of a list whose cases have folds, names sorted as nnU-Net sorts them.
    ///
    /// # Errors
    /// [`Error::Datalist`] when a case has no fold or a fold is all there is.
    pub fn of(list: &Datalist) -> Result<Self> {
        let names = |cases: Vec<crate::CaseFiles>| {
            let mut names: Vec<String> = cases.into_iter().map(|case| case.name).collect();
            names.sort_unstable();
            names
        };
        // A list without folds fails by name rather than having no split.
        let folds = match list.folds() {
            folds if folds.is_empty() => vec![0],
            folds => folds,
        };
        let splits = folds.into_iter().map(|fold| {
            let (train, val) = list.split(fold)?;
            Ok(Split {
                train: names(train),
                val: names(val),
            })
        });
        splits.collect::<Result<_>>().map(Self)
    }

    /// Reads a `splits_final.json`.
    ///
    /// # Errors
    /// [`Error::Plans`] for a file that cannot be read or has another form.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let what = "a list of splits, [{\"train\": [names], \"val\": [names]}, …]";
        crate::json::read(path, what)
    }

    /// Writes a `splits_final.json` as nnU-Net does.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        crate::json::write(path, self)
    }

    /// Gives each case of the list the fold that validates on it.
    ///
    /// # Errors
    /// [`Error::Folds`] for a case that no fold, or more than one, validates on, for a name that is not
    /// in the list, and for a fold that trains on a case it validates on.
    pub fn apply(&self, list: &mut Datalist) -> Result<()> {
        let bad = |reason: String| Err(Error::Folds(reason));
        let mut fold_of: BTreeMap<&str, usize> = BTreeMap::new();
        for (fold, split) in self.0.iter().enumerate() {
            let train: BTreeSet<&str> = split.train.iter().map(String::as_str).collect();
            for name in &split.val {
                if train.contains(name.as_str()) {
                    return bad(format!("fold {fold} trains and validates on {name}"));
                }
                if let Some(other) = fold_of.insert(name, fold) {
                    return bad(format!(
                        "folds {other} and {fold} both validate on {name}; only splits in which each case is held out once can be used"
                    ));
                }
            }
        }
        for case in &mut list.cases {
            match fold_of.remove(case.name.as_str()) {
                Some(fold) => case.fold = Some(fold),
                None => return bad(format!("no fold validates on case {}", case.name)),
            }
        }
        list.held_out.clear();
        match fold_of.first_key_value() {
            Some((name, fold)) => bad(format!(
                "fold {fold} validates on {name}, which is not in {}",
                list.path.display()
            )),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FoldMethod;

    fn list(names: &[&str]) -> (tempfile::TempDir, Datalist) {
        let folder = tempfile::tempdir().unwrap();
        let mut table = "image,label\n".to_owned();
        for name in names {
            for file in [format!("{name}.nii"), format!("{name}_seg.nii")] {
                std::fs::write(folder.path().join(file), "").unwrap();
            }
            table += &format!("{name}.nii,{name}_seg.nii\n");
        }
        let path = folder.path().join("cases.csv");
        std::fs::write(&path, table).unwrap();
        let list = Datalist::read(&path).unwrap();
        (folder, list)
    }

    #[test]
    fn splits_are_written_and_applied() {
        let (folder, mut list) = list(&["b", "a", "d", "c", "e"]);
        assert!(Splits::of(&list).unwrap_err().to_string().contains("fold"));
        list.assign_folds(2, &FoldMethod::NnUnet).unwrap();
        let splits = Splits::of(&list).unwrap();
        assert!(splits.0[0].train.is_sorted());
        assert_eq!(splits.0[0].train, splits.0[1].val);
        let path = folder.path().join("splits_final.json");
        splits.write(&path).unwrap();
        let mut other = list.clone();
        other.cases.iter_mut().for_each(|case| case.fold = None);
        Splits::read(&path).unwrap().apply(&mut other).unwrap();
        assert_eq!(other, list);
    }

    #[test]
    fn splits_of_another_dataset_are_refused() {
        let (folder, mut list) = list(&["a", "b"]);
        let mut error = |train: &[&str], val: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
            let split = Split {
                train: owned(train),
                val: owned(val),
            };
            Splits(vec![split])
                .apply(&mut list)
                .unwrap_err()
                .to_string()
        };
        assert!(error(&["a"], &["b"]).contains("no fold validates on case a"));
        assert!(error(&[], &["a", "b", "z"]).contains("validates on z"));
        assert!(error(&["a"], &["a", "b"]).contains("trains and validates on a"));
        let path = folder.path().join("splits.json");
        std::fs::write(&path, "{}").unwrap();
        assert!(
            Splits::read(&path)
                .unwrap_err()
                .to_string()
                .contains("splits.json")
        );
    }
}
