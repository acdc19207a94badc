//! What is refused, and that nothing is written then.

use crate::made::*;
use std::path::Path;
use vesalius_control::Control;
use vesalius_dicom::{
    BrokenRule, Deidentifier, DeidentifyKey, DocumentRule, Error, LeftOutReason, PixelRule, Result,
};

fn basic() -> Deidentifier {
    Deidentifier::new(key())
}

fn input(folder: &Path, files: &[(&str, Vec<u8>)]) -> std::path::PathBuf {
    let input = folder.join("in");
    std::fs::create_dir_all(&input).unwrap();
    for (name, bytes) in files {
        std::fs::write(input.join(name), bytes).unwrap();
    }
    input
}

fn fails<T: std::fmt::Debug>(folder: &Path, result: Result<T>) -> Error {
    let error = result.unwrap_err();
    let told = format!("{error} {error:?}");
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} in an error");
    }
    let left: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left, ["in"], "nothing is written");
    error
}

#[test]
fn pixels_that_may_show_text_are_refused_unless_told() {
    let plain = Made::new(EXPLICIT).bytes();
    for (tag, vr, text) in [
        (0x0028_0301, "CS", "YES"),
        (0x0008_0060, "CS", "US"),
        (0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.7"),
        (0x0008_0008, "CS", "DERIVED\\SECONDARY\\SCREEN SAVE"),
    ] {
        let suspect = Made::new(EXPLICIT).with(tag, vr, text).bytes();
        let folder = tempfile::tempdir().unwrap();
        let input = input(
            folder.path(),
            &[("a.dcm", plain.clone()), ("b.dcm", suspect)],
        );
        let output = folder.path().join("out");
        let control = Control::new();
        let error = fails(folder.path(), basic().folder(&input, &output, &control));
        assert!(
            matches!(&error, Error::BurnedIn { path, .. } if path.ends_with("b.dcm")),
            "{error}"
        );
        let error = fails(folder.path(), basic().file(input.join("b.dcm"), &output));
        assert!(matches!(error, Error::BurnedIn { .. }));
        let left = basic()
            .pixels(PixelRule::LeaveOut)
            .folder(&input, &output, &control)
            .unwrap();
        assert_eq!(left.files, 1);
        assert!(matches!(
            left.left_out[0].reason,
            LeftOutReason::BurnedIn(_)
        ));
        let kept = folder.path().join("kept");
        let kept = basic()
            .pixels(PixelRule::Keep)
            .folder(&input, kept, &control)
            .unwrap();
        assert_eq!((kept.files, kept.burned_in_kept), (2, 1));
    }
}

#[test]
fn documents_are_refused_or_left_out() {
    let mut pdf = Made::new(EXPLICIT).with(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.104.1");
    pdf.pixels.clear();
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("a.dcm", Made::new(EXPLICIT).bytes()),
        ("b.dcm", pdf.bytes()),
    ];
    let input = input(folder.path(), &files);
    let output = folder.path().join("out");
    let control = Control::new();
    let error = fails(folder.path(), basic().folder(&input, &output, &control));
    assert!(matches!(error, Error::Document { .. }));
    let report = basic()
        .documents(DocumentRule::LeaveOut)
        .folder(&input, &output, &control)
        .unwrap();
    assert_eq!((report.files, report.left_out.len()), (1, 1));
}

#[test]
fn broken_files_are_refused_by_path_wherever_they_end() {
    let whole = Made::new(EXPLICIT).bytes();
    let compressed = Made::new(JPEG).bytes();
    let control = Control::new();
    let mut cases: Vec<Vec<u8>> = (150..whole.len() - 1)
        .step_by(13)
        .map(|end| whole[..end].to_vec())
        .collect();
    cases.extend(
        (compressed.len() - 60..compressed.len() - 24).map(|end| compressed[..end].to_vec()),
    );
    cases.push(whole[132..].to_vec());
    let mut refused = 0;
    for broken in cases {
        let folder = tempfile::tempdir().unwrap();
        let files = [("a.dcm", Made::new(EXPLICIT).bytes()), ("b.dcm", broken)];
        let input = input(folder.path(), &files);
        let output = folder.path().join("out");
        match basic().folder(&input, &output, &control) {
            // Ends between two elements, behind all that is needed.
            Ok(report) => assert_eq!(report.files, 2),
            result => {
                let error = fails(folder.path(), result);
                assert!(
                    matches!(error, Error::Source { .. } | Error::Document { .. }),
                    "{error}"
                );
                assert!(error.to_string().contains("b.dcm"));
                refused += 1;
                let lenient = basic()
                    .broken(BrokenRule::LeaveOut)
                    .documents(DocumentRule::LeaveOut);
                let report = lenient.folder(&input, &output, &control).unwrap();
                assert_eq!((report.files, report.left_out.len()), (1, 1));
                assert_eq!(crate::removed::walk(&output).len(), 1);
            }
        }
    }
    assert!(refused > 60, "{refused}");
}

#[test]
fn declared_lengths_take_no_memory_and_deep_nesting_ends() {
    let folder = tempfile::tempdir().unwrap();
    let mut long = Made::new(EXPLICIT).bytes();
    long.truncate(144 + u32::from_le_bytes(long[140..144].try_into().unwrap()) as usize);
    let mut deep = long.clone();
    long.extend(b"\x08\0\x05\0UT\0\0\xF0\xFF\xFF\x3F");
    for _ in 0..10_000 {
        deep.extend(b"\x08\0\x40\x11SQ\0\0\xFF\xFF\xFF\xFF\xFE\xFF\0\xE0\xFF\xFF\xFF\xFF");
    }
    for bytes in [long, deep] {
        let input = input(folder.path(), &[("a.dcm", bytes)]);
        let error = fails(
            folder.path(),
            basic().file(input.join("a.dcm"), folder.path().join("out")),
        );
        assert!(matches!(error, Error::Source { .. }), "{error}");
    }
}

#[test]
fn other_files_directories_and_existing_outputs_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let control = Control::new();
    let mut directory = Made::new(EXPLICIT).bytes();
    let class = b"1.2.840.10008.5.1.4.1.1.2\0";
    let at = directory
        .windows(class.len())
        .position(|part| part == class)
        .unwrap();
    directory[at..at + class.len()].copy_from_slice(b"1.2.840.10008.1.3.10\0\0\0\0\0\0");
    let empty = input(
        folder.path(),
        &[("x.txt", b"Dear Sir".to_vec()), ("DICOMDIR", directory)],
    );
    let output = folder.path().join("out");
    let error = fails(folder.path(), basic().folder(&empty, &output, &control));
    assert!(error.to_string().contains("none of its 2 files"), "{error}");
    let input = input(folder.path(), &[("a.dcm", Made::new(EXPLICIT).bytes())]);
    let report = basic().folder(&input, &output, &control).unwrap();
    let reasons: Vec<_> = report.left_out.iter().map(|left| &left.reason).collect();
    assert_eq!(
        reasons,
        [&LeftOutReason::Directory, &LeftOutReason::NotDicom]
    );
    let again = basic().folder(&input, &output, &control).unwrap_err();
    assert!(matches!(again, Error::Exists { .. }));
    let again = basic().file(input.join("a.dcm"), &output).unwrap_err();
    assert!(matches!(again, Error::Exists { .. }));
    let within = basic()
        .folder(&input, input.join("out"), &control)
        .unwrap_err();
    assert!(within.to_string().contains("within the input"));
    control.cancel();
    let cancelled = basic().folder(&input, folder.path().join("more"), &control);
    assert!(matches!(cancelled, Err(Error::Cancelled)));
}

