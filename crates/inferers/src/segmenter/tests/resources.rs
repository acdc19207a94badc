//! Threads are those of the pool that the caller gives.

use super::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use vesalius_volume::LabelMap;

/// What moves values between grids, cuts windows that overlap and keeps components.
const CHAIN: &str = "[spacing: {to: [1.5, 1.5, 1.5]}, z_score: {}]";
const OVERLAPPING: &str =
    "{sliding_window: {patch_size: [8, 8, 8], overlap: 0.5, blending: gaussian}}";

/// Labels, and probabilities to the bit.
fn answer(segmenter: &Segmenter, options: &SegmentOptions) -> (LabelMap, Vec<u64>) {
    let image = Volume::from_fn(*image().geometry(), |[x, y, z]| {
        ((x * 31 + y * 17 + z * 7) % 23) as f32
    });
    let mut answer = segmenter.segment_with(&image, options).unwrap();
    let probabilities = answer.probabilities.take().unwrap().into_map().unwrap();
    let bits = probabilities.data().iter().map(|&p| f64::from(p).to_bits());
    let bits = bits.collect();
    (answer.into_labels().unwrap(), bits)
}

#[test]
fn a_segmentation_is_the_same_to_the_bit_in_pools_of_one_and_of_two_threads() {
    let place = tempfile::tempdir().unwrap();
    let mut description = model(CLASSES, CHAIN, OVERLAPPING);
    let network = description.network.init(&Device::flex()).unwrap();
    let bytes = network.weights().to_safetensors().unwrap();
    description
        .write_with_weights(place.path(), "m", &bytes)
        .unwrap();
    let segmenter = Segmenter::open(place.path()).unwrap();
    let tight = super::cropped::least(&segmenter);
    for limit in [None, Some(tight)] {
        let in_pool = |threads| {
            let mut options = SegmentOptions::new().probabilities().scratch(place.path());
            options.max_memory = limit;
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            pool.unwrap().install(|| answer(&segmenter, &options))
        };
        assert_eq!(in_pool(1), in_pool(2), "{limit:?}");
    }
}

/// Scratch files have no name, so that none stays behind; that they lie in the caller's folder shows where it is missing.
#[test]
fn scratch_files_lie_in_the_folder_that_the_caller_names() {
    let place = tempfile::tempdir().unwrap();
    let missing = place.path().join("missing");
    let segmenter = segmenter(model(
        CLASSES,
        "[]",
        "{sliding_window: {patch_size: [32, 32, 32]}}",
    ));
    let grid = Geometry::axis_aligned([64, 64, 160], [1.0; 3]).unwrap();
    let image = Volume::filled(grid, 1.0f32);
    let options = |limit: Option<u64>| {
        let mut options = SegmentOptions::new().probabilities().scratch(&missing);
        options.max_memory = limit;
        options
    };
    // Enough memory needs no scratch file.
    let whole = segmenter.segment_with(&image, &options(None)).unwrap();
    let peak = whole.plans[0].peak;
    let tight = (1..20).map(|part| peak - peak * part / 20).find(|&limit| {
        let refused = segmenter.segment_with(&image, &options(Some(limit))).err();
        matches!(refused, Some(crate::Error::Scratch { .. }))
    });
    assert!(tight.is_some(), "no limit needs a scratch file");
    std::fs::create_dir(&missing).unwrap();
    segmenter.segment_with(&image, &options(tight)).unwrap();
}

/// A network that records the number of threads of its pool, and the thread that called it.
struct Asking {
    threads: Arc<AtomicUsize>,
    names: Arc<Mutex<Vec<String>>>,
}

impl PatchNetwork for Asking {
    fn forward(&self, patch: Tensor<5>) -> vesalius_networks::Result<Tensor<5>> {
        self.threads
            .fetch_max(rayon::current_num_threads(), Ordering::Relaxed);
        let name = std::thread::current().name().unwrap_or("").to_owned();
        self.names.lock().unwrap().push(name);
        organ.forward(patch)
    }
}

#[test]
fn networks_run_on_the_threads_of_the_callers_pool() {
    let (threads, names) = (Arc::new(AtomicUsize::new(0)), Arc::default());
    let asking = Asking {
        threads: Arc::clone(&threads),
        names: Arc::clone(&names),
    };
    let description = model(CLASSES, CHAIN, OVERLAPPING);
    let segmenter =
        Segmenter::with_networks(description, vec![Box::new(asking)], &Device::flex()).unwrap();
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(3)
        .thread_name(|index| format!("mine {index}"))
        .build()
        .unwrap();
    pool.install(|| segmenter.segment(&image()).unwrap());
    let names = names.lock().unwrap();
    assert_eq!(threads.load(Ordering::Relaxed), 3);
    assert!(
        !names.is_empty() && names.iter().all(|name| name.starts_with("mine ")),
        "{names:?}"
    );
}

/// A runtime that says what it takes: so many numbers, and bytes for each sample.
struct Telling {
    numbers: Option<u64>,
    bytes: Option<u64>,
}

impl PatchNetwork for Telling {
    fn forward(&self, patch: Tensor<5>) -> vesalius_networks::Result<Tensor<5>> {
        organ.forward(patch)
    }

    fn parameters(&self) -> Option<u64> {
        self.numbers
    }

    fn memory(&self, batch: usize, channels: usize, size: [usize; 3]) -> Option<u64> {
        assert_eq!((channels, size), (1, [8; 3]));
        Some(self.bytes?.saturating_mul(batch as u64))
    }
}

#[test]
fn what_a_runtime_takes_is_counted_in_the_plan() {
    let peak = |inferer: &str, numbers, bytes| {
        let description = model(CLASSES, "[]", inferer);
        let telling = Telling { numbers, bytes };
        let segmenter =
            Segmenter::with_networks(description, vec![Box::new(telling)], &Device::flex());
        let segmenter = segmenter.unwrap();
        let found = segmenter.segment(&image()).unwrap();
        let limit = SegmentOptions::new().max_memory(found.plans[0].peak / 4);
        let refused = segmenter.segment_with(&image(), &limit).unwrap_err();
        assert!(matches!(refused, crate::Error::Memory { .. }), "{refused}");
        found.plans[0].peak
    };
    let patches = "{patches: {patch_size: [8, 8, 8]}}";
    let windows = "{sliding_window: {patch_size: [8, 8, 8], batch_size: 1}}";
    for inferer in [patches, windows] {
        let (gibi, peak) = (1 << 30, |numbers, bytes| peak(inferer, numbers, bytes));
        let nothing = peak(None, Some(0));
        assert!(nothing < 1 << 28, "{nothing}");
        assert_eq!(peak(Some(gibi), Some(0)), nothing + 4 * gibi);
        let batch = (peak(None, Some(gibi)) - nothing) / gibi;
        assert!((1..=8).contains(&batch), "{batch}");
        // A runtime that does not tell counts as the described network.
        assert!(peak(None, None) > nothing);
        peak(Some(u64::MAX), Some(u64::MAX));
    }
}
