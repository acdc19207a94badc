//! What a start reads again, and what it takes as unchanged.

use super::*;
use crate::{TrainingConfig, TrainingData, load_dataset};
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use vesalius_volume::{Geometry, LabelMap, LabelScheme, Volume, Warning};

/// Two cases of files that were last changed long ago.
struct Dataset {
    folder: tempfile::TempDir,
}

impl Dataset {
    fn new() -> Self {
        let made = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let mut table = "image,label,fold\n".to_owned();
        for case in 0..2 {
            made.image(case, [6, 5, 4]);
            let grid = Geometry::axis_aligned([6, 5, 4], [1.0; 3]).unwrap();
            let labels = LabelMap::from_fn(grid, |[x, ..]| (x % 2) as u16);
            let name = format!("s{case}.nii");
            vesalius_io::write_labels(made.path(&name), &labels).unwrap();
            age(&made.path(&name), 100);
            table += &format!("i{case}.nii,{name},{case}\n");
        }
        std::fs::write(made.path("cases.csv"), table).unwrap();
        made
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, case: usize, size: [usize; 3]) {
        let grid = Geometry::axis_aligned(size, [1.0; 3]).unwrap();
        let image = Volume::from_fn(grid, |[x, y, z]| (x + y + z + case) as f32);
        let path = self.path(&format!("i{case}.nii"));
        vesalius_io::write(&path, &image).unwrap();
        age(&path, 100);
    }

    fn load(&self, verify: Verify, stored: bool) -> TrainingData {
        let patch = "patch: {size: [1, 1, 1], sampling: random}\n";
        let text = format!("name: t\n{patch}validation: {{fold: 0}}\nnetwork:\n  unet: {{}}\n");
        let mut config = TrainingConfig::parse(&text).unwrap();
        config.labels = Some(LabelScheme::exclusive(&[("organ", 1)]).unwrap());
        config.cache.verify = verify;
        config.cache.folder = stored.then(|| self.path("cache"));
        load_dataset(&config, self.path("cases.csv")).unwrap()
    }

    /// The hashes of the training case and what followed from them.
    fn identity(&self, verify: Verify, stored: bool) -> String {
        self.load(verify, stored).training.identities()[0].clone()
    }

    /// The only entry of the training case.
    fn entry(&self, identity: &str) -> PathBuf {
        self.path("cache").join(format!("{identity}.case"))
    }
}

/// Makes a file's last change one of so many seconds ago.
fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    let file = File::options().write(true).open(path).unwrap();
    file.set_modified(then).unwrap();
}

/// Changes the last byte of a file in place, and resets its time of change if `keeps_time`.
fn change(path: &Path, keeps_time: bool) {
    let before = std::fs::metadata(path).unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    let last = bytes.pop().unwrap() ^ 1;
    let mut file = File::options().write(true).open(path).unwrap();
    file.seek(SeekFrom::End(-1)).unwrap();
    file.write_all(&[last]).unwrap();
    if keeps_time {
        file.set_modified(before.modified().unwrap()).unwrap();
    }
}

#[test]
fn a_file_of_another_length_or_time_of_change_is_read_again() {
    let dataset = Dataset::new();
    let first = dataset.identity(Verify::Quick, true);
    assert_eq!(dataset.identity(Verify::Quick, true), first);
    // Another length, as old as the first.
    dataset.image(1, [6, 5, 5]);
    let grid = Geometry::axis_aligned([6, 5, 5], [1.0; 3]).unwrap();
    let labels = LabelMap::from_fn(grid, |[x, ..]| (x % 2) as u16);
    vesalius_io::write_labels(dataset.path("s1.nii"), &labels).unwrap();
    let longer = dataset.identity(Verify::Quick, true);
    assert_ne!(longer, first);
    // The same length, changed in place just now, and then long ago.
    change(&dataset.path("i1.nii"), false);
    let later = dataset.identity(Verify::Quick, true);
    assert_ne!(later, longer);
    change(&dataset.path("i1.nii"), false);
    age(&dataset.path("i1.nii"), 50);
    assert_eq!(dataset.identity(Verify::Quick, true), longer);
}

