//! Entries are read back to the bit, and never with anything else than was requested.

use super::*;
use crate::synthetic::Spheres;
use crate::{CaseHandle, TrainingConfig};
use std::sync::Arc;
use std::time::SystemTime;
use vesalius_volume::LabelScheme;

fn case() -> Case {
    let config = TrainingConfig::parse(
        "name: t\npreprocessing:\n  - spacing: {to: [1.3, 0, 1.1]}\npatch: {size: [8, 8, 8]}\nnetwork:\n  unet: {}\n",
    )
    .unwrap();
    let spheres = Spheres {
        size: [20, 24],
        classes: 2,
        ..Spheres::default()
    };
    let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
    Case::new(
        spheres.subject(1, 0).unwrap(),
        &scheme,
        &config.preprocessing,
    )
    .unwrap()
}

fn source(hash: &str) -> Source {
    Source {
        bytes: 9,
        hash: hash.to_owned(),
    }
}

fn identity() -> Identity {
    let text = |text: &str| text.to_owned();
    let sources = vec![source("image"), source("label")];
    Identity::new("a", 1, text("labels"), text("transforms"), sources)
}

fn open(path: &Path, identity: &Identity) -> Option<CacheEntry> {
    match CacheEntry::open(path, identity, None, None) {
        Opened::Whole(entry) => Some(*entry),
        _ => None,
    }
}

fn reason(path: &Path, identity: &Identity) -> String {
    match CacheEntry::open(path, identity, None, None) {
        Opened::Unusable(reason) => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_case_comes_back_to_the_bit_whole_and_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    let case = case();
    write(&path, &identity(), &case, Vec::new()).unwrap();
    let entry = open(&path, &identity()).unwrap();
    let back = entry.case().unwrap();
    assert_eq!(back.subject(), case.subject());
    assert_eq!(back.index(), case.index());
    assert_eq!(&*entry.index().unwrap(), case.index());
    assert_eq!(entry.case().unwrap().index(), case.index());
    assert_eq!(back.original_labels(), case.original_labels());
    assert!(back.original_labels().is_some() && back.values() == [0, 1, 2]);
    let (memory, stored) = (
        CaseHandle::Whole(Arc::new(case)),
        CaseHandle::Stored(Arc::new(entry)),
    );
    for (start, size) in [
        ([0, 0, 0], [3, 4, 5]),
        ([-4, 2, -9], [40, 5, 12]),
        ([15, 15, 15], [9, 9, 9]),
        ([3, -2, 1], [2, 60, 1]),
        ([90, 0, 0], [2, 2, 2]),
        ([0, 90, 0], [2, 2, 2]),
        ([0, 0, 90], [2, 2, 2]),
        ([-9, 0, 0], [4, 4, 4]),
    ] {
        let (a, b) = (memory.region(start, size), stored.region(start, size));
        assert_eq!(a.unwrap(), b.unwrap(), "{start:?} {size:?}");
    }
    for (start, size) in [
        ([0; 3], [1 << 40; 3]),
        ([0; 3], [usize::MAX; 3]),
        ([i64::MIN; 3], [usize::MAX; 3]),
    ] {
        assert!(memory.region(start, size).is_err(), "{size:?} in memory");
        assert!(stored.region(start, size).is_err(), "{size:?} stored");
    }
    let far = stored.region([i64::MIN, 0, i64::MAX], [2; 3]).unwrap();
    assert!(far.image().data().iter().all(|value| *value == 0.0));
}

#[test]
fn half_and_changed_entries_are_never_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    let absent = CacheEntry::open(&path, &identity(), None, None);
    assert!(matches!(absent, Opened::Absent));
    write(&path, &identity(), &case(), Vec::new()).unwrap();
    assert!(open(&path, &identity()).is_some());
    let bytes = std::fs::read(&path).unwrap();
    for length in [0, 7, 15, 40, 400, bytes.len() / 2, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let reason = reason(&path, &identity());
        assert!(
            reason.contains("cut short") || reason.contains("announces"),
            "{reason}"
        );
    }
    // A bit anywhere: in the content, the header, the lengths.
    for place in (0..1000)
        .step_by(29)
        .chain([bytes.len() / 2, bytes.len() - 1])
    {
        let mut changed = bytes.clone();
        changed[place] ^= 0x10;
        std::fs::write(&path, changed).unwrap();
        assert!(open(&path, &identity()).is_none(), "byte {place}");
    }
    std::fs::write(&path, [bytes, vec![0]].concat()).unwrap();
    assert!(reason(&path, &identity()).contains("announces"));
}

#[test]
fn an_entry_of_another_version_or_other_data_says_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    let changed = |change: &dyn Fn(&mut Identity)| {
        let mut other = identity();
        change(&mut other);
        assert_ne!(other.key(), identity().key());
        // As if somebody had renamed the file to what is looked for.
        write(&path, &other, &case(), Vec::new()).unwrap();
        reason(&path, &identity())
    };
    let files = changed(&|i| i.sources[1] = source("other"));
    assert!(files.contains("files of other content"), "{files}");
    let transforms = changed(&|i| i.preprocessing = "others".to_owned());
    assert!(transforms.contains("other preprocessing"), "{transforms}");
    let labels = changed(&|i| i.labels = "others".to_owned());
    assert!(labels.contains("other labels"), "{labels}");
    let name = changed(&|i| i.name = "b".to_owned());
    assert!(name.contains("another name"), "{name}");
    let channels = changed(&|i| i.channels = 2);
    assert!(channels.contains("number of channels"), "{channels}");
    let version = changed(&Identity::of_another_version);
    assert!(version.contains("another version"), "{version}");
}

