//! MetaImage and NRRD from end to end, and reading in parts, which is the same for every format.

use std::path::Path;
use vesalius_io::{
    Error, Extension, Format, FourthAxis, LabelName, NiftiVersion, ReadOptions, WriteOptions, open,
    open_with, probe, read_as, read_as_with, read_labels, write_labels_with, write_with,
};
use vesalius_volume::{Affine, Geometry, LabelMap, Volume};

const NAMES: [&str; 8] = [
    "a.nii", "a.nii.gz", "a.hdr", "a.img.gz", "a.mha", "a.mhd", "a.nrrd", "a.nhdr",
];

fn sheared(size: [usize; 3]) -> Geometry {
    let linear = [
        [-0.75, 0.125, 0.25],
        [0.125, 0.875, -0.5],
        [0.0625, 0.25, 2.5],
    ];
    Geometry::new(
        size,
        Affine::from_linear(linear, [90.5, -126.25, -72.75]).unwrap(),
    )
    .unwrap()
}

fn close(a: &Geometry, b: &Geometry) {
    assert_eq!(a.size(), b.size());
    for (r, s) in a.affine().rows().iter().zip(b.affine().rows()) {
        for (v, w) in r.iter().zip(s) {
            assert!((v - w).abs() < 1e-12, "{a:?} {b:?}");
        }
    }
}

fn options(compress: bool) -> WriteOptions {
    WriteOptions {
        compress,
        ..WriteOptions::default()
    }
}

fn channels() -> ReadOptions {
    ReadOptions {
        fourth_axis: FourthAxis::Channels,
        ..ReadOptions::default()
    }
}

#[test]
fn every_format_keeps_voxels_and_position() {
    let folder = tempfile::tempdir().unwrap();
    for name in NAMES {
        for (compress, planes) in [(true, 1), (false, 1), (true, 3), (false, 3)] {
            let path = folder.path().join(name);
            let geometry = sheared([5, 4, 3]);
            let data = (0..60 * planes).map(|i| i as i16 * 37 - 900).collect();
            let volume = Volume::new(geometry, planes, data).unwrap();
            write_with(&path, &volume, &options(compress)).unwrap();
            let back = read_as_with::<i16>(&path, &channels()).unwrap();
            close(back.geometry(), &geometry);
            assert_eq!(back.data(), volume.data(), "{name} {compress} {planes}");
            assert_eq!(probe(&path).unwrap().channels, planes);
        }
    }
}

#[test]
fn parts_are_the_same_as_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    for name in NAMES {
        for planes in [1, 2] {
            let path = folder.path().join(name);
            let data = (0..7 * 6 * 5 * planes).map(|i| i as f32 / 3.0).collect();
            let volume = Volume::new(sheared([7, 6, 5]), planes, data).unwrap();
            write_with(&path, &volume, &options(planes == 1)).unwrap();
            let image = open_with(&path, &channels()).unwrap();
            let (start, size) = ([2, 1, 3], [4, 3, 2]);
            let region = image.read_region::<f64>(start, size).unwrap();
            close(
                region.geometry(),
                &volume.geometry().region([2, 1, 3], size).unwrap(),
            );
            for channel in 0..planes {
                for z in 0..2 {
                    for y in 0..3 {
                        for x in 0..4 {
                            let want = volume.get(channel, [x + 2, y + 1, z + 3]);
                            assert_eq!(region.get(channel, [x, y, z]), f64::from(want), "{name}");
                        }
                    }
                }
            }
            let mut seen = 0;
            for slab in image.slabs::<f32>(2).unwrap() {
                let slab = slab.unwrap();
                let slice = 42;
                for c in 0..slab.volume.channels() {
                    let whole = &volume.channel(slab.channel + c)[slab.z * slice..];
                    let part = slab.volume.channel(c);
                    assert_eq!(part, &whole[..part.len()], "{name}");
                    seen += part.len();
                }
            }
            assert_eq!(seen, volume.data().len(), "{name}");
            let outside = image.read_region::<f32>([4, 0, 0], [4, 1, 1]).unwrap_err();
            assert!(matches!(outside, Error::Region { .. }), "{outside}");
            let huge = image.read_region::<f32>([0; 3], [usize::MAX; 3]);
            assert!(matches!(huge.unwrap_err(), Error::Region { .. }));
        }
    }
}

