//! MONAI Auto3DSeg's statistics of a dataset: `datastats.yaml` and `datastats_by_case.yaml`, with its
//! keys and its numbers (MONAI 1.6.1).

mod case_statistics;
mod statistics;
mod summary;

pub use case_statistics::{
    CaseStatistics, Components, ForegroundStatistics, ImageStatistics, LabelEntry, LabelStatistics,
};
pub use statistics::{Intensity, IntensitySummary, SampleSummary};
pub use summary::{
    DataStatistics, ForegroundSummary, ImageSummary, LabelSummary, LabelSummaryEntry, Summary,
};
