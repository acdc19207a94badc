//! A folder's lock with two holders in one process, as with two processes.

use super::*;

fn refusal(folder: &Path, access: LockAccess) -> String {
    let error = FolderLock::take(folder, access).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    error.to_string()
}

#[test]
fn the_second_is_refused_and_told_who_holds_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a/b");
    let held = FolderLock::exclusive(&path).unwrap();
    let process = format!("process {} on ", std::process::id());
    for access in [LockAccess::Exclusive, LockAccess::Shared] {
        let text = refusal(&path, access);
        assert!(text.contains(&process), "{text}");
        assert!(text.contains("a/b is being written by"), "{text}");
        assert!(
            text.contains(" since 20") && text.contains("wait for it"),
            "{text}"
        );
    }
    drop(held);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    FolderLock::exclusive(&path).unwrap();
}

#[test]
fn folders_stay_that_were_there_or_are_not_empty() {
    let folder = tempfile::tempdir().unwrap();
    let (empty, full) = (folder.path().join("a/empty"), folder.path().join("a/full"));
    std::fs::create_dir_all(folder.path().join("there")).unwrap();
    FolderLock::exclusive(folder.path().join("there")).unwrap();
    let held = FolderLock::exclusive(&full).unwrap();
    FolderLock::exclusive(&empty).unwrap();
    std::fs::write(full.join("model"), "x").unwrap();
    drop(held);
    assert!(!empty.exists() && full.join("model").exists());
    assert!(folder.path().join("there").exists());
    assert_eq!(std::fs::read_dir(&full).unwrap().count(), 1);
}

#[test]
fn several_share_and_the_last_of_them_removes_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        FolderLock::shared(folder.path()).unwrap(),
        FolderLock::shared(folder.path()).unwrap(),
    );
    let process = format!("process {} on ", std::process::id());
    let text = refusal(folder.path(), LockAccess::Exclusive);
    assert_eq!(text.matches(&process).count(), 2, "{text}");
    drop(a);
    refusal(folder.path(), LockAccess::Exclusive);
    FolderLock::shared(folder.path()).unwrap();
    drop(b);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    FolderLock::exclusive(folder.path()).unwrap();
}

#[test]
fn those_who_share_are_never_in_each_others_way() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    FolderLock::shared(folder.path().join("cache")).unwrap();
                }
            });
        }
    });
    // The process that made the folder may end before the last.
    let folder = folder.path().join("cache");
    assert!(!folder.exists() || std::fs::read_dir(folder).unwrap().count() == 0);
}

#[test]
fn what_an_ended_process_left_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let stale = LockHolder {
        host: "another-host".to_owned(),
        ..LockHolder::this(LockAccess::Exclusive)
    };
    let text = serde_json::to_string(&stale).unwrap();
    for left in [text.as_str(), "", "not what we write", "\u{fffd}{"] {
        std::fs::write(folder.path().join(LOCK_FILE), left).unwrap();
        FolderLock::shared(folder.path()).unwrap();
        std::fs::write(folder.path().join(LOCK_FILE), left).unwrap();
        let held = FolderLock::exclusive(folder.path()).unwrap();
        assert_eq!(holders(&held.file).len(), 1);
    }
}

#[test]
fn many_threads_never_hold_one_folder_at_a_time() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let folder = tempfile::tempdir().unwrap();
    let (inside, taken) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    if let Ok(_held) = FolderLock::exclusive(folder.path()) {
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        taken.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert!(taken.into_inner() > 0);
}

#[test]
fn without_the_systems_locks_the_name_in_the_file_counts() {
    let unsupported =
        |_: &File, _: LockAccess| Err(TryLockError::Error(io::ErrorKind::Unsupported.into()));
    let folder = tempfile::tempdir().unwrap();
    let take = |access| take_with(folder.path(), access, &unsupported);
    let held = take(LockAccess::Exclusive).unwrap();
    let text = take(LockAccess::Exclusive).unwrap_err().to_string();
    assert!(
        text.contains("has no locks") && text.contains(LOCK_FILE),
        "{text}"
    );
    let again = take(LockAccess::Shared).unwrap_err().to_string();
    assert!(
        again.contains("process"),
        "a refusal leaves the file: {again}"
    );
    drop(held);
    let first = take(LockAccess::Shared).unwrap();
    let second = take(LockAccess::Shared).unwrap();
    assert!(take(LockAccess::Exclusive).is_err());
    drop((first, second));
    // A process of this machine that has ended, where that can be known.
    if cfg!(target_os = "linux") {
        let ended = LockHolder {
            process: 4_194_305,
            ..LockHolder::this(LockAccess::Exclusive)
        };
        let text = serde_json::to_string(&ended).unwrap();
        std::fs::write(folder.path().join(LOCK_FILE), text).unwrap();
        take(LockAccess::Exclusive).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let below = folder.path().join("file/run");
    let text = FolderLock::exclusive(&below).unwrap_err().to_string();
    assert!(
        text.contains("file/run") && text.contains("can be written"),
        "{text}"
    );
    // A lock file that cannot be opened for writing, as in a folder without permission.
    std::fs::create_dir(folder.path().join(LOCK_FILE)).unwrap();
    let text = FolderLock::shared(folder.path()).unwrap_err().to_string();
    assert!(
        text.contains(LOCK_FILE) && text.contains("can be written"),
        "{text}"
    );
}

#[test]
fn leftovers_go_only_where_the_folder_is_held_alone() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("below")).unwrap();
    let names = [".writing-abc.part", "mine.part", "below/.writing-x.part"];
    for name in names {
        std::fs::write(folder.path().join(name), "x").unwrap();
    }
    let left = || names.map(|name| folder.path().join(name).exists());
    FolderLock::shared(folder.path())
        .unwrap()
        .remove_leftovers("");
    assert_eq!(left(), [true; 3]);
    let held = FolderLock::exclusive(folder.path()).unwrap();
    held.remove_leftovers("");
    assert_eq!(left(), [false, true, true]);
    held.remove_leftovers("below");
    assert_eq!(left(), [false, true, false]);
}
