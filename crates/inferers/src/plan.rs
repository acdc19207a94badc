//! What is known of a segmentation before it starts: windows, stripes, memory, time, and their printed form.

use crate::ByteSize;
use std::fmt;
use std::ops::Range;
use vesalius_volume::counted;

/// What is in scratch files while it is not needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spilled {
    /// The image, from which windows are cut.
    pub image: bool,
    /// Probabilities that are kept, until they are saved.
    pub probabilities: bool,
    /// Labels, until they are written.
    pub labels: bool,
}

impl Spilled {
    /// From nothing to all, in the order in which scratch files are added.
    pub(crate) const LEVELS: [Self; 4] = [
        Self::of(false, false, false),
        Self::of(false, true, false),
        Self::of(true, true, false),
        Self::of(true, true, true),
    ];

    const fn of(image: bool, probabilities: bool, labels: bool) -> Self {
        Self {
            image,
            probabilities,
            labels,
        }
    }
}

impl fmt::Display for Spilled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.image, "image"),
            (self.probabilities, "probabilities"),
            (self.labels, "labels"),
        ];
        let named: Vec<&str> = parts.iter().filter(|p| p.0).map(|p| p.1).collect();
        formatter.write_str(&named.join(" and "))
    }
}

/// How long a segmentation will take, and how that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Estimate {
    /// Its first windows were timed; so many seconds for all.
    FirstWindows(f64),
    /// From the images before it; so many seconds.
    EarlierImages(f64),
}

impl fmt::Display for Estimate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FirstWindows(seconds) => {
                write!(formatter, "about {seconds:.1} s by its first windows")
            }
            Self::EarlierImages(seconds) => {
                write!(formatter, "about {seconds:.1} s by the images before")
            }
        }
    }
}

/// What is known before a segmentation starts.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryPlan {
    /// Ranges of the result's rows that are made one after another.
    pub stripes: Vec<Range<usize>>,
    /// Slices of the result that are resampled and labelled at a time.
    pub slab: usize,
    /// What is in scratch files.
    pub spilled: Spilled,
    /// Windows that go through the network, repeats counted.
    pub windows: usize,
    /// Windows of a run without a limit.
    pub windows_unlimited: usize,
    /// Bytes at the peak, as predicted.
    pub peak: u64,
    /// Time, where it is known.
    pub time: Option<Estimate>,
}

impl fmt::Display for MemoryPlan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = self.windows as f64 / self.windows_unlimited.max(1) as f64;
        write!(
            formatter,
            "{} ({times:.2}×), {} of rows, slabs of {}, ",
            counted(self.windows, "window"),
            counted(self.stripes.len(), "stripe"),
            counted(self.slab, "slice"),
        )?;
        if self.spilled != Spilled::default() {
            write!(formatter, "{} in scratch files, ", self.spilled)?;
        }
        write!(formatter, "about {}", ByteSize(self.peak))?;
        match self.time {
            Some(time) => write!(formatter, ", {time}"),
            None => Ok(()),
        }
    }
}
