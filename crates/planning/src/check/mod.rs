//! A check of a whole dataset before training: what is missing, broken, duplicated or unusual,
//! named case by case. No case is dropped here; training decides.

mod case;
mod dataset;
mod report;

pub use report::{CaseFacts, DatasetReport, Problem, ProblemKind, Severity};

pub(crate) use case::look;

use crate::{CaseFiles, Datalist, Result};
use rayon::prelude::*;
use vesalius_control::{Control, Stage};
use vesalius_io::ReadOptions;
use vesalius_volume::{FileWarning, LabelScheme};

/// Reads every case, one per thread, and reports. `scheme` lists the valid label values; `None`
/// accepts all.
///
/// ```
/// use vesalius_planning::{Datalist, ProblemKind, check_dataset};
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
/// // Four cases in two folders; the label of one of them is replaced by an empty one.
/// vesalius_io::write_labels(labels.join("case_2.nii.gz"), &LabelMap::<u16>::background(grid))?;
/// let list = Datalist::from_folders(&images, &labels)?;
/// let report = check_dataset(&list, None);
/// assert_eq!(report.facts[0].size, [8, 8, 4]);
/// let empty = report.problems.iter().find(|found| found.kind == ProblemKind::EmptyLabel).unwrap();
/// assert_eq!(empty.cases, ["case_2"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_dataset(list: &Datalist, scheme: Option<&LabelScheme>) -> DatasetReport {
    let options = ReadOptions::default();
    let seen = list.cases.par_iter();
    let seen = seen.map(|case| look(case, list.channels.len(), scheme, &options).seen);
    gather(list, scheme, seen.collect())
}

/// As [`check_dataset`], cancelled within and between cases and followed in the stage `cases`.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn check_dataset_with(
    list: &Datalist,
    scheme: Option<&LabelScheme>,
    control: &Control,
) -> Result<DatasetReport> {
    let stage = control.stage("cases", list.cases.len() as u64);
    let options = reading(&stage);
    let look = |case: &CaseFiles| -> Result<Seen> {
        stage.control().check()?;
        let looked = look(case, list.channels.len(), scheme, &options);
        stage.control().check()?;
        stage.advance(1);
        Ok(looked.seen)
    };
    let seen: Result<Vec<Seen>> = list.cases.par_iter().map(look).collect();
    Ok(gather(list, scheme, seen?))
}

/// How the cases of a stage are read: cancelled with it; the bytes of many files at once would be no count to follow.
pub(crate) fn reading(stage: &Stage) -> ReadOptions {
    ReadOptions::default().control(stage.control().silent())
}

/// The report of one case.
#[derive(Default)]
pub(crate) struct Seen {
    /// Its facts, where it can be read.
    pub facts: Option<CaseFacts>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
    /// What was decided on reading its files.
    pub warnings: Vec<FileWarning>,
}

