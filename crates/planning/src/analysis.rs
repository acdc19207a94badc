//! Report, fingerprint and statistics of a dataset before planning, from one reading of each case.

use crate::auto3dseg::{CaseStatistics, Components, DataStatistics};
use crate::check::{Seen, gather, look, reading};
use crate::nnunet::{CaseFingerprint, Fingerprint};
use crate::{CaseFacts, CaseFiles, Datalist, DatasetReport, FoldCase, Result};
use rayon::prelude::*;
use vesalius_control::Control;
use vesalius_io::ReadOptions;
use vesalius_volume::LabelScheme;

/// The result of an analysis.
///
/// ```
/// use vesalius_control::Control;
/// use vesalius_planning::{Analysis, AnalysisOptions, Datalist};
/// use vesalius_volume::{Geometry, LabelMap, Volume};
///
/// # let folder = tempfile::tempdir()?;
/// # let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
/// # std::fs::create_dir_all(&images)?;
/// # std::fs::create_dir_all(&labels)?;
/// # let grid = Geometry::axis_aligned([8, 8, 4], [1.0, 1.0, 3.0])?;
/// # for case in 0..4 {
/// #     let mask = LabelMap::<u16>::from_fn(grid, |[x, _, _]| u16::from(x > 4));
/// #     let scan = Volume::from_fn(grid, |[x, y, z]| (100 * usize::from(x > 4) + y + z + case) as f32);
/// #     vesalius_io::write(images.join(format!("case_{case}.nii.gz")), &scan)?;
/// #     vesalius_io::write_labels(labels.join(format!("case_{case}.nii.gz")), &mask)?;
/// # }
/// // Four cases of 8 × 8 × 4 voxels of 1 × 1 × 3 mm.
/// let list = Datalist::from_folders(&images, &labels)?;
/// let analysis = Analysis::of(&list, None, &AnalysisOptions::default(), &Control::new())?;
/// assert!(!analysis.report.has_errors());
/// // nnU-Net's arrays: z, y, x.
/// assert_eq!(analysis.fingerprint.unwrap().spacings[0], [3.0, 1.0, 1.0]);
/// assert_eq!(analysis.statistics.unwrap().stats_summary.n_cases, 4);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Analysis {
    /// Errors and warnings.
    pub report: DatasetReport,
    /// nnU-Net's fingerprint of the usable cases; `None` when none has a labelled voxel.
    pub fingerprint: Option<Fingerprint>,
    /// Auto3DSeg's statistics of the usable cases; `None` when there is none.
    pub statistics: Option<DataStatistics>,
}

/// Options of an analysis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisOptions {
    /// Whether connected components of each label are counted (MONAI's `do_ccp`).
    pub components: bool,
}

impl Default for AnalysisOptions {
    fn default() -> Self {
        Self { components: true }
    }
}

/// What is taken from one case.
struct Taken {
    seen: Seen,
    measured: Option<(CaseFingerprint, CaseStatistics)>,
}

impl Analysis {
    /// Reads every case of a list, one per thread, as stage `cases`. Cases that cannot be used are in the report.
    ///
    /// # Errors
    /// A failure of the machine, such as a lost permission, while a case is read; [`crate::Error::Cancelled`].
    pub fn of(
        list: &Datalist,
        scheme: Option<&LabelScheme>,
        options: &AnalysisOptions,
        control: &Control,
    ) -> Result<Self> {
        let stage = control.stage("cases", list.cases.len() as u64);
        let reading = reading(&stage);
        let taken: Vec<Result<Taken>> = list
            .cases
            .par_iter()
            .map(|files| {
                control.check()?;
                let taken = take(files, list, scheme, options, &reading);
                stage.advance(1);
                taken
            })
            .collect();
        let mut looked = vec![];
        let (mut fingerprints, mut statistics) = (vec![], vec![]);
        for taken in taken {
            let taken = taken?;
            looked.push(taken.seen);
            if let Some((fingerprint, statistic)) = taken.measured {
                fingerprints.push(fingerprint);
                statistics.push(statistic);
            }
        }
        Ok(Self {
            report: gather(list, scheme, looked),
            // Unusable cases are in the report.
            fingerprint: Fingerprint::of(fingerprints).ok(),
            statistics: DataStatistics::of(statistics).ok(),
        })
    }

    /// The strata for balanced folds, one entry per case of the list; an unreadable case has no stratum.
    pub fn fold_cases(&self, list: &Datalist) -> Vec<FoldCase> {
        let facts = |case: &CaseFiles| self.report.facts.iter().find(|fact| fact.name == case.name);
        let known = list.cases.iter().map(|case| {
            let facts = facts(case);
            let labels = facts.map(|fact| fact.labels.keys().copied().collect());
            let foreground = facts.map_or(0, CaseFacts::foreground);
            (case.patient.clone(), labels.unwrap_or_default(), foreground)
        });
        FoldCase::of_labels(&known.collect::<Vec<_>>())
    }
}

fn take(
    files: &CaseFiles,
    list: &Datalist,
    scheme: Option<&LabelScheme>,
    options: &AnalysisOptions,
    reading: &ReadOptions,
) -> Result<Taken> {
    let looked = look(files, list.channels.len(), scheme, reading);
    // A disk that fails or a permission that was lost is no fault of the case, and may be gone the next time.
    if let Some(failure) = looked.failure {
        return Err(failure);
    }
    let components = match options.components {
        true => Components::Counted,
        false => Components::NotCounted,
    };
    let measured = match &looked.loaded {
        Some(case) => Some((
            CaseFingerprint::of(&files.name, case, list.cases.len())?,
            CaseStatistics::of(case, files.paths(), components)?,
        )),
        None => None,
    };
    Ok(Taken {
        seen: looked.seen,
        measured,
    })
}
