//! Unusual datasets, each planned and trained for a few steps, or refused by name: slices, thick slices, tiny cases,
//! classes that hardly occur, unlabelled voxels, regions.

use super::{PlanOptions, made, plan};
use crate::{Error, Plan};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use vesalius_training::{Duration, TrainingConfig};
use vesalius_transforms::Axis;
use vesalius_volume::{Geometry, LabelMap, Volume};

type Case = (Volume<f32>, LabelMap);

/// Cases made so far.
static MADE: AtomicUsize = AtomicUsize::new(0);

/// A case with a box of tissue, whose two halves are labels 1 and 2.
fn case(size: [usize; 3], spacing: [f64; 3]) -> Case {
    case_of(size, spacing, |label| label)
}

fn case_of(size: [usize; 3], spacing: [f64; 3], label: impl Fn(u16) -> u16) -> Case {
    let geometry = Geometry::axis_aligned(size, spacing).unwrap();
    let tissue = |at: [usize; 3]| {
        let inside = |a: usize| size[a] < 4 || (size[a] / 4..3 * size[a] / 4).contains(&at[a]);
        match (0..3).all(inside) {
            true => 1 + u16::from(at[0] >= size[0] / 2),
            false => 0,
        }
    };
    // No two cases are the same image.
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let image = Volume::from_fn(geometry, |at| {
        let noise = (at[0] * 7 + at[1] * 13 + at[2] * 29 + number * (1 + at[0] % 5)) % 11;
        50.0 * f32::from(tissue(at)) + noise as f32
    });
    let labels = LabelMap::from_fn(geometry, |at| label(tissue(at)));
    (image, labels)
}

fn labels() -> Value {
    json!({"name": "odd", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "left half", "2": "other half"}})
}

/// Plans these algorithms and trains each for a few steps; the plan of the first.
fn trains(cases: &[Case], list: Value, names: &[&str]) -> TrainingConfig {
    let temporary = tempfile::tempdir().unwrap();
    let (work, analyzed) = made::work(temporary.path(), "MRI", cases, list).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let options = PlanOptions {
        algorithms: names.clone(),
        minutes: Some(0.01),
        ..PlanOptions::default()
    };
    plan(&work, &analyzed, &options).unwrap();
    let planned = Plan::read(Plan::path(work.plans_folder(), &names[0])).unwrap();
    made::train_small(&work, &names, |training| {
        training.batch_size = 2;
        training.duration = Some(Duration::Steps(3));
        training.mirror_axes.clear();
    });
    planned.training
}

/// Why the dataset is refused.
fn refused(cases: &[Case], list: Value) -> String {
    let temporary = tempfile::tempdir().unwrap();
    let error: Error = made::work(temporary.path(), "MRI", cases, list)
        .map(|_| ())
        .unwrap_err();
    error.to_string()
}

const ALL: [&str; 4] = ["vesalius", "nnunet_3d_fullres", "nnunet_2d", "segresnet"];

#[test]
fn slices_are_planned_in_two_dimensions_however_thick_they_are() {
    for thickness in [0.5, 1.0, 20.0] {
        let cases = [[24, 26, 1], [25, 24, 1], [24, 24, 1]];
        let cases = cases.map(|size| case(size, [1.0, 1.0, thickness]));
        let training = trains(&cases, labels(), &["vesalius", "nnunet_2d", "segresnet2d"]);
        assert_eq!(training.patch.slice_axis, Some(Axis::Z), "{thickness} mm");
        assert_eq!(training.network.architecture().spatial_dims(), 2);
    }
}

#[test]
fn slices_beside_volumes_are_trained_on() {
    let mostly_volumes = [[24, 26, 12], [24, 24, 1], [26, 24, 10]];
    let mostly_slices = [[24, 26, 1], [24, 24, 12], [26, 24, 1]];
    for (sizes, slices) in [(mostly_volumes, false), (mostly_slices, true)] {
        let cases = sizes.map(|size| case(size, [1.0, 1.0, 3.0]));
        let training = trains(&cases, labels(), &["vesalius", "nnunet_2d"]);
        assert_eq!(training.patch.slice_axis.is_some(), slices);
    }
}

#[test]
fn voxels_twenty_times_as_thick_as_wide_are_trained_on() {
    let cases = [[40, 42, 6], [40, 40, 5], [42, 40, 7]].map(|size| case(size, [0.5, 0.5, 10.0]));
    trains(&cases, labels(), &ALL);
}

#[test]
fn a_case_smaller_than_the_patch_on_all_axes_is_trained_on_and_segmented() {
    let sizes = [[6, 7, 5], [32, 30, 28], [5, 6, 6], [30, 32, 30]];
    let cases = sizes.map(|size| case(size, [1.0; 3]));
    trains(&cases, labels(), &ALL);
}

#[test]
fn a_class_of_one_case_is_trained_on_whichever_side_of_the_fold_it_is() {
    for with in [0, 1] {
        let cases: Vec<Case> = (0..3)
            .map(|number| {
                let label = |label: u16| if number == with { label } else { label.min(1) };
                case_of([20, 22, 18], [1.0; 3], label)
            })
            .collect();
        trains(&cases, labels(), &ALL);
    }
}

