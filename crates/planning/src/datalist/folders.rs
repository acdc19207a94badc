//! A folder of images and a folder of labels, paired by file name.

use super::{CaseFiles, Datalist, channel_suffix, numbered_channels};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(super) fn pair(images: &Path, labels: &Path) -> Result<Datalist> {
    let bad = |reason: String| Error::Datalist {
        path: images.to_path_buf(),
        reason,
    };
    let by_case = cases(images)?;
    let mut labels_left = files(labels)?;
    let mut cases = vec![];
    let mut unpaired = vec![];
    for (name, files) in by_case {
        match labels_left.remove(&name) {
            Some(label) => cases.push(CaseFiles {
                name,
                images: files,
                label,
                fold: None,
                patient: None,
            }),
            None => unpaired.push(name),
        }
    }
    if !unpaired.is_empty() {
        return Err(bad(format!(
            "{} without a label of the same name in {}: {}",
            vesalius_volume::counted(unpaired.len(), "image"),
            labels.display(),
            some(unpaired.iter())
        )));
    }
    if !labels_left.is_empty() {
        return Err(bad(format!(
            "{} in {} without an image of the same name: {}",
            vesalius_volume::counted(labels_left.len(), "label"),
            labels.display(),
            some(labels_left.keys())
        )));
    }
    let channels = cases.first().map_or(1, |case| case.images.len());
    if let Some(case) = cases.iter().find(|case| case.images.len() != channels) {
        return Err(bad(format!(
            "case {} has {}, but {} has {channels}",
            case.name,
            vesalius_volume::counted(case.images.len(), "channel"),
            cases[0].name
        )));
    }
    Ok(Datalist {
        path: images.to_path_buf(),
        name: images
            .file_name()
            .map_or("dataset".to_owned(), |n| n.to_string_lossy().into_owned()),
        channels: numbered_channels(channels),
        labels: BTreeMap::new(),
        regions: vec![],
        ignore: None,
        cases,
        held_out: vec![],
        testing: vec![],
    })
}

/// Up to five names for a message.
fn some<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = if names.len() > 5 { ", …" } else { "" };
    let first: Vec<&str> = names.take(5).map(String::as_str).collect();
    format!("{}{more}", first.join(", "))
}

/// Each case's files, by channel where every name has a channel's number.
fn cases(folder: &Path) -> Result<BTreeMap<String, Vec<PathBuf>>> {
    let files = files(folder)?;
    if files.is_empty() {
        return Err(Error::Datalist {
            path: folder.to_path_buf(),
            reason: "has no image; expected NIfTI, MetaImage or NRRD files".to_owned(),
        });
    }
    let numbered = files.keys().all(|stem| channel_suffix(stem).is_some());
    let mut cases: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    // Names come sorted, so channels do.
    for (stem, file) in files {
        let name = match channel_suffix(&stem) {
            Some((case, _)) if numbered => case.to_owned(),
            _ => stem,
        };
        cases.entry(name).or_default().push(file);
    }
    Ok(cases)
}

/// The images of a folder by their names without suffixes.
fn files(folder: &Path) -> Result<BTreeMap<String, PathBuf>> {
    let bad = |reason: String| Error::Datalist {
        path: folder.to_path_buf(),
        reason,
    };
    let mut found = BTreeMap::new();
    let entries = std::fs::read_dir(folder).map_err(|e| bad(format!("cannot be read: {e}")))?;
    for entry in entries {
        let path = entry
            .map_err(|e| bad(format!("cannot be listed: {e}")))?
            .path();
        if !path.is_file() || !vesalius_io::is_image(&path) {
            continue;
        }
        let name = vesalius_io::strip_extension(&path);
        if let Some(other) = found.insert(name, path.clone()) {
            return Err(bad(format!(
                "{} and {} have one name; keep one of them",
                other.display(),
                path.display()
            )));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        folder
    }

    #[test]
    fn names_pair_images_with_labels() {
        let images = folder(&["b_0000.nii.gz", "b_0001.nii.gz", "a_0000.mha", "a_0001.mha"]);
        let labels = folder(&["a.nrrd", "b.nii.gz", "readme.txt"]);
        let list = Datalist::from_folders(images.path(), labels.path()).unwrap();
        assert_eq!(list.channels.len(), 2);
        assert_eq!(list.cases[0].name, "a");
        assert!(list.cases[1].images[1].ends_with("b_0001.nii.gz"));
    }

    #[test]
    fn what_has_no_partner_is_named() {
        let error = |images: &[&str], labels: &[&str]| {
            let (images, labels) = (folder(images), folder(labels));
            Datalist::from_folders(images.path(), labels.path())
                .unwrap_err()
                .to_string()
        };
        assert!(
            error(&["a.nii", "b.nii"], &["a.nii"]).contains("without a label of the same name")
        );
        assert!(
            error(&["a.nii"], &["a.nii", "c.nii"]).contains("without an image of the same name")
        );
        assert!(error(&[], &["a.nii"]).contains("has no image"));
        assert!(error(&["a.nii", "a.mha"], &["a.nii"]).contains("have one name"));
    }
}
