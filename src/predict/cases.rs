//! Which cases an input holds: a file, a folder, or a list.

use super::Error;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// One case to segment: a file a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputCase {
    /// What it is called; its result is `NAME.nii.gz`.
    pub name: String,
    /// The files of its channels, in order.
    pub files: Vec<PathBuf>,
}

/// The cases that an input holds: one for a file; for a `.json` the images under `testing` or
/// `training` of a datalist, for a `.txt` one line a case (its channels apart by commas); for a folder
/// one for each image in it, or, where a model takes several channels, one for each group `NAME_0000`,
/// `NAME_0001`, … as nnU-Net has them.
///
/// # Errors
/// [`Error::Input`] for a path that is absent, a folder without an image, or a list without a case.
pub fn find_cases(input: &Path, channels: usize) -> Result<Vec<InputCase>, Error> {
    if input.is_file() {
        let ending = input.extension().unwrap_or_default().to_ascii_lowercase();
        return match ending.to_str() {
            Some("json") => listed(input, datalist(input)?),
            Some("txt") => listed(input, lines(input)?),
            _ => Ok(vec![InputCase {
                name: vesalius_io::strip_extension(input),
                files: vec![input.to_path_buf()],
            }]),
        };
    }
    in_folder(input, channels)
}

fn bad(input: &Path, reason: String) -> Error {
    Error::Input {
        path: input.to_path_buf(),
        reason,
    }
}

fn in_folder(input: &Path, channels: usize) -> Result<Vec<InputCase>, Error> {
    let entries =
        std::fs::read_dir(input).map_err(|e| bad(input, format!("cannot be read: {e}")))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file() && vesalius_io::is_image(path))
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(bad(
            input,
            "holds no image that can be read; expected files such as `case.nii.gz`".to_owned(),
        ));
    }
    // nnU-Net numbers a single channel too.
    let numbered = |file: &PathBuf| vesalius_io::strip_extension(file).ends_with("_0000");
    let by_number = channels > 1 || files.iter().all(numbered);
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let name = vesalius_io::strip_extension(&file);
        let name = match by_number {
            true => without_channel(&name).to_owned(),
            false => name,
        };
        groups.entry(name).or_default().push(file);
    }
    if let (1, Some((name, files))) = (channels, groups.iter().find(|(_, files)| files.len() > 1)) {
        return Err(bad(
            input,
            format!(
                "holds {} files called {name}, whose results would be one file; keep one of them",
                files.len()
            ),
        ));
    }
    Ok(groups
        .into_iter()
        .map(|(name, files)| InputCase { name, files })
        .collect())
}

/// The files of each case of a datalist, as the Medical Segmentation Decathlon and MONAI write it.
fn datalist(input: &Path) -> Result<Vec<Vec<String>>, Error> {
    let text = read(input)?;
    let list: Value =
        serde_json::from_str(&text).map_err(|e| bad(input, format!("is not JSON: {e}")))?;
    let filled = |key: &str| list[key].as_array().filter(|cases| !cases.is_empty());
    let cases = filled("testing").or_else(|| filled("test"));
    let cases = cases.or_else(|| filled("training")).ok_or_else(|| {
        bad(
            input,
            "has no case under `testing` or `training`; expected a datalist".to_owned(),
        )
    })?;
    let files = |case: &Value| {
        let image = if case.is_object() {
            &case["image"]
        } else {
            case
        };
        match image {
            Value::Array(files) => files
                .iter()
                .map(|f| f.as_str().map(str::to_owned))
                .collect(),
            image => image.as_str().map(|file| vec![file.to_owned()]),
        }
    };
    let found = cases.iter().map(files).collect::<Option<Vec<_>>>();
    found.ok_or_else(|| bad(input, "has a case without `image`".to_owned()))
}

fn lines(input: &Path) -> Result<Vec<Vec<String>>, Error> {
    let text = read(input)?;
    let used = text.lines().map(str::trim);
    let used = used.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(used
        .map(|line| line.split(',').map(|file| file.trim().to_owned()).collect())
        .collect())
}

fn read(input: &Path) -> Result<String, Error> {
    std::fs::read_to_string(input).map_err(|e| bad(input, format!("cannot be read: {e}")))
}

/// Cases of a list whose files stand beside it.
fn listed(input: &Path, cases: Vec<Vec<String>>) -> Result<Vec<InputCase>, Error> {
    let root = input.parent().unwrap_or(Path::new(""));
    let mut found: Vec<InputCase> = Vec::with_capacity(cases.len());
    for files in cases {
        let files: Vec<PathBuf> = files.iter().map(|file| root.join(file)).collect();
        let Some(first) = files.first() else { continue };
        let stem = vesalius_io::strip_extension(first);
        let name = match files.len() > 1 {
            true => without_channel(&stem).to_owned(),
            false => stem,
        };
        if found.iter().any(|case| case.name == name) {
            return Err(bad(
                input,
                format!("has two cases called {name}, whose results would be one file"),
            ));
        }
        found.push(InputCase { name, files });
    }
    match found.is_empty() {
        true => Err(bad(input, "has no case".to_owned())),
        false => Ok(found),
    }
}

/// `case_0003` without its channel number.
fn without_channel(name: &str) -> &str {
    match name.rsplit_once('_') {
        Some((stem, digits)) if digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) => {
            stem
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_grouped_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b_0001.nii.gz",
            "b_0000.nii.gz",
            "a_0000.nii.gz",
            "a_0001.nii.gz",
            "notes.txt",
        ] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let cases = find_cases(folder.path(), 2).unwrap();
        assert_eq!(
            cases.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
        assert!(cases[1].files[0].ends_with("b_0000.nii.gz"));
        assert_eq!(find_cases(folder.path(), 1).unwrap().len(), 4);
        std::fs::remove_file(folder.path().join("a_0001.nii.gz")).unwrap();
        std::fs::remove_file(folder.path().join("b_0001.nii.gz")).unwrap();
        assert_eq!(find_cases(folder.path(), 1).unwrap()[1].name, "b");
    }

    #[test]
    fn lists_name_files_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("list.json");
        let text = r#"{"training": [{"image": "x.nii.gz"}],
                       "testing": ["im/a.nii.gz", {"image": ["b_0000.nii.gz", "b_0001.nii.gz"]}]}"#;
        std::fs::write(&list, text).unwrap();
        let cases = find_cases(&list, 1).unwrap();
        assert_eq!((cases[0].name.as_str(), cases[1].name.as_str()), ("a", "b"));
        assert_eq!(cases[0].files, [folder.path().join("im/a.nii.gz")]);
        let lines = folder.path().join("list.txt");
        std::fs::write(&lines, "# two\na.nii, b.nii\n\nc.nii\n").unwrap();
        assert_eq!(find_cases(&lines, 2).unwrap()[0].files.len(), 2);
        std::fs::write(&lines, "a.nii\na.nii\n").unwrap();
        assert!(
            find_cases(&lines, 1)
                .unwrap_err()
                .to_string()
                .contains("two cases")
        );
        std::fs::write(&list, "{}").unwrap();
        assert!(
            find_cases(&list, 1)
                .unwrap_err()
                .to_string()
                .contains("testing")
        );
    }

    #[test]
    fn a_folder_without_images_says_so() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            find_cases(folder.path(), 1)
                .unwrap_err()
                .to_string()
                .contains("no image")
        );
        assert!(find_cases(&folder.path().join("gone"), 1).is_err());
    }
}