#[test]
fn a_file_that_is_cut_or_written_to_while_it_is_open_is_an_error_with_the_cases_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    write(&path, &identity(), &case(), Vec::new()).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let entry = open(&path, &identity()).unwrap();
    let get = |entry: &CacheEntry| entry.region([2; 3], [6; 3]);
    let expected = get(&entry).unwrap();
    let handle = || File::options().write(true).open(&path).unwrap();
    let touch = |file: &File, seconds| {
        let later = SystemTime::now() + std::time::Duration::from_secs(seconds);
        file.set_modified(later).unwrap();
    };

    // Touched, with the same content: nothing is wrong.
    touch(&handle(), 10);
    assert_eq!(get(&entry).unwrap(), expected);

    // Cut.
    handle().set_len(whole.len() as u64 / 2).unwrap();
    let text = get(&entry).unwrap_err().to_string();
    assert!(
        text.contains("case spheres_000") && text.contains("a.case"),
        "{text}"
    );
    assert!(text.contains("was changed while the run read it"), "{text}");
    assert!(matches!(entry.case(), Err(Error::CacheEntry { .. })));

    // Written to in place, at the same length.
    let mut changed = whole.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    let mut file = handle();
    file.write_all(&changed).unwrap();
    touch(&file, 20);
    assert!(matches!(get(&entry), Err(Error::CacheEntry { .. })));

    // Replaced or removed, as programs of ours do it: the open file is what it was.
    write(&path, &identity(), &case(), Vec::new()).unwrap();
    let entry = open(&path, &identity()).unwrap();
    vesalius_io::write_bytes_atomically(&path, b"another").unwrap();
    assert_eq!(get(&entry).unwrap(), expected);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(get(&entry).unwrap(), expected);
}

/// Overwrites a part of a file without a trace of it in the file system.
fn overwrite(path: &Path, at: usize, bytes: &[u8]) {
    let time = std::fs::metadata(path).unwrap().modified().unwrap();
    let mut whole = std::fs::read(path).unwrap();
    whole[at..at + bytes.len()].copy_from_slice(bytes);
    let mut file = File::options().write(true).open(path).unwrap();
    file.write_all(&whole).unwrap();
    file.set_modified(time).unwrap();
}

#[test]
fn the_index_is_stored_and_read_without_the_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    let case = case();
    write(&path, &identity(), &case, Vec::new()).unwrap();
    let before = SystemTime::now() - std::time::Duration::from_secs(60);
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(before).unwrap();
    let last = Some(open(&path, &identity()).unwrap().checked());
    let quick = |ignore| match CacheEntry::open(&path, &identity(), ignore, last) {
        Opened::Whole(entry) => entry,
        other => panic!("{other:?}"),
    };
    // No label is what it was, which a start that reads them would notice.
    let entry = quick(None);
    let voxels = entry.geometry().voxel_count();
    let labels = entry.start as usize + voxels * 4;
    overwrite(&path, labels, &vec![0; voxels * 2]);
    assert_eq!(&*quick(None).index().unwrap(), case.index());
    // Nothing of the index is in memory before somebody asks for it, nor after others were read.
    let entry = quick(None).sharing(Arc::new(Indices::up_to(1)));
    assert!(entry.kept_index().is_none());
    let index = entry.index().unwrap();
    assert!(entry.kept_index().is_some() && entry.case_bytes(true) > entry.case_bytes(false));
    drop(index);
    entry.indices.keep(&Arc::default());
    assert!(entry.kept_index().is_none());
    assert_eq!(&*entry.index().unwrap(), case.index());
    // With a value to be ignored that was none when the case was stored, the labels are read.
    assert_eq!(quick(Some(2)).index().unwrap().foreground_count(), 0);

    // An index that is none of these labels is an error that names the case.
    let end = std::fs::metadata(&path).unwrap().len() as usize;
    let index = end - quick(None).header.index as usize;
    for (at, word) in [(0, 7u64), (8, u64::MAX), (24, u64::MAX)] {
        let whole = std::fs::read(&path).unwrap();
        overwrite(&path, index + at, &word.to_le_bytes());
        let error = quick(None).index().unwrap_err();
        assert!(error.to_string().contains("spheres_000"), "{error}");
        overwrite(&path, 0, &whole);
    }
}

#[test]
fn an_index_leaves_out_what_the_scheme_ignores() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.case");
    let scheme = LabelScheme::exclusive(&[("a", 1), ("b", 2)]).unwrap();
    let ignoring = LabelScheme::exclusive(&[("a", 1)]).unwrap();
    let ignoring = ignoring.with_ignore(Some(2)).unwrap();
    CacheEntry::store(&path, &case(), &scheme).unwrap();
    let labels = |scheme| {
        let entry = CacheEntry::read(&path, scheme).unwrap();
        let whole = entry.case().unwrap();
        let index = entry.index().unwrap();
        assert_eq!(whole.index(), &*index);
        index.labels().collect::<Vec<_>>()
    };
    assert_eq!((labels(&scheme), labels(&ignoring)), (vec![1, 2], vec![1]));
}
