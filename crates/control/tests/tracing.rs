//! Stages are events for `tracing`. Alone in its executable: an event that another thread meets first, where nothing
//! listens, can be taken for one that nobody wants, in every thread.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use vesalius_control::Control;

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

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
