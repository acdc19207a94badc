//! What a series lacks, in words.

/// What a series lacks.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Missing {
    /// The PACS has more objects.
    Objects {
        /// How many came.
        found: usize,
        /// How many the PACS has.
        expected: usize,
    },
    /// A distance between slices is a multiple of the others.
    Slices {
        /// The usual distance, mm.
        usual: f64,
        /// The largest distance, mm.
        largest: f64,
    },
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Objects { found, expected } => {
                write!(f, "{found} objects came, and the PACS has {expected}")
            }
            Self::Slices { usual, largest } => write!(
                f,
                "slices are missing: two are {largest:.2} mm apart, the others {usual:.2} mm"
            ),
        }
    }
}
