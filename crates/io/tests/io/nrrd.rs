//! NRRD: every encoding, skipped lines and bytes, data files, orders of axes and spaces.

use crate::shared::shared;
use std::io::Write;
use std::path::{Path, PathBuf};
use vesalius_io::{
    ColorAs, ConvertOptions, Error, FourthAxis, ReadOptions, convert, open_with, probe, read,
    read_as_with, write,
};
use vesalius_volume::{Geometry, Volume, Warning};

/// 4 × 3 × 2 voxels of two bytes.
fn voxels() -> Vec<u8> {
    (0..24i16)
        .flat_map(|i| (i * 300 - 900).to_le_bytes())
        .collect()
}

fn header(more: &str) -> String {
    format!(
        "NRRD0005\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 3 2\n\
         space directions: (0.5,0,0) (0,0.5,0) (0,0,3)\nkinds: domain domain domain\n\
         endian: little\nspace origin: (-10,-20,30)\n{more}"
    )
}

fn saved(folder: &Path, name: &str, parts: &[&[u8]]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, parts.concat()).unwrap();
    path
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    let digits = bytes.iter().enumerate();
    let text = digits.map(|(i, b)| match i % 7 {
        6 => format!("{b:02X}\n"),
        _ => format!("{b:02x}"),
    });
    text.collect::<String>().into_bytes()
}

fn text(bytes: &[u8]) -> Vec<u8> {
    let (values, _) = bytes.as_chunks::<2>();
    let words: Vec<String> = values
        .iter()
        .map(|b| i16::from_le_bytes(*b).to_string())
        .collect();
    words.join(" ").into_bytes()
}

/// Whole, and in parts.
fn check(path: &Path) {
    let whole = read_as_with::<i16>(path, &ReadOptions::default()).unwrap();
    let expected: Vec<i16> = (0..24).map(|i| i * 300 - 900).collect();
    assert_eq!(whole.data(), expected, "{}", path.display());
    let file = open_with(path, &ReadOptions::default()).unwrap();
    let part = file.read_region::<i16>([1, 1, 1], [2, 1, 1]).unwrap();
    assert_eq!(part.data(), [17 * 300 - 900, 18 * 300 - 900]);
    assert_eq!(file.read_lean::<i16>().unwrap(), whole);
}

type Encode = fn(&[u8]) -> Vec<u8>;

const ENCODINGS: [(&str, Encode); 9] = [
    ("raw", |bytes| bytes.to_vec()),
    ("gzip", gzip),
    ("gz", gzip),
    ("bzip2", bzip2),
    ("bz2", bzip2),
    ("hex", hex),
    ("text", text),
    ("txt", text),
    ("ascii", text),
];

#[test]
fn every_encoding_is_read_with_skipped_lines_and_bytes_inside_and_beside_the_header() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, encode) in ENCODINGS {
        let data = encode(&voxels());
        let encoding = header(&format!("encoding: {name}\n"));
        check(&saved(at, "a.nrrd", &[encoding.as_bytes(), b"\n", &data]));
        saved(at, "a.data", &[&data]);
        let beside = format!("{encoding}data file: a.data\n");
        check(&saved(at, "a.nhdr", &[beside.as_bytes()]));
        saved(at, "a.data", &[b"a line\nanother, longer one\r\n", &data]);
        let lines = format!("{beside}line skip: 2\n");
        check(&saved(at, "lines.nhdr", &[lines.as_bytes()]));
        // Bytes are skipped in what is unpacked, or in the text, and after the lines.
        let packed = matches!(name, "gzip" | "gz" | "bzip2" | "bz2");
        let skipped = match packed {
            true => encode(&[&[7; 5], &voxels()[..]].concat()),
            false => [b"#####", &data[..]].concat(),
        };
        saved(at, "a.data", &[b"a line\n", &skipped]);
        let both = format!("{beside}line skip: 1\nbyte skip: 5\n");
        check(&saved(at, "both.nhdr", &[both.as_bytes()]));
    }
}

#[test]
fn a_byte_skip_of_minus_one_takes_the_end_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    saved(at, "a.data", &[b"whatever comes first", &voxels()]);
    let raw = header("encoding: raw\nbyte skip: -1\ndata file: a.data\n");
    check(&saved(at, "a.nhdr", &[raw.as_bytes()]));
    for other in [
        "encoding: bzip2\nbyte skip: -1",
        "encoding: raw\nbyte skip: -2",
    ] {
        let other = header(&format!("{other}\ndata file: a.data\n"));
        let error = read(saved(at, "b.nhdr", &[other.as_bytes()])).unwrap_err();
        assert!(error.to_string().contains("byte skip"), "{error}");
    }
}