#[test]
fn cases_without_labels_are_trained_on_beside_others() {
    let with_empty = |empty: usize| -> Vec<Case> {
        (0..3)
            .map(|number| {
                let label = |label: u16| if number == empty { 0 } else { label };
                case_of([20, 22, 18], [1.0; 3], label)
            })
            .collect()
    };
    trains(&with_empty(1), labels(), &ALL);
    // Case 0 is all of fold 0, which then has nothing to be scored on.
    let message = refused(&with_empty(0), labels());
    assert!(
        message.contains("fold 0 has no labelled voxel"),
        "{message}"
    );
}

#[test]
fn voxels_that_nobody_labelled_take_no_part() {
    let cases: Vec<Case> = (0..3)
        .map(|_| {
            case_of(
                [20, 22, 18],
                [1.0; 3],
                |label| if label == 2 { 7 } else { label },
            )
        })
        .collect();
    let list = json!({"name": "odd", "channel_names": {"0": "MRI"}, "labels": {"background": 0, "organ": 1, "ignore": 7}});
    let training = trains(&cases, list, &ALL);
    assert_eq!(training.network.architecture().out_channels(), 2);
}

#[test]
fn regions_are_trained_in_the_order_in_which_they_are_painted() {
    let cases: Vec<Case> = (0..3).map(|_| case([20, 22, 18], [1.0; 3])).collect();
    let list = json!({"name": "odd", "channel_names": {"0": "MRI"},
        "labels": {"background": 0, "whole": [1, 2], "inner": [2]}, "regions_class_order": [1, 2]});
    trains(&cases, list, &ALL);
}

#[test]
fn one_case_and_one_fold_are_refused_by_name() {
    let one = [case([20, 22, 18], [1.0; 3])];
    let message = refused(&one, labels());
    assert!(message.contains("1 labelled case"), "{message}");
    let cases: Vec<Case> = (0..3).map(|_| case([20, 22, 18], [1.0; 3])).collect();
    let listed = |fold: fn(usize) -> Value| {
        let mut list = labels();
        let case = |n: usize| {
            let mut case = json!({"image": format!("c{n}.nii"), "label": format!("s{n}.nii")});
            if !fold(n).is_null() {
                case["fold"] = fold(n);
            }
            case
        };
        list["training"] = (0..3).map(case).collect();
        list
    };
    let message = refused(&cases, listed(|_| json!(2)));
    assert!(
        message.contains("all cases are in fold 2") && message.contains("assigned again"),
        "{message}"
    );
    let message = refused(
        &cases,
        listed(|n| if n == 1 { Value::Null } else { json!(n) }),
    );
    assert!(
        message.contains("1 of 3 cases have no `fold`: c1;"),
        "{message}"
    );
    // Split by `num_fold`, which is five by default.
    let message = refused(&cases, listed(|_| Value::Null));
    assert!(message.contains("num_fold"), "{message}");
}

#[test]
fn a_validation_list_is_what_is_held_out() {
    let cases: Vec<Case> = (0..3).map(|_| case([20, 22, 18], [1.0; 3])).collect();
    let mut list = labels();
    list["training"] =
        json!([{"image": "c1.nii", "label": "s1.nii"}, {"image": "c2.nii", "label": "s2.nii"}]);
    list["validation"] = json!([{"image": "c0.nii", "label": "s0.nii"}]);
    let temporary = tempfile::tempdir().unwrap();
    let (work, _) = made::work(temporary.path(), "MRI", &cases, list.clone()).unwrap();
    assert_eq!(work.list().folds(), [0]);
    let (train, held_out) = work.list().split(0).unwrap();
    let names = |cases: &[vesalius_planning::CaseFiles]| -> Vec<String> {
        cases.iter().map(|case| case.name.clone()).collect()
    };
    assert_eq!(
        (names(&train), names(&held_out)),
        (
            vec!["c1".to_owned(), "c2".to_owned()],
            vec!["c0".to_owned()]
        )
    );
    // The list that runs are given has the same.
    let written = vesalius_planning::Datalist::read(work.list_path()).unwrap();
    assert_eq!(written.split(0).unwrap(), work.list().split(0).unwrap());
    assert!(written.split(1).is_err());
    list["training"][0]["fold"] = json!(0);
    let message = refused(&cases, list);
    assert!(
        message.contains("`validation`") && message.contains("c1"),
        "{message}"
    );
}

#[test]
fn memory_for_nothing_makes_the_smallest_plan_and_says_so() {
    let cases: Vec<Case> = (0..3).map(|_| case([20, 22, 18], [1.0; 3])).collect();
    let temporary = tempfile::tempdir().unwrap();
    let (work, analyzed) = made::work(temporary.path(), "MRI", &cases, labels()).unwrap();
    let options = PlanOptions {
        algorithms: vec!["nnunet_3d_fullres".to_owned(), "nnunet_2d".to_owned()],
        memory_gb: Some(1e-9),
        ..PlanOptions::default()
    };
    for plan in plan(&work, &analyzed, &options).unwrap() {
        let reasons = plan.reasons.join("; ");
        assert!(reasons.contains("nothing smaller can be made"), "{reasons}");
    }
}
