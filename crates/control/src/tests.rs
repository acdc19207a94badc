//! Cancelling, progress and events of a handle.

use super::*;

#[test]
fn a_child_is_cancelled_by_its_parent_and_not_the_other_way_round() {
    let control = Control::new();
    let (first, second) = (control.child(), control.child());
    let grandchild = first.child();
    first.cancel();
    assert!(first.is_cancelled() && grandchild.is_cancelled());
    assert!(!control.is_cancelled() && !second.is_cancelled());
    control.cancel();
    assert_eq!(second.check(), Err(Cancelled));
    assert!(control.clone().is_cancelled());
}

#[test]
fn silent_work_is_cancelled_with_the_rest_and_tells_only_its_own_subscribers() {
    let control = Control::new();
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let keep = |control: &Control, name: &'static str| {
        let seen = seen.clone();
        control.on_progress(move |progress| lock(&seen).push(format!("{name}: {progress}")));
    };
    keep(&control, "outer");
    let stage = control.stage("cases", 2);
    let silent = stage.control().silent();
    keep(&silent, "silent");
    drop(silent.stage("windows", 3));
    control.cancel();
    assert!(silent.is_cancelled());
    assert_eq!(
        *lock(&seen),
        ["outer: cases 0 of 2", "silent: windows 0 of 3"]
    );
}

#[test]
fn a_total_that_becomes_known_is_told_once() {
    let control = Control::new();
    let seen: Arc<Mutex<Vec<Option<u64>>>> = Arc::default();
    control.on_progress({
        let seen = seen.clone();
        move |progress| lock(&seen).push(progress.total)
    });
    let steps = control.stage("steps", None);
    steps.set_total(9);
    steps.set_total(9);
    steps.advance(1);
    assert_eq!(*lock(&seen), [None, Some(9), Some(9)]);
}

#[test]
fn observers_are_told_of_every_update() {
    let control = Control::new();
    let seen: Arc<Mutex<Vec<(String, u64)>>> = Arc::default();
    control.on_progress({
        let seen = seen.clone();
        move |progress| {
            lock(&seen).push((progress.to_string(), progress.done));
        }
    });
    let cases = control.stage("cases", 2);
    let windows = cases.control().stage("windows", 3);
    windows.advance(3);
    drop(windows);
    cases.advance(1);
    let seen = lock(&seen).clone();
    assert_eq!(seen[0], ("cases 0 of 2".to_owned(), 0));
    assert_eq!(seen[1], ("cases: windows 0 of 3".to_owned(), 0));
    assert_eq!(seen[2], ("cases: windows 3 of 3".to_owned(), 3));
    assert_eq!(seen[3].1, 1);
    assert_eq!(seen.len(), 4);
}