#[test]
fn data_files_of_a_list_and_of_a_pattern_are_joined() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (i, slice) in voxels().chunks(24).enumerate() {
        saved(at, &format!("s{:02}.raw", i + 8), &[b"x\n", slice]);
    }
    for more in [
        "encoding: raw\nline skip: 1\ndata file: LIST\ns08.raw\ns09.raw\n",
        "encoding: raw\nbyte skip: 2\ndata file: s%02d.raw 8 9 1\n",
        "encoding: raw\nbyte skip: -1\ndatafile: s%02d.raw 8 9 1 2\n",
    ] {
        check(&saved(at, "a.nhdr", &[header(more).as_bytes()]));
    }
    for (name, encode) in ENCODINGS {
        for (i, slice) in voxels().chunks(24).enumerate() {
            saved(at, &format!("p{i}.data"), &[&encode(slice)]);
        }
        let list = header(&format!(
            "encoding: {name}\ndata file: LIST\np0.data\np1.data\n"
        ));
        check(&saved(at, "p.nhdr", &[list.as_bytes()]));
        saved(at, "p1.data", &[&encode(&[1, 2, 3, 4])]);
        let error = read(saved(at, "p.nhdr", &[list.as_bytes()])).unwrap_err();
        assert!(error.to_string().contains("p1.data"), "{name}: {error}");
    }
}

#[test]
fn an_axis_that_is_not_space_may_be_between_those_of_space() {
    let folder = tempfile::tempdir().unwrap();
    let size = [4, 3, 2];
    // Channel 1 has 100 more than channel 0.
    let value = |[x, y, z]: [usize; 3], c: usize| (x + 10 * y + 20 * z + 100 * c) as u8;
    for place in 0..4 {
        let mut axes = vec![0, 1, 2];
        axes.insert(place, 3);
        let mut data = Vec::new();
        let extent = [4, 3, 2, 2];
        for at in 0..48 {
            let (mut rest, mut index) = (at, [0; 4]);
            for &axis in &axes {
                index[axis] = rest % extent[axis];
                rest /= extent[axis];
            }
            data.push(value([index[0], index[1], index[2]], index[3]));
        }
        let vectors = ["(1,0,0)", "(0,1,0)", "(0,0,3)", "none"];
        let list = |words: &dyn Fn(usize) -> String| {
            axes.iter().map(|&a| words(a)).collect::<Vec<_>>().join(" ")
        };
        let text = format!(
            "NRRD0005\ntype: uchar\ndimension: 4\nspace: RAS\nsizes: {}\nspace directions: {}\n\
             kinds: {}\nspace origin: (0,0,0)\nencoding: gzip\n\n",
            list(&|a| extent[a].to_string()),
            list(&|a| vectors[a].to_owned()),
            list(&|a| if a == 3 { "list" } else { "domain" }.to_owned()),
        );
        let path = saved(folder.path(), "a.nrrd", &[text.as_bytes(), &gzip(&data)]);
        let image = read(&path).unwrap();
        assert_eq!((image.geometry().size(), image.channels()), (size, 2));
        for channel in 0..2 {
            for index in [[0, 0, 0], [3, 2, 1], [1, 2, 0]] {
                let expected = f32::from(value(index, channel));
                assert_eq!(image.get(channel, index), expected, "{place}");
            }
        }
        let file = open_with(&path, &ReadOptions::default()).unwrap();
        let part = file.read_region::<u8>([2, 1, 1], [1, 2, 1]).unwrap();
        assert_eq!(part.get(1, [0, 1, 0]), value([2, 2, 1], 1), "{place}");
    }
}

#[test]
fn spaces_of_the_machine_are_read_with_a_warning_and_others_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let grid = |space: &str| {
        let text = header("encoding: raw\n").replace("left-posterior-superior", space);
        saved(
            folder.path(),
            "a.nrrd",
            &[text.as_bytes(), b"\n", &voxels()],
        )
    };
    let lps = read(grid("left-posterior-superior")).unwrap();
    assert!(lps.warnings().is_empty());
    for space in ["scanner-xyz", "scanner-xyz-time", "3D-right-handed"] {
        let image = read(grid(space)).unwrap();
        assert_eq!(image.geometry(), lps.geometry(), "{space}");
        let told = &image.warnings()[0];
        assert!(matches!(told, Warning::FieldTakenAs { .. }), "{told}");
    }
    for space in [
        "LAS",
        "left-anterior-superior",
        "RAS",
        "right-anterior-superior-time",
    ] {
        assert!(read(grid(space)).unwrap().warnings().is_empty());
    }
    for space in ["3D-left-handed", "elsewhere"] {
        let error = read(grid(space)).unwrap_err();
        assert!(matches!(error, Error::NoGeometry { .. }), "{error}");
    }
}