#[test]
fn names_and_colours_of_labels_stand_in_the_nrrd() {
    let folder = tempfile::tempdir().unwrap();
    let labels = LabelMap::from_fn(sheared([4, 4, 4]), |[x, ..]| x as u16);
    let names = vec![LabelName {
        value: 3,
        name: "left: kidney".to_owned(),
        color: [255, 0, 51],
        layer: 0,
    }];
    let options = WriteOptions {
        labels: names.clone(),
        ..WriteOptions::default()
    };
    for name in ["a.seg.nrrd", "a.nhdr"] {
        let path = folder.path().join(name);
        write_labels_with(&path, &labels, &options).unwrap();
        assert_eq!(read_labels(&path).unwrap(), labels);
        assert_eq!(probe(&path).unwrap().labels, names);
    }
}

#[test]
fn names_and_colours_of_labels_stand_in_the_nifti_beside_its_other_extensions() {
    let folder = tempfile::tempdir().unwrap();
    let labels = LabelMap::from_fn(sheared([4, 4, 4]), |[x, ..]| x as u16);
    let label = |value: u32, name: &str| LabelName {
        value,
        name: name.to_owned(),
        color: [255, 0, 51],
        layer: 0,
    };
    let comment = Extension {
        code: 6,
        data: b"ordered by Doe".to_vec(),
    };
    let path = folder.path().join("a.nii.gz");
    let options = WriteOptions {
        labels: vec![label(3, "left: kidney")],
        extensions: vec![comment],
        ..WriteOptions::default()
    };
    write_labels_with(&path, &labels, &options).unwrap();
    assert_eq!(read_labels(&path).unwrap(), labels);
    assert_eq!(probe(&path).unwrap().labels, options.labels);
    // Written again with what was read, other names take the place of the first.
    for (name, version) in [("b.nii", NiftiVersion::Two), ("c.hdr", NiftiVersion::One)] {
        let again = WriteOptions {
            labels: vec![label(1, "liver"), label(2, "größer")],
            extensions: open(&path).unwrap().extensions().to_vec(),
            nifti_version: version,
            ..WriteOptions::default()
        };
        let other = folder.path().join(name);
        write_labels_with(&other, &labels, &again).unwrap();
        assert_eq!(read_labels(&other).unwrap(), labels);
        assert_eq!(probe(&other).unwrap().labels, again.labels);
        let kept = open(&other).unwrap();
        assert!(kept.extensions()[0].data.starts_with(b"ordered by Doe"));
        assert_eq!(kept.extensions().len(), 2);
    }
}

fn text(folder: &Path, name: &str, content: &str) -> std::path::PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

const META: &str = "ObjectType = Image\nNDims = 3\nDimSize = 2 1 3\nElementSpacing = 1 1 2\n";

#[test]
fn text_voxels_lists_and_patterns_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let ascii = text(
        at,
        "a.mha",
        &format!(
            "{META}BinaryData = False\nElementType = MET_SHORT\nElementDataFile = LOCAL\n1 -2 3\n4 5 6\n"
        ),
    );
    assert_eq!(read_as::<i16>(&ascii).unwrap().data(), [1, -2, 3, 4, 5, 6]);
    // MetaImage's axes are LPS.
    let rows = read_as::<i16>(&ascii).unwrap().geometry().affine().rows();
    assert_eq!([rows[0][0], rows[1][1], rows[2][2]], [-1.0, -1.0, 2.0]);
    for i in 1..=3u8 {
        std::fs::write(at.join(format!("s{i:02}.raw")), [i, 10 * i]).unwrap();
    }
    let head = format!("{META}ElementType = MET_UCHAR\n");
    let list = text(
        at,
        "l.mhd",
        &format!("{head}ElementDataFile = LIST\ns01.raw\ns02.raw\ns03.raw\n"),
    );
    let pattern = text(
        at,
        "p.mhd",
        &format!("{head}ElementDataFile = s%02d.raw 1 3 1\n"),
    );
    let nrrd = text(
        at,
        "n.nhdr",
        "NRRD0005\ntype: uchar\ndimension: 3\nsizes: 2 1 3\nspace: RAS\nspace directions: (1,0,0) (0,1,0) (0,0,2)\n\
         space origin: (5,6,7)\nencoding: raw\ndata file: LIST\ns01.raw\ns02.raw\ns03.raw\n",
    );
    for path in [list, pattern, nrrd] {
        assert_eq!(read_as::<u8>(&path).unwrap().data(), [1, 10, 2, 20, 3, 30]);
        let part = open(&path).unwrap().read_region::<u8>([1, 0, 1], [1, 1, 2]);
        assert_eq!(part.unwrap().data(), [20, 30]);
    }
    let big = text(
        at,
        "b.nrrd",
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 1 1 2\nspace: left-anterior-superior\n\
         space directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (5,6,7)\nendian: big\nencoding: raw\n\n\x01\x02\x03\x04",
    );
    let big = read_as::<i16>(big).unwrap();
    assert_eq!(big.data(), [0x102, 0x304]);
    assert_eq!(big.geometry().origin(), [-5.0, 6.0, 7.0]);
}

