//! One of several parts of the cases, each for a process of its own: an element of a job array, a machine.

use std::fmt;
use std::str::FromStr;

/// One of several parts of the cases. Case `n` is of part `n` modulo their number, so that parts differ by one case at most.
///
/// ```
/// use vesalius_workflow::predict::Part;
///
/// let part: Part = "1/3".parse()?;
/// let cases = ["a", "b", "c", "d", "e"];
/// assert_eq!(part.of(cases).collect::<Vec<_>>(), ["b", "e"]);
/// assert!("3/3".parse::<Part>().is_err());
/// # Ok::<(), vesalius_workflow::predict::PartError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    index: usize,
    count: usize,
}

/// What does not name a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PartError(String);

/// The first number of a Slurm array's elements, how far two are apart, how many there are, the last, and this one's.
const SLURM: [&str; 5] = [
    "SLURM_ARRAY_TASK_MIN",
    "SLURM_ARRAY_TASK_STEP",
    "SLURM_ARRAY_TASK_COUNT",
    "SLURM_ARRAY_TASK_MAX",
    "SLURM_ARRAY_TASK_ID",
];
/// The number of an indexed job of Kubernetes, from 0.
const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

impl Part {
    /// Part `index`, counted from 0, of `count`.
    ///
    /// # Errors
    /// [`PartError`] for no parts, or an index that is none of them.
    pub fn new(index: usize, count: usize) -> Result<Self, PartError> {
        match index < count {
            true => Ok(Self { index, count }),
            false => Err(PartError(format!(
                "part {index} of {count}: parts are counted from 0, so the last of N is N-1"
            ))),
        }
    }

    /// The part that the environment of a job names: an element of a Slurm array, or of an indexed job of Kubernetes, which does
    /// not tell how many there are.
    ///
    /// # Errors
    /// [`PartError`] where the environment is of neither, or its numbers do not follow one another evenly.
    pub fn of_environment(count: Option<usize>) -> Result<Self, PartError> {
        Self::of_variables(count, &|name| std::env::var(name).ok())
    }

    fn of_variables(
        count: Option<usize>,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, PartError> {
        let number = |name: &str| match variable(name) {
            None => Ok(None),
            Some(text) => text
                .parse::<usize>()
                .map(Some)
                .map_err(|_| PartError(format!("{name} is `{text}`; a whole number is expected"))),
        };
        let [min, step, elements, max, id] = SLURM;
        if let Some(id) = number(id)? {
            let first = number(min)?.unwrap_or(0);
            let step = number(step)?.unwrap_or(1).max(1);
            let elements = number(elements)?;
            let count = count.or(elements).ok_or_else(|| {
                PartError(
                    "the environment does not tell how many elements the array has; name them"
                        .to_owned(),
                )
            })?;
            let index = id.saturating_sub(first) / step;
            let last = number(max)?.unwrap_or(id);
            let even = elements.is_none_or(|n| last.saturating_sub(first) == (n.max(1) - 1) * step);
            return match even && id >= first && id.saturating_sub(first).is_multiple_of(step) {
                true => Self::new(index, count),
                false => Err(PartError(format!(
                    "the elements of the array, {first} to {last}, do not follow one another evenly; name the part itself"
                ))),
            };
        }
        match (number(KUBERNETES)?, count) {
            (Some(index), Some(count)) => Self::new(index, count),
            (Some(_), None) => Err(PartError(format!(
                "{KUBERNETES} does not tell how many parts there are; name their number too"
            ))),
            (None, _) => Err(PartError(format!(
                "neither {} nor {KUBERNETES} is set, so no job array runs this; name the part itself",
                SLURM[4]
            ))),
        }
    }

    /// The cases of this part, in their order.
    pub fn of<T>(self, cases: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        cases.into_iter().skip(self.index).step_by(self.count)
    }

    /// `1-of-3`, for names of files.
    pub(super) fn label(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Part {
    type Err = PartError;

    /// `I/N`, `auto` or `auto/N`.
    fn from_str(text: &str) -> Result<Self, PartError> {
        let bad = || {
            PartError(format!(
                "`{text}` is no part; I/N with I from 0 to N-1 is expected, or auto or auto/N in a job array"
            ))
        };
        let number = |text: &str| text.parse::<usize>().map_err(|_| bad());
        match text.split_once('/') {
            Some(("auto", count)) => Self::of_environment(Some(number(count)?)),
            Some((index, count)) => Self::new(number(index)?, number(count)?),
            None if text == "auto" => Self::of_environment(None),
            None => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)], count: Option<usize>) -> Result<Part, PartError> {
        let find = |name: &str| pairs.iter().find(|(key, _)| *key == name);
        Part::of_variables(count, &|name| {
            find(name).map(|(_, value)| (*value).to_owned())
        })
    }

    fn slurm(
        id: &'static str,
        [min, max, step, count]: [&'static str; 4],
    ) -> [(&'static str, &'static str); 5] {
        [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_STEP", step),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ]
    }

    #[test]
    fn every_case_is_of_one_part() {
        for (cases, count) in [(0usize, 3), (1, 3), (7, 3), (9, 1), (5, 8)] {
            let mut all: Vec<usize> = (0..count)
                .flat_map(|index| Part::new(index, count).unwrap().of(0..cases))
                .collect();
            all.sort_unstable();
            assert_eq!(all, (0..cases).collect::<Vec<_>>());
        }
    }

    #[test]
    fn job_arrays_name_their_parts() {
        let part = |text: &str| text.parse::<Part>().unwrap();
        assert_eq!(
            of(&slurm("0", ["0", "9", "1", "10"]), None),
            Ok(part("0/10"))
        );
        assert_eq!(
            of(&slurm("10", ["1", "10", "1", "10"]), None),
            Ok(part("9/10"))
        );
        assert_eq!(of(&slurm("6", ["0", "8", "2", "5"]), None), Ok(part("3/5")));
        // 1, 5 and 7.
        let uneven = of(&slurm("5", ["1", "7", "1", "3"]), None).unwrap_err();
        assert!(uneven.to_string().contains("1 to 7"), "{uneven}");
        assert_eq!(
            of(&[("JOB_COMPLETION_INDEX", "2")], Some(4)),
            Ok(part("2/4"))
        );
        assert!(of(&[("JOB_COMPLETION_INDEX", "2")], None).is_err());
        assert!(of(&[("JOB_COMPLETION_INDEX", "4")], Some(4)).is_err());
        assert!(of(&[("SLURM_ARRAY_TASK_ID", "x")], None).is_err());
        assert!(
            of(&[], Some(4))
                .unwrap_err()
                .to_string()
                .contains("SLURM_ARRAY_TASK_ID")
        );
    }

    #[test]
    fn what_is_no_part_is_refused() {
        for text in ["", "1", "1/0", "4/4", "-1/4", "1/4/2", "a/b", "auto/", "1/"] {
            assert!(text.parse::<Part>().is_err(), "{text}");
        }
    }
}
