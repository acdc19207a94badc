//! Progress and cancellation of segmentations, and one segmenter used from several threads.

use super::super::region::Region;
use super::*;
use crate::{EmptyRegionPolicy, OpenOptions, RegionStage};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use vesalius_control::{Control, Progress};
use vesalius_volume::ErrorKind;

const PREPROCESSING: &str = "[{shift_intensity: {offset: 1}}, {orient: {to: LPS}}]";

/// Every update of a segmentation, and its result.
fn watched(
    segmenter: &Segmenter,
    options: SegmentOptions,
) -> (Vec<Progress>, Result<Segmentation>) {
    let control = options.control.clone();
    let updates: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let kept = updates.clone();
    control.on_progress(move |progress| kept.lock().unwrap().push(progress.clone()));
    let result = segmenter.segment_with(&image(), &options);
    let updates = updates.lock().unwrap().clone();
    (updates, result)
}

fn named<'a>(updates: &'a [Progress], stage: &str) -> Vec<&'a Progress> {
    updates.iter().filter(|p| &*p.stage == stage).collect()
}

#[test]
fn every_stage_of_every_model_counts_to_its_total() {
    let one = || segmenter(model(CLASSES, PREPROCESSING, WINDOWS));
    let other = || {
        segmenter(model(
            CLASSES,
            "[]",
            "{slices: {axes: [x, y], patch_size: [8, 8, 8]}}",
        ))
    };
    let pair = vec![("a".to_owned(), one()), ("b".to_owned(), other())];
    let mut both = Segmenter::together(pair, None, crate::Combination::Vote).unwrap();
    both.region = Some(Box::new(Region {
        stage: RegionStage {
            model: "coarse".to_owned(),
            labels: Vec::new(),
            margin: [0; 3],
            millimetres: [0.0; 3],
            nothing_found: EmptyRegionPolicy::Whole,
        },
        segmenter: one(),
    }));
    for max_memory in [None, Some(1 << 30)] {
        let options = SegmentOptions {
            max_memory,
            ..SegmentOptions::new()
        };
        let (updates, result) = watched(&both, options);
        let result = result.unwrap();
        assert_eq!(result.plans.len(), 3);
        assert_eq!(
            result.memory(),
            result.plans.iter().map(|p| p.peak).max().unwrap()
        );
        // The coarser model and an ensemble of two.
        let models = named(&updates, "segment");
        let done: Vec<u64> = models.iter().map(|p| p.done).collect();
        assert_eq!(done, [0, 1, 2, 3, 3]);
        assert!(
            models
                .iter()
                .all(|p| p.total == Some(3) && p.within.is_empty())
        );
        // The second of the pair has no preprocessing.
        for (stage, times) in [("preprocess", 2), ("windows", 3), ("export", 3)] {
            let updates = named(&updates, stage);
            // The end of a stage may be reported twice.
            let mut ended: Vec<bool> = updates.iter().map(|p| Some(p.done) == p.total).collect();
            ended.dedup();
            let ended = ended.into_iter().filter(|&ended| ended);
            assert_eq!(ended.count(), times, "{stage}: {updates:?}");
            let begun = updates.iter().filter(|p| p.done == 0).count();
            assert_eq!(begun, times, "{stage}: {updates:?}");
            assert!(updates.iter().all(|p| &*p.within[0] == "segment"));
            assert!(updates.iter().all(|p| Some(p.done) <= p.total), "{stage}");
        }
    }
}

#[test]
fn windows_of_every_inferer_count_to_their_total() {
    for inferer in [
        "{sliding_window: {patch_size: [8, 8, 8], batch_size: 3, skip: {at_most: 50}}}",
        "{simple: {}}",
        "{patches: {patch_size: [8, 8, 8], batch_size: 2}}",
        "{multi_scale: {scales: [0.5, 1], inferer: {sliding_window: {patch_size: [8, 8, 8]}}}}",
        "{test_time: {views: [[flip: {axes: [y], probability: 1}]], inferer: {slice: {patch_size: [8, 8]}}}}",
    ] {
        let (updates, result) = watched(
            &segmenter(model(CLASSES, "[]", inferer)),
            SegmentOptions::new(),
        );
        result.unwrap();
        let windows = named(&updates, "windows");
        let last = windows.last().unwrap();
        assert_eq!(Some(last.done), last.total, "{inferer}");
        assert!(windows.iter().all(|p| Some(p.done) <= p.total), "{inferer}");
    }
}

