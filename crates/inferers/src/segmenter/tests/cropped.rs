//! What was cropped away is background, for every kind of crop and under every limit of memory.

use super::super::region::Region;
use super::*;
use crate::{ByteSize, RegionStage};
use vesalius_volume::{LabelMap, Subject};

/// Labels and probabilities with options.
fn answer(segmenter: &Segmenter, max_memory: Option<u64>) -> (LabelMap, ProbabilityMap) {
    let options = SegmentOptions {
        max_memory,
        ..SegmentOptions::new().probabilities()
    };
    let mut segmented = segmenter.segment_with(&image(), &options).unwrap();
    let probabilities = segmented.probabilities.take().unwrap();
    (
        segmented.into_labels().unwrap(),
        probabilities.into_map().unwrap(),
    )
}

/// The least memory that works: what each refusal names, until there is none.
pub(super) fn least(segmenter: &Segmenter) -> u64 {
    let mut limit = 1 << 20;
    for _ in 0..8 {
        let options = SegmentOptions::new().probabilities().max_memory(limit);
        let Err(refused) = segmenter.segment_with(&image(), &options) else {
            return limit;
        };
        let text = refused.to_string();
        let named = text.rsplit("is ").next().unwrap().replace(' ', "");
        limit = named.parse::<ByteSize>().unwrap().0;
    }
    panic!("no limit works")
}

/// The expected result of a network that labels everything as organ: its share of each voxel, 0 where it was cut away.
fn check(segmenter: &Segmenter, share: &dyn Fn([usize; 3]) -> f64, what: &str) {
    let scheme = segmenter.model().labels.clone();
    let tight = least(segmenter);
    for limit in [None, Some(tight)] {
        let (labels, probabilities) = answer(segmenter, limit);
        let voxels = labels.data().len();
        for (voxel, &label) in labels.data().iter().enumerate() {
            let at = labels.geometry().index(voxel);
            let (share, last) = (share(at), (scheme.channels() - 1) * voxels + voxel);
            let found = probabilities.data()[last];
            let sure = 1.0 / (1.0 + (-5f64).exp());
            let exclusive = scheme.channels() == 2;
            let organ = match exclusive {
                true => share > 0.0,
                false => share * sure > 0.5,
            };
            assert_eq!(label, u16::from(organ), "{what} {limit:?} {at:?} {share}");
            if share == 0.0 {
                assert_eq!(found, 0.0, "{what} {limit:?} {at:?}");
                if exclusive {
                    assert_eq!(probabilities.data()[voxel], 1.0);
                }
            } else if !exclusive {
                let expected = share * sure;
                assert!(
                    (f64::from(found) - expected).abs() < 1e-5,
                    "{what} {at:?}: {found}, not {expected}"
                );
            }
        }
    }
}

#[test]
fn what_was_cropped_away_is_background_by_every_way() {
    let foreground = |at: [usize; 3]| f64::from(u8::from(is_foreground(at)));
    let centre = |at: [usize; 3]| {
        let inside = (0..3).all(|a| ([5, 4, 3][a]..[15, 14, 13][a]).contains(&at[a]));
        f64::from(u8::from(inside))
    };
    // Where a change of spacing comes first, less than one voxel of the network's grid outside of the crop.
    let spaced = "[spacing: {to: [1.5, 1.5, 1.5]}, crop_foreground: {above: 50}]";
    let chain = model(CLASSES, spaced, WINDOWS).preprocessing;
    let subject = Subject::new("image", image(), None).unwrap();
    let network = *chain.trace(subject, 0, 0).unwrap().0.geometry();
    let beside = |at: [usize; 3]| {
        let along = |a: usize| {
            let last = network.size().map(|n| n as f64 - 1.0);
            let (first, last) = (
                network.index_to_world([0.0; 3])[a],
                network.index_to_world(last)[a],
            );
            let beyond = (first - at[a] as f64).max(at[a] as f64 - last).max(0.0);
            // nnU-Net's rule keeps the extent, so that a voxel is not exactly 1.5 mm.
            let share = 1.0 - beyond / network.spacing()[a];
            if share > 1e-6 { share } else { 0.0 }
        };
        along(0) * along(1) * along(2)
    };
    let shell = |at: [usize; 3]| !is_foreground(at) && beside(at) > 0.0;
    let count = (0..20 * 18 * 16).filter(|&v| shell(image().geometry().index(v)));
    assert!(count.count() > 100, "the case has a shell");
    type Share<'a> = &'a dyn Fn([usize; 3]) -> f64;
    let chains: [(&str, Share); 7] = [
        ("[crop_foreground: {above: 0}]", &foreground),
        ("[crop_nonzero: {}]", &foreground),
        (
            "[orient: {to: LPS}, crop_foreground: {above: 0}]",
            &foreground,
        ),
        (
            "[crop_foreground: {above: 0}, spacing: {to: [2, 2, 2]}]",
            &foreground,
        ),
        (
            "[crop_foreground: {above: 0}, spacing: {to: [0.7, 0, 1.3]}]",
            &foreground,
        ),
        ("[crop_centre: {size: [10, 10, 10]}]", &centre),
        (spaced, &beside),
    ];
    let inferers = [
        WINDOWS,
        "{simple: {}}",
        "{slices: {axes: [x]}}",
        "{patches: {patch_size: [8, 8, 8]}}",
        "{test_time: {views: [[flip: {axes: [x], probability: 1}]], inferer: {simple: {}}}}",
    ];
    for (chain, share) in chains {
        for labels in [CLASSES, REGIONS] {
            for inferer in inferers {
                let one = segmenter(model(labels, chain, inferer));
                check(&one, share, &format!("{chain} {inferer}"));
            }
            let two = || segmenter(model(labels, chain, WINDOWS));
            let both = vec![("a".to_owned(), two()), ("b".to_owned(), two())];
            let both = Segmenter::together(both, None, crate::Combination::Probabilities);
            check(&both.unwrap(), share, &format!("ensemble {chain}"));
        }
    }
}

#[test]
fn a_cascade_keeps_what_both_of_its_models_saw() {
    let coarse = segmenter(model(
        CLASSES,
        "[crop_centre: {size: [10, 10, 10]}]",
        WINDOWS,
    ));
    let stage: RegionStage = serde_saphyr::from_str("{model: coarse}").unwrap();
    for labels in [CLASSES, REGIONS] {
        let mut fine = segmenter(model(labels, "[crop_foreground: {above: 0}]", WINDOWS));
        fine.region = Some(Box::new(Region {
            stage: stage.clone(),
            segmenter: segmenter(coarse.model().clone()),
        }));
        let share = |at: [usize; 3]| {
            let inside = (0..3).all(|a| ([5, 4, 3][a]..[15, 14, 13][a]).contains(&at[a]));
            f64::from(u8::from(inside && is_foreground(at)))
        };
        check(&fine, &share, "cascade");
    }
}