#[test]
fn keys_of_another_length_or_open_to_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k");
    DeidentifyKey::create(&path).unwrap();
    assert!(matches!(
        DeidentifyKey::create(&path),
        Err(Error::Exists { .. })
    ));
    let text = std::fs::read_to_string(&path).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(
            DeidentifyKey::read(&path)
                .unwrap_err()
                .to_string()
                .contains("chmod")
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    for wrong in [
        "",
        &text[..62],
        &format!("{}0", text.trim()),
        &"g".repeat(64),
        &"ä".repeat(32),
    ] {
        std::fs::write(&path, wrong).unwrap();
        let error = DeidentifyKey::read(&path).unwrap_err().to_string();
        assert!(error.contains("64 hexadecimal digits"), "{error}");
    }
    assert!(
        !format!("{:?}", DeidentifyKey::from_bytes([0xAB; 32]))
            .to_lowercase()
            .contains("ab, ")
    );
}

#[test]
fn damaged_bytes_are_an_error_or_a_file_and_never_more() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("a.dcm"), folder.path().join("b.dcm"));
    let mut random = 1u64;
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) as usize % below
    };
    let by = basic()
        .retain_safe_private()
        .clean_descriptors()
        .dates(vesalius_dicom::Dates::Shift);
    let (mut written, mut failed) = (0, 0);
    for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG] {
        let whole = Made::new(syntax).bytes();
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..1 + next(4) {
                let at = 132 + next(bytes.len() - 132);
                bytes[at] = next(256) as u8;
            }
            std::fs::write(&from, bytes).unwrap();
            match by.file(&from, &to) {
                Ok(_) => written += 1,
                Err(_) => failed += 1,
            }
            // There is a whole file or none.
            if to.exists() {
                assert_eq!(&std::fs::read(&to).unwrap()[128..132], b"DICM");
                std::fs::remove_file(&to).unwrap();
            }
        }
    }
    assert!(written > 50 && failed > 50, "{written} {failed}");
}