#[test]
fn headers_that_lie_or_miss_something_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    // Each in its own folder: the files exist together until they are read.
    let next = std::cell::Cell::new(0);
    let place = || {
        next.set(next.get() + 1);
        let folder = at.join(next.get().to_string());
        std::fs::create_dir(&folder).unwrap();
        folder
    };
    let meta = |rest: &str| text(&place(), "x.mhd", &format!("{META}{rest}"));
    let nrrd = |rest: &str| {
        text(
            &place(),
            "x.nrrd",
            &format!("NRRD0004\ntype: uchar\ndimension: 3\nsizes: 2 2 2\nencoding: raw\n{rest}"),
        )
    };
    let placed = "space: LPS\nspace directions: (1,0,0) (0,1,0) (0,0,1)\nspace origin: (0,0,0)\n";
    for (path, needle) in [
        (
            meta("ElementType = MET_UCHAR\nElementDataFile = /etc/passwd\n"),
            "in the folder of the header",
        ),
        (
            meta("ElementType = MET_UCHAR\nElementDataFile = ../x.raw\n"),
            "in the folder of the header",
        ),
        (
            meta("ElementType = MET_OTHER\nElementDataFile = x.raw\n"),
            "MET_OTHER",
        ),
        (
            meta("ElementType = MET_UCHAR\nElementDataFile = missing.raw\n"),
            "missing.raw",
        ),
        (
            meta("ElementType = MET_UCHAR\nElementDataFile = LOCAL\n12"),
            "truncated",
        ),
        (
            meta("ElementType = MET_UCHAR\nCompressedData = True\nElementDataFile = LOCAL\nxx"),
            "byte 0",
        ),
        (meta("ElementType = MET_UCHAR\n"), "ElementDataFile"),
        (nrrd("\n12345678"), "assume_spacing"),
        (nrrd(&format!("{placed}\n1234567")), "truncated"),
        (
            nrrd(&format!("{placed}data file: ../../secret\n\n")),
            "in the folder of the header",
        ),
        (
            nrrd(&placed.replace("LPS", "3D-left-handed")),
            "3d-left-handed",
        ),
        (nrrd(&placed.replace("(0,0,1)", "(0,1,0)")), "one plane"),
        (
            text(&place(), "y.nrrd", "NRRD0004\ntype: block\nsizes: 1\n"),
            "block",
        ),
        (
            text(
                &place(),
                "y.nrrd",
                "NRRD0004\ntype: uchar\ndimension: 3\nsizes: 99999999999 99999999 99999999\n",
            ),
            "address",
        ),
    ] {
        let found = std::fs::read_to_string(&path).unwrap();
        let error = read_as::<u8>(&path).unwrap_err().to_string();
        assert!(error.contains(needle), "{error}\n{found}");
    }
    let unplaced = nrrd("\n12345678");
    let assume = ReadOptions {
        assume_spacing: Some([1.0; 3]),
        ..ReadOptions::default()
    };
    assert_eq!(
        read_as_with::<u8>(&unplaced, &assume).unwrap().data(),
        b"12345678"
    );
    assert!(matches!(
        probe(at.join("none.nrrd")).unwrap_err(),
        Error::Read { .. }
    ));
    assert_eq!(
        open_with(unplaced, &assume).unwrap().info().format,
        Format::Nrrd
    );
}