/// A report from the checks of all cases, in the list's order.
pub(crate) fn gather(
    list: &Datalist,
    scheme: Option<&LabelScheme>,
    seen: Vec<Seen>,
) -> DatasetReport {
    let mut facts = vec![];
    let mut problems = vec![];
    let mut warnings = vec![];
    for seen in seen {
        facts.extend(seen.facts);
        problems.extend(seen.problems);
        warnings.extend(seen.warnings);
    }
    problems.extend(dataset::look(list, scheme, &facts));
    // Stable, so that cases stay in the list's order.
    problems.sort_by_key(|problem| problem.severity);
    DatasetReport {
        dataset: list.name.clone(),
        cases: list.cases.len(),
        problems,
        facts,
        warnings: FileWarning::distinct(warnings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius_volume::{Geometry, LabelMap, Volume, Warning};

    /// A dataset of `cases` images of ramps with a block of label 1 (and 2 in the first case only).
    fn dataset(cases: usize, change: impl Fn(&std::path::Path)) -> DatasetReport {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        let grid = Geometry::axis_aligned([6, 6, 4], [1.0; 3]).unwrap();
        let mut table = "image,label,fold,patient\n".to_owned();
        for case in 0..cases {
            let image = Volume::from_fn(grid, |[x, y, z]| (x + 6 * y + 36 * z + case) as f32);
            let labels = LabelMap::from_fn(grid, |[x, y, _]| match (x, y) {
                (2..4, 2..4) if case == 0 && x == 3 => 2u16,
                (2..4, 2..4) => 1,
                _ => 0,
            });
            vesalius_io::write(at.join(format!("c{case}.nii.gz")), &image).unwrap();
            vesalius_io::write_labels(at.join(format!("s{case}.nii.gz")), &labels).unwrap();
            table += &format!("c{case}.nii.gz,s{case}.nii.gz,{},P{case}\n", case % 2);
        }
        std::fs::write(at.join("cases.csv"), table).unwrap();
        change(at);
        let options = crate::DatalistOptions {
            require_files: false,
            ..Default::default()
        };
        let list = Datalist::read_with(at.join("cases.csv"), &options).unwrap();
        let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
        check_dataset(&list, Some(&scheme))
    }

    fn kinds(report: &DatasetReport) -> Vec<ProblemKind> {
        report.problems.iter().map(|problem| problem.kind).collect()
    }

    #[test]
    fn a_label_of_one_case_is_the_only_remark_on_a_good_dataset() {
        let report = dataset(6, |_| ());
        assert_eq!(kinds(&report), [ProblemKind::RareLabel], "{report}");
        assert!(!report.has_errors());
        assert_eq!(report.facts[0].labels[&2], 8);
    }

    #[test]
    fn broken_files_are_errors_by_name() {
        let report = dataset(6, |at| {
            std::fs::remove_file(at.join("c1.nii.gz")).unwrap();
            std::fs::write(at.join("s2.nii.gz"), b"not an image").unwrap();
            let grid = Geometry::axis_aligned([6, 6, 5], [1.0; 3]).unwrap();
            let labels = LabelMap::from_fn(grid, |[x, ..]| u16::from(x > 2));
            vesalius_io::write_labels(at.join("s3.nii.gz"), &labels).unwrap();
            let grid = Geometry::axis_aligned([6, 6, 4], [1.0; 3]).unwrap();
            let image = Volume::from_fn(grid, |[x, ..]| if x == 1 { f32::NAN } else { x as f32 });
            vesalius_io::write(at.join("c4.nii.gz"), &image).unwrap();
            let labels = LabelMap::from_fn(grid, |[x, ..]| if x > 2 { 9u16 } else { 0 });
            vesalius_io::write_labels(at.join("s5.nii.gz"), &labels).unwrap();
        });
        for (kind, case) in [
            (ProblemKind::Missing, "c1"),
            (ProblemKind::Unreadable, "c2"),
            (ProblemKind::Geometry, "c3"),
            (ProblemKind::NotFinite, "c4"),
            (ProblemKind::UnknownLabel, "c5"),
        ] {
            let problem = report.problems.iter().find(|p| p.kind == kind);
            let problem = problem.unwrap_or_else(|| panic!("{kind:?}: {report}"));
            assert_eq!(problem.cases, [case]);
            assert_eq!(problem.severity, Severity::Error);
        }
        assert!(report.to_string().contains("c4"), "{report}");
    }

    #[test]
    fn doubles_outliers_and_empty_labels_are_told() {
        let report = dataset(8, |at| {
            std::fs::copy(at.join("c0.nii.gz"), at.join("c1.nii.gz")).unwrap();
            let grid = Geometry::axis_aligned([6, 6, 4], [1.0, 1.0, 4.0]).unwrap();
            let image = Volume::from_fn(grid, |[x, y, _]| (x * y) as f32);
            vesalius_io::write(at.join("c2.nii.gz"), &image).unwrap();
            let labels = LabelMap::from_fn(grid, |_| 0u16);
            vesalius_io::write_labels(at.join("s2.nii.gz"), &labels).unwrap();
        });
        let found = kinds(&report);
        for kind in [
            ProblemKind::Duplicate,
            ProblemKind::Spacing,
            ProblemKind::EmptyLabel,
        ] {
            assert!(found.contains(&kind), "{kind:?}: {report}");
        }
        let double = report
            .problems
            .iter()
            .find(|p| p.kind == ProblemKind::Duplicate)
            .unwrap();
        assert_eq!(double.cases, ["c0", "c1"]);
        assert!(double.message.contains("fold"), "{}", double.message);
    }

    #[test]
    fn what_reading_a_file_decided_is_in_the_report_once_for_each_file() {
        let report = dataset(4, |at| {
            // No unit of length in the header of an image and of a label map.
            for file in ["c1.nii", "s2.nii"] {
                let packed = at.join(format!("{file}.gz"));
                let image = vesalius_io::read(&packed).unwrap();
                vesalius_io::write(at.join(file), &image).unwrap();
                let mut bytes = std::fs::read(at.join(file)).unwrap();
                bytes[123] = 0;
                std::fs::write(at.join(file), bytes).unwrap();
                std::fs::remove_file(packed).unwrap();
            }
            let table = std::fs::read_to_string(at.join("cases.csv")).unwrap();
            let table = table
                .replace("c1.nii.gz", "c1.nii")
                .replace("s2.nii.gz", "s2.nii");
            // The same labels for a further case.
            std::fs::copy(at.join("c0.nii.gz"), at.join("c9.nii.gz")).unwrap();
            let again = "c9.nii.gz,s2.nii,1,P9\n";
            std::fs::write(at.join("cases.csv"), table + again).unwrap();
        });
        let told: Vec<_> = report
            .warnings
            .iter()
            .map(|told| {
                (
                    told.path.file_name().unwrap().to_str().unwrap(),
                    &told.warning,
                )
            })
            .collect();
        let unit = Warning::UnitMissing { code: 0 };
        assert_eq!(told, [("c1.nii", &unit), ("s2.nii", &unit)], "{report}");
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains("unit_missing"), "{text}");
        assert_eq!(
            serde_json::from_str::<DatasetReport>(&text).unwrap(),
            report
        );
    }

    #[test]
    fn a_single_case_is_no_dataset() {
        let report = dataset(1, |_| ());
        assert!(kinds(&report).contains(&ProblemKind::TooFew), "{report}");
        assert!(report.has_errors());
    }

    #[test]
    fn a_check_is_counted_and_cancelled_between_cases_and_within_them() {
        let folder = tempfile::tempdir().unwrap();
        let grid = Geometry::axis_aligned([6, 6, 4], [1.0; 3]).unwrap();
        let [images, labels] = ["images", "labels"].map(|name| folder.path().join(name));
        for case in 0..3 {
            let name = format!("case_{case}.nii.gz");
            let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z + case) as f32);
            let mask = LabelMap::<u16>::from_fn(grid, |[x, ..]| u16::from(x > 2));
            std::fs::create_dir_all(&images).unwrap();
            std::fs::create_dir_all(&labels).unwrap();
            vesalius_io::write(images.join(&name), &image).unwrap();
            vesalius_io::write_labels(labels.join(&name), &mask).unwrap();
        }
        let list = Datalist::from_folders(&images, &labels).unwrap();
        let control = Control::new();
        let found = check_dataset_with(&list, None, &control).unwrap();
        assert_eq!(found, check_dataset(&list, None));
        control.on_progress({
            let control = control.clone();
            move |_| control.cancel()
        });
        let cancelled = check_dataset_with(&list, None, &control).unwrap_err();
        assert!(
            matches!(cancelled, crate::Error::Cancelled(_)),
            "{cancelled}"
        );
        // A case whose reading is cancelled has no problem.
        let options = ReadOptions::default().control(control);
        let looked = look(&list.cases[0], 1, None, &options);
        let failure = looked.failure.unwrap();
        assert!(matches!(failure, crate::Error::Cancelled(_)), "{failure}");
    }
}
