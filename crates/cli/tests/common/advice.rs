//! What an error advises must exist: every option that it names is one of the command, and every
//! command that it prints is one of ours with options that it has.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Mutex;

/// Commands whose first argument is a command of its own.
const GROUPS: [&str; 6] = ["auto", "clinic", "data", "model", "filter", "pacs"];

static HELP: Mutex<BTreeMap<String, Option<String>>> = Mutex::new(BTreeMap::new());

/// Checks the advice in a command's stderr.
pub fn check(arguments: &[&str], text: &str) {
    let own = words_of_command(arguments.iter().copied());
    let mut own_text = String::new();
    for line in text.lines() {
        for (index, part) in line.split('`').enumerate() {
            let quoted = index % 2 == 1;
            let (before, command) = match part.split_once("vesalius ") {
                Some((before, command)) if quoted == before.is_empty() => (before, Some(command)),
                _ => (part, None),
            };
            command.inspect(|command| check_command(command, text));
            // Other quoted texts are not the command's own: a command line, a value, a key.
            if !quoted || before.starts_with("--") {
                own_text.push_str(before);
                own_text.push(' ');
            }
        }
    }
    let typed = |option: &String| {
        let given =
            |argument: &&str| argument == option || argument.starts_with(&format!("{option}="));
        arguments.iter().any(given)
    };
    // What the user typed may be quoted as it was, and every command has a help.
    let advised = options(&own_text).into_iter();
    for option in advised.filter(|option| !typed(option) && option != "--help") {
        assert!(
            has(&own, &option),
            "`vesalius {own}` has no {option}, which this advises:\n{text}"
        );
    }
}

/// Checks one command, without `vesalius` before it: it must exist and have the options that it names.
pub fn check_command(command: &str, text: &str) {
    let words = words_of_command(command.split_whitespace());
    assert!(
        help(&words).is_some(),
        "there is no command `vesalius {words}`, which this advises:\n{text}"
    );
    for option in options(command) {
        assert!(
            has(&words, &option),
            "`vesalius {words}` has no {option}, which this advises:\n{text}"
        );
    }
}

/// The command of its arguments: `auto run`, `filter median`, `evaluate`.
fn words_of_command<'a>(arguments: impl Iterator<Item = &'a str>) -> String {
    let plain = |word: &&str| {
        !word.is_empty()
            && word
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    let mut words = arguments
        .take_while(plain)
        .filter(|word| !word.starts_with('-'));
    let Some(first) = words.next() else {
        return String::new();
    };
    match words.next() {
        Some(second) if GROUPS.contains(&first) => format!("{first} {second}"),
        _ => first.to_owned(),
    }
}

/// Every `--option` of a text.
fn options(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("--") {
        let before = text[..at].chars().next_back();
        let name: String = text[at + 2..]
            .chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '-')
            .collect();
        let starts = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '/');
        if starts && name.len() > 1 && !name.starts_with('-') {
            found.push(format!("--{}", name.trim_end_matches('-')));
        }
    }
    found
}

fn has(command: &str, option: &str) -> bool {
    let Some(help) = help(command) else {
        return false;
    };
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '-');
    help.match_indices(option)
        .any(|(at, _)| ends(&help[at + option.len()..]))
}

/// What `vesalius COMMAND --help` prints; `None` when there is no such command.
fn help(command: &str) -> Option<String> {
    let mut known = HELP.lock().unwrap();
    if let Some(help) = known.get(command) {
        return help.clone();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_vesalius"))
        .args(command.split_whitespace())
        .arg("--help")
        .output()
        .unwrap();
    let help = output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned());
    known.insert(command.to_owned(), help.clone());
    help
}
