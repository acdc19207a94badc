//! Which fold each case is in: the list's, or split by Auto3DSeg's method; a list with folds for only some cases is
//! refused by name.

use crate::{Error, Result};
use vesalius_planning::{Datalist, FoldMethod};

/// Names that are listed at most.
const NAMED: usize = 5;

/// Leaves the list's folds as they are, or assigns `count` folds where it has none.
pub(super) fn assign(list: &mut Datalist, count: usize) -> Result<()> {
    let refused = |reason: String| {
        Err(Error::Folds {
            path: list.path.clone(),
            reason,
        })
    };
    if list.cases.len() < 2 {
        return refused(format!(
            "names {} labelled case; auto needs one to train on and one to hold out at least",
            list.cases.len()
        ));
    }
    let without: Vec<&str> = list
        .cases
        .iter()
        .filter(|case| case.fold.is_none())
        .map(|case| case.name.as_str())
        .collect();
    if without.len() == list.cases.len() {
        let cases = list.cases.len();
        if count > cases {
            return refused(format!(
                "{count} folds cannot be made of {cases} cases; set `num_fold` in the input file to 2 at least and {cases} at most"
            ));
        }
        // Auto3DSeg's method.
        return Ok(list.assign_folds(count, &FoldMethod::KFold { seed: 0 })?);
    }
    if !without.is_empty() {
        let more = without.len().saturating_sub(NAMED);
        return refused(format!(
            "{} of {} cases have no `fold`: {}{}; give each one a `fold`, or take `fold` from all so that they are assigned again",
            without.len(),
            list.cases.len(),
            without[..without.len().min(NAMED)].join(", "),
            match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            }
        ));
    }
    if let [only] = list.folds()[..]
        && list.cases.iter().all(|case| case.fold == Some(only))
    {
        return refused(format!(
            "all cases are in fold {only}, so none is left to train on; give some another `fold`, or take `fold` from all so that they are assigned again"
        ));
    }
    Ok(())
}