#[test]
fn a_cancelled_segmentation_runs_no_further_window() {
    for inferer in [
        WINDOWS,
        "{patches: {patch_size: [8, 8, 8]}}",
        "{slices: {axes: [z, x]}}",
    ] {
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = ran.clone();
        let network = move |patch: Tensor<5>| {
            counted.fetch_add(1, Ordering::Relaxed);
            organ(patch)
        };
        let model = model(CLASSES, "[]", inferer);
        let segmenter = Segmenter::with_networks(model, vec![Box::new(network)], &Device::flex());
        let control = Control::new();
        let own = control.clone();
        control.on_progress(move |progress| {
            if &*progress.stage == "windows" && progress.done >= 2 {
                own.cancel();
            }
        });
        let options = SegmentOptions::new().control(control);
        let refused = segmenter
            .unwrap()
            .segment_with(&image(), &options)
            .unwrap_err();
        assert!(matches!(refused, Error::Cancelled(_)), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::Cancelled);
        let batches = if inferer.contains("slices") { 1 } else { 2 };
        assert_eq!(ran.load(Ordering::Relaxed), batches, "{inferer}");
    }
}

#[test]
fn a_segmentation_is_cancelled_before_each_stage() {
    let steps = "[{keep_largest: {labels: [1]}}]";
    let mut description = model(CLASSES, PREPROCESSING, WINDOWS);
    description.postprocessing = serde_saphyr::from_str(steps).unwrap();
    let segmenter = segmenter(description);
    for stage in ["segment", "preprocess", "windows", "export", "postprocess"] {
        let control = Control::new();
        let own = control.clone();
        control.on_progress(move |progress| {
            if &*progress.stage == stage {
                own.cancel();
            }
        });
        let options = SegmentOptions::new().control(control);
        let refused = segmenter.segment_with(&image(), &options).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Cancelled, "{stage}: {refused}");
    }
}

#[test]
fn one_segmenter_serves_several_threads_at_once() {
    fn shared<T: Send + Sync>(_: &T) {}
    let place = tempfile::tempdir().unwrap();
    folder(place.path(), |_| {});
    let segmenter = Segmenter::open(place.path()).unwrap();
    shared(&segmenter);
    let images: Vec<Volume<f32>> = (0..4)
        .map(|n| image().map(|v| v + 7.0 * n as f32))
        .collect();
    let alone: Vec<_> = images
        .iter()
        .map(|i| segmenter.segment(i).unwrap().into_labels().unwrap())
        .collect();
    let together: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = images
            .iter()
            .map(|image| scope.spawn(|| segmenter.segment(image).unwrap().into_labels().unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn a_lent_image_is_segmented_as_a_given_one() {
    let fine = segmenter(model(CLASSES, "[]", WINDOWS));
    let options = SegmentOptions::new().probabilities();
    let answers = [
        fine.segment_with(&image(), &options),
        fine.segment_owned(image(), &options),
    ];
    let [lent, given] = answers.map(|answer| {
        let mut answer = answer.unwrap();
        let probabilities = answer.probabilities.take().unwrap().into_map().unwrap();
        (answer.into_labels().unwrap(), probabilities.data().to_vec())
    });
    assert_eq!(lent, given);
}

#[test]
fn labels_are_written_with_their_names_and_colours() {
    let place = tempfile::tempdir().unwrap();
    let result = segmenter(model(CLASSES, "[]", WINDOWS))
        .segment(&image())
        .unwrap();
    for (file, read_from) in [("a.nrrd", "a.nrrd"), ("a.nii.gz", "a.label")] {
        result.write(place.path().join(file)).unwrap();
        let names = match read_from.ends_with(".label") {
            true => vesalius_io::read_label_names(place.path().join(read_from)).unwrap(),
            false => {
                vesalius_io::probe(place.path().join(read_from))
                    .unwrap()
                    .labels
            }
        };
        let organ = names.iter().find(|name| name.value == 1).unwrap();
        assert_eq!(
            (organ.name.as_str(), organ.color),
            ("organ", [230, 159, 0]),
            "{file}"
        );
    }
    assert!(!place.path().join("a.nrrd.label").exists());
}

#[test]
fn opening_a_model_is_followed_and_cancelled_between_members() {
    let place = tempfile::tempdir().unwrap();
    folder(place.path(), |_| {});
    let opened = |cancel_at: Option<u64>| {
        let control = Control::new();
        let (own, told) = (control.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = told.clone();
        control.on_progress(move |progress| {
            assert_eq!(&*progress.stage, "members");
            counted.store(progress.done as usize, Ordering::Relaxed);
            if Some(progress.done) == cancel_at {
                own.cancel();
            }
        });
        let result = Segmenter::open_with(place.path(), &OpenOptions::new().control(control));
        (result.map(|_| ()), told.load(Ordering::Relaxed))
    };
    let (result, members) = opened(None);
    assert!(result.is_ok() && members > 0, "{members}");
    let (result, members) = opened(Some(0));
    assert!(matches!(result, Err(Error::Cancelled(_))) && members == 0);
}
