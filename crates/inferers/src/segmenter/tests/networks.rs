//! User-defined networks in place of the described one.

use super::*;

#[test]
fn networks_of_ones_own_are_checked() {
    let one = || -> Box<dyn PatchNetwork + Send + Sync> { Box::new(organ) };
    let device = Device::flex();
    let with = |model, networks| Segmenter::with_networks(model, networks, &device);
    let refused = |model, networks: Vec<Box<dyn PatchNetwork + Send + Sync>>| {
        with(model, networks).unwrap_err().to_string()
    };
    let good = || model(CLASSES, "[]", WINDOWS);
    assert!(refused(good(), Vec::new()).contains("at least one network"));
    for inferer in [
        "{sliding_window: {batch_size: 0}}",
        "{sliding_window: {overlap: 1.0}}",
        "{sliding_window: {patch_size: [0, 8, 8]}}",
        "{slice: {batch_size: 0}}",
        "{patches: {batch_size: 0}}",
        "{test_time: {views: [[flip: {axes: [x]}]], draws: 18446744073709551615}}",
    ] {
        // Neither read nor, where a program changed it, taken.
        let read = try_model(CLASSES, "[]", inferer).unwrap_err().to_string();
        assert!(read.contains("inferer: "), "{read}");
        if let Ok(inferer) = serde_saphyr::from_str(inferer) {
            let mut changed = good();
            changed.inferer = inferer;
            let text = refused(changed, vec![one()]);
            assert!(text.contains("inferer: "), "{text}");
        }
    }
    let patches = crate::Patches {
        overlap: f64::NAN,
        ..crate::Patches::default()
    };
    let windows = crate::SlidingWindow {
        batch_size: 0,
        ..crate::SlidingWindow::default()
    };
    for inferer in [
        crate::Inferer::Patches(patches),
        crate::Inferer::SlidingWindow(windows),
    ] {
        // As a number that is none, such as NaN, stands in YAML.
        let text = serde_saphyr::to_string(&inferer).unwrap();
        assert!(
            serde_saphyr::from_str::<crate::Inferer>(&text).is_err(),
            "{text}"
        );
        let mut changed = good();
        changed.inferer = inferer;
        let text = refused(changed, vec![one()]);
        assert!(text.contains("inferer: "), "{text}");
    }
    let mut companions = good();
    companions.companions = vec!["other".to_owned()];
    assert!(refused(companions, vec![one()]).contains("model.companions"));
    // A network of another number of channels than the labels.
    let three =
        "{exclusive: {classes: [{name: b, value: 0}, {name: a, value: 1}, {name: c, value: 2}]}}";
    for inferer in [WINDOWS, "{slices: {axes: [x]}}"] {
        let other = with(model(three, "[]", inferer), vec![one()]).unwrap();
        let text = other.segment(&image()).unwrap_err().to_string();
        assert!(text.contains("2 channels"), "{inferer}: {text}");
    }
    let moving = model(
        CLASSES,
        "[affine: {rotate: [0, 0, 9], probability: 1}]",
        WINDOWS,
    );
    let text = with(moving, vec![one()]).unwrap().segment(&image());
    assert!(text.unwrap_err().to_string().contains("moves the anatomy"));
}
