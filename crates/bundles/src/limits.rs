//! Bounds that no bundle of MONAI's zoo comes near.

/// Bytes of a config or of the metadata.
pub(crate) const MOST_BYTES: u64 = 8 << 20;
/// Values in a file, and values that one description reads.
pub(crate) const MOST_VALUES: usize = 200_000;
/// Levels of lists and mappings.
pub(crate) const DEEPEST: usize = 64;
/// Levels of references, lists, mappings and operators that are evaluated at one time.
pub(crate) const DEEPEST_WORK: usize = 160;
/// Levels of one expression.
pub(crate) const DEEPEST_EXPRESSION: usize = 32;
/// Bytes of one expression.
pub(crate) const LONGEST_EXPRESSION: usize = 8192;
/// Values of a list that an expression makes.
pub(crate) const LONGEST_LIST: usize = 100_000;
/// Files that macros read.
pub(crate) const MOST_FILES: usize = 16;
/// Files in an archive.
pub(crate) const MOST_ENTRIES: usize = 10_000;
