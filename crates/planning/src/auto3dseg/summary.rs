//! A whole dataset as MONAI's `DataAnalyzer` writes it, to YAML.

use super::{CaseStatistics, Components, Intensity, IntensitySummary, LabelEntry, SampleSummary};
use crate::{Datalist, Error, LoadedCase, Result};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The content of `datastats_by_case.yaml`; without the cases that of `datastats.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct DataStatistics {
    /// All cases together.
    pub stats_summary: Summary,
    /// Each case.
    pub stats_by_cases: Vec<CaseStatistics>,
}

/// All cases together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Summary {
    /// Grids and all intensities.
    pub image_stats: ImageSummary,
    /// Intensities under any label.
    pub image_foreground_stats: ForegroundSummary,
    /// Each label.
    pub label_stats: LabelSummary,
    /// Number of cases.
    pub n_cases: usize,
}

type OfSizes = SampleSummary<[i64; 3], [f64; 3]>;
type OfLengths = SampleSummary<[f64; 3], [f64; 3]>;

/// Grids and intensities over cases. Vectors are `[x, y, z]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ImageSummary {
    pub shape: OfSizes,
    pub channels: SampleSummary<i64, f64>,
    pub cropped_shape: OfSizes,
    pub spacing: OfLengths,
    pub sizemm: OfLengths,
    pub intensity: IntensitySummary,
}

/// Intensities under any label.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct ForegroundSummary {
    pub intensity: IntensitySummary,
}

/// Every label value of the dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LabelSummary {
    /// The values, rising.
    pub labels: Vec<u16>,
    /// Intensities under any label but 0.
    pub image_intensity: IntensitySummary,
    /// One entry per value, over the cases that have it. MONAI 1.6.1 finds a case's entry by position,
    /// which is another label's where a case lacks one; here it is found by its value.
    pub label: Vec<LabelSummaryEntry>,
}

/// One label value over the cases that have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
#[non_exhaustive]
pub struct LabelSummaryEntry {
    pub foreground_percentage: SampleSummary<f64, f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ncomponents: Option<SampleSummary<i64, f64>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<OfSizes>,
    pub image_intensity: IntensitySummary,
}

impl DataStatistics {
    /// Reads every case of a list, one per thread.
    ///
    /// # Errors
    /// The first case, in the list's order, that cannot be used.
    pub fn extract(list: &Datalist, components: Components) -> Result<Self> {
        let cases: Vec<Result<CaseStatistics>> = list
            .cases
            .par_iter()
            .map(|files| {
                let case = LoadedCase::read(files, list.channels.len())?;
                CaseStatistics::of(&case, files.paths(), components)
            })
            .collect();
        Self::of(cases.into_iter().collect::<Result<_>>()?)
    }

    /// Combines the statistics of cases.
    ///
    /// # Errors
    /// [`Error::Plan`] when there is no case.
    pub fn of(cases: Vec<CaseStatistics>) -> Result<Self> {
        if cases.is_empty() {
            return Err(Error::Plan("there is no case to look at".to_owned()));
        }
        let whole = |v: f64| v as i64;
        let sizes = |size: fn(&CaseStatistics) -> &Vec<[i64; 3]>| {
            let all = cases.iter().flat_map(size).map(|s| s.map(|n| n as f64));
            SampleSummary::of(&all.collect::<Vec<_>>(), whole)
        };
        let lengths = |length: fn(&CaseStatistics) -> [f64; 3]| {
            SampleSummary::of(&cases.iter().map(length).collect::<Vec<_>>(), |v| v)
        };
        let channels = cases.iter().map(|case| [case.image_stats.channels as f64]);
        let intensity =
            |of: fn(&CaseStatistics) -> &[Intensity]| IntensitySummary::of(cases.iter().map(of));
        let image_stats = ImageSummary {
            shape: sizes(|case| &case.image_stats.shape),
            channels: SampleSummary::of(&channels.collect::<Vec<_>>(), whole).single(),
            cropped_shape: sizes(|case| &case.image_stats.cropped_shape),
            spacing: lengths(|case| case.image_stats.spacing),
            sizemm: lengths(|case| case.image_stats.sizemm),
            intensity: intensity(|case| &case.image_stats.intensity),
        };
        let stats_summary = Summary {
            image_stats,
            image_foreground_stats: ForegroundSummary {
                intensity: intensity(|case| &case.image_foreground_stats.intensity),
            },
            label_stats: labels(&cases),
            n_cases: cases.len(),
        };
        Ok(Self {
            stats_summary,
            stats_by_cases: cases,
        })
    }

    /// Writes `datastats.yaml` and `datastats_by_case.yaml` into a folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let summary = Self {
            stats_summary: self.stats_summary.clone(),
            stats_by_cases: vec![],
        };
        for (name, content) in [
            ("datastats.yaml", &summary),
            ("datastats_by_case.yaml", self),
        ] {
            crate::yaml::write(&folder.join(name), content)?;
        }
        Ok(())
    }

    /// Reads either file, written by this program or by MONAI.
    ///
    /// # Errors
    /// [`Error::Plans`] with the file and what is wrong with it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        crate::yaml::read(path, "Auto3DSeg's datastats.yaml")
    }
}

fn labels(cases: &[CaseStatistics]) -> LabelSummary {
    let mut values: Vec<u16> = cases
        .iter()
        .flat_map(|case| case.label_stats.labels.clone())
        .collect();
    values.sort_unstable();
    values.dedup();
    let entry = |&value: &u16| {
        let of_case = |case: &'_ CaseStatistics| {
            let at = case.label_stats.labels.binary_search(&value).ok()?;
            Some(case.label_stats.label[at].clone())
        };
        label(&cases.iter().filter_map(of_case).collect::<Vec<_>>())
    };
    LabelSummary {
        image_intensity: IntensitySummary::of(
            cases
                .iter()
                .map(|case| &case.label_stats.image_intensity[..]),
        ),
        label: values.iter().map(entry).collect(),
        labels: values,
    }
}

fn label(entries: &[LabelEntry]) -> LabelSummaryEntry {
    let shares: Vec<[f64; 1]> = entries.iter().map(|e| [e.foreground_percentage]).collect();
    let counts: Vec<[f64; 1]> = entries
        .iter()
        .filter_map(|e| Some([e.ncomponents? as f64]))
        .collect();
    let shapes = entries.iter().filter_map(|e| e.shape.as_ref()).flatten();
    let shapes: Vec<[f64; 3]> = shapes.map(|s| s.map(|n| n as f64)).collect();
    let counted = !counts.is_empty();
    LabelSummaryEntry {
        foreground_percentage: SampleSummary::of(&shares, |v| v).single(),
        ncomponents: counted.then(|| SampleSummary::of(&counts, |v| v as i64).single()),
        shape: counted.then(|| SampleSummary::of(&shapes, |v| v as i64)),
        image_intensity: IntensitySummary::of(entries.iter().map(|e| &e.image_intensity[..])),
    }
}
