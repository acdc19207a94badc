//! Unions of models whose networks are made for a known output.

use super::*;
use crate::{CropTo, Needs, UnionDescription, UnionMember, UnionSpacing, join_union};
use vesalius_volume::Warning;

/// Labels what is brighter than so much, under this name.
fn brighter(name: &str, than: f32) -> Segmenter {
    let labels = format!(
        "{{exclusive: {{classes: [{{name: background, value: 0}}, {{name: {name}, value: 1}}]}}}}"
    );
    let network: Box<dyn PatchNetwork + Send + Sync> = Box::new(move |patch: Tensor<5>| {
        let above = patch - than;
        Tensor::cat(vec![above.clone() * 0.0, above], 1)
    });
    let model = model(&labels, "[]", WINDOWS);
    Segmenter::with_networks(model, vec![network], &Device::flex()).unwrap()
}

/// 100 within three voxels of each border, and 200 in a smaller box.
fn nested() -> Volume<f32> {
    let whole = image();
    Volume::from_fn(*whole.geometry(), |at| match is_inner(at) {
        true => 200.0,
        false => whole.get(0, at),
    })
}

fn is_inner([x, y, z]: [usize; 3]) -> bool {
    (8..11).contains(&x) && (7..12).contains(&y) && (6..9).contains(&z)
}

fn union(members: Vec<UnionMember>, models: Vec<Segmenter>) -> Segmenter {
    Segmenter::union(UnionDescription::new(members), models).unwrap()
}

fn member(name: &str) -> UnionMember {
    UnionMember::new(name, name)
}

fn cropped(name: &str, to: &str, margin: f64) -> UnionMember {
    let (to, labels) = (to.to_owned(), Vec::new());
    UnionMember {
        crop_to: Some(CropTo {
            member: to,
            labels,
            margin,
        }),
        ..member(name)
    }
}

fn labels(segmenter: &Segmenter, image: &Volume<f32>) -> (vesalius_volume::LabelMap, Vec<Warning>) {
    let found = segmenter.segment(image).unwrap();
    let warnings = found.warnings.clone();
    (found.into_labels().unwrap(), warnings)
}

#[test]
fn later_members_paint_over_earlier_ones() {
    let models = vec![brighter("organ", 50.0), brighter("lesion", 150.0)];
    let both = union(vec![member("a"), member("b")], models);
    let (found, warnings) = labels(&both, &nested());
    assert!(warnings.is_empty(), "{warnings:?}");
    let grid = *nested().geometry();
    for index in 0..grid.voxel_count() {
        let at = grid.index(index);
        let expected = match (is_inner(at), is_foreground(at)) {
            (true, _) => 2,
            (_, true) => 1,
            _ => 0,
        };
        assert_eq!(found.data()[index], expected, "{at:?}");
    }
    assert_eq!(both.model().labels.labels().len(), 3);
    both.model().check().unwrap();
}

#[test]
fn a_member_sees_the_box_that_an_earlier_one_found() {
    // The second member labels everything, but is given the box of the first with 2 mm around it.
    let models = vec![brighter("lesion", 150.0), brighter("all", -1.0)];
    let cut = union(vec![member("a"), cropped("b", "a", 2.0)], models);
    let (found, _) = labels(&cut, &nested());
    let grid = *nested().geometry();
    for index in 0..grid.voxel_count() {
        let [x, y, z] = grid.index(index);
        let inside = (6..13).contains(&x) && (5..14).contains(&y) && (4..11).contains(&z);
        assert_eq!(
            found.data()[index],
            if inside { 2 } else { 0 },
            "{x} {y} {z}"
        );
    }
}

#[test]
fn a_member_does_not_run_where_what_it_needs_is_not_found() {
    let needing = |millilitres: f64| {
        let needs = Needs {
            member: "a".to_owned(),
            labels: vec!["lesion".to_owned()],
            millilitres,
        };
        let needing = UnionMember {
            needs: Some(needs),
            ..member("b")
        };
        let models = vec![brighter("lesion", 150.0), brighter("all", -1.0)];
        union(vec![member("a"), needing], models)
    };
    // 3 × 5 × 3 voxels of 1 mm³ are there.
    let (found, warnings) = labels(&needing(0.045), &nested());
    assert!(warnings.is_empty() && found.data().iter().all(|&label| label == 2));
    let (found, warnings) = labels(&needing(0.046), &nested());
    assert_eq!(found.data().iter().filter(|&&label| label == 1).count(), 45);
    assert!(found.data().iter().all(|&label| label < 2));
    let [
        Warning::MemberNotRun {
            member: named,
            reason,
        },
    ] = &warnings[..]
    else {
        panic!("{warnings:?}");
    };
    assert!(
        named == "b" && reason.contains("less than 0.046 ml"),
        "{reason}"
    );
    // Nothing to crop to.
    let models = vec![brighter("lesion", 500.0), brighter("all", -1.0)];
    let cut = union(vec![member("a"), cropped("b", "a", 2.0)], models);
    let (found, warnings) = labels(&cut, &nested());
    assert!(found.data().iter().all(|&label| label == 0) && warnings.len() == 1);
}

