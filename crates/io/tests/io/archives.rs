//! Archives as hospitals export them: files packed one by one, zip and tar of series and studies, and hostile ones.

use crate::dicom_writer::{directory, save, slice};
use crate::foreign::saved;
use crate::zstd;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vesalius_io::{
    Error, Format, ImageBytes, ReadOptions, Remedy, describe, list_series, probe, read, read_as,
    read_labels, write,
};
use vesalius_volume::{ErrorKind, Geometry, Volume, Warning};
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

type File = (String, Vec<u8>);

/// Three slices of a series in a folder, and one of another.
fn series() -> Vec<File> {
    let name = |i: i16| format!("study/ct/IM{i:04}");
    let of = |i: i16| slice(3.0 * f64::from(i), [i, 10 * i, 100, -5, 7, 9], &[]);
    (1..=3).map(|i| (name(i), of(i))).collect()
}

fn expected() -> Volume<i16> {
    let folder = tempfile::tempdir().unwrap();
    for (i, (_, bytes)) in series().iter().enumerate() {
        save(folder.path(), &format!("{i}.dcm"), bytes);
    }
    read_as(folder.path()).unwrap()
}

fn zip_of(files: &[File], method: CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    writer.add_directory("study/", options).unwrap();
    for (name, bytes) in files {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar_of(files: &[File]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, &bytes[..]).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Every form of archive of these files.
fn archives(files: &[File]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("deflated.zip", zip_of(files, CompressionMethod::Deflated)),
        ("stored.zip", zip_of(files, CompressionMethod::Stored)),
        ("study.tar", tar_of(files)),
        ("study.tar.gz", gzip(&tar_of(files))),
        ("study.tgz", gzip(&tar_of(files))),
        ("study.tar.zst", zstd::packed(&tar_of(files))),
        // The content decides, not the name.
        ("no_ending", zip_of(files, CompressionMethod::Deflated)),
    ]
}

#[test]
fn a_series_is_read_from_every_kind_of_archive_as_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = series();
    files.push((
        "study/DICOMDIR".into(),
        std::fs::read(directory(folder.path(), &[b"ct\\IM0001"])).unwrap(),
    ));
    files.push(("study/readme.txt".into(), b"notes".to_vec()));
    for (name, bytes) in archives(&files) {
        let path = saved(folder.path(), name, &bytes);
        let image: Volume<i16> = read_as(&path).unwrap();
        assert_eq!(image, expected(), "{name}");
        assert!(
            image.warnings().is_empty(),
            "{name}: {:?}",
            image.warnings()
        );
        let list = list_series(&path).unwrap();
        assert_eq!((list.series.len(), list.unreadable.len()), (1, 0), "{name}");
        assert_eq!(list.series[0].files[1], path.join("study/ct/IM0002"));
        let again: Volume<i16> =
            vesalius_io::read_series(&list.series[0], &ReadOptions::default()).unwrap();
        assert_eq!(again, expected(), "{name}");
        assert_eq!(probe(&path).unwrap().format, Format::Dicom, "{name}");
        let described = describe(&path).unwrap();
        assert_eq!(described.len(), 1, "{name}");
        assert_eq!(described[0].path, path.join("study/ct"), "{name}");
        let held = ImageBytes::new(bytes);
        let options = ReadOptions::default();
        assert_eq!(held.read_as::<i16>(&options).unwrap(), expected(), "{name}");
    }
}

