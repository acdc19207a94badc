//! The cases of a folder: an image or a folder of DICOM files each, or a name with numbered channels as nnU-Net has
//! them.

use super::dicom::holds_series;
use super::{Error, FoundCases, Images, InputCase, LeftOut, bad, checked, numbered, without_twins};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files of a folder.
#[derive(Default)]
struct Listed {
    images: Vec<PathBuf>,
    /// Folders and archives with DICOM series.
    studies: Vec<PathBuf>,
    left_out: Vec<LeftOut>,
    ignored: Vec<PathBuf>,
}

pub(super) fn in_folder(input: &Path, channels: usize, kind: Images) -> Result<FoundCases, Error> {
    let Listed {
        images,
        studies,
        left_out,
        ignored,
    } = list(input, kind)?;
    // A folder of DICOM files, or of nothing but their folders, is one patient's.
    if images.is_empty() && !kind.pictures && is_one_study(input, &studies, &left_out) {
        return Ok(FoundCases {
            cases: vec![study(input.to_path_buf())],
            ..FoundCases::default()
        });
    }
    if images.is_empty() && studies.is_empty() && left_out.is_empty() {
        return Err(bad(
            input,
            match kind.pictures {
                false => "holds no image that can be read; expected files such as `case.nii.gz`",
                true => "holds no picture, which the model was trained on; expected files such as `case_0000.png`",
            }
            .to_owned(),
        ));
    }
    let mut found = match are_channels(&images, channels, kind) {
        true => by_number(images, channels, kind),
        false => each(images, kind),
    };
    found.cases.extend(studies.into_iter().map(study));
    found.left_out.extend(left_out);
    found.ignored = ignored;
    without_twins(&mut found);
    found.cases.sort_by(|a, b| a.name.cmp(&b.name));
    found.left_out.sort_by(|a, b| a.name.cmp(&b.name));
    checked(input, found)
}

/// The entries of a folder, hidden ones aside.
fn list(input: &Path, kind: Images) -> Result<Listed, Error> {
    let fail = |e: std::io::Error| bad(input, format!("cannot be read: {e}"));
    let mut listed = Listed::default();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(input)
        .map_err(fail)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(fail)?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || is_voxels_of_a_header(&path) {
            continue;
        }
        if path.is_file() && kind.are(&path) {
            listed.images.push(path);
            continue;
        }
        let may_hold = path.is_dir() && !holds_images(&path)
            || path.is_file() && vesalius_io::is_archive(&path);
        if may_hold && !kind.pictures && holds_series(&path) {
            listed.studies.push(path);
            continue;
        }
        let reason = match () {
            () if path.is_dir() => holds_images(&path).then_some(
                "is a folder with images in it; folders below the input are not searched: give it as an input of its own",
            ),
            () if !path.exists() => Some("is a link that leads nowhere"),
            () => vesalius_io::probe(&path).is_ok().then_some(
                "is an image by its content, but not by its name, which should end as its format's does (.nii.gz, .nii, .mha, .mhd, .nrrd, .nhdr, .hdr, .mgh, .mgz); rename it, or convert DICOM files to an image file first",
            ),
        };
        match reason {
            Some(reason) => listed.left_out.push(LeftOut {
                name: name.into_owned(),
                reason: reason.to_owned(),
            }),
            None => listed.ignored.push(path),
        }
    }
    Ok(listed)
}

/// Whether a file is the data of an image whose header is another file: `.img` of `.hdr`, `.raw` of `.mhd` and
/// `.nhdr`.
fn is_voxels_of_a_header(path: &Path) -> bool {
    let name = path.to_string_lossy();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let Some((stem, ending)) = name.rsplit_once('.') else {
        return false;
    };
    let headers: &[&str] = match ending.to_ascii_lowercase().as_str() {
        "img" => &["hdr", "HDR", "hdr.gz"],
        "raw" | "zraw" => &["mhd", "nhdr"],
        _ => &[],
    };
    let there = |header: &&str| Path::new(&format!("{stem}.{header}")).is_file();
    headers.iter().any(there)
}

/// Whether all of an input is one DICOM study, with files in the input itself.
fn is_one_study(input: &Path, studies: &[PathBuf], left_out: &[LeftOut]) -> bool {
    // Files that are DICOM by their content alone were listed as left out.
    let files = !left_out.is_empty() || studies.is_empty();
    files && holds_series(input)
}

/// A DICOM series as a case that is called as its folder or archive.
fn study(folder: PathBuf) -> InputCase {
    // `.` and `..` have no name of their own.
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.clone());
    let name = match folder.is_dir() {
        true => whole
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        false => vesalius_io::strip_extension(&folder),
    };
    InputCase {
        name,
        files: vec![folder],
    }
}