#[test]
fn only_named_labels_stay() {
    let all = || {
        let models = vec![brighter("organ", 50.0), brighter("lesion", 150.0)];
        union(vec![member("a"), member("b")], models)
    };
    let one = all().only(&["lesion"]).unwrap();
    let (found, _) = labels(&one, &nested());
    assert_eq!(found.data().iter().filter(|&&label| label == 2).count(), 45);
    assert!(found.data().iter().all(|&label| label != 1));
    assert_eq!(one.model().labels.labels().len(), 2);
    one.model().check().unwrap();
    let error = all().only(&["lesions"]).unwrap_err().to_string();
    assert!(
        error.contains("`lesions`") && error.contains("lesion, organ"),
        "{error}"
    );
    // A model by itself keeps its scheme and leaves the others out.
    let alone = brighter("organ", 50.0).only(&["organ"]).unwrap();
    let found = alone.segment(&nested()).unwrap().into_labels().unwrap();
    assert!(found.data().contains(&1));
    assert!(brighter("organ", 50.0).only(&["skin"]).is_err());
}

#[test]
fn labels_found_at_another_spacing_are_on_the_images_grid() {
    let grid = Geometry::axis_aligned([16, 16, 16], [1.0; 3]).unwrap();
    // Blocks of two voxels, so that half the resolution holds them all.
    let inside = |at: [usize; 3]| at.iter().all(|&n| (4..12).contains(&n));
    let image = Volume::from_fn(grid, |at| if inside(at) { 100.0 } else { 0.0 });
    let description = UnionDescription {
        spacing: Some(UnionSpacing::Isotropic(2.0)),
        ..UnionDescription::new(vec![member("a")])
    };
    let coarse = Segmenter::union(description, vec![brighter("organ", 50.0)]).unwrap();
    let (found, _) = labels(&coarse, &image);
    assert_eq!(found.geometry(), &grid);
    for (index, label) in found.data().iter().enumerate() {
        assert_eq!(*label, u16::from(inside(grid.index(index))));
    }
}

#[test]
fn probabilities_of_a_union_are_refused() {
    let one = union(vec![member("a")], vec![brighter("organ", 50.0)]);
    let error = one.probabilities(&nested()).unwrap_err().to_string();
    assert!(error.contains("union of models"), "{error}");
}

#[test]
fn a_folder_of_a_union_gives_what_its_models_give() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    folder(&at("one"), |_| {});
    std::fs::create_dir_all(at("two/members/m")).unwrap();
    for file in ["model.yaml", "members/m/weights.safetensors"] {
        std::fs::copy(at("one").join(file), at("two").join(file)).unwrap();
    }
    let text = "name: both\nmembers:\n  - {name: a, model: one, labels: {organ: left}}\n  - {name: b, model: two, labels: {organ: right}}\n";
    std::fs::write(at("both.yaml"), text).unwrap();
    let (union, described) = join_union(at("both.yaml"), at("both")).unwrap();
    assert_eq!(union.members[1].model, Path::new("b"));
    assert_eq!(described, crate::describe_model(at("both")).unwrap());
    let opened = Segmenter::open(at("both")).unwrap();
    assert_eq!(opened.model(), &described);
    // The second paints all that the first did, as their weights are equal.
    let expected = Segmenter::open(at("one"))
        .unwrap()
        .segment(&image())
        .unwrap();
    let expected = expected.into_labels().unwrap();
    for options in [
        SegmentOptions::new(),
        SegmentOptions::new().max_memory(200 << 20),
    ] {
        let found = opened.segment_with(&image(), &options).unwrap();
        let found = found.into_labels().unwrap();
        let pairs = found.data().iter().zip(expected.data());
        assert!(pairs.into_iter().all(|(found, one)| *found == 2 * one));
    }
    // Every file that counts: two of weights, and a description with each.
    assert_eq!(opened.weight_files().len(), 6);
    assert_eq!(opened.only(&["left"]).unwrap().weight_files().len(), 3);
    let again = join_union(at("both.yaml"), at("both")).unwrap_err();
    assert!(
        again.to_string().contains("holds a union already"),
        "{again}"
    );
}

#[test]
fn a_union_that_cannot_be_is_refused_by_name() {
    let place = tempfile::tempdir().unwrap();
    let at = |name: &str| place.path().join(name);
    folder(&at("one"), |_| {});
    std::fs::create_dir(at("u")).unwrap();
    let opened = |text: &str| {
        std::fs::write(at("u").join("union.yaml"), text).unwrap();
        Segmenter::open(at("u")).unwrap_err().to_string()
    };
    let outside = opened("members: [{name: a, model: ../one}]");
    assert!(
        outside.contains("member `a`") && outside.contains("outside"),
        "{outside}"
    );
    let absent = opened("members: [{name: a, model: nothing}]");
    assert!(
        absent.contains("nothing") && absent.contains("does not exist"),
        "{absent}"
    );
    std::fs::rename(at("one"), at("u").join("one")).unwrap();
    let twice = opened("members: [{name: a, model: one}, {name: b, model: one}]");
    assert!(
        twice.contains("union.yaml") && twice.contains("both paint `organ`"),
        "{twice}"
    );
    let good = "members: [{name: a, model: one}]";
    std::fs::write(at("u").join("union.yaml"), good).unwrap();
    let folds = crate::OpenOptions::new().folds(["0"]);
    let error = Segmenter::open_with(at("u"), &folds)
        .unwrap_err()
        .to_string();
    assert!(error.contains("folds"), "{error}");
    let error = crate::convert_model(at("u"), at("v"), &crate::OpenOptions::new()).unwrap_err();
    assert!(error.to_string().contains("union of models"), "{error}");
}
