//! The paths by which members are called: below that of the archive, whatever they say.

use crate::place::Place;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The path of a member below its archive. Roots and steps upwards are left out, and control characters replaced: the
/// path is a name, which is shown and never opened.
pub(super) fn path(archive: &Path, name: &str) -> PathBuf {
    let clean = |part: &str| -> String {
        let kept = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        part.chars().map(kept).collect()
    };
    let parts = name.split(['/', '\\']).map(clean);
    let parts = parts.filter(|part| !matches!(part.as_str(), "" | "." | ".."));
    let mut path = archive.as_os_str().to_owned();
    for part in parts {
        path.push("/");
        path.push(part);
    }
    path.into()
}

/// Gives members of one path different ones, as a path tells files apart. They are sorted by their paths.
pub(super) fn make_unique(members: &mut [Place]) {
    let is_repeated = members
        .windows(2)
        .any(|pair| pair[0].path() == pair[1].path());
    if !is_repeated {
        return;
    }
    let mut taken = HashSet::new();
    for member in members {
        let mut path = member.path().to_owned();
        let mut number = 2;
        while !taken.insert(path.clone()) {
            let mut numbered = member.path().as_os_str().to_owned();
            numbered.push(format!(" ({number})"));
            path = numbered.into();
            number += 1;
        }
        if path != member.path() {
            *member = member.clone().named(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_archive_and_are_unique() {
        let archive = Path::new("a/b.zip");
        for (name, expected) in [
            ("x/1.dcm", "a/b.zip/x/1.dcm"),
            ("/etc/passwd", "a/b.zip/etc/passwd"),
            ("../../x", "a/b.zip/x"),
            ("c:\\x\\.\\1", "a/b.zip/c:/x/1"),
            ("\u{1b}[31mred\n", "a/b.zip/\u{fffd}[31mred\u{fffd}"),
        ] {
            assert_eq!(path(archive, name), Path::new(expected));
        }
        let place = |name: &str| Place::in_memory(name, Vec::new());
        let mut members = vec![place("a"), place("a"), place("a"), place("a (2)")];
        make_unique(&mut members);
        let names: Vec<_> = members.iter().map(|m| m.path().to_str().unwrap()).collect();
        assert_eq!(names, ["a", "a (2)", "a (3)", "a (2) (2)"]);
    }
}
