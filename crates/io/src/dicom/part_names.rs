//! Short, stable names of a series' parts: `echo 2`, `b 800 direction 3`, `kernel B30f, time 1`.

use super::frame::Frame;
use super::key::Key;
use super::parts::{Split, value_of};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A part's frames, by their numbers, and its name.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub frames: Vec<usize>,
    pub name: String,
}

/// The parts in the order of their keys, each with its name.
pub(super) fn named(frames: &[Frame], split: &Split) -> Vec<Named> {
    let mut keys = split.keys.clone();
    keys.sort_unstable();
    let of_keys: Vec<Labels> = keys.iter().map(|&key| Labels::of(frames, key)).collect();
    let parts = split.parts.iter().map(|(part, rank)| {
        let first = &frames[part[0]];
        let mut order: Vec<usize> = of_keys.iter().map(|labels| labels.order(first)).collect();
        order.push(rank.unwrap_or(0));
        let labels = of_keys.iter().filter_map(|labels| {
            let label = labels.label(first)?;
            Some((labels.key, label))
        });
        let word = split.rank.map(rank_word).zip(*rank);
        let rank = word.map(|(word, rank)| format!("{word} {rank}"));
        let name = joined(labels.collect(), rank);
        let frames = part.clone();
        (order, Named { frames, name })
    });
    let mut parts: Vec<(Vec<usize>, Named)> = parts.collect();
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let mut parts: Vec<Named> = parts.into_iter().map(|(_, part)| part).collect();
    make_unique(&mut parts);
    parts
}

/// `b 800 direction 3, echo 1`.
fn joined(labels: Vec<(Key, String)>, rank: Option<String>) -> String {
    let mut name = String::new();
    for (key, label) in labels {
        // A gradient's direction belongs to its b-value.
        match (name.is_empty(), key) {
            (true, _) => {}
            (false, Key::Direction) => name.push(' '),
            (false, _) => name.push_str(", "),
        }
        name.push_str(&label);
    }
    match (name.is_empty(), rank) {
        (_, None) => name,
        (true, Some(rank)) => rank,
        (false, Some(rank)) => format!("{name}, {rank}"),
    }
}

fn make_unique(parts: &mut [Named]) {
    let mut taken = BTreeSet::new();
    for part in parts {
        let base = match part.name.is_empty() {
            true => "rest".to_owned(),
            false => part.name.clone(),
        };
        let numbered = (2..).map(|number| format!("{base} ({number})"));
        let mut names = std::iter::once(base.clone()).chain(numbered);
        let name = names.find(|name| !taken.contains(&name.to_lowercase()));
        part.name = name.unwrap_or(base);
        taken.insert(part.name.to_lowercase());
    }
}

fn rank_word(key: Key) -> &'static str {
    match key {
        Key::TriggerTime => "trigger",
        Key::InstanceNumber => "volume",
        _ => "time",
    }
}

/// When a frame comes in its series: its InstanceNumber, then its file, so that orders do not depend on names of files
/// alone.
type Appearance<'a> = (i64, &'a Path, usize);

fn appearance(frame: &Frame) -> Appearance<'_> {
    let number = frame.number(Key::InstanceNumber);
    let number = number.map_or(i64::MAX, |number| number as i64);
    (number, frame.file.path(), frame.index)
}

/// When the first of some frames comes in its series.
pub(super) fn first_of(frames: &[Frame]) -> (i64, PathBuf, usize) {
    let first = frames.iter().map(appearance).min();
    first.map_or_else(Default::default, |(number, path, index)| {
        (number, path.to_owned(), index)
    })
}

/// Values in the order of their first frames.
fn by_appearance<T: Ord + Clone>(frames: &[Frame], value: impl Fn(&Frame) -> T) -> Vec<T> {
    let mut first: BTreeMap<T, Appearance> = BTreeMap::new();
    for frame in frames {
        let at = appearance(frame);
        let entry = first.entry(value(frame)).or_insert(at);
        if at < *entry {
            *entry = at;
        }
    }
    let mut values: Vec<_> = first.into_iter().collect();
    values.sort_by(|a, b| a.1.cmp(&b.1));
    values.into_iter().map(|(value, _)| value).collect()
}

/// The values of a key in their order, and the label of each; of a direction, with its b-value.
struct Labels {
    key: Key,
    values: Vec<Value>,
    labels: Vec<Option<String>>,
}

/// A value, and the b-value of a direction.
type Value = (Option<String>, Option<String>);

fn value(frame: &Frame, key: Key) -> Value {
    let context = match key {
        Key::Direction => value_of(frame, Key::BValue),
        _ => None,
    };
    (context, value_of(frame, key))
}

