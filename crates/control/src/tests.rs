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

/// Keeps the messages of events.
struct Kept(Mutex<Vec<String>>);

impl tracing::field::Visit for Kept {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        if ["message", "stage", "done", "total"].contains(&field.name()) {
            lock(&self.0).push(format!("{}={value:?}", field.name()));
        }
    }
}

struct Collector(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Collector {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        let mut kept = Kept(Mutex::default());
        event.record(&mut kept);
        lock(&self.0).push(lock(&kept.0).join(" "));
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[test]
fn stages_are_events_for_tracing() {
    let events: Arc<Mutex<Vec<String>>> = Arc::default();
    tracing::subscriber::with_default(Collector(events.clone()), || {
        let cases = Control::new();
        let cases = cases.stage("cases", 2);
        let windows = cases.control().stage("windows", None);
        windows.advance(3);
    });
    let expected = [
        "message=begun stage=cases total=2",
        "message=begun stage=cases: windows",
        "message=ended stage=cases: windows done=3",
        "message=ended stage=cases done=0",
    ];
    assert_eq!(*lock(&events), expected);
}
