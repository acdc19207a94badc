//! What the server tells while it runs, as lines on stderr: ids of jobs and numbers, nothing about patients.

use std::fmt::{Debug, Write};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Prints the server's events from now on.
pub fn begin() {
    // It fails where a subscriber is set, which then has the events.
    let _ = tracing::subscriber::set_global_default(Lines);
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        *metadata.level() <= Level::INFO && metadata.target().starts_with("vesalius_server")
    }

    fn event(&self, event: &Event) {
        let mut line = Line::default();
        event.record(&mut line);
        match *event.metadata().level() {
            Level::ERROR => complain!("error: {}{}", line.message, line.fields),
            Level::WARN => complain!("warning: {}{}", line.message, line.fields),
            _ => note!("{}{}", line.message, line.fields),
        }
    }

    // The server has no spans.
    fn new_span(&self, _: &Attributes) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, ", {name} {value:?}"),
        };
    }
}
