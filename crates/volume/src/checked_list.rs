//! A list that is part of a value that was checked as a whole.

use serde::Serialize;
use std::ops::Deref;

/// A list that can be read and not changed, because the value that it belongs to was checked as a whole; only that
/// value's constructors make one. It reads as a slice.
///
/// ```
/// use vesalius_volume::LabelScheme;
///
/// let scheme = LabelScheme::exclusive(&[("liver", 1), ("tumour", 2)])?;
/// let LabelScheme::Exclusive { classes, .. } = &scheme else { unreachable!() };
/// assert_eq!(classes.len(), 3);
/// assert_eq!(classes[2].name, "tumour");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct CheckedList<T>(Vec<T>);

impl<T> CheckedList<T> {
    pub(crate) fn new(list: Vec<T>) -> Self {
        Self(list)
    }

    /// The list as a vector, for use elsewhere.
    pub fn into_vec(self) -> Vec<T> {
        self.0
    }
}

impl<T> Deref for CheckedList<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<'a, T> IntoIterator for &'a CheckedList<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T> IntoIterator for CheckedList<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
