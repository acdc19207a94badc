//! Images in memory and in streams: what a file gives, its bytes give, and what is written is the file.

use crate::dicom_writer::{directory, save, slice};
use std::io::{Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use vesalius_io::{
    Error, Format, ImageBytes, PictureKind, ReadOptions, WriteOptions, labels_to_bytes,
    picture_to_bytes, probe, read, read_bytes, read_from, read_labels, read_labels_bytes,
    read_labels_from, read_picture, to_bytes, write_labels_to, write_labels_with, write_picture,
    write_to, write_with,
};
use vesalius_volume::{ErrorKind, Geometry, LabelMap, Volume};

fn image(channels: usize) -> Volume<i16> {
    let grid = Geometry::axis_aligned([13, 9, 5], [0.5, 1.0, 2.0]).unwrap();
    let values = (0..grid.voxel_count() * channels).map(|at| (at * 7919 % 4001) as i16);
    Volume::new(grid, channels, values.collect()).unwrap()
}

fn plain() -> WriteOptions {
    WriteOptions {
        compress: false,
        ..WriteOptions::default()
    }
}

/// Every form that is one file: its name, its format, and its options.
fn forms() -> Vec<(&'static str, Format, WriteOptions)> {
    let packed = WriteOptions::default;
    vec![
        ("a.nii", Format::Nifti1, plain()),
        ("a.nii.gz", Format::Nifti1, packed()),
        ("a.mha", Format::MetaImage, packed()),
        ("b.mha", Format::MetaImage, plain()),
        ("a.nrrd", Format::Nrrd, packed()),
        ("b.nrrd", Format::Nrrd, plain()),
        ("a.mgz", Format::Mgh, packed()),
        ("b.mgh", Format::Mgh, plain()),
    ]
}

fn text(result: Result<Volume<f32>, Error>, name: &str) -> String {
    result.unwrap_err().to_string().replace(name, "NAME")
}

#[test]
fn what_is_written_into_a_stream_is_the_file_and_reads_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let usual = ReadOptions::default();
    for (name, format, options) in forms() {
        let path = folder.path().join(name);
        for channels in [1, 3] {
            let image = image(channels);
            write_with(&path, &image, &options).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(to_bytes(&image, format, &options).unwrap(), bytes, "{name}");
            let mut stream = b"before".to_vec();
            write_to(&image, format, &mut stream, &options).unwrap();
            assert_eq!(&stream[6..], &bytes[..], "{name}");

            let channels = ReadOptions {
                fourth_axis: vesalius_io::FourthAxis::Channels,
                ..ReadOptions::default()
            };
            let expected = vesalius_io::read_as_with::<i16>(&path, &channels).unwrap();
            let held = ImageBytes::new(bytes.clone()).named(&path).format(format);
            let found = held.read_as::<i16>(&channels).unwrap();
            assert_eq!(found, expected, "{name}");
            assert_eq!(found.warnings(), expected.warnings(), "{name}");
            assert_eq!(
                held.probe(&channels).unwrap(),
                probe(&path).unwrap(),
                "{name}"
            );
            // From the stream's position, not from its beginning.
            let mut stream = Cursor::new(stream);
            stream.set_position(6);
            let read = ImageBytes::from_reader(&mut stream, &usual).unwrap();
            assert_eq!(read.read_as::<i16>(&channels).unwrap(), expected, "{name}");
            let file = held.open(&channels).unwrap();
            let (start, size) = ([2, 3, 1], [5, 4, 3]);
            let region = file.read_region::<i16>(start, size).unwrap();
            let on_disk = vesalius_io::open_with(&path, &channels).unwrap();
            assert_eq!(region, on_disk.read_region(start, size).unwrap(), "{name}");
            assert_eq!(file.read_lean::<i16>().unwrap(), expected, "{name}");
        }
    }
    let second = to_bytes(&image(1), Format::Nifti2, &plain()).unwrap();
    let second = ImageBytes::new(second);
    assert_eq!(second.probe(&usual).unwrap().format, Format::Nifti2);
    let refused = to_bytes(&image(1), Format::Dicom, &plain()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[test]
fn labels_go_into_the_smallest_type_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let labels = LabelMap::from_fn(*image(1).geometry(), |[x, y, _]| (x * 40 * y) as u16);
    for (name, format, options) in forms() {
        let path = folder.path().join(name);
        write_labels_with(&path, &labels, &options).unwrap();
        let bytes = labels_to_bytes(&labels, format, &options).unwrap();
        assert_eq!(bytes, std::fs::read(&path).unwrap(), "{name}");
        let mut stream = Vec::new();
        write_labels_to(&labels, format, &mut stream, &options).unwrap();
        assert_eq!(stream, bytes, "{name}");
        let usual = ReadOptions::default();
        assert_eq!(read_labels_bytes(&bytes, &usual).unwrap(), labels, "{name}");
        let streamed = read_labels_from(Cursor::new(&bytes), &usual).unwrap();
        assert_eq!(streamed, read_labels(&path).unwrap(), "{name}");
    }
}

#[test]
fn bytes_that_are_cut_short_or_changed_are_refused_as_their_file_is() {
    let folder = tempfile::tempdir().unwrap();
    for (name, format, options) in forms() {
        let path = folder.path().join(name);
        let bytes = to_bytes(&image(1), format, &options).unwrap();
        let length = bytes.len();
        for end in (0..length).step_by(97).chain([length - 9, length - 1]) {
            std::fs::write(&path, &bytes[..end]).unwrap();
            let from_path = text(read(&path), path.to_str().unwrap());
            let from_bytes = text(
                read_bytes(&bytes[..end], &ReadOptions::default()),
                "<memory>",
            );
            assert_eq!(from_bytes, from_path, "{name} cut at {end}");
        }
        let mut longer = bytes.clone();
        longer.extend([7; 40]);
        std::fs::write(&path, &longer).unwrap();
        let (from_path, from_bytes) = (
            read(&path).unwrap(),
            read_bytes(&longer, &ReadOptions::default()).unwrap(),
        );
        assert_eq!(from_path, from_bytes);
        // Behind the voxels of MGH are fields of the format.
        let told = usize::from(format != Format::Mgh);
        assert_eq!(from_path.warnings().len(), told, "{name}");
        assert_eq!(from_bytes.warnings().len(), told, "{name}");
    }
}

#[test]
fn a_dicom_file_reads_the_same_from_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = slice(3.0, [1, 2, 3, 4, 5, -6], &[(0x0028_1052, b"DS", b"-1000")]);
    let path = save(folder.path(), "a.dcm", &bytes);
    let held = ImageBytes::new(bytes.clone()).named(&path);
    let usual = ReadOptions::default();
    assert_eq!(held.read(&usual).unwrap(), read(&path).unwrap());
    assert_eq!(held.probe(&usual).unwrap(), probe(&path).unwrap());
    assert_eq!(held.read(&usual).unwrap().data()[5], -1006.0);
    for end in [0, 100, 140, 300, bytes.len() - 4] {
        std::fs::write(&path, &bytes[..end]).unwrap();
        let from_path = text(read(&path), path.to_str().unwrap());
        let from_bytes = text(read_bytes(&bytes[..end], &usual), "<memory>");
        assert_eq!(from_bytes, from_path, "cut at {end}");
    }
    let listed = directory(folder.path(), &[b"a.dcm"]);
    let listed = std::fs::read(listed).unwrap();
    let refused = read_bytes(&listed, &usual).unwrap_err();
    assert!(refused.to_string().contains("DICOMDIR"), "{refused}");
}

