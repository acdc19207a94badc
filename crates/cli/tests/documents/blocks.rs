//! The fenced blocks of Markdown files, and the commands in them.

use std::path::{Path, PathBuf};

/// A fenced block.
pub struct Block {
    /// The line of its fence, from 1.
    pub line: usize,
    /// The text after the fence.
    pub language: String,
    pub text: String,
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README.md and all pages of the book, relative to the root.
pub fn documents() -> Vec<String> {
    let mut all = pages();
    all.push("README.md".to_owned());
    all
}

/// All pages of the book, relative to the root.
pub fn pages() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root().join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(path),
                false if path.ends_with(".md") => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found
}

/// The text of a document outside of its blocks.
pub fn prose(document: &str) -> String {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut open = false;
    let mut outside = |line: &&str| {
        let fence = line.starts_with("```");
        open ^= fence;
        !fence && !open
    };
    let lines: Vec<&str> = text.lines().filter(|line| outside(line)).collect();
    lines.join("\n")
}

pub fn blocks(document: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(root().join(document)).unwrap();
    let mut found: Vec<Block> = Vec::new();
    let mut open = false;
    for (line, text) in (1..).zip(text.lines()) {
        match text.strip_prefix("```") {
            Some(language) if !open => {
                open = true;
                found.push(Block {
                    line,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            Some(_) => open = false,
            None if open => {
                let block = found.last_mut().unwrap();
                block.text += text;
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(!open, "{document}: a block is not closed");
    found
}

impl Block {
    /// The line of each command, itself with its continuations, and the lines of output that are shown below it.
    pub fn commands(&self) -> Vec<(usize, String, Vec<String>)> {
        let console = self.language == "console";
        if self.language != "sh" && !console {
            return Vec::new();
        }
        let mut found: Vec<(usize, String, Vec<String>)> = Vec::new();
        let mut continued = false;
        for (line, text) in (self.line + 1..).zip(self.text.lines()) {
            let own = match console {
                true => text.strip_prefix("$ "),
                false => Some(text).filter(|text| !text.trim().is_empty()),
            };
            match (found.last_mut(), own) {
                (Some(last), _) if continued => last.1 += &format!("\n{text}"),
                (_, Some(own)) if !own.starts_with('#') => {
                    found.push((line, own.to_owned(), Vec::new()));
                }
                (Some(last), None) if console => last.2.push(text.to_owned()),
                _ => continue,
            }
            continued = text.ends_with('\\');
        }
        found
    }
}

/// Whether the shown lines are among those that were printed, in their order; numbers may differ, and `…` stands for
/// any lines. Else the first that is missing.
pub fn is_shown<'a>(shown: &'a [String], said: &str) -> Result<(), &'a str> {
    let mut said = said.lines().map(shape);
    for line in shown.iter().filter(|line| *line != "…" && !line.is_empty()) {
        let wanted = shape(line);
        if !said.any(|said| said == wanted) {
            return Err(line);
        }
    }
    Ok(())
}

/// A line with `#` in the place of each number.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for letter in line.trim_end().chars() {
        let number = letter.is_ascii_digit() || letter == '.' && shape.ends_with('#');
        match number {
            true if shape.ends_with('#') => {}
            true => shape.push('#'),
            false => shape.push(letter),
        }
    }
    shape
}

#[test]
fn commands_and_what_is_shown_of_their_output_are_told_apart() {
    let block = |language: &str, text: &str| Block {
        line: 4,
        language: language.to_owned(),
        text: text.to_owned(),
    };
    let found = block("sh", "a b \\\n  --c\n\n# words\nd  # why\n").commands();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0, found[0].1.as_str()), (5, "a b \\\n  --c"));
    assert_eq!((found[1].0, found[1].1.as_str()), (9, "d  # why"));
    let found = block("console", "$ a\none 1.5\n…\ntwo\n").commands();
    assert_eq!(found[0].2, ["one 1.5", "…", "two"]);
    assert_eq!(is_shown(&found[0].2, "x\none 20\ny\ntwo\n"), Ok(()));
    assert_eq!(is_shown(&found[0].2, "two\none 20\n"), Err("two"));
    assert!(block("text", "vesalius x\n").commands().is_empty());
}
