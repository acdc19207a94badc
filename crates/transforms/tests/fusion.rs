//! Neighbouring moves are one interpolation, and give what they give one by one; the same results for
//! any number of threads.

use vesalius_transforms::Chain;
use vesalius_volume::{Geometry, LabelMap, Subject, Volume};

/// A smooth image, small towards its borders, with labels.
fn smooth() -> Subject {
    let geometry = Geometry::axis_aligned([48, 44, 40], [1.0, 1.0, 1.25]).unwrap();
    let bump = |[x, y, z]: [usize; 3]| {
        let d = |v: usize, c: f32, s: f32| ((v as f32 - c) / s).powi(2);
        (-(d(x, 23.0, 11.0) + d(y, 21.0, 10.0) + d(z, 19.0, 9.0))).exp()
    };
    let image = Volume::from_fn(geometry, |i| {
        100.0 * bump(i) * (1.0 + 0.2 * (i[0] as f32 / 6.0).sin())
    });
    let labels = LabelMap::from_fn(geometry, |i| {
        u16::from(bump(i) > 0.3) + u16::from(bump(i) > 0.7)
    });
    Subject::new("smooth", image, Some(labels)).unwrap()
}

fn chain(text: &str) -> Chain {
    serde_saphyr::from_str(text).unwrap()
}

const MOVES: &str = "
- flip: {probability: 1}
- affine: {rotate: [12, 8, 15], scale: [0.9, 1.1], shift: [2, 2, 2]}
- rotate90: {probability: 1}
- elastic: {control_points: [7, 7, 7], displacement: [1.5, 1.5, 1.5], probability: 1}
- affine: {rotate: [5, 5, 5]}
- crop_centre: {size: [30, 30, 30]}
";

#[test]
fn many_moves_are_one_interpolation_and_agree_with_one_by_one() {
    for draw in 0..4 {
        let (fused, trace) = chain(MOVES).trace(smooth(), 3, draw).unwrap();
        assert_eq!(trace.interpolations, 1, "draw {draw}");
        let mut single = smooth();
        for step in &trace.steps {
            single = step.apply(single).unwrap();
        }
        assert_eq!(fused.geometry(), single.geometry());
        // Three interpolations blur more than one; both are within what sampling this field costs.
        let pairs = fused.image().data().iter().zip(single.image().data());
        let error = pairs.fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(error < 1.5 && error > 0.0, "draw {draw}: {error} of 120");
        let (a, b) = (fused.labels().unwrap(), single.labels().unwrap());
        let differ = a
            .data()
            .iter()
            .zip(b.data())
            .filter(|(a, b)| a != b)
            .count();
        assert!(
            differ * 12 < a.data().len(),
            "draw {draw}: {differ} of {}",
            a.data().len()
        );
        assert_eq!(trace.replay(smooth()).unwrap(), fused);
    }
}

#[test]
fn what_must_not_fuse_does_not() {
    let count = |text: &str| chain(text).trace(smooth(), 1, 1).unwrap().1.interpolations;
    assert_eq!(
        count(
            "- flip: {probability: 1}\n- rotate90: {probability: 1}\n- crop_centre: {size: [9, 9, 9]}"
        ),
        0
    );
    // Voxels that were cut away must not come back.
    let crop = "- affine: {rotate: [9, 9, 9]}\n- crop_centre: {size: [20, 20, 20]}\n- affine: {rotate: [9, 9, 9]}";
    assert_eq!(count(crop), 2);
    // Intensities in between need the voxels.
    assert_eq!(
        count(
            "- affine: {rotate: [9, 9, 9]}\n- gamma: {probability: 1}\n- affine: {rotate: [9, 9, 9]}"
        ),
        2
    );
    // Different kernels.
    assert_eq!(
        count("- affine: {rotate: [9, 9, 9]}\n- affine: {rotate: [9, 9, 9], interpolation: cubic}"),
        2
    );
    assert_eq!(
        count("- spacing: {to: [1.5, 1.5, 1.5]}\n- affine: {rotate: [9, 9, 9]}"),
        1
    );
}

#[test]
fn labels_are_never_mixed_as_numbers() {
    let mut subject = smooth();
    subject
        .labels_data_mut()
        .unwrap()
        .iter_mut()
        .for_each(|l| *l *= 40);
    for labels in ["nearest", "linear"] {
        let text = format!(
            "- affine: {{rotate: [20, 20, 20], labels: {labels}}}\n- spacing: {{to: [0.7, 1.3, 2], labels: {labels}}}"
        );
        let (after, _) = chain(&text).apply(subject.clone(), 5, 5).unwrap();
        assert!(
            after
                .labels()
                .unwrap()
                .data()
                .iter()
                .all(|l| [0, 40, 80].contains(l))
        );
    }
}

#[test]
fn cubic_is_nearer_to_the_truth_than_linear() {
    // There and back again by resampling: the smaller the loss the better the kernel.
    let loss = |kind: &str| {
        let text = format!("- spacing: {{to: [1.6, 1.6, 1.6], interpolation: {kind}}}");
        let (small, trace) = chain(&text).trace(smooth(), 0, 0).unwrap();
        let back = trace.invert_image(small.image()).unwrap();
        let before = smooth();
        let pairs = back.data().iter().zip(before.image().data());
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>()
    };
    assert!(loss("cubic") < loss("linear"));
}

#[test]
fn results_are_the_same_for_any_number_of_threads() {
    let text = "
- affine: {rotate: [12, 8, 15], labels: linear}
- elastic: {displacement: [1, 1, 1], probability: 1}
- gaussian_noise: {probability: 1}
- rician_noise: {probability: 1}
- blur: {probability: 1, channel_probability: 1}
- contrast: {probability: 1}
- low_resolution: {probability: 1, channel_probability: 1}
- gamma: {probability: 1}
- bias_field: {probability: 1}
- gibbs: {probability: 1, alpha: [0.2, 0.4]}
- sharpen: {probability: 1}
- z_score: {}
- nnunet_3d
";
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| chain(text).trace(smooth(), 7, 3).unwrap())
    };
    let (one, trace) = run(1);
    for threads in [2, 5] {
        let (many, other) = run(threads);
        assert_eq!(trace, other);
        assert_eq!(one.image().data(), many.image().data(), "{threads} threads");
        assert_eq!(one.labels(), many.labels());
    }
}

#[test]
fn several_samples_are_those_of_their_draws() {
    let text = "- orient: {to: LPS}\n- spacing: {to: [1.5, 1.5, 1.5]}\n- affine: {rotate: [9, 9, 9]}\n- patch: {size: [12, 12, 12]}\n- gaussian_noise: {probability: 1}";
    let samples = chain(text).samples(smooth(), 11, 4, 3).unwrap();
    for (draw, sample) in (4..).zip(samples) {
        assert_eq!(sample, chain(text).trace(smooth(), 11, draw).unwrap());
    }
}
