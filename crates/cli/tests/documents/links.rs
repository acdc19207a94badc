//! Links within the repository: each leads to a file and, with `#`, to one of its headings.

use crate::blocks::{documents, pages, prose, root};
use std::collections::BTreeSet;

/// The targets of all links and pictures of a document that lead into the repository.
fn targets(document: &str) -> Vec<String> {
    let prose = prose(document);
    let outside_code: String = prose.split('`').step_by(2).collect();
    let links = outside_code.split("](").skip(1);
    let targets = links.filter_map(|rest| rest.split_once(')'));
    let own = targets.map(|(target, _)| target.to_owned());
    own.filter(|target| !target.contains("://")).collect()
}

/// A path relative to the root, of a link in a document.
fn resolved(document: &str, target: &str) -> String {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            ".." => assert!(
                parts.pop().is_some(),
                "{document}: {target} leaves the tree"
            ),
            "." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as mdBook and GitHub make them.
fn anchors(document: &str) -> BTreeSet<String> {
    let prose = prose(document);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    let texts = headings.map(|line| line.trim_start_matches('#').trim());
    texts.map(anchor).collect()
}

fn anchor(heading: &str) -> String {
    let lower = heading.to_lowercase();
    let kept = lower.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        _ if letter.is_alphanumeric() || letter == '-' || letter == '_' => Some(letter),
        _ => None,
    });
    kept.collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut all = documents();
    all.extend(["ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"].map(str::to_owned));
    for document in all {
        for target in targets(&document) {
            let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
            let path = match path {
                "" => document.clone(),
                path => resolved(&document, path),
            };
            assert!(
                root().join(&path).exists(),
                "{document}: the link {target} leads nowhere"
            );
            assert!(
                !document.starts_with("docs/") || path.starts_with("docs/"),
                "{document}: the link {target} leaves the book; write the path as code"
            );
            assert!(
                heading.is_empty() || anchors(&path).contains(heading),
                "{document}: {path} has no heading for {target}; it has {:?}",
                anchors(&path)
            );
        }
    }
}

#[test]
fn every_page_is_in_the_summary_once() {
    let mut listed: Vec<String> = targets("docs/SUMMARY.md");
    listed
        .iter_mut()
        .for_each(|page| *page = format!("docs/{page}"));
    listed.sort();
    let mut expected = pages();
    expected.retain(|page| page != "docs/SUMMARY.md");
    assert_eq!(listed, expected);
}

#[test]
fn anchors_are_made_of_headings() {
    assert_eq!(anchor("1. Name the `dataset`"), "1-name-the-dataset");
    assert_eq!(anchor("Bounded memory, 2-D"), "bounded-memory-2-d");
    assert_eq!(resolved("docs/a/b.md", "../c.md"), "docs/c.md");
}
