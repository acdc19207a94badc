//! How far a command is, by stage: one line on a terminal once it has taken a second; elsewhere a line every ten
//! seconds, or one a stage with `--verbose`.

use crate::print;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use vesalius::control::Progress;

/// Commands that end sooner show nothing.
const WORTH_SHOWING: Duration = Duration::from_secs(1);

/// Lines that are not on a terminal are printed no faster than this.
const BETWEEN_LINES: Duration = Duration::from_secs(10);

static SHOWN: LazyLock<Mutex<Shown>> = LazyLock::new(|| Mutex::new(Shown::new()));

/// What is on the screen.
struct Shown {
    began: Instant,
    on_terminal: bool,
    bar: Option<ProgressBar>,
    last_line: Instant,
    stage: Option<Arc<str>>,
}

impl Shown {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            on_terminal: std::io::stderr().is_terminal(),
            bar: None,
            last_line: Instant::now(),
            stage: None,
        }
    }

    /// The line that is due for an update; on a terminal the bar is changed instead.
    fn line(&mut self, progress: &Progress) -> Option<String> {
        let is_new = self.stage.as_ref() != Some(&progress.stage);
        self.stage = Some(Arc::clone(&progress.stage));
        if self.on_terminal {
            if self.began.elapsed() >= WORTH_SHOWING {
                self.show_bar(progress);
            }
            return (is_new && print::is_verbose()).then(|| progress.to_string());
        }
        if !(is_new && print::is_verbose()) && self.last_line.elapsed() < BETWEEN_LINES {
            return None;
        }
        self.last_line = Instant::now();
        Some(progress.to_string())
    }

    fn show_bar(&mut self, progress: &Progress) {
        let bar = self.bar.get_or_insert_with(|| {
            // The template is a constant that parses; a bar without style still counts.
            let style = ProgressStyle::with_template("{spinner} {msg} {elapsed}");
            ProgressBar::new_spinner()
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        bar.set_message(progress.to_string());
        bar.tick();
    }
}

fn shown() -> MutexGuard<'static, Shown> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Counts the command's time from here.
pub fn begin() {
    shown().began = Instant::now();
}

/// Shows how far a stage is.
pub fn show(progress: &Progress) {
    if print::is_quiet() {
        return;
    }
    let line = shown().line(progress);
    if let Some(line) = line {
        note!("{line}");
    }
}

/// Takes the line off the screen, before something else is printed.
pub fn clear() {
    if let Some(bar) = shown().bar.take() {
        bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vesalius::control::Control;

    fn lines(began: Duration) -> Vec<String> {
        let control = Control::new();
        let mut shown = Shown::new();
        shown.on_terminal = false;
        shown.last_line = Instant::now() - began;
        let shown = Arc::new(Mutex::new(shown));
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        control.on_progress({
            let lines = Arc::clone(&lines);
            move |progress| {
                let line = shown.lock().unwrap().line(progress);
                lines.lock().unwrap().extend(line);
            }
        });
        let stage = control.stage("slices", 3);
        stage.advance(1);
        stage.advance(1);
        drop(stage);
        std::mem::take(&mut *lines.lock().unwrap())
    }

    #[test]
    fn a_log_gets_a_line_after_ten_seconds_and_none_of_short_work() {
        assert!(lines(Duration::ZERO).is_empty());
        let after = lines(Duration::from_secs(11));
        assert_eq!(after.len(), 1, "{after:?}");
        assert!(after[0].starts_with("slices"), "{after:?}");
    }
}
