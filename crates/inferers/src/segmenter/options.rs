//! How one image is segmented.

use crate::{MemoryPlan, Observer};

/// How one image is segmented.
#[derive(Clone, Copy, Default)]
pub struct SegmentOptions<'a> {
    /// Memory, in bytes, that the segmentation stays under; none means what is fastest.
    pub max_memory: Option<u64>,
    /// Whether probabilities are kept beside the labels.
    pub probabilities: bool,
    /// Whether an output that is not finite is traced to the first layer whose output is not: the window goes
    /// through the network once more.
    pub check_layers: bool,
    /// Told of the plan: before the first window where images before tell how long windows take (or there
    /// is one window alone), else after the first windows, which are timed and not run again. Models that
    /// answer together tell one each.
    pub planned: Option<&'a (dyn Fn(&MemoryPlan) + Sync)>,
    /// Told of every batch of windows; may end the work.
    pub observer: Option<&'a dyn Observer>,
}
