//! Intensities against SimpleITK.

use crate::peers::*;
use vesalius_filters::*;

#[test]
fn linear_changes_agree_with_itk() {
    close64(&rescale_intensity(&image(), -1.0, 2.0).unwrap(), "rescaled");
    close64(
        &window(&image(), [300.0, 700.0], [0.0, 255.0]).unwrap(),
        "windowed",
    );
    close64(&clip(&image(), 350.0, 650.0).unwrap(), "clamped");
    let ours = normalise::<f64, u8>(&image(), None, Deviation::Sample).unwrap();
    close64(&ours, "normalised");
}

#[test]
fn histogram_matching_agrees_with_itk() {
    let reference = volume("histogram_reference", "oblique");
    for (name, levels, match_points, threshold_at_mean) in
        [("matched", 128, 9, true), ("matched_plain", 64, 5, false)]
    {
        let options = HistogramMatchingOptions {
            levels,
            match_points,
            threshold_at_mean,
        };
        // ITK's bins have a float32 width.
        let ours = match_histogram(&image(), &reference, &options).unwrap();
        close(ours.data(), name, 1e-6);
    }
}

#[test]
fn otsu_agrees_with_itk() {
    let near = |ours: f64, theirs: f64| {
        println!("parity\totsu\t{:.1e}", (ours - theirs).abs() / theirs.abs());
        // ITK's bins have a float32 width.
        assert!(
            (ours - theirs).abs() <= 1e-6 * theirs.abs(),
            "{ours} {theirs}"
        );
    };
    near(
        otsu_threshold(&image(), 128).unwrap(),
        number(&["otsu"]).as_f64().unwrap(),
    );
    for count in [1usize, 2, 3] {
        let ours = multi_otsu_thresholds(&image(), count, 64).unwrap();
        let theirs = number(&[&format!("multi_otsu_{count}")]);
        for (i, ours) in ours.into_iter().enumerate() {
            near(ours, theirs[i].as_f64().unwrap());
        }
    }
    same(
        multi_otsu_labels(&image(), 3, 64).unwrap().data(),
        "multi_otsu_labels_3",
    );
}

#[test]
fn n4_finds_the_field_that_was_made_and_agrees_with_itk() {
    let biased = volume("biased", "biased").map(|v| v as f32);
    let options = N4Options {
        iterations: vec![30; 3],
        ..Default::default()
    };
    let ours = n4_bias_field_correction::<_, u8>(&biased, None, &options).unwrap();
    let theirs = array("n4_log_field");
    // A field is known up to a factor, so both are compared with their means taken out.
    let centred = |values: Vec<f64>| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.into_iter().map(|v| v - mean).collect()
    };
    let ours = centred(ours.log_bias.data().iter().map(|&v| f64::from(v)).collect());
    let worst = |other: Vec<f64>| {
        let other = centred(other);
        ours.iter()
            .zip(other)
            .map(|(a, b)| ((a - b).exp() - 1.0).abs())
            .fold(0.0, f64::max)
    };
    let (from_itk, from_truth) = (
        worst(theirs),
        worst(array("bias").iter().map(|v| v.ln()).collect()),
    );
    println!("parity\tn4_log_field\t{from_itk:.1e} (of the truth {from_truth:.1e})");
    assert!(
        from_itk <= 0.02,
        "{from_itk} from ITK's field, {from_truth} from the truth"
    );
}

#[test]
fn clahe_agrees_with_scikit_image() {
    let values = array("clahe_unit");
    let size = vesalius_volume::Geometry::axis_aligned([20, 24, 16], [1.0; 3]).unwrap();
    let image = vesalius_volume::Volume::new(size, 1, values).unwrap();
    let ours = clahe_scikit_image(&image, &ScikitImageClaheOptions::default()).unwrap();
    close64(&ours, "clahe_scikit_default");
    for name in ["uneven", "large", "unlimited"] {
        let facts = number(&[&format!("clahe_{name}")]);
        let options = ScikitImageClaheOptions {
            tile: Some(triple(&facts["tile"]).map(|n| n as usize)),
            clip_limit: facts["clip_limit"].as_f64().unwrap(),
            bins: facts["bins"].as_u64().unwrap() as usize,
        };
        let ours = clahe_scikit_image(&image, &options).unwrap();
        close64(&ours, &format!("clahe_scikit_{name}"));
    }
}