/// Whether a folder directly holds an image file.
fn holds_images(folder: &Path) -> bool {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    /// Files that are looked at.
    const MOST: usize = 20;
    let mut files = files.map(|entry| entry.path()).filter(|p| p.is_file());
    let mut files = files.by_ref().take(MOST);
    let image = |file: &PathBuf| {
        vesalius_io::is_image(file)
            || vesalius_io::probe(file).is_ok_and(|info| info.format != vesalius_io::Format::Dicom)
    };
    files.any(|file| image(&file))
}

/// Whether the numbers at the end of names are channels: a name ends in `_0000`. Only files of one name, and
/// nothing else, for a model of one channel are cases counted from 0.
fn are_channels(images: &[PathBuf], channels: usize, kind: Images) -> bool {
    let names: Vec<String> = images.iter().map(|path| kind.name(path)).collect();
    let parts: Vec<Option<(&str, usize)>> = names.iter().map(|name| numbered(name)).collect();
    let first = parts.iter().flatten().any(|(_, number)| *number == 0);
    let stems: BTreeSet<&str> = parts.iter().flatten().map(|(stem, _)| *stem).collect();
    let counted = parts.iter().all(Option::is_some) && stems.len() == 1 && names.len() > 1;
    first && (channels > 1 || !counted)
}

fn each(images: Vec<PathBuf>, kind: Images) -> FoundCases {
    let case = |file: PathBuf| InputCase {
        name: kind.name(&file),
        files: vec![file],
    };
    FoundCases {
        cases: images.into_iter().map(case).collect(),
        ..FoundCases::default()
    }
}

/// One case for each name before the numbers.
fn by_number(images: Vec<PathBuf>, channels: usize, kind: Images) -> FoundCases {
    let mut groups: BTreeMap<String, Vec<(Option<usize>, PathBuf)>> = BTreeMap::new();
    for file in images {
        let name = kind.name(&file);
        let (stem, number) = match numbered(&name) {
            Some((stem, number)) => (stem.to_owned(), Some(number)),
            None => (name, None),
        };
        groups.entry(stem).or_default().push((number, file));
    }
    let mut found = FoundCases::default();
    let names: Vec<String> = groups.keys().cloned().collect();
    for (name, mut files) in groups {
        files.sort();
        // The colours of a picture are channels of one file.
        let colours = kind.pictures && matches!(files[..], [(Some(0), _)]);
        let misfit = match colours {
            true => None,
            false => misfit(&name, &files, channels, &names),
        };
        match misfit {
            Some(reason) => found.left_out.push(LeftOut { name, reason }),
            None => found.cases.push(InputCase {
                name,
                files: files.into_iter().map(|(_, file)| file).collect(),
            }),
        }
    }
    found
}