#[test]
fn a_file_changed_in_place_with_its_time_set_back_is_found_by_the_full_check_alone() {
    let dataset = Dataset::new();
    // In memory alone, for this process; and with notes of stored entries.
    for stored in [false, true] {
        let first = dataset.identity(Verify::Quick, stored);
        change(&dataset.path("i1.nii"), true);
        assert_eq!(dataset.identity(Verify::Quick, stored), first);
        assert_ne!(dataset.identity(Verify::Full, stored), first);
    }
}

#[test]
fn a_note_beside_an_entry_is_what_another_process_goes_by() {
    let dataset = Dataset::new();
    let path = dataset.path("i1.nii");
    let seen = |known: Option<&Seen>, verify| {
        HASHED.lock().unwrap().files.retain(|name, _| *name != path);
        Seen::of(&path, known, verify, &Control::new()).unwrap()
    };
    let note = Note {
        files: vec![seen(None, Verify::Quick)],
        entry: None,
    };
    note.write(&dataset.path("a.seen"));
    let note = Note::read(&dataset.path("a.seen"));
    change(&path, true);
    assert_eq!(seen(note.files.first(), Verify::Quick), note.files[0]);
    assert_ne!(seen(None, Verify::Quick).source, note.files[0].source);
    assert_ne!(
        seen(note.files.first(), Verify::Full).source,
        note.files[0].source
    );
    // No note, or a broken one, is none.
    std::fs::write(dataset.path("a.seen"), "{").unwrap();
    assert_eq!(Note::read(&dataset.path("a.seen")), Note::default());
    assert_eq!(Note::read(&dataset.path("b.seen")), Note::default());
}

#[test]
fn a_damaged_entry_is_made_again_with_a_warning_unless_it_is_as_it_was_when_it_was_checked() {
    let dataset = Dataset::new();
    let identity = dataset.identity(Verify::Quick, true);
    let entry = dataset.entry(&identity);
    let remade = |verify| {
        let data = dataset.load(verify, true);
        let is = |warning: &&Warning| matches!(warning, Warning::CacheEntryRemade { .. });
        data.warnings.iter().filter(is).count()
    };
    // Written just now: its checksum is compared.
    change(&entry, true);
    assert_eq!(remade(Verify::Quick), 1);
    // As it was when it was checked, long after it was written: it is not.
    age(&entry, 100);
    assert_eq!(remade(Verify::Quick), 0);
    change(&entry, true);
    assert_eq!(remade(Verify::Quick), 0);
    assert_eq!(remade(Verify::Full), 1);
    age(&entry, 100);
    assert_eq!(remade(Verify::Quick), 0);
    // Damaged later than that.
    change(&entry, false);
    assert_eq!(remade(Verify::Quick), 1);
}

#[test]
fn what_was_read_within_two_seconds_of_a_change_proves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "some").unwrap();
    let reading = || Reading::now(stamp_of(&path).unwrap());
    assert!(!reading().holds(stamp_of(&path).unwrap()));
    age(&path, 1);
    assert!(!reading().holds(stamp_of(&path).unwrap()));
    age(&path, 3);
    let settled = reading();
    assert!(settled.holds(stamp_of(&path).unwrap()));
    age(&path, 30);
    assert!(!settled.holds(stamp_of(&path).unwrap()));
    // Replaced by another file of the same length and time.
    age(&path, 30);
    let settled = reading();
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    vesalius_io::write_bytes_atomically(&path, b"same").unwrap();
    let file = File::options().write(true).open(&path).unwrap();
    file.set_modified(modified).unwrap();
    assert_eq!(cfg!(unix), !settled.holds(stamp_of(&path).unwrap()));
}

#[test]
fn only_the_files_that_were_hashed_last_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    std::fs::write(&path, "a").unwrap();
    let seen = Seen::of(&path, None, Verify::Full, &Control::new()).unwrap();
    let mut hashed = Hashed::default();
    for number in [0, 1, 2, 1, 1, 3, 4] {
        hashed.insert(PathBuf::from(number.to_string()), seen.clone(), 3);
    }
    let mut kept: Vec<_> = hashed
        .files
        .keys()
        .map(|path| path.to_str().unwrap())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, ["2", "3", "4"]);
    assert_eq!(hashed.order.len(), 3);
}
