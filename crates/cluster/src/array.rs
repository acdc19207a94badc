//! The elements of a job array.

use std::fmt;

/// Elements of a job array, and how many of them run at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Array {
    /// Their numbers, ascending.
    pub elements: Vec<usize>,
    /// How many run at one time; `None` leaves that to the scheduler.
    pub at_once: Option<usize>,
}

/// As `sbatch --array` takes it: `0-2,5%2`.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let follows = |a: &usize, b: &usize| a + 1 == *b;
        for (number, run) in self.elements.chunk_by(follows).enumerate() {
            let comma = if number > 0 { "," } else { "" };
            match run {
                [one] => write!(f, "{comma}{one}")?,
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                [] => {}
            }
        }
        match self.at_once {
            Some(most) => write!(f, "%{most}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Array;

    #[test]
    fn elements_that_follow_one_another_are_a_range() {
        let text = |elements: &[usize], at_once| {
            let elements = elements.to_vec();
            Array { elements, at_once }.to_string()
        };
        assert_eq!(text(&[0], None), "0");
        assert_eq!(text(&[0, 1, 2, 3], Some(2)), "0-3%2");
        assert_eq!(text(&[1, 3, 4, 9], None), "1,3-4,9");
    }
}