#[test]
fn encodings_that_are_cut_short_or_lie_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    for (name, encode) in ENCODINGS {
        let encoding = header(&format!("encoding: {name}\n\n"));
        let data = encode(&voxels());
        for cut in [1, 3, data.len() / 2, data.len()] {
            let kept = &data[..data.len() - cut];
            let path = saved(at, "cut.nrrd", &[encoding.as_bytes(), kept]);
            let result = read(&path);
            if matches!(name, "text" | "txt" | "ascii") && cut < 4 {
                // Digits of the last number are missing: it is another number.
                continue;
            }
            let error = result.unwrap_err();
            assert!(
                error.to_string().contains("cut.nrrd"),
                "{name} {cut}: {error}"
            );
        }
        // A size that the data cannot have is refused before memory is.
        let huge = encoding.replace("sizes: 4 3 2", "sizes: 1000 1000 1000");
        let path = saved(at, "huge.nrrd", &[huge.as_bytes(), &data]);
        let error = read(&path).unwrap_err();
        assert!(
            matches!(error, Error::Truncated { .. } | Error::Compression { .. }),
            "{name}: {error}"
        );
        let limited = ReadOptions {
            max_bytes: 1 << 20,
            ..ReadOptions::default()
        };
        let file = open_with(&path, &limited);
        if let Ok(file) = file {
            assert!(file.read::<i16>().is_err());
            assert!(
                file.slabs::<i16>(1)
                    .map(|mut s| s.next().unwrap().is_err())
                    .unwrap_or(true)
            );
        }
    }
    let bad = header("encoding: hex\n\n");
    let mut digits = hex(&voxels());
    digits[8] = b'g';
    let error = read(saved(at, "bad.nrrd", &[bad.as_bytes(), &digits])).unwrap_err();
    assert!(
        error.to_string().contains("byte 4 of the hexadecimal data"),
        "{error}"
    );
    let lines = header("encoding: raw\nline skip: 9\n\n");
    let error = read(saved(
        at,
        "lines.nrrd",
        &[lines.as_bytes(), b"a\nb\n", &voxels()],
    ));
    assert!(error.unwrap_err().to_string().contains("line skip"));
}

#[test]
fn a_bzip2_bomb_stops_at_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let zeros = vec![0; 1 << 26];
    let encoding = header("encoding: bzip2\n\n").replace("sizes: 4 3 2", "sizes: 4096 4096 2");
    let path = saved(
        folder.path(),
        "a.nrrd",
        &[encoding.as_bytes(), &bzip2(&zeros)],
    );
    let limited = ReadOptions {
        max_bytes: 1 << 22,
        ..ReadOptions::default()
    };
    let error = read_as_with::<i16>(&path, &limited).unwrap_err();
    assert!(matches!(error, Error::TooLarge { .. }), "{error}");
    let file = open_with(&path, &limited).unwrap();
    assert!(matches!(
        file.read_region::<i16>([0; 3], [1; 3]),
        Err(Error::TooLarge { .. })
    ));
}

/// Values and positions that SimpleITK 2 reads; bzip2 it does not read, and the values are those of `hex.nrrd`.
#[test]
fn shared_files_are_read_as_simpleitk_reads_them() {
    let options = ReadOptions {
        color: ColorAs::Channels,
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    };
    for (name, channels, sum) in [
        ("bz2.nrrd", 1, 3_851_121),
        ("hex.nrrd", 1, 3_851_121),
        ("lineskip.nhdr", 1, 3_851_121),
        ("scanner.nrrd", 1, 3_851_121),
        ("none_mid.nrrd", 2, 15_360_375),
        ("rgb.nrrd", 3, 0),
    ] {
        let Some(path) = shared(&format!("cases/images/nrrd/{name}")) else {
            return;
        };
        let image = read_as_with::<i16>(&path, &options).unwrap();
        let geometry = image.geometry();
        assert_eq!(
            (geometry.size(), image.channels()),
            ([4, 5, 6], channels),
            "{name}"
        );
        assert_eq!(
            geometry.origin(),
            [10.0, 20.0, 30.0],
            "{name}: LPS is turned to RAS"
        );
        assert_eq!(geometry.spacing(), [0.7, 0.7, 3.0], "{name}");
        // NumPy's array is interleaved.
        let voxels = geometry.voxel_count();
        let value = |at: usize| image.data()[at % channels * voxels + at / channels];
        let found: i64 = (0..voxels * channels)
            .map(|at| i64::from(value(at)) * (at as i64 + 1))
            .sum();
        assert_eq!(found, sum, "{name}");
    }
}

#[test]
fn a_conversion_writes_channels_that_were_inside_first() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([3, 2, 2], [1.0; 3]).unwrap();
    let (path, copy) = (folder.path().join("a.nrrd"), folder.path().join("b.nrrd"));
    let image = Volume::new(grid, 2, (0..24u8).collect()).unwrap();
    write(&path, &image).unwrap();
    convert(&path, &copy, &ConvertOptions::default()).unwrap();
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(&path).unwrap());
    assert_eq!(probe(&copy).unwrap().channels, 2);
}
