//! nnU-Net's raw folder: `imagesTr/CASE_0000.ending`, one file per channel, `labelsTr/CASE.ending`, and
//! `imagesTs` without labels. Cases come in the order that nnU-Net sorts them into.

use super::{CaseFiles, UnlabelledFiles, channel_suffix};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A case in `dataset.json`'s own `dataset`, whose files lie anywhere.
#[derive(Deserialize)]
pub(super) struct ListedCase {
    images: Vec<PathBuf>,
    label: PathBuf,
}

pub(super) fn listed(root: &Path, dataset: BTreeMap<String, ListedCase>) -> Vec<CaseFiles> {
    let cases = dataset.into_iter().map(|(name, case)| CaseFiles {
        name,
        images: case.images.iter().map(|path| root.join(path)).collect(),
        label: root.join(case.label),
        fold: None,
        patient: None,
    });
    cases.collect()
}

/// The cases of `imagesTr` and `labelsTr`; `channels` is how many the list names, 0 if it names none.
pub(super) fn labelled(
    root: &Path,
    ending: &str,
    channels: usize,
) -> Result<Vec<CaseFiles>, String> {
    let images = images(&root.join("imagesTr"), ending)?;
    let labels = root.join("labelsTr");
    let cases = images.into_iter().map(|(name, images)| {
        if channels > 0 && images.len() != channels {
            return Err(format!(
                "names {}, but case {name} has {} in imagesTr",
                vesalius_volume::counted(channels, "channel"),
                vesalius_volume::counted(images.len(), "file")
            ));
        }
        Ok(CaseFiles {
            label: labels.join(format!("{name}{ending}")),
            name,
            images,
            fold: None,
            patient: None,
        })
    });
    cases.collect()
}

/// The cases of `imagesTs`; none when there is no such folder.
pub(super) fn unlabelled(root: &Path, ending: &str) -> Result<Vec<UnlabelledFiles>, String> {
    let folder = root.join("imagesTs");
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let cases = images(&folder, ending)?.into_iter();
    Ok(cases
        .map(|(name, images)| UnlabelledFiles { name, images })
        .collect())
}

/// Each case's files in order of their channels, which must run from 0 without a gap.
fn images(folder: &Path, ending: &str) -> Result<BTreeMap<String, Vec<PathBuf>>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| {
        format!(
            "has no list under `training`, and {} cannot be read ({e}); an nnU-Net raw folder has imagesTr and labelsTr beside dataset.json",
            folder.display()
        )
    })?;
    let mut cases: BTreeMap<String, BTreeMap<usize, PathBuf>> = BTreeMap::new();
    for entry in entries {
        let path = entry
            .map_err(|e| format!("{} cannot be listed: {e}", folder.display()))?
            .path();
        let Some(name) = path.file_name().map(|n| n.to_string_lossy()) else {
            continue;
        };
        let Some(stem) = name.strip_suffix(ending) else {
            continue;
        };
        let (case, channel) = channel_suffix(stem).ok_or_else(|| {
            format!(
                "{}: the name has no channel number; expected CASE_0000{ending}",
                path.display()
            )
        })?;
        let case = cases.entry(case.to_owned()).or_default();
        case.insert(channel, path);
    }
    let whole =
        cases.into_iter().map(
            |(name, files)| match files.keys().copied().eq(0..files.len()) {
                true => Ok((name, files.into_values().collect())),
                false => Err(format!(
                    "case {name} has the channels {:?} in {}, expected 0, 1, … without a gap",
                    files.keys().collect::<Vec<_>>(),
                    folder.display()
                )),
            },
        );
    whole.collect()
}

#[cfg(test)]
mod tests {
    use crate::Datalist;
    use std::path::Path;

    fn raw(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in ["imagesTr", "labelsTr", "imagesTs"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        for file in files {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let json = r#"{"channel_names": {"0": "T2", "1": "ADC"}, "labels": {"background": 0, "p": 1},
                       "numTraining": 2, "file_ending": ".nii.gz"}"#;
        std::fs::write(folder.path().join("dataset.json"), json).unwrap();
        folder
    }

    fn error(folder: &Path) -> String {
        Datalist::read(folder).unwrap_err().to_string()
    }

    #[test]
    fn channels_become_the_files_of_a_case() {
        let folder = raw(&[
            "imagesTr/b_2_0001.nii.gz",
            "imagesTr/b_2_0000.nii.gz",
            "imagesTr/a_1_0000.nii.gz",
            "imagesTr/a_1_0001.nii.gz",
            "imagesTr/notes.txt",
            "labelsTr/a_1.nii.gz",
            "labelsTr/b_2.nii.gz",
            "imagesTs/c_0000.nii.gz",
            "imagesTs/c_0001.nii.gz",
        ]);
        let list = Datalist::read(folder.path()).unwrap();
        let names: Vec<&str> = list.cases.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["a_1", "b_2"]);
        assert!(list.cases[1].images[1].ends_with("imagesTr/b_2_0001.nii.gz"));
        assert_eq!(list.testing[0].images.len(), 2);
        assert_eq!(
            list.label_scheme().unwrap().channel_names(),
            ["background", "p"]
        );
    }

    #[test]
    fn a_channel_too_few_a_gap_and_a_plain_name_are_named() {
        let few = error(raw(&["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"]).path());
        assert!(
            few.contains("names 2 channels") && few.contains("case a"),
            "{few}"
        );
        let gap = error(raw(&["imagesTr/a_0000.nii.gz", "imagesTr/a_0002.nii.gz"]).path());
        assert!(gap.contains("[0, 2]"), "{gap}");
        let plain = error(raw(&["imagesTr/a.nii.gz"]).path());
        assert!(plain.contains("_0000.nii.gz"), "{plain}");
        let folder = raw(&[]);
        std::fs::remove_dir(folder.path().join("imagesTr")).unwrap();
        assert!(error(folder.path()).contains("imagesTr"));
    }
}