#[test]
fn what_needs_a_second_file_is_refused_from_one_stream() {
    let folder = tempfile::tempdir().unwrap();
    for (name, header) in [("a.hdr", "a.hdr"), ("a.mhd", "a.mhd"), ("a.nhdr", "a.nhdr")] {
        write_with(folder.path().join(name), &image(1), &plain()).unwrap();
        let bytes = std::fs::read(folder.path().join(header)).unwrap();
        let refused = read_bytes(&bytes, &ReadOptions::default()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{name}");
        let message = refused.to_string();
        assert!(
            message.contains("<memory>") && message.contains("by its path"),
            "{message}"
        );
    }
}

#[test]
fn another_format_than_asked_for_is_refused() {
    let bytes = to_bytes(&image(1), Format::Nrrd, &plain()).unwrap();
    let usual = ReadOptions::default();
    let held = ImageBytes::new(bytes).named("upload");
    let refused = held
        .clone()
        .format(Format::Nifti1)
        .read(&usual)
        .unwrap_err();
    let message = refused.to_string();
    assert!(
        message.contains("upload: the format is NRRD, expected NIfTI-1"),
        "{message}"
    );
    assert!(held.format(Format::Nrrd).read(&usual).is_ok());
    let second = to_bytes(&image(1), Format::Nifti2, &plain()).unwrap();
    let either = ImageBytes::new(second).format(Format::Nifti1);
    assert!(either.read(&usual).is_ok());
}

/// A stream with a large length and as much data.
struct Endless(u64);

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(0);
        Ok(buffer.len())
    }
}