impl Labels {
    fn of(frames: &[Frame], key: Key) -> Self {
        let mut values = by_appearance(frames, |frame| value(frame, key));
        let mut numbers: BTreeMap<Value, Option<f64>> = BTreeMap::new();
        for frame in frames {
            let number = frame.number(key);
            numbers.insert(value(frame, key), number);
        }
        if values.iter().all(|value| numbers[value].is_some()) {
            values.sort_by(|a, b| {
                numbers[a]
                    .unwrap_or(0.0)
                    .total_cmp(&numbers[b].unwrap_or(0.0))
            });
        }
        let texts: Vec<&str> = values
            .iter()
            .map(|v| v.1.as_deref().unwrap_or(""))
            .collect();
        let echoes = (key == Key::EchoTime)
            .then(|| echo_numbers(frames, &values))
            .flatten();
        let labels = (0..values.len()).map(|at| match key {
            Key::Direction => direction(&values, at),
            Key::ImageType => Some(format!("type {}", differing(&texts, at))),
            Key::EchoTime => Some(match &echoes {
                Some(numbers) => format!("echo {}", numbers[at]),
                None => format!("echo {}", at + 1),
            }),
            _ => Some(plain(key, texts[at], at)),
        });
        let labels = labels.collect();
        Self {
            key,
            labels,
            values,
        }
    }

    fn order(&self, frame: &Frame) -> usize {
        let value = value(frame, self.key);
        let at = self.values.iter().position(|one| *one == value);
        at.unwrap_or(self.values.len())
    }

    fn label(&self, frame: &Frame) -> Option<String> {
        self.labels.get(self.order(frame))?.clone()
    }
}

/// The label of a value that stands for itself, or of the value number `at` from 0.
fn plain(key: Key, text: &str, at: usize) -> String {
    let (word, itself) = match key {
        Key::BValue => ("b", true),
        Key::Component => ("component", true),
        Key::EchoNumber => ("echo", true),
        Key::Kernel => ("kernel", true),
        Key::InversionTime => ("inversion", true),
        Key::FlipAngle => ("flip angle", true),
        Key::Kvp => ("kV", true),
        Key::SequenceName => ("sequence", true),
        Key::StackId => ("stack", true),
        Key::CardiacPhase => ("phase", true),
        Key::EnergyWindow => ("energy window", true),
        Key::RrInterval => ("interval", true),
        Key::TimeSlot => ("slot", true),
        Key::AcquisitionNumber => ("acquisition", true),
        // An index counts from 1; a time from the start does not.
        Key::TemporalPosition => ("time", text.parse::<u32>().is_ok_and(|index| index > 0)),
        Key::TriggerTime => ("trigger", false),
        Key::Station => ("station", false),
        _ => ("time", false),
    };
    match (itself, text) {
        (false, _) => format!("{word} {}", at + 1),
        (true, "") => format!("{word} none"),
        (true, text) => format!("{word} {}", clean(text)),
    }
}

/// Text for a name: no separators of names, no control characters.
fn clean(text: &str) -> String {
    let words =
        text.split(|c: char| matches!(c, '\\' | '/' | ',') || c.is_whitespace() || c.is_control());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

/// The parts of an image type in which it differs from the others.
fn differing(texts: &[&str], at: usize) -> String {
    let split = |text: &str| {
        text.split('\\')
            .map(|part| part.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let all: Vec<Vec<String>> = texts.iter().map(|text| split(text)).collect();
    let differs = |place: &usize| {
        all.iter()
            .any(|other| other.get(*place) != all[0].get(*place))
    };
    let places = (0..all.iter().map(Vec::len).max().unwrap_or(0)).filter(differs);
    let parts: Vec<&str> = places
        .filter_map(|place| all[at].get(place))
        .map(String::as_str)
        .collect();
    match clean(&parts.join("\\")) {
        empty if empty.is_empty() => "none".to_owned(),
        text => text,
    }
}

/// `direction 3`, counted among those of one b-value; nothing where there is only one.
fn direction(values: &[Value], at: usize) -> Option<String> {
    let (b_value, own) = &values[at];
    own.as_ref()?;
    let of_same = |other: &&Value| other.0 == *b_value && other.1.is_some();
    let count = values.iter().filter(of_same).count();
    let number = values[..at].iter().filter(of_same).count() + 1;
    let others = values.iter().filter(|other| other.0 == *b_value).count();
    (count > 1 || others > 1).then(|| format!("direction {number}"))
}

/// The EchoNumbers of echo times, where each has one of its own.
fn echo_numbers(frames: &[Frame], times: &[Value]) -> Option<Vec<String>> {
    let mut of_time: BTreeMap<Value, BTreeSet<String>> = BTreeMap::new();
    for frame in frames {
        let number = value_of(frame, Key::EchoNumber)?;
        of_time
            .entry(value(frame, Key::EchoTime))
            .or_default()
            .insert(number);
    }
    let number = |time: &Value| {
        let numbers = of_time.get(time)?;
        (numbers.len() == 1).then(|| numbers.first().cloned())?
    };
    let numbers: Vec<String> = times.iter().map(number).collect::<Option<_>>()?;
    let distinct: BTreeSet<&String> = numbers.iter().collect();
    (distinct.len() == numbers.len()).then_some(numbers)
}
