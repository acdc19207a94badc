//! Archives for tests, good and bad.

use std::io::Write;

/// The list of two cases.
pub const LIST: &str = r#"{"name": "test", "modality": {"0": "MRI"}, "labels": {"0": "background", "1": "organ"},
    "training": [{"image": "./imagesTr/a.nii.gz", "label": "./labelsTr/a.nii.gz"},
                 {"image": "./imagesTr/b.nii.gz", "label": "./labelsTr/b.nii.gz"}],
    "test": ["./imagesTs/c.nii.gz"]}"#;

/// The files of a dataset below a folder, with bytes that do not compress.
pub fn dataset(folder: &str) -> Vec<(String, Vec<u8>)> {
    let mut state = 1_u32;
    let mut noise = |length: usize| -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length);
        for _ in 0..length {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            bytes.push((state >> 24) as u8);
        }
        bytes
    };
    let mut files = vec![(format!("{folder}/dataset.json"), LIST.as_bytes().to_vec())];
    for name in [
        "imagesTr/a",
        "imagesTr/b",
        "labelsTr/a",
        "labelsTr/b",
        "imagesTs/c",
    ] {
        files.push((format!("{folder}/{name}.nii.gz"), noise(300_000)));
    }
    files.push((format!("{folder}/imagesTr/._a.nii.gz"), vec![1, 2]));
    files
}

pub fn tar(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        archive
            .append_data(&mut header(bytes.len()), name, bytes.as_slice())
            .unwrap();
    }
    archive.into_inner().unwrap()
}

/// An archive with one entry of a kind, and a name that no library would write.
pub fn raw_tar(name: &str, kind: tar::EntryType, link: Option<&str>) -> Vec<u8> {
    let mut head = header(if kind.is_file() { 4 } else { 0 });
    head.set_entry_type(kind);
    let field = &mut head.as_old_mut().name;
    field[..name.len()].copy_from_slice(name.as_bytes());
    if let Some(link) = link {
        head.set_link_name(link).unwrap();
    }
    head.set_cksum();
    let mut archive = tar::Builder::new(Vec::new());
    let data: &[u8] = if kind.is_file() { b"evil" } else { b"" };
    archive.append(&head, data).unwrap();
    archive.into_inner().unwrap()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(name.as_str(), options).unwrap();
        archive.write_all(bytes).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn header(size: usize) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size as u64);
    header.set_mode(0o644);
    header
}