/// Why files are not the channels of one case.
fn misfit(
    name: &str,
    files: &[(Option<usize>, PathBuf)],
    channels: usize,
    names: &[String],
) -> Option<String> {
    let numbers: Vec<usize> = files.iter().filter_map(|(number, _)| *number).collect();
    // A file without a number is a complete case; its channels are a fourth axis.
    if numbers.is_empty() && files.len() == 1 {
        return None;
    }
    let whole = numbers.iter().copied().eq(0..channels) && numbers.len() == files.len();
    if whole {
        return None;
    }
    let listed: Vec<String> = files
        .iter()
        .map(|(_, file)| {
            file.file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    let expected = match channels {
        1 => format!(
            "{name}_0000 alone, as the model takes one channel (files that are cases of their own are named one a line in a .txt)"
        ),
        _ => format!("{name}_0000 to {name}_{:04}, one file each", channels - 1),
    };
    let mut reason = format!("has {}, expected {expected}", listed.join(", "));
    let alike = |other: &&String| *other != name && other.to_lowercase() == name.to_lowercase();
    if let Some(other) = names.iter().find(alike) {
        reason += &format!(" ({other} differs only in upper and lower case)");
    }
    Some(reason)
}

#[cfg(test)]
mod tests {
    use super::super::find_cases;
    use super::*;

    fn folder(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        folder
    }

    fn names(found: &FoundCases) -> (Vec<&str>, Vec<&str>) {
        let whole = found.cases.iter().map(|case| case.name.as_str());
        let out = found.left_out.iter().map(|case| case.name.as_str());
        (whole.collect(), out.collect())
    }

    #[test]
    fn channels_are_grouped_by_name() {
        let folder = folder(&[
            "b_0001.nii.gz",
            "b_0000.nii.gz",
            "a_0000.nii.gz",
            "a_0001.nii.gz",
            "notes.txt",
        ]);
        let found = find_cases(folder.path(), 2).unwrap();
        assert_eq!(names(&found), (vec!["a", "b"], vec![]));
        assert!(found.cases[1].files[0].ends_with("b_0000.nii.gz"));
        assert_eq!(found.ignored, [folder.path().join("notes.txt")]);
        // nnU-Net numbers a single channel too; a second one is too many.
        std::fs::remove_file(folder.path().join("b_0001.nii.gz")).unwrap();
        let found = find_cases(folder.path(), 1).unwrap();
        assert_eq!(names(&found), (vec!["b"], vec!["a"]));
        assert!(found.left_out[0].reason.contains("a_0000 alone"));
    }

    #[test]
    fn a_channels_number_means_the_same_whatever_stands_beside_it() {
        let alone = folder(&["case1_0000.nii"]);
        assert_eq!(
            names(&find_cases(alone.path(), 1).unwrap()),
            (vec!["case1"], vec![])
        );
        let beside = folder(&["case1_0000.nii", "case2.nii"]);
        let found = find_cases(beside.path(), 1).unwrap();
        assert_eq!(names(&found), (vec!["case1", "case2"], vec![]));
        let surplus = folder(&["case1_0000.nii", "case1_0001.nii", "case2.nii"]);
        let found = find_cases(surplus.path(), 1).unwrap();
        assert_eq!(names(&found), (vec!["case2"], vec!["case1"]));
        assert!(found.left_out[0].reason.contains(".txt"));
    }

    #[test]
    fn cases_counted_from_0_are_cases() {
        let folder = folder(&["case_0000.nii", "case_0001.nii", "case_0002.nii"]);
        let found = find_cases(folder.path(), 1).unwrap();
        assert_eq!(found.cases.len(), 3);
        assert_eq!(found.cases[2].name, "case_0002");
    }

    #[test]
    fn what_is_not_whole_is_left_out_by_name() {
        let folder = folder(&[
            "good_0000.nii.gz",
            "good_0001.nii.gz",
            "gap_0000.nii.gz",
            "gap_0002.nii.gz",
            "surplus_0000.nii.gz",
            "surplus_0001.nii.gz",
            "surplus_0002.nii.gz",
            "twice_0000.nii.gz",
            "twice_0000.nii",
            "twice_0001.nii.gz",
            "Case_0000.nii.gz",
            "case_0001.nii.gz",
        ]);
        let found = find_cases(folder.path(), 2).unwrap();
        let (whole, out) = names(&found);
        assert_eq!(whole, ["good"]);
        assert_eq!(out, ["Case", "case", "gap", "surplus", "twice"]);
        let reason = |at: usize| found.left_out[at].reason.as_str();
        assert!(reason(0).contains("differs only in upper and lower case"));
        assert!(reason(2).contains("gap_0002.nii.gz, expected gap_0000 to gap_0001"));
        assert!(reason(4).contains("twice_0000.nii, twice_0000.nii.gz"));
    }

    #[test]
    fn one_name_with_two_endings_is_left_out_and_the_others_stay() {
        let folder = folder(&["a.nii", "a.nii.gz", "b.mha"]);
        let found = find_cases(folder.path(), 1).unwrap();
        assert_eq!(names(&found), (vec!["b"], vec!["a"]));
        std::fs::remove_file(folder.path().join("b.mha")).unwrap();
        let refused = find_cases(folder.path(), 1).unwrap_err().to_string();
        assert!(refused.contains("two cases called a"), "{refused}");
    }

    #[test]
    fn images_in_another_form_are_named() {
        use vesalius_volume::{Geometry, Volume};
        let folder = folder(&["a.nii.gz", "readme", "empty.img"]);
        let grid = Geometry::axis_aligned([3; 3], [1.0; 3]).unwrap();
        let image = Volume::filled(grid, 1u8);
        vesalius_io::write(folder.path().join("x.nii"), &image).unwrap();
        std::fs::rename(folder.path().join("x.nii"), folder.path().join("IM0001")).unwrap();
        std::fs::create_dir(folder.path().join("series")).unwrap();
        vesalius_io::write(folder.path().join("series/y.nii"), &image).unwrap();
        std::fs::create_dir(folder.path().join("nothing")).unwrap();
        vesalius_io::write(folder.path().join("pair.hdr"), &image).unwrap();
        let found = find_cases(folder.path(), 1).unwrap();
        assert_eq!(names(&found), (vec!["a", "pair"], vec!["IM0001", "series"]));
        let ignored = ["empty.img", "nothing", "readme"].map(|name| folder.path().join(name));
        assert_eq!(found.ignored, ignored);
    }

    #[test]
    fn a_folder_without_images_says_so() {
        let folder = folder(&["notes.txt"]);
        let refused = find_cases(folder.path(), 1).unwrap_err().to_string();
        assert!(refused.contains("no image"), "{refused}");
        assert!(find_cases(folder.path().join("gone"), 1).is_err());
    }
}
