//! The picture of the crates in ARCHITECTURE.md shows what their manifests say.

use crate::blocks::{blocks, root};
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

type Crates = BTreeMap<String, BTreeSet<String>>;

/// The crates of this workspace that each of its crates depends on, tests aside, as cargo has it.
fn of_cargo() -> Crates {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let short = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        name.strip_prefix("vesalius-").unwrap_or(name).to_owned()
    };
    let is_ours = |dependency: &&serde_json::Value| {
        dependency["kind"].is_null() && dependency["name"].as_str().unwrap().starts_with("vesalius")
    };
    let packages = metadata["packages"].as_array().unwrap();
    let uses = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().unwrap();
        let ours = dependencies.iter().filter(is_ours);
        ours.map(|dependency| short(&dependency["name"])).collect()
    };
    packages
        .iter()
        .map(|package| (short(&package["name"]), uses(package)))
        .collect()
}

/// Lines `name: others` of the block of text that begins with `control:`; a line without a name continues the one above.
fn of_the_picture() -> Crates {
    let blocks = blocks("ARCHITECTURE.md");
    let picture = blocks
        .iter()
        .find(|block| block.text.starts_with("control:"));
    let mut shown = Crates::new();
    let mut last = String::new();
    for line in picture
        .expect("ARCHITECTURE.md has the picture")
        .text
        .lines()
    {
        let (name, uses) = line.split_once(':').unwrap_or((&last, line));
        let (name, uses) = (name.trim().to_owned(), uses.split_whitespace());
        shown
            .entry(name.clone())
            .or_default()
            .extend(uses.map(str::to_owned));
        last = name;
    }
    shown
}

#[test]
fn the_picture_of_the_crates_is_that_of_their_manifests() {
    let (shown, found) = (of_the_picture(), of_cargo());
    for (name, uses) in &found {
        assert_eq!(
            shown.get(name),
            Some(uses),
            "`{name}` in ARCHITECTURE.md (left), its manifest (right)"
        );
    }
    assert_eq!(shown.len(), found.len(), "ARCHITECTURE.md has more crates");
}
