//! The cases of a list, with paths relative to the list: a datalist, or a text with one case per line.

use super::{Error, FoundCases, InputCase, LeftOut, bad, checked, numbered, without_twins};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// An entry of a list: its files, or what is wrong with it.
type Entry = Result<Vec<String>, String>;

/// The cases of a datalist, as the Medical Segmentation Decathlon and MONAI write it.
pub(super) fn of_datalist(input: &Path, channels: usize) -> Result<FoundCases, Error> {
    let text = read(input)?;
    let list: Value =
        serde_json::from_str(&text).map_err(|e| bad(input, format!("is not JSON: {e}")))?;
    let filled = |key: &'static str| {
        let cases = list[key].as_array().filter(|cases| !cases.is_empty());
        cases.map(|cases| (key, cases))
    };
    let cases = filled("testing").or_else(|| filled("test"));
    let (key, cases) = cases.or_else(|| filled("training")).ok_or_else(|| {
        bad(
            input,
            "has no case under `testing` or `training`; expected a datalist".to_owned(),
        )
    })?;
    let entries = cases.iter().map(files_of);
    let named = entries
        .enumerate()
        .map(|(i, entry)| (format!("{key}[{i}]"), entry));
    listed(input, named.collect(), channels)
}

/// The files of an entry of a datalist.
fn files_of(case: &Value) -> Entry {
    let image = match case.is_object() {
        true => &case["image"],
        false => case,
    };
    let files: Option<Vec<String>> = match image {
        Value::Array(files) => files
            .iter()
            .map(|file| file.as_str().map(str::to_owned))
            .collect(),
        image => image.as_str().map(|file| vec![file.to_owned()]),
    };
    files.ok_or_else(|| {
        "names no `image`; expected a file, or a list with a file a channel".to_owned()
    })
}

/// The cases of a text, one line each; empty lines and those that begin with `#` are none.
pub(super) fn of_lines(input: &Path, channels: usize) -> Result<FoundCases, Error> {
    let text = read(input)?;
    let used = text.lines().map(str::trim).enumerate();
    let used = used.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let entries = used.map(|(i, line)| {
        let files = line.split(',').map(|file| file.trim().to_owned());
        (format!("line {}", i + 1), Ok(files.collect()))
    });
    listed(input, entries.collect(), channels)
}

fn read(input: &Path) -> Result<String, Error> {
    vesalius_io::read_text(input).map_err(|e| bad(input, format!("cannot be read: {e}")))
}

fn listed(
    input: &Path,
    entries: Vec<(String, Entry)>,
    channels: usize,
) -> Result<FoundCases, Error> {
    let root = input.parent().unwrap_or(Path::new(""));
    let mut found = FoundCases::default();
    for (place, entry) in entries {
        match entry.and_then(|files| case(root, &files, channels)) {
            Ok(case) => found.cases.push(case),
            Err(reason) => found.left_out.push(LeftOut {
                name: place,
                reason,
            }),
        }
    }
    without_twins(&mut found);
    checked(input, found)
}

/// The case of an entry, when its files are there.
fn case(root: &Path, files: &[String], channels: usize) -> Result<InputCase, String> {
    if files.is_empty() || files.iter().any(String::is_empty) {
        return Err("names no file, or an empty one; expected a file a channel".to_owned());
    }
    let paths: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
    if let Some(absent) = paths.iter().find(|path| !path.exists()) {
        return Err(format!(
            "{} is absent; files are looked for beside the list",
            absent.display()
        ));
    }
    if paths.len() != channels && paths.len() > 1 {
        return Err(format!(
            "names {}, but the model was trained on {channels}; name one file a channel",
            vesalius_volume::counted(paths.len(), "channel")
        ));
    }
    let stem = vesalius_io::strip_extension(&paths[0]);
    let name = match (paths.len(), numbered(&stem)) {
        (2.., Some((name, _))) => name.to_owned(),
        _ => stem,
    };
    Ok(InputCase { name, files: paths })
}

#[cfg(test)]
mod tests {
    use super::super::find_cases;

    #[test]
    fn lists_name_files_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        std::fs::create_dir(at.join("im")).unwrap();
        for name in [
            "im/a.nii.gz",
            "b_0000.nii.gz",
            "b_0001.nii.gz",
            "a.nii",
            "c.nii",
        ] {
            std::fs::write(at.join(name), "").unwrap();
        }
        let list = at.join("list.json");
        let text = r#"{"training": [{"image": "x.nii.gz"}],
                       "testing": ["im/a.nii.gz", {"image": ["b_0000.nii.gz", "b_0001.nii.gz"]}]}"#;
        std::fs::write(&list, text).unwrap();
        let cases = find_cases(&list, 2).unwrap().cases;
        assert_eq!((cases[0].name.as_str(), cases[1].name.as_str()), ("a", "b"));
        assert_eq!(cases[0].files, [at.join("im/a.nii.gz")]);
        let lines = at.join("list.txt");
        std::fs::write(&lines, "# two\na.nii, c.nii\n\nc.nii\n").unwrap();
        assert_eq!(find_cases(&lines, 2).unwrap().cases[0].files.len(), 2);
        std::fs::write(&lines, "a.nii\na.nii\n").unwrap();
        let refused = find_cases(&lines, 1).unwrap_err().to_string();
        assert!(refused.contains("two cases"), "{refused}");
        std::fs::write(&list, "{}").unwrap();
        let refused = find_cases(&list, 1).unwrap_err().to_string();
        assert!(refused.contains("testing"), "{refused}");
    }

    #[test]
    fn entries_that_are_not_whole_are_named_by_their_place() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path();
        for name in ["a.nii", "b.nii", "c.nii"] {
            std::fs::write(at.join(name), "").unwrap();
        }
        let list = at.join("list.json");
        let text = r#"{"testing": ["a.nii", "", {"image": []}, {"label": "b.nii"}, "gone.nii",
                       ["a.nii", "b.nii", "c.nii"]]}"#;
        std::fs::write(&list, text).unwrap();
        let found = find_cases(&list, 1).unwrap();
        assert_eq!(found.cases.len(), 1);
        let out: Vec<&str> = found.left_out.iter().map(|c| c.name.as_str()).collect();
        let places = [
            "testing[1]",
            "testing[2]",
            "testing[3]",
            "testing[4]",
            "testing[5]",
        ];
        assert_eq!(out, places);
        assert!(found.left_out[3].reason.contains("gone.nii is absent"));
        assert!(found.left_out[4].reason.contains("names 3 channels"));
        let lines = at.join("list.txt");
        std::fs::write(&lines, "a.nii\n, b.nii\ngone.nii\n").unwrap();
        let found = find_cases(&lines, 1).unwrap();
        let out: Vec<&str> = found.left_out.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(out, ["line 2", "line 3"]);
    }
}