#[test]
fn files_that_were_packed_one_by_one_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let packed: Vec<File> = series()
        .into_iter()
        .enumerate()
        .map(|(i, (_, bytes))| (format!("{i}.dcm.gz"), gzip(&bytes)))
        .collect();
    for (name, bytes) in &packed {
        save(folder.path(), name, bytes);
    }
    let image: Volume<i16> = read_as(folder.path()).unwrap();
    assert_eq!(image, expected());
    assert!(image.warnings().is_empty());
    // One of them, as of a plain file: a slice of a series.
    let one = read(folder.path().join("1.dcm.gz")).unwrap();
    assert_eq!(one.geometry().size(), [3, 2, 1]);
    // One in Zstandard.
    let first = folder.path().join("0.dcm.gz");
    save(folder.path(), "0.dcm.zst", &zstd::packed(&series()[0].1));
    std::fs::remove_file(&first).unwrap();
    assert_eq!(read_as::<i16>(folder.path()).unwrap(), expected());
    std::fs::remove_file(folder.path().join("0.dcm.zst")).unwrap();
    // Two members of gzip, and an archive of packed files.
    let (_, bytes) = &series()[0];
    let (a, b) = bytes.split_at(200);
    save(folder.path(), "0.dcm.gz", &[gzip(a), gzip(b)].concat());
    assert_eq!(read_as::<i16>(folder.path()).unwrap(), expected());
    let outer = saved(folder.path(), "packed.tar", &tar_of(&packed));
    assert_eq!(read_as::<i16>(&outer).unwrap(), expected());
    std::fs::remove_file(&outer).unwrap();
    // A damaged file is told by its name.
    for damage in [
        &packed[1].1[..60],
        &[packed[1].1.clone(), vec![1; 9]].concat(),
    ] {
        save(folder.path(), "1.dcm.gz", damage);
        let told = match read(folder.path()) {
            Err(error) => error.to_string(),
            Ok(image) => format!("{:?}", image.warnings()),
        };
        let whole = damage.len() > 60;
        assert!(whole && told == "[]" || told.contains("1.dcm.gz"), "{told}");
    }
}

#[test]
fn data_sets_of_an_archive_are_those_of_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/images/ct_raw.dcm");
    let files = [("x/a.dcm".to_owned(), std::fs::read(&plain).unwrap())];
    let of = |path: &Path| {
        let series = list_series(path).unwrap().series.remove(0);
        let sets: Vec<_> = series.data_sets().collect::<Result<_, _>>().unwrap();
        assert_eq!(sets.len(), 1);
        sets[0].element_by_name("SOPInstanceUID").unwrap().clone()
    };
    for (name, bytes) in archives(&files) {
        let path = saved(folder.path(), name, &bytes);
        assert_eq!(of(&path), of(&plain), "{name}");
    }
    let path = saved(folder.path(), "a.dcm.gz", &gzip(&files[0].1));
    assert_eq!(of(&path), of(&plain));
}

#[test]
fn archives_in_archives_and_in_folders_are_told_as_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut files = series();
    files.push((
        "more.zip".into(),
        zip_of(&series(), CompressionMethod::Deflated),
    ));
    files.push(("more.tgz".into(), gzip(&tar_of(&series()))));
    // What macOS adds for each file.
    files.push((
        "__MACOSX/study/ct/._IM0001.dcm".into(),
        vec![0, 5, 0x16, 7, 0, 2, 0, 0],
    ));
    for (name, bytes) in archives(&files) {
        let path = saved(folder.path(), name, &bytes);
        let image: Volume<i16> = read_as(&path).unwrap();
        assert_eq!(image, expected(), "{name}");
        let told = image.warnings();
        let [
            Warning::FilesPassedOver {
                count: 2,
                first,
                reason,
            },
        ] = told
        else {
            panic!("{name}: {told:?}");
        };
        assert_eq!(first, &path.join("more.tgz"));
        assert!(reason.contains("inside of an archive"), "{reason}");
    }
    let plain = tempfile::tempdir().unwrap();
    for (i, (_, bytes)) in series().iter().enumerate() {
        save(plain.path(), &format!("{i}.dcm"), bytes);
    }
    save(plain.path(), "more.zip", &files[3].1);
    let image: Volume<i16> = read_as(plain.path()).unwrap();
    assert_eq!(image, expected());
    let told = format!("{}", image.warnings()[0]);
    assert!(
        told.contains("more.zip") && told.contains("own path"),
        "{told}"
    );
}

