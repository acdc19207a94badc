//! Cases between their files and the patches: what they take of the memory, and that they are cancelled.

use super::{config, data, options, subject};
use crate::{
    BadCase, Case, CaseFiles, CasePool, CaseSource, Error, MemoryBudget, PoolOptions, Verify, fit,
    read_case_with,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vesalius_control::Control;
use vesalius_transforms::{
    Chain, Context, CustomTransform, LabelIndex, PatchSampling, PositiveNegative, Step, Transform,
    TransformRng,
};
use vesalius_volume::ErrorKind;

/// The files of some cases of 10 × 9 × 8 voxels.
fn files(folder: &Path, count: usize) -> Vec<CaseFiles> {
    let file = |number: usize| {
        let case = subject("case", number);
        let image = folder.join(format!("c{number}.nii.gz"));
        let label = folder.join(format!("s{number}.nii.gz"));
        vesalius_io::write(&image, case.image()).unwrap();
        vesalius_io::write_labels(&label, case.labels().unwrap()).unwrap();
        CaseFiles {
            name: format!("case_{number}"),
            patient: None,
            images: vec![image],
            label,
            fold: None,
        }
    };
    (0..count).map(file).collect()
}

/// Bytes of image and labels of one case, and those of its index.
fn sizes() -> [u64; 2] {
    let case = subject("case", 0);
    let voxels = case.geometry().voxel_count() as u64;
    let index = LabelIndex::of(case.labels().unwrap(), None).bytes() as u64;
    [voxels * (4 + 2), index]
}

/// A pool of one case: how many bytes it takes of a budget, and in how many places it is.
fn taken(
    folder: &Path,
    sampling: Option<&PatchSampling>,
    budget: u64,
    store_all: bool,
) -> (u64, [usize; 2], CasePool) {
    let labels = data().labels;
    let options = PoolOptions {
        channels: 1,
        scheme: &labels,
        preprocessing: &Chain::default(),
        sampling,
        budget: MemoryBudget::new(budget),
        folder: folder.join("cache"),
        store_all,
        verify: Verify::Quick,
        bad_case: BadCase::Stop,
        stage: &Control::new().stage("cases", 1),
    };
    let pool = CasePool::prepare(&files(folder, 1), &options).unwrap();
    (budget - options.budget.left(), pool.places(), pool)
}

#[test]
fn the_index_of_labelled_voxels_is_in_memory_only_where_patches_are_drawn_by_labels() {
    let [content, index] = sizes();
    let by_label = PatchSampling::PositiveNegative(PositiveNegative {
        positive: 1.0,
        negative: 1.0,
    });
    for (sampling, index) in [
        (None, 0),
        (Some(&PatchSampling::Random), 0),
        (Some(&by_label), index),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let taken = |budget, store_all| taken(folder.path(), sampling, budget, store_all);
        // In memory; too large for it, so written and opened; opened from the cache; and read from it into memory.
        let (bytes, places, _) = taken(1 << 20, false);
        assert_eq!((bytes, places), (content + index, [1, 0]));
        // The last indices that were read are kept by all entries together, besides the budget.
        let (bytes, places, _) = taken(content - 1, false);
        assert_eq!((bytes, places), (0, [0, 1]));
        let (bytes, places, pool) = taken(content - 1, true);
        assert_eq!((bytes, places), (0, [0, 1]));
        // It is there when it is asked for, whatever was foreseen.
        let case = pool.get(0).unwrap();
        let expected = LabelIndex::of(subject("case", 0).labels().unwrap(), None);
        assert_eq!(*case.index().unwrap(), expected);
        assert_eq!(case.whole().unwrap().index(), &expected);
        let (bytes, places, _) = taken(1 << 20, true);
        let stored = match index {
            0 => 0,
            _ => expected.to_bytes().len() as u64,
        };
        assert_eq!((bytes, places), (content + stored, [1, 0]));
    }
}

#[test]
fn a_number_that_no_case_has_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, pool) = taken(folder.path(), None, 1 << 20, false);
    for cases in [&pool as &dyn CaseSource, &*data().training] {
        for index in [cases.names().len(), usize::MAX] {
            let error = cases.get(index).unwrap_err();
            assert!(error.to_string().contains("number of the case"), "{error}");
            assert_eq!(error.kind(), ErrorKind::BadInput);
        }
    }
}

/// Cancels the work the first time that it is drawn, and counts how often it is.
struct Cancelling {
    control: Control,
    drawn: Arc<AtomicUsize>,
}

impl CustomTransform for Cancelling {
    fn sample(
        &self,
        _: &Context<'_>,
        _: &mut TransformRng,
    ) -> vesalius_transforms::Result<Vec<Step>> {
        self.drawn.fetch_add(1, Ordering::Relaxed);
        self.control.cancel();
        Ok(Vec::new())
    }

    fn is_random(&self) -> bool {
        false
    }
}

#[test]
fn a_case_is_cancelled_between_its_transforms_and_is_not_a_bad_one() {
    let folder = tempfile::tempdir().unwrap();
    let (control, drawn) = (Control::new(), Arc::new(AtomicUsize::new(0)));
    let twice = || {
        let (control, drawn) = (control.clone(), drawn.clone());
        Transform::custom("cancelling", Cancelling { control, drawn })
    };
    let preprocessing = Chain(vec![twice(), twice()]);
    let labels = data().labels;
    let options = PoolOptions {
        channels: 1,
        scheme: &labels,
        preprocessing: &preprocessing,
        sampling: None,
        budget: MemoryBudget::new(1 << 20),
        folder: folder.path().join("cache"),
        store_all: false,
        verify: Verify::Quick,
        bad_case: BadCase::Skip,
        stage: &control.stage("cases", 1),
    };
    let error = CasePool::prepare(&files(folder.path(), 1), &options).unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(drawn.load(Ordering::Relaxed), 1);
    let error = Case::new_with(subject("a", 0), &labels, &preprocessing, &control);
    assert!(error.unwrap_err().is_cancelled());
}

#[test]
fn a_case_is_cancelled_while_its_files_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path(), 1);
    let control = Control::new();
    control.on_progress({
        let control = control.clone();
        move |_| control.cancel()
    });
    let error = read_case_with(&files[0], 1, &control).unwrap_err();
    assert!(matches!(error, Error::Cancelled(None)), "{error}");
}

#[test]
#[cfg(unix)]
fn a_config_that_yaml_cannot_hold_is_a_fault_of_the_output() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config("");
    let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"cache_\xff");
    config.cache.folder = Some(folder.path().join(name));
    let options = options(folder.path());
    let error = fit(&config, &data(), &options, &mut |_| ()).unwrap_err();
    let expected = options.output.join(crate::CONFIG_FILE);
    assert!(
        matches!(&error, Error::Output { path, .. } if *path == expected),
        "{error}"
    );
}
