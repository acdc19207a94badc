//! Programs in the book are compiled: by the doctests of the root crate, or as a part of a file that is. Commands in the
//! text exist and have the options that they name.

use crate::blocks::{Block, blocks, documents, pages, prose, root};
use crate::common::advice;
use std::collections::BTreeSet;

/// What a block includes, if it is nothing but that.
fn included(block: &Block) -> Option<&str> {
    let line = block.text.trim().strip_prefix("{{#include ")?;
    line.strip_suffix("}}")
}

#[test]
fn every_program_in_the_book_is_compiled() {
    let doctests = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for page in pages() {
        for block in blocks(&page) {
            if !block.language.starts_with("rust") {
                continue;
            }
            let place = format!("{page}:{}", block.line);
            assert_eq!(block.language, "rust", "{place}: it is not run");
            match included(&block) {
                Some(target) => check_include(&page, target, &place),
                None => assert!(
                    doctests.contains(&format!("include_str!(\"../{page}\")")),
                    "{place}: the page is not among the doctests in src/lib.rs"
                ),
            }
        }
    }
}

/// The file of an include is compiled by the tests, and has the anchor.
fn check_include(page: &str, target: &str, place: &str) {
    let (file, anchor) = target.split_once(':').unwrap_or((target, ""));
    let path = root().join(page).parent().unwrap().join(file);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|error| panic!("{place}: {file}: {error}"));
    let compiled = ["examples/", "tests/outside/"];
    assert!(
        compiled.iter().any(|folder| file.contains(folder)),
        "{place}: {file} is in none of {compiled:?}"
    );
    let line = format!("// ANCHOR: {anchor}");
    assert!(
        anchor.is_empty() || text.lines().any(|own| own.trim() == line),
        "{place}: {file} has no `{line}`"
    );
}

/// Names of the library in the second column of tables: types, and words before `(` or after `::`.
fn names(section: &str) -> Vec<&str> {
    let rows = section.lines().filter(|line| line.starts_with("| "));
    let cells = rows.filter_map(|row| row.split(" | ").nth(1));
    let code = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2));
    code.flat_map(names_in).collect()
}

fn names_in(code: &str) -> Vec<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let words = code.split(|letter: char| !is_name(letter));
    let start = |word: &str| word.as_ptr() as usize - code.as_ptr() as usize;
    let is_called = |word: &&str| {
        let (before, after) = code.split_at(start(word));
        before.ends_with("::") || after[word.len()..].starts_with('(')
    };
    let is_type = |word: &&str| word.starts_with(|letter: char| letter.is_ascii_uppercase());
    let found = words.filter(|word| word.len() > 1 && (is_type(word) || is_called(word)));
    found.collect()
}

/// In the tables of the pages for users of other tools, each name of ours is used in the page's program.
#[test]
fn every_name_in_the_tables_of_calls_is_in_the_program_below() {
    for page in pages().iter().filter(|page| page.contains("docs/from-")) {
        let programs = blocks(page);
        let programs = programs.iter().filter(|block| block.language == "rust");
        let program: String = programs.map(|block| block.text.as_str()).collect();
        let text = prose(page);
        let sections = text
            .split("\n## ")
            .filter(|section| section.contains("| Rust |"));
        for name in sections.flat_map(names) {
            assert!(
                program.contains(name),
                "{page}: `{name}` of a table is not in the page's program"
            );
        }
    }
}

/// All words of the library's sources.
fn words_of_sources() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    let mut folders = vec![root().join("crates"), root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
                words.extend(text.split(|letter| !is_name(letter)).map(str::to_owned));
            }
        }
    }
    words
}

/// Paths such as `Chain::samples` in the text: a name that was changed in the library is changed in the book.
#[test]
fn every_path_in_the_text_is_made_of_names_of_the_library() {
    let known = words_of_sources();
    // Decisions also name what was tried of other libraries.
    let own = documents()
        .into_iter()
        .filter(|name| name != "docs/decisions.md");
    for document in own {
        let text = prose(&document);
        for code in text.split('`').skip(1).step_by(2) {
            for path in
                code.split(|letter: char| !letter.is_ascii_alphanumeric() && !"_:".contains(letter))
            {
                let names = path
                    .split("::")
                    .filter(|name| !name.is_empty() && !name.contains(':'));
                let unknown = names.clone().find(|name| !known.contains(*name));
                assert!(
                    !path.contains("::") || unknown.is_none() || path.starts_with("f::"),
                    "{document}: `{path}`: there is no {unknown:?} in the library"
                );
            }
        }
    }
}

#[test]
fn names_are_types_and_what_is_called() {
    let code = "io::open(path), then `Volume::stack` of parts, seed(0)";
    assert_eq!(names_in(code), ["open", "Volume", "stack", "seed"]);
}

#[test]
fn every_command_in_the_text_exists() {
    for document in documents() {
        let text = prose(&document);
        for code in text.split('`').skip(1).step_by(2) {
            if let Some(command) = code.strip_prefix("vesalius ") {
                advice::check_command(command, &format!("{document}: `{code}`"));
            }
        }
    }
}