impl Seek for Endless {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        Ok(match to {
            SeekFrom::End(_) => self.0,
            SeekFrom::Start(at) => at,
            SeekFrom::Current(_) => 0,
        })
    }
}

#[test]
fn headers_and_streams_that_lie_cost_no_memory() {
    let mut bytes = to_bytes(&image(1), Format::Nifti1, &plain()).unwrap();
    // 20,000 voxels along each axis.
    for axis in 0..3 {
        bytes[42 + 2 * axis..44 + 2 * axis].copy_from_slice(&20_000i16.to_le_bytes());
    }
    let usual = ReadOptions::default();
    let refused = read_bytes(&bytes, &usual).unwrap_err();
    assert!(matches!(refused, Error::Truncated { .. }), "{refused}");
    let packed = to_bytes(&image(1), Format::Nrrd, &WriteOptions::default()).unwrap();
    let small = ReadOptions {
        max_bytes: 1000,
        ..ReadOptions::default()
    };
    let refused = read_bytes(&packed, &small).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }), "{refused}");
    let refused = read_from(Endless(u64::MAX), &usual).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { .. }), "{refused}");
    let refused = read_from(Endless(5000), &usual).unwrap_err();
    assert!(matches!(refused, Error::NotAnImage { .. }), "{refused}");
}

#[test]
fn pictures_are_the_same_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let flat = Geometry::axis_aligned([5, 3, 1], [1.0, 1.0, 999.0]).unwrap();
    let labels: Vec<u16> = (0..15).collect();
    for (name, kind) in [
        ("a.png", PictureKind::Png),
        ("a.bmp", PictureKind::Bmp),
        ("a.tif", PictureKind::Tiff),
    ] {
        let path: PathBuf = folder.path().join(name);
        write_picture(&path, &flat, &labels).unwrap();
        let bytes = picture_to_bytes(&flat, &labels, kind).unwrap();
        assert_eq!(bytes, std::fs::read(&path).unwrap(), "{name}");
        let held = ImageBytes::new(&bytes[..]);
        assert_eq!(
            held.read_picture(&ReadOptions::new()).unwrap(),
            read_picture(&path).unwrap()
        );
        for end in [0, 3, 20, bytes.len() - 9] {
            let cut = ImageBytes::new(&bytes[..end]).read_picture(&ReadOptions::new());
            assert!(cut.is_err(), "{name} cut at {end}");
        }
    }
    let deep = Geometry::axis_aligned([5, 1, 3], [1.0, 1.0, 2.0]).unwrap();
    let refused = picture_to_bytes(&deep, &labels, PictureKind::Tiff).unwrap_err();
    assert!(refused.to_string().contains("`write_picture`"), "{refused}");
    let even = Geometry::axis_aligned([5, 1, 3], [1.0; 3]).unwrap();
    let stack = picture_to_bytes(&even, &labels, PictureKind::Tiff).unwrap();
    let read = ImageBytes::new(stack)
        .read_picture(&ReadOptions::new())
        .unwrap();
    assert_eq!(read.geometry(), &even);
    assert!(Path::new("a.json").metadata().is_err());
}
