//! Comments and documents are in plain words: archaic turns and metaphors that were once in them do not return.

use std::fs;
use std::path::{Path, PathBuf};

/// Phrases with one meaning each, in lower case; a letter before or after makes another word.
const PHRASES: [&str; 36] = [
    "'s affair",
    "' affair",
    "a house of",
    "a stranger to",
    "anew",
    "bearable",
    "dear to",
    "dearer",
    "dealt",
    "for ever",
    "gone on with",
    "is born",
    "lend",
    "lends",
    "lent",
    "met again",
    "module's business",
    "no affair of",
    "of no matter",
    "on loan",
    "peer's words",
    "peers' words",
    "polite kill",
    "reckon",
    "reckoned",
    "reckons",
    "same road",
    "sitting",
    "sittings",
    "slip of the keys",
    "slip of the pen",
    "the road from",
    "the way back",
    "through the house",
    "told nobody",
    "whoever",
];

/// The history of changes is not rewritten; this file has the phrases.
const EXCEPTIONS: [&str; 2] = ["CHANGELOG.md", "words.rs"];

/// Every file with one of these endings in a folder and below it; build products and hidden folders aside.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files(&path, found);
        } else if (name.ends_with(".rs") || name.ends_with(".md"))
            && !EXCEPTIONS.contains(&name.as_str())
        {
            found.push(path);
        }
    }
}

/// The part of a line that people read: all of a document's, the comment of a program's.
fn prose(line: &str, is_document: bool) -> &str {
    let line = line.trim_start();
    match is_document || line.starts_with("//") {
        true => line,
        false => line.split_once(" // ").map_or("", |(_, comment)| comment),
    }
}

/// The phrase of the list that a text holds as whole words, if any.
fn phrase_in(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    PHRASES.into_iter().find(|phrase| {
        text.match_indices(phrase).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + phrase.len()..].chars().next();
            let is_letter = |neighbour: Option<char>| neighbour.is_some_and(char::is_alphabetic);
            (phrase.starts_with('\'') || !is_letter(before)) && !is_letter(after)
        })
    })
}

#[test]
fn comments_and_documents_are_in_plain_words() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    files(root, &mut paths);
    assert!(paths.iter().any(|path| path.ends_with("src/lib.rs")));
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let is_document = path.extension().is_some_and(|ending| ending == "md");
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(phrase) = phrase_in(prose(line, is_document)) {
                let path = path.strip_prefix(root).unwrap().display();
                found.push(format!("{path}:{number}: `{phrase}`: {}", line.trim()));
            }
        }
    }
    assert!(
        found.is_empty(),
        "say it in plain words:\n{}",
        found.join("\n")
    );
}

#[test]
fn a_phrase_is_found_as_whole_words_alone() {
    assert_eq!(phrase_in("Written Anew."), Some("anew"));
    assert_eq!(phrase_in("that is the caller's affair"), Some("'s affair"));
    assert_eq!(phrase_in("an excellent renewal, silently"), None);
    assert_eq!(prose("let a = 1; // for ever", false), "for ever");
    assert_eq!(prose("let text = \"for ever\";", false), "");
}