#[test]
fn names_of_members_stay_names() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["../../escape", "/etc/vesalius", "a\u{1b}[31m\n"];
    let files: Vec<File> = series()
        .into_iter()
        .zip(names)
        .map(|((_, bytes), name)| (name.to_owned(), bytes))
        .collect();
    let path = saved(
        folder.path(),
        "a.zip",
        &zip_of(&files, CompressionMethod::Deflated),
    );
    assert_eq!(read_as::<i16>(&path).unwrap(), expected());
    for file in &list_series(&path).unwrap().series[0].files {
        assert!(file.starts_with(&path), "{}", file.display());
        assert!(!file.to_str().unwrap().contains(char::is_control));
        assert!(!file.components().any(|part| part.as_os_str() == ".."));
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing is unpacked to disk");
    // A name that occurs twice: both are read, and the rules of copies decide.
    let mut twice = series();
    twice.push(twice[0].clone());
    let path = saved(folder.path(), "a.tar", &tar_of(&twice));
    let list = list_series(&path).unwrap();
    let files: Vec<&PathBuf> = list.series.iter().flat_map(|one| &one.files).collect();
    assert!(
        files.contains(&&path.join("study/ct/IM0001 (2)")),
        "{files:?}"
    );
}

#[test]
fn an_image_in_an_archive_is_read_where_it_is_the_only_one() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([5, 4, 3], [1.0, 1.0, 2.0]).unwrap();
    let image = Volume::from_fn(grid, |[x, y, z]| (x + 10 * y + 100 * z) as i16);
    for ending in ["nii", "nii.gz", "mha", "nrrd", "mgz"] {
        let plain = folder.path().join(format!("scan.{ending}"));
        write(&plain, &image).unwrap();
        let bytes = std::fs::read(&plain).unwrap();
        let files = [
            (format!("x/scan.{ending}"), bytes.clone()),
            ("x/readme.txt".to_owned(), b"notes".to_vec()),
        ];
        for (name, packed) in archives(&files) {
            let path = saved(folder.path(), name, &packed);
            assert_eq!(read_as::<i16>(&path).unwrap(), image, "{ending} {name}");
            assert_eq!(read_labels(&path).unwrap().geometry(), image.geometry());
            let file = vesalius_io::open(&path).unwrap();
            let slabs: Vec<_> = file
                .slabs::<i16>(2)
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert_eq!(slabs.len(), 2);
            assert_eq!(describe(&path).unwrap().len(), 1);
        }
        let two = [files[0].clone(), ("b.nii".to_owned(), bytes)];
        for (name, packed) in archives(&two) {
            let path = saved(folder.path(), name, &packed);
            let error = read(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let text = error.to_string();
            assert!(text.contains(&format!("b.nii, x/scan.{ending}")), "{text}");
            assert!(text.contains("unpack"), "{text}");
        }
    }
    let none = [("a/notes.txt".to_owned(), b"notes".to_vec())];
    for (name, packed) in archives(&none).into_iter().chain(archives(&[])) {
        let path = saved(folder.path(), name, &packed);
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::NotAnImage { .. }), "{name}: {error}");
    }
}

#[test]
fn what_cannot_be_unpacked_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let files = series();
    let plain = zip_of(&files, CompressionMethod::Deflated);
    // The method, and the flag of encryption, in the directory and in the file's own header.
    let changed = |local: usize, central: usize, value: u8| {
        let mut bytes = plain.clone();
        let marks = |mark: &[u8]| -> Vec<usize> {
            let found = bytes.windows(4).enumerate();
            found
                .filter(|(_, w)| *w == mark)
                .map(|(at, _)| at)
                .collect()
        };
        // The first entry is a folder.
        for (at, offset) in [
            (marks(b"PK\x03\x04"), local),
            (marks(b"PK\x01\x02"), central),
        ] {
            for at in at.into_iter().skip(1) {
                bytes[at + offset] = value;
            }
        }
        bytes
    };
    for (name, bytes, reason) in [
        ("encrypted.zip", changed(6, 8, 1), "is encrypted"),
        ("lzma.zip", changed(8, 10, 14), "method"),
        ("unknown.zip", changed(8, 10, 77), "method"),
    ] {
        let path = saved(folder.path(), name, &bytes);
        let text = read(&path).unwrap_err().to_string();
        assert!(text.contains("IM0001") && text.contains(reason), "{text}");
    }
    // A member that is no plain file.
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Symlink);
    header.set_size(0);
    builder
        .append_link(&mut header, "study/IM0001", "/etc/passwd")
        .unwrap();
    let path = saved(folder.path(), "link.tar", &builder.into_inner().unwrap());
    let text = read(&path).unwrap_err().to_string();
    assert!(text.contains("is a link"), "{text}");
}

#[test]
fn damaged_archives_are_refused_or_told() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in archives(&series()) {
        let step = (bytes.len() / 40).max(1);
        for end in (600..bytes.len() - 1).step_by(step) {
            let path = saved(folder.path(), name, &bytes[..end]);
            // A tar without its last blocks holds all files; that its end is missing is told.
            let told = match read_as::<i16>(&path) {
                Ok(image) => {
                    assert!(name.ends_with("tar"), "{name} cut at {end} was read");
                    !image.warnings().is_empty() || image == expected()
                }
                Err(error) => error.to_string().contains(name),
            };
            assert!(told, "{name} cut at {end}");
        }
        // Any byte of a member: its check sum, or DICOM itself, finds it, or no voxel is other.
        if name.ends_with("zip") {
            let marks = bytes.windows(4).enumerate();
            let marks = marks.filter(|(_, window)| *window == b"PK\x03\x04");
            // The first is a folder; a header takes 30 bytes and the name.
            let start = marks.map(|(at, _)| at).nth(2).unwrap() + 30 + 15;
            for at in (start..start + 180).step_by(7) {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x55;
                let path = saved(folder.path(), name, &damaged);
                let text = match read(&path) {
                    Ok(image) => format!("{:?}", image.warnings()),
                    Err(error) => error.to_string(),
                };
                assert!(text.contains("IM0002"), "{name}, byte {at}: {text}");
            }
        }
    }
}

/// A DICOM slice behind which zeros follow.
fn bomb(length: usize) -> Vec<u8> {
    let mut bytes = slice(1.0, [1; 6], &[]);
    bytes.resize(length, 0);
    bytes
}

#[test]
fn archives_that_were_made_to_fill_the_memory_are_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let large = bomb(300 << 20);
    let packed = gzip(&large);
    let files = [("IM0001".to_owned(), large)];
    let archives = [
        ("a.zip", zip_of(&files, CompressionMethod::Deflated)),
        ("a.tgz", gzip(&tar_of(&files))),
        ("a.dcm.gz", packed),
    ];
    for (name, bytes) in archives {
        let path = saved(folder.path(), name, &bytes);
        let start = Instant::now();
        let error = read(&path).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(2), "{name}");
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("200 times"), "{text}");
        assert_eq!(error.remedy(), None::<Remedy>);
    }
    // Many small ones.
    let many: Vec<File> = (0..40)
        .map(|i| (format!("IM{i}"), bomb(16 << 20)))
        .collect();
    let bytes = zip_of(&many, CompressionMethod::Deflated);
    let path = saved(folder.path(), "many.zip", &bytes);
    let text = read(&path).unwrap_err().to_string();
    assert!(text.contains("200 times"), "{text}");
    assert!(Path::new(&path).exists());
}

#[test]
fn a_deflated_data_set_that_was_made_to_fill_the_memory_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut deflate = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        deflate.write_all(&zeros).unwrap();
    }
    let mut bytes = vec![0; 128];
    bytes.extend(b"DICM");
    let syntax = b"1.2.840.10008.1.2.1.99";
    bytes.extend(crate::dicom_writer::element(0x0002_0010, b"UI", syntax));
    bytes.extend(deflate.finish().unwrap());
    let path = saved(folder.path(), "a.dcm", &bytes);
    let text = read(&path).unwrap_err().to_string();
    assert!(text.contains("200 times"), "{text}");
}
